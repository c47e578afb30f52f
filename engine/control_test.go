package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"stepgate/engine"
	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

func TestPausingStopsBetweenSteps(t *testing.T) {
	t.Parallel()
	st := newStage(t, oneStep)
	st.set("one", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "one")
	d.refused(run.Continue{}, "not paused")
	d.do(run.Pause{Why: "lunch"})
	d.at(run.WaitPaused, "one")
	d.refused(run.Go{}, "does not apply")
	d.refused(run.Pause{}, "it is paused")
	d.do(run.Continue{})
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitFailure, "one")
	d.do(run.Pause{})
	d.at(run.WaitPaused, "one")
	for _, a := range []run.Action{run.Retry{}, run.Skip{Reason: "x"}, run.MarkDone{Evidence: "x"}, run.Probe{}, run.RollBack{}} {
		d.refused(a, "does not apply")
	}
	st.wantRan("one")
	d.do(run.AddNote{Text: "still at lunch"})
	d.leave("paused")
	d = st.resume() // whoever resumes goes on
	d.at(run.WaitFailure, "one")
	d.do(run.Abort{Why: "no"})
	if s := d.closed(); s.Run.Closed != run.Aborted || s.Run.ClosedWhy != "no" || s.Current != (run.Key{}) {
		t.Errorf("closed as %q (%s) at %s", s.Run.Closed, s.Run.ClosedWhy, s.Current)
	}
	if err := d.e.Do(t.Context(), run.Key{}, 0, run.AddNote{Text: "late"}); !errors.Is(err, engine.ErrLeft) {
		t.Errorf("a note after the end: %v", err)
	}
}

func TestWhileACommandRunsOnlyNotesAndStopsApply(t *testing.T) {
	t.Parallel()
	st := newStage(t, oneStep)
	s, _ := hold(t, executortest.Script{})
	st.set("one", s)
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	sn := d.until("it runs", func(s *run.Snapshot) bool { return s.Busy != nil && s.Busy.Attempt != "" && s.Busy.What == "command" })
	for _, a := range []run.Action{run.Go{}, run.Pause{}, run.Abort{}, run.Retry{}, run.Skip{Reason: "x"}, run.Probe{}, run.MarkDone{}, run.RollBack{}} {
		d.refused(a, "something is going on")
	}
	for _, v := range []run.Verb{run.VerbPause, run.VerbAbort} {
		if a := sn.Action(v); a.OK() {
			t.Errorf("%s is offered", v)
		}
	}
	d.do(run.AddNote{Text: "it takes its time"})
	d.refused(run.AddNote{Text: " \n"}, "it is empty")
	d.do(run.StopNow{})
	sn = d.at(run.WaitFailure, "one")
	if c := at1(sn); c.Reason != run.ExitCode || c.Latest().Outcome.Exit != 143 {
		t.Errorf("cell is %s (%s), %+v", c.Status, c.Reason, c.Latest().Outcome)
	}
	if len(sn.Run.Notes) != 1 {
		t.Errorf("%d notes", len(sn.Run.Notes))
	}
	st.wantRan("one")
}

// slowSignals is a host whose signals take until they are let go.
type slowSignals struct {
	executor.Executor
	first         *sync.Once
	sent, release chan struct{}
}

func (h slowSignals) Signal(ctx context.Context, a executor.Attempt, s executor.Signal) (executor.Report, error) {
	h.first.Do(func() { close(h.sent) })
	select {
	case <-h.release:
	case <-ctx.Done():
		return executor.Report{}, ctx.Err()
	}
	return h.Executor.Signal(ctx, a, s)
}

func TestASignalThatHangsHoldsNothingUp(t *testing.T) {
	t.Parallel()
	for name, answered := range map[string]bool{"answered": true, "the command ends before": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, oneStep)
			held, end := hold(t, executortest.Script{})
			st.set("one", held)
			slow := slowSignals{st.local(), new(sync.Once), make(chan struct{}), make(chan struct{})}
			st.hosts = func(string, executor.Asker) (executor.Executor, error) { return slow, nil }
			d := st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			s := d.until("it runs", func(s *run.Snapshot) bool { return s.Busy != nil && s.Busy.Attempt != "" })
			stopped := make(chan error, 1)
			go func() { stopped <- d.e.Do(t.Context(), s.Current, s.Seq, run.StopNow{}) }()
			patience(t, slow.sent, "the signal")
			if s := d.e.Snapshot(); s.Busy == nil || !s.Busy.Stopping {
				t.Errorf("busy %+v", s.Busy)
			}
			d.do(run.AddNote{Text: "it hangs"})
			want := run.WaitManual
			if answered {
				close(slow.release)
				want = run.WaitFailure
			} else {
				end()
			}
			d.until("the end", func(s *run.Snapshot) bool { return s.Wait == want })
			if err := <-stopped; err != nil {
				t.Errorf("stop: %v", err)
			}
		})
	}
}

func TestStoppingAPollKeepsWhatItSaw(t *testing.T) {
	t.Parallel()
	for _, phase := range []run.Phase{run.Before, run.After} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			poll := sh(".check until=1h every=1ms", "look")
			parts := []string{poll, sh("", "one")}
			if phase == run.After {
				parts = []string{sh("", "one"), poll}
			}
			st := newStage(t, front+step("one", parts...)+step("tick"))
			st.set("look", executortest.Script{Exit: 1, Stdout: "not yet\n"})
			d := st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			d.until("a few tries", func(s *run.Snapshot) bool {
				return s.Busy != nil && len(s.Busy.Looks) == 1 && s.Busy.Looks[0].Try > 2
			})
			d.do(run.StopNow{})
			s := d.at(run.WaitFailure, "one")
			c := at1(s)
			if res := c.Checks[phase].Checks[0]; c.Status != run.Failed || res.Tries < 2 || res.Stdout != "not yet\n" {
				t.Errorf("%s (%s): %+v", c.Status, c.Reason, res)
			}
			st.set("look", executortest.Script{})
			d.do(run.Retry{})
			if phase == run.After { // nothing ran again: the postcondition holds now
				s = d.at(run.WaitFailure, "one")
				if !strings.Contains(s.Notice, "hold now") {
					t.Errorf("notice %q", s.Notice)
				}
				d.do(run.MarkDone{Evidence: "it came up"})
			}
			d.at(run.WaitManual, "tick")
			st.wantRan("one")
		})
	}
}

func TestStoppingALookThatHangs(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh(".check", "look"))+step("tick"))
	s, _ := hold(t, executortest.Script{})
	st.set("look", s)
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	st.await("look")
	d.do(run.StopNow{})
	sn := d.at(run.WaitFailure, "one")
	if c := at1(sn); c.Status != run.Unknown || c.Checks[run.Before].Checks[0].Cause != "stopped" {
		t.Errorf("%s: %+v", c.Status, c.Checks[run.Before])
	}
	if h := sn.Hosts[plan.Local]; h.State == "lost" {
		t.Errorf("a host that nobody waits for is %+v", h)
	}
	st.set("look", executortest.Script{})
	d.do(run.Retry{})
	d.at(run.WaitManual, "tick")
}

func TestActionsOnWhatIsNoLongerShownAreRefused(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", caution, sh("", "one"))+step("tick"))
	d := st.start()
	old := d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.at(run.WaitGate, "one")
	gate := at1(s).Gate
	var stale *run.StaleError
	for name, err := range map[string]error{
		"an old number": d.e.Do(t.Context(), old.Current, old.Seq, run.Answer{Gate: gate.Gate, Typed: gate.Phrase}),
		"another cell":  d.e.Do(t.Context(), run.Key{Step: "tick"}, s.Seq, run.Answer{Gate: gate.Gate, Typed: gate.Phrase}),
		"another gate":  d.e.Do(t.Context(), s.Current, s.Seq, run.Answer{Gate: "gate-0", Typed: gate.Phrase}),
	} {
		if !errors.As(err, &stale) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.at(run.WaitGate, "one")
	d.do(run.Answer{Gate: gate.Gate, Typed: "no"})
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitGate, "one")
	d.refused(run.Answer{Gate: gate.Gate, Typed: gate.Phrase}, "moved on") // answered already
	d.answer()
	d.at(run.WaitManual, "tick")
	st.wantRan("one")
}

// consistent checks a snapshot against itself.
func consistent(s *run.Snapshot) error {
	c := s.Run.Cell(s.Current)
	switch {
	case s.Run.Closed != "" && (s.Wait != run.WaitClosed || c != nil):
		return fmt.Errorf("closed, and %q at %q", s.Wait, s.Current)
	case s.Busy != nil && s.Wait != run.WaitNothing && s.Wait != run.WaitClosed:
		return fmt.Errorf("busy with %+v, and waits for %q", s.Busy, s.Wait)
	case c == nil:
		return nil
	case s.Seq != c.Seq:
		return fmt.Errorf("number %d of a cell with %d", s.Seq, c.Seq)
	case s.Wait == run.WaitGate && c.Gate == nil, s.Wait == run.WaitGo && c.Status != run.Pending,
		s.Wait == run.WaitUnknown && c.Status != run.Unknown:
		return fmt.Errorf("%q at a cell that is %s", s.Wait, c.Status)
	}
	if s.Wait != run.WaitNothing {
		return nil
	}
	for _, a := range s.Actions {
		if a.OK() && a.Verb != run.VerbStopNow && a.Verb != run.VerbNote && a.Verb != run.VerbFinish {
			return fmt.Errorf("%s is offered at work", a.Verb)
		}
	}
	return nil
}

func TestManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	book := front
	for i := range 8 {
		book += step(fmt.Sprintf("s%d", i), sh(".check", "may"), sh("", fmt.Sprintf("run%d", i)))
	}
	book += step("drop", caution, sh(".irreversible", "drop"))
	st := newStage(t, book)
	for i := range 8 {
		st.set(fmt.Sprintf("run%d", i), executortest.Script{Stdout: strings.Repeat("line\n", 1000)})
	}
	d := st.start()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				s := d.e.Snapshot()
				if err := consistent(s); err != nil {
					t.Errorf("snapshot %d: %v", s.Run.Seq, err)
					cancel()
					return
				}
				if s.Wait == run.WaitClosed {
					return
				}
				var a run.Action = run.Go{}
				switch {
				case s.Wait == run.WaitGate:
					g := s.Run.Cell(s.Current).Gate
					a = run.Answer{Gate: g.Gate, Typed: g.Phrase}
				case n%16 == i && n < 200:
					a = run.AddNote{Text: "n"}
				}
				err := d.e.Do(ctx, s.Current, s.Seq, a)
				var stale *run.StaleError
				var notNow *run.NotNowError
				if err != nil && !errors.As(err, &stale) && !errors.As(err, &notNow) && !errors.Is(err, engine.ErrLeft) && ctx.Err() == nil {
					t.Errorf("%s: %v", run.VerbOf(a), err)
					cancel()
				}
			}
		})
	}
	wg.Wait()
	if s := d.closed(); s.Run.Closed != run.Done {
		t.Errorf("closed as %q", s.Run.Closed)
	}
	st.wantRan("run0", "run1", "run2", "run3", "run4", "run5", "run6", "run7", "drop")
}

func TestLeavingAtAnyMoment(t *testing.T) {
	t.Parallel()
	book := front + step("one", sh(".check", "may"), caution, sh("", "one"), sh(".check", "did")) + step("tick")
	for _, at := range []string{"at once", "while a look lasts", "at a gate", "while a command runs", "while it is checked"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, book)
			held, end := hold(t, executortest.Script{})
			on := map[string]string{"while a look lasts": "may", "while a command runs": "one", "while it is checked": "did"}[at]
			if on != "" {
				st.set(on, held)
			}
			d := st.start()
			d.at(run.WaitGo, "one")
			if at != "at once" {
				d.do(run.Go{})
			}
			if on != "may" && at != "at once" {
				d.at(run.WaitGate, "one")
			}
			if on == "one" || on == "did" {
				d.answer()
			}
			if on != "" {
				st.await(on)
			}
			d.leave("detached")
			d.leave("twice")
			if err := d.e.Close(t.Context(), "again"); err != nil {
				t.Errorf("another close: %v", err)
			}
			if n := st.count("LeaseReleased"); n != 1 {
				t.Errorf("%d releases", n)
			}
			for _, kind := range []string{"Interrupted", "NotDispatched", "ChecksTaken"} {
				want := 0
				if kind == "ChecksTaken" && (at == "at a gate" || on == "one" || on == "did") {
					want = map[bool]int{true: 1, false: 2}[at == "at a gate"] // preconditions, and again after the phrase
				}
				if n := st.count(kind); n != want {
					t.Errorf("leaving writes %d of %s, want %d", n, kind, want)
				}
			}
			end()
			st.reopen()
			if s := walk(t, st.resume().e); s.Run.Closed != run.Done {
				t.Errorf("closed as %q", s.Run.Closed)
			}
			st.wantRan("one")
		})
	}
}

func TestAClosedRunLeavesNoAttemptsOnItsHosts(t *testing.T) {
	t.Parallel()
	st := newStage(t, paired+step("one", sh("on=pair", "one"))+step("tick"))
	st.set("one@b", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	atB := func(s *run.Snapshot) bool { return s.Wait == run.WaitFailure && s.Current.Target == "b" }
	d.until("b", atB)
	d.leave("detached")
	d = st.resume() // never talks to a
	d.until("b", atB)
	st.set("one@b", executortest.Script{})
	d.do(run.Retry{})
	d.at(run.WaitManual, "tick")
	d.do(run.MarkDone{})
	d.closed()
	d.leave("closed")
	for _, h := range []string{"a", "b"} {
		n := 0
		for _, c := range st.fakes[h].Calls() {
			if c.Method == "Discard" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is cleared %d times", h, n)
		}
	}
}
