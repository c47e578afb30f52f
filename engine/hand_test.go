package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

var onTerminal = front + step("one", sh(".tty", "one"), sh(".check", "holds")) + step("tick")

// lend gives a terminal that is nowhere, unless err says why it can't.
func lend(err error, shown func()) func(context.Context, func(executor.Terminal) error) error {
	return func(_ context.Context, use func(executor.Terminal) error) error {
		if err != nil {
			return err
		}
		if shown != nil {
			shown()
		}
		return use(executor.Terminal{Term: "xterm"})
	}
}

func TestATerminalIsLentForAStepThatWantsIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		exit   int
		wait   run.Wait
		step   string
		status run.Status
	}{
		"it ends well": {0, run.WaitManual, "tick", run.Succeeded}, "it fails": {3, run.WaitFailure, "one", run.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, onTerminal)
			st.set("one", executortest.Script{Exit: tc.exit})
			var d *driver
			lent := 0
			st.lend = lend(nil, func() {
				lent++
				if b := d.e.Snapshot().Busy; b == nil || b.What != run.AtTerminal {
					t.Errorf("while it is lent: %+v", b)
				}
				if st.count("Intent") != 1 {
					t.Error("the terminal is lent before the intent is durable")
				}
			})
			d = st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			s := d.at(tc.wait, tc.step)
			c := s.Run.Cell(run.Key{Step: "one", Target: "local"})
			if c.Status != tc.status || c.Latest().Outcome == nil || c.Latest().Outcome.Exit != tc.exit || lent != 1 || st.calls("Start") != 0 {
				t.Errorf("%s, outcome %+v, lent %d times", c.Status, c.Latest().Outcome, lent)
			}
		})
	}
}

func TestWithoutATerminalAStepThatWantsOneWaits(t *testing.T) {
	t.Parallel()
	st := newStage(t, onTerminal)
	d := st.start()
	s := d.at(run.WaitGo, "one")
	if a := s.Action(run.VerbGo); a.OK() || !strings.Contains(a.Why, "terminal") {
		t.Errorf("go: %+v", a)
	}
	d.refused(run.Go{}, "terminal")
	if st.count("Intent") != 0 {
		t.Error("an intent was written")
	}
}

func TestATerminalThatCantBeLentSendsNothing(t *testing.T) {
	t.Parallel()
	st := newStage(t, onTerminal)
	st.lend = lend(errors.New("the screen can't be given up"), nil)
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.until("the step again", func(s *run.Snapshot) bool { return s.Wait == run.WaitGo && st.count("Retried") == 1 })
	if c := at1(s); c.Status != run.Pending || c.Latest().Fate != "never started" || st.calls("Hand") != 0 {
		t.Errorf("%s, %q, %d uses of the terminal", c.Status, c.Latest().Fate, st.calls("Hand"))
	}
}

// A cut says nothing about what the command has done: its checks do, and for what
// can't be undone a person.
func TestACutTerminalIsSettledByChecksOrByThePerson(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		class string
		holds int
		wait  run.Wait
		step  string
	}{
		"its check holds": {".tty", 0, run.WaitManual, "tick"}, "its check fails": {".tty", 1, run.WaitUnknown, "one"},
		"it can't be undone": {".tty .irreversible", 0, run.WaitUnknown, "one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, front+step("one", sh(tc.class, "one"), sh(".check", "holds"))+step("tick"))
			st.set("one", executortest.Script{Fate: executor.Died})
			st.set("holds", executortest.Script{Exit: tc.holds})
			st.lend = lend(nil, nil)
			open := st.hosts
			st.hosts = func(name string, ask executor.Asker) (executor.Executor, error) {
				h, err := open(name, ask)
				return cutTerminal{h}, err
			}
			d := st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			if strings.Contains(tc.class, "irreversible") {
				d.at(run.WaitGate, "one")
				d.answer()
			}
			s := d.at(tc.wait, tc.step)
			if c := s.Run.Cell(run.Key{Step: "one", Target: "local"}); tc.wait == run.WaitUnknown && (c.Status != run.Unknown || c.Reason != run.HostDied) {
				t.Errorf("%s (%s)", c.Status, c.Reason)
			}
			st.wantRan("one")
		})
	}
}

// cutTerminal is a host that claims a command for the terminal and is cut off.
type cutTerminal struct{ executor.Executor }

func (c cutTerminal) Hand(ctx context.Context, a executor.Attempt, _ executor.Terminal) (executor.Result, error) {
	if _, err := c.Start(ctx, a); err != nil {
		return executor.Result{}, err
	}
	return executor.Result{}, errLink
}
