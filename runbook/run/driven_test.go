package run

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

// driver does what the run says is next, as an engine does, with outcomes and
// decisions that are drawn.
type driver struct {
	*world
	t    *rapid.T
	luck int // one in so many goes wrong; 0: nothing does
}

func (d *driver) must(e Event) {
	if err := d.add(e); err != nil {
		d.t.Fatalf("%T is next, and then: %v", Next(d.r), err)
	}
	dispatches(d.t, d.world, d.records[len(d.records)-1])
	oneProcess(d.t, d.world, d.records[len(d.records)-1])
	tended(d.t, d.r)
}

func (d *driver) bad(what string) bool { return d.luck > 0 && oneIn(d.t, d.luck, what) }

func (d *driver) verdict(what string) checks.Verdict {
	if d.bad(what) {
		return rapid.SampledFrom([]checks.Verdict{checks.Fail, checks.Fail, checks.Unknown}).Draw(d.t, what)
	}
	return checks.Pass
}

// step performs one decision; false: the run is over.
func (d *driver) step() bool {
	switch n := Next(d.r).(type) {
	case Order:
		keys := slices.Clone(n.Walk.Keys)
		slices.Reverse(keys)
		d.must(WalkOrdered{Walk: n.Walk.ID, Hosts: keys})
	case Enter:
		d.must(BatchEntered{Walk: n.Walk.ID, Hosts: n.Keys})
	case Decide:
		d.must(WhenDecided{Cell: n.Cell.Key, Applies: !d.bad("when")})
	case Take:
		d.must(taken(n.Cell, Before, d.verdict("check beside")))
	case Repeat:
		d.must(Asked{Cell: n.Cell.Key, Name: n.Cell.Plan.Step.Book.Question.Param.Name, Value: n.Value, Repeated: true})
	case Halt:
		d.must(Paused{Why: n.After})
	case Settle:
		d.must(Probed{Cell: n.Cell.Key, Attempt: attemptOf(n.Cell), Fate: "died"})
	case End:
		d.must(d.downOf(n.Cell, true))
	case Follow:
		if n.Cell.Starting() {
			d.flightBeside(n.Cell)
			break
		}
		d.must(Outcome{Cell: n.Cell.Key, Attempt: attemptOf(n.Cell), Verdict: d.verdict("outcome")})
	case Await:
		d.must(d.back(n.Cell))
	case Verify:
		phase := After
		if n.Cell.Status == RollingBack {
			phase = RollbackAfter
		}
		d.must(taken(n.Cell, phase, d.verdict("verify")))
	case Undo:
		d.undo(n.Cell)
	case Close:
		d.must(RunClosed{How: n.How})
	case Over:
		return false
	case Ask:
		inBudget(d.t, d.world, n)
		d.answer(n)
	}
	d.beside()
	return true
}

func (d *driver) undo(c *Cell) {
	if len(c.Fences(RollbackBefore)) > 0 {
		v := d.verdict("may undo")
		d.must(taken(c, RollbackBefore, v))
		if v != checks.Pass {
			return
		}
	}
	d.must(d.intent(d.r.Cell(c.Key), RoleRollback))
}

// answer does one of the things that are offered.
func (d *driver) answer(ask Ask) {
	if ask.Cell == nil {
		d.must(Continued{})
		return
	}
	if left := ask.Soak.Sub(d.now); left > 0 {
		err := d.copy().add(BatchEntered{Walk: ask.Walk.ID, Hosts: ask.Keys})
		if early := left > time.Second; early && err == nil { // an event takes one
			d.t.Fatalf("%s is entered while the soak lasts for another %s", ask.Keys, left)
		}
		d.now = d.now.Add(left)
	}
	offered := map[Verb]Availability{}
	for _, a := range d.r.Offers(ask, false, d.now) {
		if a.OK() {
			offered[a.Verb] = a
		}
	}
	verbs := []Verb{VerbAcknowledge, VerbGo, VerbReply, VerbAnswer, VerbMarkDone, VerbRetry, VerbSkip, VerbMarkFailed, VerbContinue, VerbExclude, VerbRollBack}
	if d.luck > 0 {
		more := []Verb{VerbExclude, VerbPostpone, VerbRollBack, VerbRollBack, VerbCall, VerbFinish, VerbPause, VerbSkip, VerbEdit, VerbAdHoc, VerbJump, VerbAgain}
		verbs = append([]Verb{rapid.SampledFrom(append(more, verbs[:5]...)).Draw(d.t, "verb")}, verbs...)
	}
	for _, v := range verbs {
		a, ok := offered[v]
		if !ok {
			continue
		}
		if v == VerbGo && ask.Wait == WaitGo || v == VerbAnswer {
			d.together(ask)
			return
		}
		if v == VerbRollBack && d.scoped(ask) {
			return
		}
		for _, e := range follow(d.world, ask, a)[:1] {
			d.must(e(ask.Cell))
		}
		return
	}
	d.t.Fatalf("%s of %s offers nothing that goes on: %v", ask.Wait, ask.Cell.Key, offered)
}

// scoped plans a rollback of the widest scope there is.
func (d *driver) scoped(ask Ask) bool {
	reaches := d.r.RollBacks(ask.Cell)
	for _, r := range slices.Backward(reaches) {
		if r.Why == "" {
			d.must(RollbackPlanned{Scope: r.Scope, Cells: r.Cells})
			return true
		}
	}
	return false
}

// together takes the cells of an ask as far as they go: one after the other,
// Parallel of them begun before the first has ended.
func (d *driver) together(ask Ask) {
	if ask.Parallel < 1 {
		d.t.Fatalf("%s lets %d cells run at a time", ask.Cell.Key, ask.Parallel)
	}
	lockstep(d.t, d.r, ask)
	if ask.Wait == WaitGo && !d.prepared(ask) {
		return
	}
	if ask.Cell.needsGate() && ask.Wait == WaitGo {
		lead := ""
		for _, c := range ask.Cells() {
			g := d.gate(d.r.Cell(c.Key))
			g.Phrase, g.Leader = d.r.PhraseFor(ask.Cells()), lead
			if lead == "" {
				lead = g.Gate
			}
			d.must(g)
		}
		return
	}
	for _, c := range ask.Cells() {
		if d.r.Outdated(d.r.Cell(c.Key)) {
			d.shut(ask, "what would run is no longer what was shown")
			return
		}
		if d.r.heldAt(d.r.Cell(c.Key)) != "" { // since one of them ended, that was brought forward
			d.shut(ask, "a monitor holds the run")
			return
		}
		d.begin(d.r.Cell(c.Key))
		if next := d.r.Cell(c.Key); next.stopped() {
			d.shut(ask, "another did not succeed")
			return
		}
	}
}

// prepared takes the probes and preconditions of the cells of an ask.
func (d *driver) prepared(ask Ask) bool {
	ok := true
	for _, c := range ask.Cells() {
		if len(c.Fences(Already)) > 0 && !c.Rerun {
			v := checks.Fail
			if d.bad("done already") {
				v = checks.Pass
			}
			d.must(taken(c, Already, v))
		}
		if c = d.r.Cell(c.Key); c.Status == Pending && len(c.Fences(Before)) > 0 {
			d.must(taken(c, Before, d.verdict("before")))
		}
		ok = ok && d.r.Cell(c.Key).Status == Pending
	}
	return ok && ask.Cell.Plan.Step.Kind != plan.Check
}

// begin sends a cell's command, with its grant where it is gated.
func (d *driver) begin(c *Cell) {
	if c.Status == Gated {
		d.must(d.grant(c))
		c = d.r.Cell(c.Key)
	}
	if c.Plan.Step.Kind != plan.Run {
		gate := ""
		if c.Grant != nil {
			gate = c.Grant.Gate
		}
		if c.Plan.Step.Kind == plan.Watch {
			d.must(WatchBegun{Cell: c.Key, Gate: gate})
		} else {
			d.must(ManualDone{Cell: c.Key, Gate: gate})
		}
		return
	}
	d.must(d.intent(c, RoleCommand))
	if d.bad("crash") {
		d.must(LeaseTaken{Holder: "another"})
	}
	for {
		c = d.r.Cell(c.Key)
		if f := inFlight(c); f == nil || c.Status == Unknown {
			return
		}
		d.flight(c)
	}
}

// back is the end of a wait for a host.
func (d *driver) back(c *Cell) Event {
	if !d.bad("back") {
		return Returned{Cell: c.Key, Attempt: attemptOf(c), Host: Identity{MachineID: "m", BootID: "b2"}}
	}
	return NotReturned{Cell: c.Key, Attempt: attemptOf(c), Stayed: c.Latest().Intent.Dispatch.Reboot, Why: "too late"}
}

func (d *driver) flight(c *Cell) {
	if c.Starting() {
		d.flightBeside(c)
		return
	}
	if c.lingers() {
		d.must(d.downOf(c, true))
		return
	}
	if c.Awaits() {
		d.must(d.back(c))
		return
	}
	if c.Verifying() {
		d.must(taken(c, After, d.verdict("after")))
		return
	}
	d.must(Outcome{Cell: c.Key, Attempt: attemptOf(c), Verdict: d.verdict("exit")})
}

// shut closes the gates of an ask that are still open.
func (d *driver) shut(ask Ask, why string) {
	for _, c := range ask.Cells() {
		if c = d.r.Cell(c.Key); c.Status == Gated {
			d.must(GateClosed{Cell: c.Key, Gate: c.Gate.Gate, Void: true, Why: why})
		}
	}
}

// Where nothing goes wrong, going on ends a run.
func TestARunThatGoesWellEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := &driver{world: newWorld(t, drawPlan(t)), t: t}
		for range 40 + 20*len(d.r.Cells) {
			if !d.step() {
				if d.r.Closed != Done {
					t.Fatalf("it ends %q", d.r.Closed)
				}
				return
			}
		}
		t.Fatalf("it goes on for ever, at %#v:%s", Next(d.r), d.story())
	})
}

// Where things go wrong, and people decide, a run never stands still, and keeps
// to its rules.
func TestARunThatGoesBadlyGoesOn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := &driver{world: newWorld(t, drawPlan(t)), t: t, luck: rapid.IntRange(2, 8).Draw(t, "luck")}
		for range 60 {
			before := len(d.records)
			if !d.step() {
				break
			}
			if len(d.records) == before {
				t.Fatalf("%#v changes nothing", Next(d.r))
			}
			outOfWalks(t, d.world)
		}
		if ref, err := Fold(d.p, d.records); err != nil || !same(d.r, ref) {
			t.Fatalf("a fold differs from one by one (%v)", err)
		}
		// From anywhere, good luck leads to the end.
		d.luck = 0
		for range 200 + 40*len(d.r.Cells) {
			if !d.step() {
				return
			}
		}
		t.Fatalf("it goes on for ever, at %#v:%s", Next(d.r), d.story())
	})
}
