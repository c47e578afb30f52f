package engine_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"stepgate/cmd/torture/tally"
	"stepgate/engine"
	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

// paired is front matter for steps on the pair.
const paired = "+++\ntitle = \"T\"\n[groups.pair]\nvars = [\"n\"]\n+++\n"

// everything is a run that uses every way of writing to the journal: checks,
// captures, gates, a walk with an order, a group, an attempt that dies, one that
// fails and is rolled back, and ticks.
var everything = paired + step("look", sh(".check", "look"), capture("v = lines[0]")) +
	step("change", sh(".check", "may"), sh("", "change"), sh(".check", "changed")) +
	step("drop", caution, sh(".irreversible", "drop")) +
	step("undo", sh("", "undo"), sh(".check", "undone"), sh(".rollback", "back")) +
	step("group", sh("on=pair .idempotent", "group")) +
	"\n## Each {#each each=pair order_by=\"host == 'a'\"}\n" + "\n> [!CAUTION]\n> Mind the walk.\n\n" +
	step("hop", sh(".irreversible", "hop"), sh(".check", "hopped")) + "\n## End {#end}\n\n" + step("tick")

func everythingStage(t *testing.T) *stage {
	st := newStage(t, everything)
	st.set("look", executortest.Script{Stdout: "value\n"})
	st.set("change", executortest.Script{Fate: executor.Died}) // its postcondition settles it
	st.set("undo", executortest.Script{Stdout: "tried\n"})
	st.set("undone", executortest.Script{Exit: 1})
	st.set("drop", executortest.Script{Stdout: strings.Repeat("dropped\n", 100)})
	return st
}

// together is a run whose cells go together: a canary, batches in lockstep behind
// gates, a question, probes, a group with several commands at a time, and a queue
// of rollbacks.
var together = trio + "## Each {#each each=trio batch=2 canary=1}\n\n" +
	"- [ ] How? {#how ask=how choices=\"fast,slow\"}\n" +
	step("hop", caution, sh(".check", "may"), sh(".irreversible", "hop"), sh(".check", "hopped")) +
	step("set", sh(".done", "isset"), sh("", "set")) + "\n## Rest {#rest}\n\n" +
	step("group", sh("on=trio parallel=2", "group"), sh(".check on=trio", "grouped")) + step("pick", sh("on=trio pick=\"host == 'b'\"", "pick")) +
	"\n## Try {#try}\n\n" + step("one", sh("", "one"), sh(".rollback", "unone")) + step("two", sh("", "two"), sh(".rollback", "untwo")) + step("undo", sh("", "undo"))

var togetherOnce = []string{
	"hop@a", "hop@b", "hop@c", "set@a", "set@c", "group@a", "group@b", "group@c", "pick@b", "one", "two", "undo", "untwo", "unone",
}

func togetherStage(t *testing.T) *stage {
	st := newStage(t, together)
	st.set("isset@b", executortest.Script{})
	st.set("isset@a", executortest.Script{Exit: 1})
	st.set("isset@c", executortest.Script{Exit: 1})
	st.set("undo", executortest.Script{Exit: 1})
	st.set("group@b", executortest.Script{Fate: executor.Died}) // its postcondition settles it
	return st
}

// walk does what an operator would, until the run is closed or can't go on. It
// returns the last snapshot.
func walk(t *testing.T, e *engine.Engine) *run.Snapshot {
	t.Helper()
	d := &driver{t: t, e: e}
	for range 200 {
		s := d.until("a question", func(s *run.Snapshot) bool {
			return s.ReadOnly != "" || s.Wait == run.WaitClosed || s.Busy == nil && s.Wait != run.WaitNothing
		})
		if s.ReadOnly != "" || s.Wait == run.WaitClosed {
			return s
		}
		err := e.Do(t.Context(), s.Current, s.Seq, next(t, s))
		var stale *run.StaleError
		var notNow *run.NotNowError
		if errors.As(err, &stale) || errors.As(err, &notNow) {
			t.Fatalf("%s at %s: %v", s.Wait, s.Current, err)
		}
	}
	t.Fatalf("no end: %s at %s", e.Snapshot().Wait, e.Snapshot().Current)
	return nil
}

func next(t *testing.T, s *run.Snapshot) run.Action {
	t.Helper()
	if a := strays(s); a != nil {
		return a
	}
	c := at1(s)
	switch s.Wait {
	case run.WaitGo, run.WaitBatch, run.WaitUndo:
		return run.Go{}
	case run.WaitAsk:
		return run.Reply{Value: "fast"}
	case run.WaitGate:
		return run.Answer{Gate: c.Gate.Gate, Typed: c.Gate.Phrase}
	case run.WaitMonitor:
		return run.Acknowledge{Reason: "seen", Episodes: s.Run.Unacknowledged()}
	case run.WaitManual:
		return run.MarkDone{}
	case run.WaitFailure:
		if c.Status == run.Failed && strings.HasSuffix(c.Key.Step, "undo") {
			if c.Plan.Step.Book.Rollback == nil && len(s.Run.RollBacks(c)[1].Cells) > 0 {
				return run.RollBack{Scope: run.RollbackSection}
			}
			if c.Plan.Step.Book.Rollback == nil {
				return run.Skip{Reason: "all before it is undone"}
			}
			return run.RollBack{}
		}
		if c.Status == run.RolledBack {
			return run.Skip{Reason: "rolled back"}
		}
	case run.WaitUnknown, run.WaitPaused, run.WaitNothing, run.WaitClosed:
	}
	t.Fatalf("%s at %s: %s (%s) %s, notice %q", s.Wait, s.Current, c.Status, c.Reason, c.Detail, s.Notice)
	return nil
}

// onceEach is what must have run in the end, each once.
var onceEach = []string{"change", "drop", "undo", "back", "group@a", "hop@a", "group@b", "hop@b"}

func TestTheWholeRunWithoutACrash(t *testing.T) {
	t.Parallel()
	st := everythingStage(t)
	d := st.start()
	if s := walk(t, d.e); s.Run.Closed != run.DoneExceptions {
		t.Errorf("closed as %q", s.Run.Closed)
	}
	st.wantRan(onceEach...)
}

func TestTheWholeRunTogetherWithoutACrash(t *testing.T) {
	t.Parallel()
	st := togetherStage(t)
	d := st.start()
	if s := walk(t, d.e); s.Run.Closed != run.DoneExceptions {
		t.Errorf("closed as %q", s.Run.Closed)
	}
	got, want := st.ran(), slices.Sorted(slices.Values(togetherOnce))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("ran %q, want %q", got, want)
	}
}

// A process that ends at any write, and the one after it at any write of its own,
// leave a journal with which a third ends the run; nothing runs twice.
func TestTortureT1ACrashAtEveryWriteIsResumed(t *testing.T) {
	t.Parallel()
	var crashes atomic.Int64
	rounds := tally.Size(t, 1)
	t.Run("at", func(t *testing.T) { crashEverywhere(t, rounds, &crashes) })
	tally.Add(t, tally.Faults, int(crashes.Load()))
	for _, none := range []tally.Figure{tally.Duplicates, tally.LostEvents, tally.OpenedGates} {
		tally.Add(t, none, 0) // verify fails at the first
	}
}

// crashEverywhere crashes at each write, and in later rounds at other ones again.
func crashEverywhere(t *testing.T, rounds int, crashes *atomic.Int64) {
	least := map[string]int{"one by one": 30, "together": 30, "left": 25} // writes of a whole run
	for name, p := range map[string]played{
		"one by one": {everythingStage, onceEach}, "together": {togetherStage, togetherOnce}, "left": {strayingStage, strayingOnce},
	} {
		for _, durable := range []bool{false, true} {
			t.Run(name+", "+map[bool]string{false: "the write is lost", true: "the write is there, unheard of"}[durable], func(t *testing.T) {
				t.Parallel()
				for round := range rounds {
					for n := 0; ; n++ {
						if p.crashAt(t, n, durable, []int{-1, 0, 2, 5}[n%4]+6*round) {
							if n < least[name] {
								t.Errorf("the run ends within %d writes", n)
							}
							break
						}
						crashes.Add(1)
					}
				}
			})
		}
	}
}

// played is a run and what must have run in the end, each once.
type played struct {
	stage func(*testing.T) *stage
	once  []string
}

// crashAt ends the first process at write n and the second at write again, and
// reports whether the first had no such write.
func (p played) crashAt(t *testing.T, n int, durable bool, again int) (over bool) {
	t.Helper()
	st := p.stage(t)
	acked := map[uint64][32]byte{}
	for crash, left := range []int{n, again, -1} {
		if st.ended() {
			break
		}
		j := &brokenJournal{left: left, durable: durable}
		st.wrap = func(real engine.Journal) engine.Journal { j.Journal = real; return j }
		s := st.live(crash == 0)
		for _, r := range j.acked {
			acked[r.Seq] = r.Hash
		}
		if s != nil && s.Wait == run.WaitClosed {
			over = crash == 0
			break
		}
		if s != nil && s.ReadOnly == "" {
			t.Fatalf("crash at %d: stopped without a reason", n)
		}
		if s == nil && crash == 0 && st.startedAt() == 0 {
			return false // it never began
		}
		st.reopen()
	}
	st.verify(n, p.once, acked)
	return over
}

// process begins or resumes the run; nil: the journal broke before.
func (st *stage) process(first bool) *engine.Engine {
	var e *engine.Engine
	var err error
	if first {
		e, err = engine.Start(st.t.Context(), st.options(), st.plan, st.id, st.begin)
	} else {
		e, err = engine.Resume(st.t.Context(), st.options(), st.plan, st.id)
	}
	switch {
	case err == nil:
		return e
	case !errors.Is(err, errBroken):
		st.t.Fatal(err)
	}
	return nil
}

// live drives the run in one process; nil: it could not even begin.
func (st *stage) live(first bool) *run.Snapshot {
	e := st.process(first)
	if e == nil {
		return nil
	}
	s := walk(st.t, e)
	st.agrees(s)
	if err := e.Close(st.t.Context(), "crash"); err != nil && !errors.Is(err, errBroken) {
		st.t.Errorf("close: %v", err)
	}
	return s
}

// agrees checks what a process holds the run for against its journal, folded anew.
func (st *stage) agrees(s *run.Snapshot) {
	st.t.Helper()
	recs := st.events()
	r, err := run.Fold(st.plan, recs[:min(len(recs), int(s.Run.Seq))])
	if err != nil {
		st.t.Errorf("fold: %v", err)
		return
	}
	for i, c := range r.Cells {
		if is := s.Run.Cells[i]; c.Status != is.Status || c.Reason != is.Reason || len(c.Attempts) != len(is.Attempts) {
			st.t.Errorf("%s is %s (%s), and by its journal %s (%s)", c.Key, is.Status, is.Reason, c.Status, c.Reason)
		}
	}
}

// startedAt is how many events the journal has of the run.
func (st *stage) startedAt() int {
	recs, err := st.store.Load(st.t.Context(), st.id)
	if err != nil {
		return 0
	}
	return len(recs)
}

// ended reports whether the journal says that the run is closed.
func (st *stage) ended() bool {
	recs, err := st.store.Load(st.t.Context(), st.id)
	if err != nil || len(recs) == 0 {
		return false
	}
	_, closed := recs[len(recs)-1].Event.(run.RunClosed)
	return closed
}

func (st *stage) verify(n int, once []string, acked map[uint64][32]byte) {
	st.t.Helper()
	got := st.ran()
	slices.Sort(got)
	want := slices.Sorted(slices.Values(once))
	if !slices.Equal(got, want) {
		st.t.Errorf("crash at %d: ran %q, want %q", n, got, want)
	}
	recs := st.events()
	used, granted := map[string]int{}, map[string]int{}
	for _, r := range recs {
		if h, ok := acked[r.Seq]; ok && h != r.Hash {
			st.t.Errorf("crash at %d: event %d is not the one that was acknowledged", n, r.Seq)
		}
		delete(acked, r.Seq)
		switch e := r.Event.(type) {
		case run.GateGranted:
			granted[e.Gate]++
		case run.Intent:
			if e.Gate != "" {
				used[e.Gate]++
			}
		case run.ManualDone:
			if e.Gate != "" {
				used[e.Gate]++
			}
		}
	}
	if len(acked) > 0 {
		st.t.Errorf("crash at %d: %d acknowledged events are gone", n, len(acked))
	}
	for gate, times := range granted {
		if times != 1 || used[gate] != 1 {
			st.t.Errorf("crash at %d: %s granted %d times, used %d times", n, gate, times, used[gate])
		}
	}
	if v, err := st.store.Verify(st.t.Context(), st.id); err != nil || !v.OK() {
		st.t.Errorf("crash at %d: verify: %+v, %v", n, v, err)
	}
	if last, ok := recs[len(recs)-1].Event.(run.RunClosed); !ok {
		st.t.Errorf("crash at %d: the last event is %T", n, recs[len(recs)-1].Event)
	} else if last.How != run.DoneExceptions {
		st.t.Errorf("crash at %d: closed as %q", n, last.How)
	}
}

func TestAJournalThatFailsLetsNothingStart(t *testing.T) {
	t.Parallel()
	for name, printed := range map[string]int{"events": 0, "output": 10, "output that is written on the way": 5 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output := printed > 0
			st := newStage(t, front+step("one", sh("", "one"))+step("two", sh("", "two")))
			st.set("one", executortest.Script{Stdout: strings.Repeat("x", printed)})
			j := &brokenJournal{left: -1}
			st.wrap = func(real engine.Journal) engine.Journal { j.Journal = real; return j }
			d := st.start()
			d.left = true
			d.at(run.WaitGo, "one")
			j.mu.Lock()
			j.output = output
			if !output {
				j.left = 1 // HostSeen is there, the intent isn't
			}
			j.mu.Unlock()
			_ = d.e.Do(t.Context(), d.e.Snapshot().Current, d.e.Snapshot().Seq, run.Go{}) // its error came after it was accepted
			s := d.until("the latch", func(s *run.Snapshot) bool { return s.ReadOnly != "" && s.Busy == nil })
			if !strings.Contains(s.ReadOnly, "journal: input/output error") {
				t.Errorf("read only: %q", s.ReadOnly)
			}
			for _, a := range s.Actions {
				if a.OK() {
					t.Errorf("%s is offered", a.Verb)
				}
			}
			for _, a := range []run.Action{run.Go{}, run.Retry{}, run.Abort{}, run.AddNote{Text: "x"}, run.Pause{}} {
				d.refused(a, "journal")
			}
			want := map[bool][]string{true: {"one"}, false: nil}[output]
			st.wantRan(want...)
			if n := st.calls("Follow"); n > 1 || st.count("Outcome") > 0 {
				t.Errorf("followed %d times, %d outcomes without their output", n, st.count("Outcome"))
			}
			if err := d.e.Close(t.Context(), "latched"); err != nil {
				t.Errorf("close: %v", err)
			}
			if err := d.e.Do(t.Context(), run.Key{}, 0, run.Go{}); !errors.Is(err, engine.ErrLeft) {
				t.Errorf("do after close: %v", err)
			}
			j.left, j.output, j.dead = -1, false, false
			d = st.resume() // a later process finds what there is
			if s := walk(t, d.e); s.Run.Closed != run.Done {
				t.Errorf("closed as %q", s.Run.Closed)
			}
			st.wantRan("one", "two")
		})
	}
}
