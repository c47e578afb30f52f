package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/executor/executortest"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

const trio = "+++\ntitle = \"T\"\n[groups.trio]\n+++\n"

// rolling is a walk over the trio with two steps, and one behind it.
const rolling = trio + "## Each {#each each=trio}\n\n"

func status(s *run.Snapshot, step, target string) run.Status {
	return s.Run.Cell(run.Key{Step: step, Target: target}).Status
}

// sent are the intents of the run, as step@target, in the journal's order.
func (w *world) sent() []string {
	var out []string
	for _, r := range w.events() {
		if in, ok := r.Event.(run.Intent); ok {
			out = append(out, in.Cell.String())
		}
	}
	return out
}

// open waits until several commands run, and returns what the snapshot shows.
func (d *driver) together(n int) *run.Snapshot {
	d.t.Helper()
	return d.until(fmt.Sprintf("%d at a time", n), func(s *run.Snapshot) bool {
		return s.Busy != nil && s.Busy.Attempt != "" && len(s.Beside) == n-1 &&
			!slices.ContainsFunc(s.Beside, func(a run.Activity) bool { return a.Attempt == "" })
	})
}

func TestABatchGoesInLockstepWithinItsBudget(t *testing.T) {
	t.Parallel()
	st := newStage(t, rolling+step("stop", sh("", "stop"))+step("start", sh("", "start"))+"\n## End {#end}\n\n"+step("tick"),
		walking("each", func(e *runbook.Each) { e.Batch, e.MaxFailures = 3, 1 }))
	held, end := hold(t, executortest.Script{})
	for _, h := range []string{"a", "c"} {
		st.set("stop@"+h, held)
	}
	st.set("stop@b", executortest.Script{Exit: 1})
	d := st.start()
	s := d.at(run.WaitGo, "each[a]/stop")
	if len(s.With) != 2 {
		t.Errorf("together with %v", s.With)
	}
	d.do(run.Go{})
	s = d.until("b to fail", func(s *run.Snapshot) bool { return status(s, "each[b]/stop", "b") == run.Failed })
	if s.Busy == nil || s.Wait != run.WaitNothing {
		t.Errorf("while peers run: busy %v, wait %q", s.Busy, s.Wait)
	}
	if n := len(d.together(2).Beside); n != 1 {
		t.Errorf("%d beside", n)
	}
	end()
	// b has failed, within the budget: the others go on, and it comes at the end.
	s = d.at(run.WaitGo, "each[a]/start")
	if len(s.With) != 1 || s.With[0].Step != "each[c]/start" {
		t.Errorf("together with %v", s.With)
	}
	d.do(run.Go{})
	s = d.at(run.WaitFailure, "each[b]/stop")
	st.set("stop@b", executortest.Script{})
	d.do(run.Retry{})
	d.at(run.WaitGo, "each[b]/start")
	d.do(run.Go{})
	d.at(run.WaitManual, "end/tick")
	st.wantRan("stop@a", "start@a", "stop@b", "stop@b", "start@b", "stop@c", "start@c")
	if s.Run.Cell(s.Current) == nil {
		t.Error("the failure is at no cell")
	}
}

func TestOverItsBudgetAWalkStopsAtOnce(t *testing.T) {
	t.Parallel()
	st := newStage(t, rolling+step("stop", sh("", "stop"))+step("start", sh("", "start")),
		walking("each", func(e *runbook.Each) { e.Batch = 2 }))
	st.set("stop@b", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "each[a]/stop")
	d.do(run.Go{})
	d.at(run.WaitFailure, "each[b]/stop")
	d.do(run.Exclude{Reason: "its disk is broken"})
	s := d.at(run.WaitGo, "each[a]/start") // a person has decided: the others go on
	if got := status(s, "each[b]/start", "b"); got != run.Excluded || len(s.With) > 0 {
		t.Errorf("b is %s, together with %v", got, s.With)
	}
	d.do(run.Go{})
	s = d.at(run.WaitGo, "each[c]/stop")
	st.wantRan("stop@a", "start@a", "stop@b")
	out := s.Run.Includable()
	if a := s.Action(run.VerbInclude); !a.OK() || len(out) != 1 || out[0].Instance != "b" {
		t.Fatalf("%v can be put back: %+v", out, a)
	}
	d.do(out[0])
	if got := status(d.at(run.WaitFailure, "each[b]/stop"), "each[b]/start", "b"); got != run.Pending {
		t.Errorf("put back, b is %s", got)
	}
}

func TestACanarySoaksAndAPersonGoesOn(t *testing.T) {
	t.Parallel()
	st := newStage(t, rolling+step("one", sh("", "one")),
		walking("each", func(e *runbook.Each) { e.Canary, e.Soak, e.Batch = 1, 10*time.Minute, 2 }))
	begun := time.Now()
	clock := &clock{at: begun}
	st.now = clock.now
	d := st.start()
	d.at(run.WaitGo, "each[a]/one")
	d.do(run.Go{})
	s := d.until("the soak", func(s *run.Snapshot) bool { return s.Wait == run.WaitBatch })
	if got := s.Soak.Sub(s.Run.Cell(run.Key{Step: "each[a]/one", Target: "a"}).Ended); got != 10*time.Minute {
		t.Errorf("the soak is over %s after the canary was settled", got)
	}
	d.refused(run.Go{}, "soak")
	clock.add(9 * time.Minute)
	d.refused(run.Go{}, "soak")
	clock.add(2 * time.Minute)
	d.do(run.Go{})
	s = d.at(run.WaitGo, "each[b]/one")
	if len(s.With) != 1 {
		t.Errorf("together with %v", s.With)
	}
	d.do(run.Go{})
	d.closed()
	var batches []string
	for _, r := range st.events() {
		if b, ok := r.Event.(run.BatchEntered); ok {
			batches = append(batches, strings.Join(b.Hosts, "+"))
		}
	}
	if got := strings.Join(batches, " "); got != "a b+c" {
		t.Errorf("batches %q", got)
	}
}

func TestAGroupHasOneGateAndStopsBehindTheHostThatFails(t *testing.T) {
	t.Parallel()
	st := newStage(t, trio+step("drop", caution, sh(".check on=trio", "may"), sh("on=trio .irreversible", "drop"), sh(".check on=trio", "did")))
	st.set("drop@b", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "drop")
	d.do(run.Go{})
	s := d.at(run.WaitGate, "drop")
	gates := map[string]bool{}
	for _, h := range []string{"a", "b", "c"} {
		c := s.Run.Cell(run.Key{Step: "drop", Target: h})
		if c.Status != run.Gated || c.Gate.Phrase != at1(s).Gate.Phrase || c.Gate.Dispatch.Where != h || (h == "a") != (c.Gate.Leader == "") {
			t.Errorf("%s: %s, gate %+v", h, c.Status, c.Gate)
		}
		gates[c.Gate.Gate] = true
	}
	if len(gates) != 3 {
		t.Errorf("%d ids of gates", len(gates))
	}
	d.answer()
	s = d.at(run.WaitFailure, "drop")
	if s.Current.Target != "b" {
		t.Errorf("stopped at %s", s.Current)
	}
	if got := strings.Join(st.sent(), " "); got != "drop@a drop@b" {
		t.Errorf("sent %q", got)
	}
	if c := s.Run.Cell(run.Key{Step: "drop", Target: "c"}); c.Status != run.Pending || c.Detail != "b did not succeed" {
		t.Errorf("c is %s: %s", c.Status, c.Detail)
	}
	var void []string
	for _, r := range st.events() {
		if g, ok := r.Event.(run.GateClosed); ok && g.Void {
			void = append(void, g.Cell.Target)
		}
	}
	if strings.Join(void, " ") != "c" {
		t.Errorf("gates of %q are void", void)
	}
}

func TestADeclinedGateIsDeclinedForAll(t *testing.T) {
	t.Parallel()
	st := newStage(t, trio+step("drop", caution, sh("on=trio .irreversible", "drop")))
	d := st.start()
	d.at(run.WaitGo, "drop")
	d.do(run.Go{})
	s := d.at(run.WaitGate, "drop")
	d.do(run.Answer{Gate: at1(s).Gate.Gate, Typed: "no"})
	s = d.at(run.WaitGo, "drop")
	for _, h := range []string{"a", "b", "c"} {
		if got := status(s, "drop", h); got != run.Pending {
			t.Errorf("%s is %s", h, got)
		}
	}
	st.wantRan()
	if n := st.count("GateClosed"); n != 3 {
		t.Errorf("%d gates closed", n)
	}
}

func TestACommandOnAGroupRunsSoManyAtATime(t *testing.T) {
	t.Parallel()
	st := newStage(t, trio+step("one", sh("on=trio", "one")), commanding("one", func(f *runbook.Fence) { f.Parallel = 2 }))
	a, endA := hold(t, executortest.Script{})
	b, endB := hold(t, executortest.Script{})
	st.set("one@a", a)
	st.set("one@b", b)
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.together(2)
	if got := status(s, "one", "c"); got != run.Pending {
		t.Errorf("c is %s", got)
	}
	endB()
	d.until("c to be done", func(s *run.Snapshot) bool { return status(s, "one", "c") == run.Succeeded })
	endA()
	d.closed()
}

// A driver that goes while a batch runs leaves it running; the next one follows
// all of it, and nothing is sent twice.
func TestACrashInTheMiddleOfABatchSendsNothingTwice(t *testing.T) {
	t.Parallel()
	st := newStage(t, rolling+step("one", sh(".check", "may"), sh("", "one"), sh(".check", "did"))+step("two", sh("", "two")),
		walking("each", func(e *runbook.Each) { e.Batch = 3 }))
	ends := map[string]func(){}
	for _, h := range []string{"a", "b", "c"} {
		s, end := hold(t, executortest.Script{Stdout: "out of " + h + "\n"})
		st.set("one@"+h, s)
		ends[h] = end
	}
	d := st.start()
	d.at(run.WaitGo, "each[a]/one")
	d.do(run.Go{})
	d.together(3)
	ends["b"]()
	d.until("b", func(s *run.Snapshot) bool { return status(s, "each[b]/one", "b") == run.Succeeded })
	d.leave("crash")
	st.reopen()
	d = st.resume()
	s := d.together(2)
	if status(s, "each[b]/one", "b") != run.Succeeded {
		t.Error("b is forgotten")
	}
	ends["a"]()
	ends["c"]()
	d.at(run.WaitGo, "each[a]/two")
	d.do(run.Go{})
	d.closed()
	st.wantRan("one@a", "two@a", "one@b", "two@b", "one@c", "two@c")
	if n := st.count("Intent"); n != 6 {
		t.Errorf("%d intents", n)
	}
	out, _, _, err := d.e.Output(t.Context(), s.Run.Cell(run.Key{Step: "each[c]/one", Target: "c"}).Latest().Intent.Attempt, 0, 0, 100)
	if err != nil || string(out) != "out of c\n" {
		t.Errorf("output %q, %v", out, err)
	}
}

func TestStopNowEndsTheCommandItIsAskedFor(t *testing.T) {
	t.Parallel()
	st := newStage(t, trio+step("one", sh("on=trio .idempotent", "one")), commanding("one", func(f *runbook.Fence) { f.Parallel = 3 }))
	for _, h := range []string{"a", "b", "c"} {
		s, end := hold(t, executortest.Script{})
		st.set("one@"+h, s)
		if h != "b" {
			defer end()
		}
	}
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.together(3)
	b := run.Key{Step: "one", Target: "b"}
	if err := d.e.Do(t.Context(), b, s.Run.Cell(b).Seq, run.StopNow{Kill: true}); err != nil {
		t.Fatal(err)
	}
	s = d.until("b to end", func(s *run.Snapshot) bool { return status(s, "one", "b") == run.Failed })
	for _, h := range []string{"a", "c"} {
		if got := status(s, "one", h); got != run.Running {
			t.Errorf("%s is %s", h, got)
		}
	}
}

var _ = plan.Local
