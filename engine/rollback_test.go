package engine_test

import (
	"strings"
	"testing"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

// undoable is a step that fails and can be rolled back, with checks around it.
var undoable = front + step("one", sh("", "one"), sh(".check.rollback", "may back"), sh(".rollback", "back"), sh(".check.rollback", "is back")) + step("tick")

func failedStage(t *testing.T) (*stage, *driver) {
	t.Helper()
	st := newStage(t, undoable)
	st.set("one", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitFailure, "one")
	return st, d
}

// settled waits until the run stands at one in a status.
func (d *driver) status(want run.Status) *run.Snapshot {
	d.t.Helper()
	return d.until(want.String(), func(s *run.Snapshot) bool {
		return s.Busy == nil && s.Wait != run.WaitNothing && at1(s) != nil && at1(s).Status == want
	})
}

func TestARollbackRunsWhenItIsAllowed(t *testing.T) {
	t.Parallel()
	st, d := failedStage(t)
	for exit, says := range map[int]string{1: "does not hold", 127: "not known"} {
		st.set("may back", executortest.Script{Exit: exit})
		d.do(run.RollBack{})
		s := d.until("refusal", func(s *run.Snapshot) bool { return s.Busy == nil && strings.Contains(at1(s).Detail, says) })
		if c := at1(s); c.Status != run.Failed || c.Reason != run.ExitCode {
			t.Errorf("cell is %s (%s)", c.Status, c.Reason)
		}
		st.wantRan("one")
	}
	st.set("may back", executortest.Script{})
	d.do(run.RollBack{})
	s := d.status(run.RolledBack)
	st.wantRan("one", "back")
	if a := s.Action(run.VerbRetry); a.Phrase != "RERUN one local" {
		t.Errorf("retry wants %q", a.Phrase)
	}
	d.do(run.Skip{Reason: "later"})
	d.at(run.WaitManual, "tick")
}

func TestARollbackThatFailsMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{"its command": "back", "its check": "is back"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, d := failedStage(t)
			st.set(script, executortest.Script{Exit: 1})
			d.do(run.RollBack{})
			d.status(run.RollbackFailed)
			st.set(script, executortest.Script{})
			d.do(run.RollBack{})
			d.status(run.RolledBack)
			st.wantRan("one", "back", "back")
		})
	}
}

func TestARollbackWhoseHostIsAwayLeavesTheFailure(t *testing.T) {
	t.Parallel()
	st, d := failedStage(t)
	d.leave("detached")
	d = st.resume()
	d.at(run.WaitFailure, "one")
	st.failing(&executor.ReachError{Host: "local", Hint: "plug it in", Cause: errLink}, "Identify")
	d.do(run.RollBack{})
	s := d.until("refusal", func(s *run.Snapshot) bool { return s.Busy == nil && at1(s).Hint == "plug it in" })
	if c := at1(s); c.Status != run.Failed || c.Reason != run.ExitCode {
		t.Errorf("cell is %s (%s)", c.Status, c.Reason)
	}
	st.failing(nil)
	d.do(run.RollBack{})
	d.status(run.RolledBack)
	st.wantRan("one", "back")
}

func TestARollbackInFlightIsTakenUpByTheNextProcess(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		fate  executor.Fate
		exit  int // of the rollback's check
		ends  bool
		want  run.Status
		probe bool
	}{
		{"running", 0, 0, false, run.RolledBack, false},
		{"finished meanwhile", 0, 0, true, run.RolledBack, false},
		{"died, and its check holds", executor.Died, 0, true, run.RolledBack, false},
		{"died, and its check fails", executor.Died, 1, true, run.Unknown, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			st, d := failedStage(t)
			s, end := hold(t, executortest.Script{Fate: tc.fate})
			st.set("back", s)
			st.set("is back", executortest.Script{Exit: tc.exit})
			d.do(run.RollBack{})
			st.await("back")
			d.leave("detached")
			if tc.ends {
				end()
			}
			st.reopen()
			d = st.resume()
			if !tc.ends {
				d.until("attached", func(*run.Snapshot) bool { return st.count("Reattached") == 1 })
				end()
			}
			sn := d.status(tc.want)
			st.wantRan("one", "back")
			if !tc.probe {
				return
			}
			if a := sn.Action(run.VerbRollBack); a.OK() {
				t.Error("another rollback is offered while this one is in doubt")
			}
			st.set("is back", executortest.Script{})
			d.do(run.Probe{})
			d.status(run.RolledBack)
			st.wantRan("one", "back")
		})
	}
}

func TestARollbackWhoseCheckTellsNothingIsCheckedAgain(t *testing.T) {
	t.Parallel()
	for name, exit := range map[string]int{"holds": 0, "fails": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, d := failedStage(t)
			st.set("is back", executortest.Script{Exit: 127})
			d.do(run.RollBack{})
			s := d.at(run.WaitUnknown, "one")
			if c := at1(s); c.Status != run.Unknown || c.Reason != run.CheckFailed || !s.Action(run.VerbProbe).OK() {
				t.Fatalf("cell is %s (%s), probe %+v", c.Status, c.Reason, s.Action(run.VerbProbe))
			}
			st.set("is back", executortest.Script{Exit: exit})
			d.do(run.Probe{})
			d.status(map[int]run.Status{0: run.RolledBack, 1: run.RollbackFailed}[exit])
			st.wantRan("one", "back")
		})
	}
}

func TestARollbackThatNeverStartedLeavesTheFailure(t *testing.T) {
	t.Parallel()
	st, d := failedStage(t)
	st.once("Start")
	d.do(run.RollBack{})
	d.until("the fence", func(s *run.Snapshot) bool { return s.Busy == nil && st.count("OutcomeResolved") == 1 })
	if c := at1(d.status(run.Failed)); c.Reason != run.ExitCode {
		t.Errorf("reason %q", c.Reason)
	}
	st.wantRan("one")
	d.do(run.RollBack{})
	d.status(run.RolledBack)
	st.wantRan("one", "back")
}
