package engine_test

import (
	"strings"
	"testing"

	"stepgate/executor"
	"stepgate/runbook/run"
)

func TestARebootBetweenStepsIsRefusedOnceAndThenKnown(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh("", "one"))+step("two", sh("", "two"))+step("tick"))
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitGo, "two")
	st.reboot("local")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "two")
	if c := at1(s); c.Reason != run.NotStarted || !strings.Contains(s.Notice, "booted") {
		t.Errorf("cell is %s (%s), notice %q", c.Status, c.Reason, s.Notice)
	}
	d.do(run.Retry{})
	s = d.at(run.WaitManual, "tick")
	if s.Notice != "" {
		t.Errorf("an old notice stays: %q", s.Notice)
	}
	st.wantRan("one", "two")
	if st.count("HostSeen") != 2 {
		t.Errorf("%d accounts of the host", st.count("HostSeen"))
	}
}

func TestAnotherMachineBetweenStepsIsNotUsed(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh("", "one"))+step("tick"))
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitManual, "tick")
	d.leave("detached")
	st2 := newStage(t, front+step("one", sh("", "one"))+step("two", sh("", "two")))
	d = st2.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitGo, "two")
	d.leave("detached")
	h, _ := st2.local().Identify(t.Context())
	h.MachineID = "another"
	st2.local().SetHost(h)
	d = st2.resume()
	d.at(run.WaitGo, "two")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "two")
	if c := at1(s); c.Reason != run.NotStarted || !strings.Contains(c.Detail, "another machine") || s.Hosts["local"].State != "lost" {
		t.Errorf("cell is %s (%s): %s; host %+v", c.Status, c.Reason, c.Detail, s.Hosts["local"])
	}
	st2.wantRan("one")
}

func TestAHostThatCantBeReachedIsSaidAndRetried(t *testing.T) {
	t.Parallel()
	for name, gated := range map[string]bool{"ungated": false, "gated": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts := []string{sh("", "one")}
			if gated {
				parts = append([]string{caution}, parts...)
			}
			st := newStage(t, front+step("one", parts...)+step("tick"))
			bad := &executor.ReachError{Host: "local", Hint: "start sshd on it", Cause: errLink}
			if !gated {
				st.failing(bad, "Identify")
			}
			d := st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			if gated { // lost between the gate and the phrase
				d.at(run.WaitGate, "one")
				d.leave("detached")
				d = st.resume()
				d.at(run.WaitGo, "one")
				st.failing(bad, "Identify")
				d.do(run.Go{})
			}
			s := d.at(run.WaitFailure, "one")
			if c := at1(s); c.Status != run.Failed || c.Reason != run.NotStarted || c.Hint != bad.Hint || len(c.Attempts) != 0 {
				t.Errorf("cell is %s (%s), hint %q, %d attempts", c.Status, c.Reason, c.Hint, len(c.Attempts))
			}
			if h := s.Hosts["local"]; h.State != "lost" || h.Hint != bad.Hint {
				t.Errorf("host is %+v", h)
			}
			st.failing(nil)
			d.do(run.Retry{})
			if gated {
				d.at(run.WaitGate, "one")
				d.answer()
			}
			d.at(run.WaitManual, "tick")
			st.wantRan("one")
		})
	}
}

func TestAHostThatAnswersAndCantBeFollowedIsNotAskedForEver(t *testing.T) {
	t.Parallel()
	st := newStage(t, oneStep)
	st.failing(errLink, "Follow")
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.at(run.WaitUnknown, "one")
	if n := st.calls("Follow"); n > 5 {
		t.Errorf("followed %d times in a row", n)
	}
	if !strings.Contains(s.Notice, "can't be followed") || st.count("Interrupted") > 5 {
		t.Errorf("notice %q after %d interruptions", s.Notice, st.count("Interrupted"))
	}
	st.failing(nil)
	d.do(run.Probe{})
	d.at(run.WaitManual, "tick")
	st.wantRan("one")
}

func TestAHostThatIsAwayIsAskedAgainOnTheOperatorsWord(t *testing.T) {
	t.Parallel()
	st := newStage(t, oneStep)
	asks := st.failing(errLink, "Start", "Probe")
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	patience(t, asks, "the host to be asked")
	d.do(run.StopNow{}) // don't wait for it
	s := d.at(run.WaitUnknown, "one")
	asked := st.calls("Probe")
	if c := at1(s); c.Status != run.Unknown || c.Reason != run.LinkLost || !s.Action(run.VerbProbe).OK() {
		t.Errorf("cell is %s (%s), probe %+v", c.Status, c.Reason, s.Action(run.VerbProbe))
	}
	if err := d.e.Do(t.Context(), s.Current, s.Seq, run.AddNote{Text: "calling the data centre"}); err != nil {
		t.Error(err)
	}
	d.at(run.WaitUnknown, "one")
	if n := st.calls("Probe"); n != asked {
		t.Errorf("a note makes the host be asked %d times more", n-asked)
	}
	d.do(run.MarkFailed{Reason: "the rack is on fire"})
	d.at(run.WaitFailure, "one")
	st.failing(nil)
	st.once("Follow") // doubt comes back for another attempt: it's asked about by itself
	d.do(run.Retry{})
	d.at(run.WaitManual, "tick")
	st.wantRan("one")
}
