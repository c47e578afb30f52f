package engine_test

import (
	"errors"
	"strings"
	"testing"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

var errLink = errors.New("connection reset by peer")

var oneStep = front + step("one", sh("", "one")) + step("tick")

// once makes a method fail the first time it's used.
func (st *stage) once(method string) {
	failed := false
	st.local().SetFail(func(m string) error { // called one at a time
		if m == method && !failed {
			failed = true
			return errLink
		}
		return nil
	})
}

func TestALinkLostWhileFollowingIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	for name, running := range map[string]bool{"still running": true, "finished meanwhile": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, oneStep)
			s, end := hold(t, executortest.Script{Stdout: "out\n"})
			if !running {
				end()
			}
			st.set("one", s)
			st.once("Follow")
			d := st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			if running {
				d.until("attached again", func(*run.Snapshot) bool { return st.count("Reattached") == 1 })
			}
			end()
			d.at(run.WaitManual, "tick")
			st.wantRan("one")
			if n := st.calls("Start"); n != 1 {
				t.Errorf("%d starts", n)
			}
			c := d.e.Snapshot().Run.Cell(run.Key{Step: "one", Target: "local"})
			if c.Status != run.Succeeded || len(c.Attempts) != 1 || st.count("Interrupted") != 1 {
				t.Errorf("%s after %d attempts, %d interruptions", c.Status, len(c.Attempts), st.count("Interrupted"))
			}
			out, _, _, err := d.e.Output(t.Context(), c.Latest().Intent.Attempt, 0, 0, 100)
			if err != nil || string(out) != "out\n" {
				t.Errorf("output %q, %v", out, err)
			}
		})
	}
}

func TestAStartWithoutAnAnswerIsFencedAndItsGateAskedAnew(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", caution, sh(".irreversible", "one"))+step("tick"))
	st.once("Start")
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitGate, "one")
	d.answer()
	s := d.at(run.WaitGo, "one")
	st.wantRan()
	if c := at1(s); c.Status != run.Pending || c.Latest().Fate != "never started" {
		t.Errorf("cell is %s, fate %q", c.Status, c.Latest().Fate)
	}
	for _, c := range st.local().Calls() {
		if c.Method == "Probe" && !c.Fence {
			t.Error("a probe that decides didn't fence")
		}
	}
	if s.Hosts["local"].State != "connected" {
		t.Errorf("host is %+v", s.Hosts["local"])
	}
	d.do(run.Go{})
	d.at(run.WaitGate, "one")
	d.answer()
	d.at(run.WaitManual, "tick")
	st.wantRan("one")
	if n := st.count("GateGranted"); n != 2 {
		t.Errorf("%d grants for two dispatches", n)
	}
}

func TestAnAttemptThatDiedIsSettledByItsPostconditions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, class string
		after       bool
		exit        int // of the postcondition
		fate        string
		wait        run.Wait
		status      run.Status
		reason      run.Reason
	}{
		{"they hold", ".idempotent", true, 0, "died", run.WaitManual, run.Succeeded, ""},
		{"they hold after a reboot", ".idempotent", true, 0, "rebooted", run.WaitManual, run.Succeeded, ""},
		{"they fail", ".idempotent", true, 1, "died", run.WaitUnknown, run.Unknown, run.HostDied},
		{"they can't be taken", "", true, 127, "died", run.WaitUnknown, run.Unknown, run.HostDied},
		{"there are none", ".idempotent", false, 0, "died", run.WaitUnknown, run.Unknown, run.HostDied},
		{"they hold, but it can't be undone", ".irreversible", true, 0, "died", run.WaitUnknown, run.Unknown, run.HostDied},
		{"none after a reboot", "", false, 0, "rebooted", run.WaitUnknown, run.Unknown, run.HostRebooted},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			parts := []string{sh(tc.class, "one")}
			if tc.after {
				parts = append(parts, sh(".check", "holds"))
			}
			st := newStage(t, front+step("one", parts...)+step("tick"))
			s, _ := hold(t, executortest.Script{})
			if tc.fate == "died" {
				s = executortest.Script{Fate: executor.Died}
			}
			st.set("one", s)
			st.set("holds", executortest.Script{Exit: tc.exit})
			d := st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			if tc.class == ".irreversible" {
				d.at(run.WaitGate, "one")
				d.answer()
			}
			if tc.fate == "rebooted" {
				st.await("one")
				st.reboot("local")
			}
			at := "tick"
			if tc.wait == run.WaitUnknown {
				at = "one"
			}
			sn := d.at(tc.wait, at)
			c := sn.Run.Cell(run.Key{Step: "one", Target: "local"})
			if c.Status != tc.status || c.Reason != tc.reason || c.Latest().Fate != tc.fate {
				t.Errorf("cell is %s (%s), fate %q", c.Status, c.Reason, c.Latest().Fate)
			}
			st.wantRan("one")
			if tc.wait != run.WaitUnknown {
				return
			}
			if a := sn.Action(run.VerbRetry); a.OK() {
				t.Error("retry is offered for an attempt in doubt")
			}
			if sn.Notice != "" {
				t.Errorf("notice %q", sn.Notice)
			}
			for _, v := range []run.Verb{run.VerbMarkDone, run.VerbMarkFailed, run.VerbProbe} {
				if a := sn.Action(v); !a.OK() {
					t.Errorf("%s is not offered: %s", v, a.Why)
				}
			}
		})
	}
}

func TestAnIrreversibleStepThatDiedRunsAgainOnlyAsARerun(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh(".irreversible", "one"), sh(".check", "holds"))+step("tick"))
	st.set("one", executortest.Script{Fate: executor.Died})
	st.set("holds", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitGate, "one")
	d.answer()
	d.at(run.WaitUnknown, "one")
	d.do(run.Probe{})
	d.at(run.WaitUnknown, "one")
	d.refused(run.Retry{Typed: "RERUN one local"}, "not known whether it has run")
	d.refused(run.Skip{Reason: "no"}, "not known whether it has run")
	d.do(run.MarkFailed{Reason: "the log says so"})
	s := d.at(run.WaitFailure, "one")
	a := s.Action(run.VerbRetry)
	if a.Phrase != "RERUN one local" {
		t.Fatalf("retry wants %q", a.Phrase)
	}
	d.refused(run.Retry{}, "the phrase differs")
	d.refused(run.Retry{Typed: "RERUN one"}, "the phrase differs")
	st.wantRan("one")
	st.set("one", executortest.Script{})
	st.set("holds", executortest.Script{})
	d.do(run.Retry{Typed: a.Phrase}) // its postconditions hold now: that is said first
	s = d.at(run.WaitFailure, "one")
	if !strings.Contains(s.Notice, "postconditions hold now") {
		t.Errorf("notice %q", s.Notice)
	}
	st.wantRan("one")
	d.do(run.Retry{Typed: a.Phrase})
	d.at(run.WaitGate, "one")
	d.answer()
	d.at(run.WaitManual, "tick")
	st.wantRan("one", "one")
	d.do(run.MarkDone{})
	if s := d.closed(); s.Run.Closed != run.Done {
		t.Errorf("closed as %q", s.Run.Closed)
	}
}

func TestAnOrphanIsPutToTheOperatorWhoMayEndIt(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh("", "one"), sh(".check", "holds"))+step("tick"))
	st.set("one", executortest.Script{Fate: executor.Orphan})
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.at(run.WaitUnknown, "one")
	if c := at1(s); c.Reason != run.HostOrphan || st.calls("Look") != 0 {
		t.Errorf("cell is %s (%s), %d looks while something of it is alive", c.Status, c.Reason, st.calls("Look"))
	}
	if a := s.Action(run.VerbStopNow); !a.OK() {
		t.Errorf("stop now: %s", a.Why)
	}
	if c := at1(s); !strings.Contains(c.Detail, "alive: sh body") {
		t.Errorf("what lives is not shown: %q", c.Detail)
	}
	d.do(run.Probe{}) // the checks are shown, and decide nothing
	s = d.at(run.WaitUnknown, "one")
	if c := at1(s); st.calls("Look") != 1 || !c.HoldsNow() || c.Status != run.Unknown || !s.Action(run.VerbMarkFailed).OK() {
		t.Errorf("cell is %s (%s) after %d looks", c.Status, c.Reason, st.calls("Look"))
	}
	d.do(run.StopNow{})
	d.at(run.WaitManual, "tick") // died of it, and the postcondition holds
	st.wantRan("one")
}

func TestAnotherMachineDecidesNothing(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh("", "one"), sh(".check", "holds"))+step("tick"))
	s, end := hold(t, executortest.Script{})
	st.set("one", s)
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	st.await("one")
	h, _ := st.local().Identify(t.Context())
	mine := h
	h.MachineID = "another"
	st.local().SetHost(h)
	sn := d.at(run.WaitUnknown, "one")
	if c := at1(sn); c.Reason != run.HostForeign || st.calls("Look") != 0 {
		t.Errorf("cell is %s (%s), %d looks on another machine", c.Status, c.Reason, st.calls("Look"))
	}
	d.do(run.Probe{})
	d.at(run.WaitUnknown, "one")
	st.local().SetHost(mine)
	end()
	d.do(run.Probe{})
	d.at(run.WaitManual, "tick")
	st.wantRan("one")
}

func TestAnAttemptOfAnotherJournalIsNotTakenForOurs(t *testing.T) {
	t.Parallel()
	for name, irreversible := range map[string]bool{"reversible": false, "irreversible": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			class := ""
			if irreversible {
				class = ".irreversible"
			}
			book := front + step("one", sh(class, "one")) + step("tick")
			st, fork := newStage(t, book), newStage(t, book)
			fork.id, fork.fakes = st.id, st.fakes // a journal restored from a backup
			for i, d := range []*driver{st.start(), fork.start()} {
				d.at(run.WaitGo, "one")
				d.do(run.Go{})
				if irreversible {
					d.at(run.WaitGate, "one")
					d.answer()
				}
				if i == 0 {
					d.at(run.WaitManual, "tick")
					continue
				}
				s := d.at(run.WaitUnknown, "one")
				if c := at1(s); c.Reason != run.HostKnows || !strings.Contains(c.Detail, "hash") {
					t.Errorf("cell is %s (%s): %s", c.Status, c.Reason, c.Detail)
				}
				d.leave("detached") // and again: what the host has isn't ours the second time either
				d = fork.resume()
				s = d.at(run.WaitUnknown, "one")
				if c := at1(s); c.Reason != run.HostKnows || !strings.Contains(c.Detail, "finished with exit code 0") {
					t.Errorf("resumed: cell is %s (%s): %s", c.Status, c.Reason, c.Detail)
				}
				d.do(run.MarkDone{Evidence: "seen"})
				d.at(run.WaitManual, "tick")
			}
			st.wantRan("one")
		})
	}
}
