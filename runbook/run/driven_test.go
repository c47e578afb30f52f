package run

import (
	"fmt"
	"slices"
	"strings"
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
	case Follow:
		d.must(Outcome{Cell: n.Cell.Key, Attempt: attemptOf(n.Cell), Verdict: d.verdict("outcome")})
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
	verbs := []Verb{VerbGo, VerbReply, VerbAnswer, VerbMarkDone, VerbRetry, VerbSkip, VerbMarkFailed, VerbContinue, VerbExclude, VerbRollBack}
	if d.luck > 0 {
		more := []Verb{VerbExclude, VerbPostpone, VerbRollBack, VerbRollBack, VerbCall, VerbFinish, VerbPause, VerbSkip}
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
		d.begin(d.r.Cell(c.Key))
		if next := d.r.Cell(c.Key); next.stopped() {
			d.shut(ask)
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
		e := ManualDone{Cell: c.Key}
		if c.Grant != nil {
			e.Gate = c.Grant.Gate
		}
		d.must(e)
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

func (d *driver) flight(c *Cell) {
	if c.Verifying() {
		d.must(taken(c, After, d.verdict("after")))
		return
	}
	d.must(Outcome{Cell: c.Key, Attempt: attemptOf(c), Verdict: d.verdict("exit")})
}

// shut closes the gates of an ask that are still open.
func (d *driver) shut(ask Ask) {
	for _, c := range ask.Cells() {
		if c = d.r.Cell(c.Key); c.Status == Gated {
			d.must(GateClosed{Cell: c.Key, Gate: c.Gate.Gate, Void: true, Why: "another did not succeed"})
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

// lockstep: nothing begins in an instance while another of its batch, which can
// go on, hasn't settled what stands before it.
func lockstep(t *rapid.T, r *Run, ask Ask) {
	if r.Called != nil {
		return
	}
	for _, c := range ask.Cells() {
		w, key := r.Instance(c)
		if w == nil {
			continue
		}
		own := r.instance(w, key)
		at := slices.IndexFunc(own, func(o *Cell) bool { return o.Plan.Step == c.Plan.Step })
		for _, batch := range r.Batches[w.ID] {
			if !slices.Contains(batch, key) {
				continue
			}
			for _, k := range batch {
				other := r.instance(w, k)
				if k == key || len(other) != len(own) || slices.ContainsFunc(other, (*Cell).stopped) {
					continue
				}
				if !settled(other[:at]) && other[at].Plan.Step.Book.ID == c.Plan.Step.Book.ID {
					t.Fatalf("%s begins before %s is through with what comes before it", c.Key, k)
				}
			}
		}
	}
}

// inBudget: while a walk has more failures than it may have, it stops.
func inBudget(t *rapid.T, world *world, ask Ask) {
	r := world.r
	if ask.Wait != WaitGo && ask.Wait != WaitManual && ask.Wait != WaitAsk && ask.Wait != WaitBatch || ask.Cell.stopped() || r.Called != nil {
		return
	}
	w, _ := r.Instance(ask.Cell)
	if w == nil || slices.ContainsFunc(w.Instances, holdsWalk) {
		return
	}
	failures, stopped := len(r.Excluded[w.ID]), false
	for _, k := range w.Keys {
		cells := r.instance(w, k)
		at := slices.IndexFunc(cells, func(c *Cell) bool { return !c.Status.Settled() })
		if at >= 0 && cells[at].stopped() {
			if r.Excluded[w.ID][k] == "" {
				failures++
			}
			stopped = stopped || r.entered(w)[k]
		}
	}
	if stopped && failures > w.Each.MaxFailures {
		t.Fatalf("%s is next although %d of %s have failed, and %d may:%s", ask.Cell.Key, failures, w.ID, w.Each.MaxFailures, world.story())
	}
}

func holdsWalk(n plan.Node) bool {
	s, ok := n.(*plan.Section)
	return ok && slices.ContainsFunc(s.Children, func(n plan.Node) bool {
		_, walk := n.(*plan.Walk)
		return walk || holdsWalk(n)
	})
}

// outOfWalks checks what happened last against the journal alone: nothing begins
// in an instance that was taken out or that no batch has entered; the canary goes
// first, alone, and soaks; no rollback goes past a wall.
func outOfWalks(t *rapid.T, w *world) {
	rec := w.records[len(w.records)-1]
	switch e := rec.Event.(type) {
	case Intent:
		began(t, w, e.Cell, e.Role)
		if e.Role == RoleRollback {
			noWall(t, w, w.r.Cell(e.Cell))
		}
	case ManualDone:
		began(t, w, e.Cell, RoleCommand)
	case BatchEntered:
		canary(t, w, e, rec)
	}
}

func began(t *rapid.T, w *world, k Key, role Role) {
	entered, out := map[string]bool{}, map[string]bool{}
	for _, rec := range w.records {
		switch e := rec.Event.(type) {
		case BatchEntered:
			for _, h := range e.Hosts {
				entered[fmt.Sprintf("%s[%s]", e.Walk, h)] = true
			}
		case InstanceExcluded:
			out[fmt.Sprintf("%s[%s]", e.Walk, e.Instance)] = true
		case InstanceIncluded:
			delete(out, fmt.Sprintf("%s[%s]", e.Walk, e.Instance))
		}
	}
	for p := k.Step; p != ""; p = parent(p) {
		if !strings.HasSuffix(p, "]") {
			continue
		}
		if !entered[p] {
			t.Fatalf("%s begins, and no batch has entered %s", k, p)
		}
		if out[p] && role == RoleCommand {
			t.Fatalf("%s begins, and %s was taken out", k, p)
		}
	}
}

func canary(t *rapid.T, w *world, e BatchEntered, rec Record) {
	walk, _ := w.p.Walk(e.Walk)
	if walk.Each.Canary == 0 {
		return
	}
	batches := w.r.Batches[walk.ID]
	if len(batches) == 1 && len(e.Hosts) > walk.Each.Canary {
		t.Fatalf("%d go first, and the canary is %d", len(e.Hosts), walk.Each.Canary)
	}
	if len(batches) < 2 {
		return
	}
	for _, k := range batches[0] {
		for _, c := range w.r.instance(walk, k) {
			if !c.Status.Settled() && len(batches) == 2 {
				t.Fatalf("%s are entered, and %s of the canary is %s", e.Hosts, c.Key, c.Status)
			}
			if rec.Wall.Sub(c.Ended) < walk.Each.Soak && c.Status == Succeeded {
				t.Fatalf("%s are entered %s after the canary, which soaks for %s", e.Hosts, rec.Wall.Sub(c.Ended), walk.Each.Soak)
			}
		}
	}
}

// noWall: no irreversible command went after this one, in its own instance or
// from where it counts for every host.
func noWall(t *rapid.T, w *world, c *Cell) {
	for _, o := range w.r.Cells {
		if !o.Plan.Step.Book.Irreversible || o.sent() <= c.sent() || o.Status != Succeeded && o.Status != Unknown {
			continue
		}
		own := strings.TrimSuffix(o.Key.Step, "/"+o.Plan.Step.Book.ID)
		if !strings.Contains(o.Key.Step, "[") || within(c.Key.Step, own) && strings.HasSuffix(own, "]") || !strings.Contains(c.Key.Step, "[") {
			t.Fatalf("%s is rolled back, and %s, which can't be undone, went after it", c.Key, o.Key)
		}
	}
}
