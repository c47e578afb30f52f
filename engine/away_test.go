package engine_test

import (
	"strings"
	"testing"
	"time"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

// sentAway is a step that takes its host down, with a check behind it.
func sentAway(attrs string) string {
	return front + step("one", sh(attrs, "one"), sh(".check", "holds")) + step("tick")
}

func one(s *run.Snapshot) *run.Cell { return s.Run.Cell(run.Key{Step: "one", Target: "local"}) }

// returning waits until the run waits for the host that a step has sent away.
func (d *driver) returning() *run.Snapshot {
	d.t.Helper()
	return d.until("the wait for the host", func(s *run.Snapshot) bool {
		return s.Busy != nil && s.Busy.What == run.Returning && s.Busy.Try > 0
	})
}

func TestAHostThatIsSentAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	st := newStage(t, sentAway(".reboot reconnect=10m"))
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.returning() // its command has passed, and it has not gone down yet
	if c := one(s); c.Status != run.Running || c.Latest().Outcome == nil || !strings.Contains(s.Busy.Detail, "not gone down") || s.Busy.Timeout <= 0 {
		t.Errorf("%s, busy %+v", c.Status, s.Busy)
	}
	if st.calls("Look") != 0 {
		t.Error("the postconditions are taken before the host is back")
	}
	st.failing(errLink, "Identify", "Look")
	d.do(run.Probe{}) // try now
	d.until("the host to be away", func(s *run.Snapshot) bool { return s.Busy != nil && strings.Contains(s.Busy.Detail, "does not answer") })
	st.reboot("local")
	st.failing(nil)
	d.do(run.Probe{})
	s = d.at(run.WaitManual, "tick")
	c := one(s)
	if c.Status != run.Succeeded || c.Latest().Returned == nil || c.Latest().Returned.Host.BootID != "boot-1+" {
		t.Errorf("%s, returned %+v", c.Status, c.Latest().Returned)
	}
	if !strings.Contains(s.Notice, "is back after") {
		t.Errorf("notice %q", s.Notice)
	}
	st.wantRan("one")
}

// A command that goes down with its host has left no result: its postconditions
// tell, and where there are none a person.
func TestACommandThatGoesDownWithItsHostIsSettledByChecks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		attrs string
		holds int
		wait  run.Wait
		step  string
	}{
		"they hold":                     {".reboot reconnect=10m", 0, run.WaitManual, "tick"},
		"they hold without .reboot":     {"reconnect=10m", 0, run.WaitManual, "tick"},
		"they fail":                     {".reboot reconnect=10m", 1, run.WaitUnknown, "one"},
		"they hold; it can't be undone": {".reboot reconnect=10m .irreversible", 0, run.WaitUnknown, "one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, sentAway(tc.attrs))
			s, _ := hold(t, executortest.Script{})
			st.set("one", s)
			st.set("holds", executortest.Script{Exit: tc.holds})
			d := st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			if strings.Contains(tc.attrs, "irreversible") {
				d.at(run.WaitGate, "one")
				d.answer()
			}
			st.await("one")
			st.failing(errLink, "Probe", "Identify")
			st.reboot("local") // ends the following
			sn := d.returning()
			if c := one(sn); c.Status != run.Unknown || !strings.Contains(sn.Busy.Detail, "may still be running") {
				t.Errorf("%s, busy %+v", c.Status, sn.Busy)
			}
			st.failing(nil)
			d.do(run.Probe{})
			sn = d.at(tc.wait, tc.step)
			if c := one(sn); c.Latest().Returned == nil || c.Latest().Fate != "rebooted" || tc.wait == run.WaitUnknown && c.Reason != run.HostRebooted {
				t.Errorf("%s (%s), fate %q, returned %+v", c.Status, c.Reason, c.Latest().Fate, c.Latest().Returned)
			}
			st.wantRan("one")
		})
	}
}

func TestAHostThatNeverGoesAwayIsAFailureAndOneThatStaysAwayIsNotKnown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		away   bool
		wait   run.Wait
		status run.Status
		reason run.Reason
		says   string
	}{
		"it never goes": {false, run.WaitFailure, run.Failed, run.NotRebooted, "did not reboot"},
		"it stays away": {true, run.WaitUnknown, run.Unknown, run.HostAway, "not come back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, sentAway(".reboot reconnect=1s"))
			d := st.start()
			d.at(run.WaitGo, "one")
			s, end := hold(t, executortest.Script{})
			st.set("one", s)
			d.do(run.Go{})
			st.await("one")
			if tc.away {
				st.failing(errLink, "Identify")
			}
			end()
			sn := d.at(tc.wait, "one")
			if c := at1(sn); c.Status != tc.status || c.Reason != tc.reason || !strings.Contains(c.Detail, tc.says) || st.calls("Look") != 0 {
				t.Errorf("%s (%s): %s; %d looks", c.Status, c.Reason, c.Detail, st.calls("Look"))
			}
			if first := sn.Actions[0]; first.Verb != run.VerbProbe || !strings.Contains(first.Says, "wait") {
				t.Errorf("first is offered %+v", first)
			}
			if a := sn.Action(run.VerbRetry); tc.away == a.OK() {
				t.Errorf("retry: %+v", a)
			}
			st.reboot("local") // it comes after all
			st.failing(nil)
			d.do(run.Probe{})
			if c := one(d.at(run.WaitManual, "tick")); c.Status != run.Succeeded || c.Latest().Returned == nil {
				t.Errorf("after waiting again: %s", c.Status)
			}
			st.wantRan("one")
		})
	}
}

func TestAnotherMachineDoesNotComeBackForTheHost(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*executor.Host){
		"another machine":  func(h *executor.Host) { h.MachineID = "another" },
		"another host key": func(h *executor.Host) { h.HostKey = "SHA256:other" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, sentAway(".reboot reconnect=10m"))
			h, _ := st.local().Identify(t.Context())
			h.HostKey = "SHA256:own"
			st.local().SetHost(h)
			d := st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			d.returning()
			h.BootID = "boot-2"
			change(&h)
			st.local().SetHost(h)
			d.do(run.Probe{})
			d.until("its refusal", func(s *run.Snapshot) bool { return s.Busy != nil && strings.Contains(s.Busy.Detail, name) })
			d.do(run.StopNow{})
			if c := at1(d.at(run.WaitUnknown, "one")); c.Reason != run.HostAway || c.Latest().Returned != nil {
				t.Errorf("%s (%s)", c.Status, c.Reason)
			}
		})
	}
}

func TestWhoResumesGoesOnWaitingForTheHost(t *testing.T) {
	t.Parallel()
	st := newStage(t, sentAway(".reboot reconnect=10m"))
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.returning()
	d.leave("killed")
	d = st.resume()
	d.returning()
	d.do(run.Pause{Why: "lunch"})
	d.at(run.WaitPaused, "one")
	if n := st.count("NotReturned"); n != 0 {
		t.Errorf("%d waits were given up", n)
	}
	d.do(run.Continue{})
	d.returning()
	st.reboot("local")
	d.do(run.Probe{})
	d.at(run.WaitManual, "tick")
	st.wantRan("one")
}

// While a lost host is asked again by itself, the operator may do something else.
func TestALostHostIsAskedAgainAndDoesNotHoldTheOperator(t *testing.T) {
	t.Parallel()
	lost := func(t *testing.T) (*stage, *driver) {
		st := newStage(t, oneStep)
		s, _ := hold(t, executortest.Script{})
		st.set("one", s)
		st.failing(errLink, "Follow", "Probe")
		d := st.start()
		d.at(run.WaitGo, "one")
		d.do(run.Go{})
		s1 := d.until("trying again", func(s *run.Snapshot) bool { return s.Busy != nil && s.Busy.What == run.Reconnecting })
		if !strings.Contains(s1.Busy.Detail, "link lost, reconnecting, try 2") || s1.Busy.Timeout != 2*time.Minute {
			t.Errorf("busy %+v", s1.Busy)
		}
		return st, d
	}
	t.Run("it is asked now", func(t *testing.T) {
		t.Parallel()
		st, d := lost(t)
		st.failing(nil)
		d.do(run.Probe{})
		s := d.until("it to be followed", func(s *run.Snapshot) bool { return s.Busy != nil && s.Busy.What == "command" })
		if !strings.Contains(s.Notice, "re-attached after") || st.count("Reattached") != 1 {
			t.Errorf("notice %q", s.Notice)
		}
	})
	t.Run("it is settled by hand", func(t *testing.T) {
		t.Parallel()
		st, d := lost(t)
		d.do(run.MarkFailed{Reason: "the rack is on fire"})
		if c := at1(d.at(run.WaitFailure, "one")); c.Reason != run.DecidedFailed {
			t.Errorf("%s (%s)", c.Status, c.Reason)
		}
		st.wantRan("one")
	})
	t.Run("the run is paused", func(t *testing.T) {
		t.Parallel()
		st, d := lost(t)
		d.do(run.Pause{})
		d.at(run.WaitPaused, "one")
		asked := st.calls("Probe")
		d.do(run.AddNote{Text: "x"})
		d.at(run.WaitPaused, "one")
		if n := st.calls("Probe"); n != asked {
			t.Errorf("a paused run asks the host %d times", n-asked)
		}
		st.failing(nil)
		d.do(run.Continue{})
		d.until("it to be followed", func(s *run.Snapshot) bool { return s.Busy != nil && s.Busy.What == "command" })
	})
	t.Run("nothing else is done", func(t *testing.T) {
		t.Parallel()
		_, d := lost(t)
		d.refused(run.Go{}, "going on")
		d.refused(run.Abort{}, "going on")
		d.refused(run.Retry{}, "going on")
	})
}

func TestAHostThatStaysAwayIsPutToTheOperatorInTime(t *testing.T) {
	t.Parallel()
	st := newStage(t, oneStep)
	st.patience = time.Second
	st.failing(errLink, "Follow", "Probe")
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.at(run.WaitUnknown, "one")
	if c := at1(s); c.Reason != run.LinkLost || !strings.Contains(s.Notice, "ask host") {
		t.Errorf("%s (%s), notice %q", c.Status, c.Reason, s.Notice)
	}
}
