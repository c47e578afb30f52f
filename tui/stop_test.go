package tui

import (
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/tui/gate"

	tea "charm.land/bubbletea/v2"
)

// undone tells that the rollback of the stopped tablet was asked for, sent, and ended.
func (s *story) undone(exit int) *story {
	s.t.Helper()
	k := s.cell("tablets[tablet-1]/stop@tablet-1").Key
	s.then(run.RollbackRequested{Cell: k})
	c := s.run.Cell(k)
	d, err := s.run.Dispatch(c, run.RoleRollback)
	if err != nil {
		s.t.Fatal(err)
	}
	no := len(c.Attempts) + 1
	id := run.AttemptID("7k2m", k, no, d.Hash("m"))
	v := checks.Pass
	if exit != 0 {
		v = checks.Fail
	}
	return s.then(run.Intent{Cell: k, Role: run.RoleRollback, No: no, Attempt: id, Dispatch: d},
		run.Outcome{Cell: k, Attempt: id, Exit: exit, Verdict: v})
}

// One key undoes a step and runs it once more: the retry follows the rollback when that
// has succeeded, and only then.
func TestRollBackAndRetry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		exit int
		want []string
	}{
		{"undone", 0, []string{"roll back", "retry"}},
		{"the rollback fails", 1, []string{"roll back"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := tablets(t).stopFails()
			st, ctl := atGate(t, s, 80, 24)
			st.now = st.now.Add(gate.Grace)
			st.send(press("B")...)
			for _, want := range []string{"bash bin/start.sh start tablet", "Type RERUN tablets[tablet-1]/stop tablet-1"} {
				if got := st.text(); !strings.Contains(got, want) {
					t.Fatalf("it doesn't say %q:\n%s", want, got)
				}
			}
			st.send(typed("RERUN tablets[tablet-1]/stop tablet-1")...)
			st.send(press("enter")...)
			st.send(snapMsg{s.snap()}) // nothing has happened yet
			st.send(snapMsg{s.undone(tt.exit).snap()})
			st.send(snapMsg{s.snap()})
			var got []string
			for _, a := range ctl.got {
				got = append(got, string(run.VerbOf(a)))
				if r, ok := a.(run.Retry); ok && r.Typed != "RERUN tablets[tablet-1]/stop tablet-1" {
					t.Errorf("the retry has %q", r.Typed)
				}
			}
			if strings.Join(got, ", ") != strings.Join(tt.want, ", ") {
				t.Errorf("asked for %q, want %q", got, tt.want)
			}
		})
	}
}

// A click puts the cursor on a remedy, one more does it; not while keys are swallowed,
// and not one that doesn't apply.
func TestRemediesByMouse(t *testing.T) {
	t.Parallel()
	s := tablets(t).stopFails()
	st, ctl := atGate(t, s, 120, 40)
	on := func(what string) tea.MouseClickMsg {
		for y, l := range strings.Split(st.text(), "\n") {
			if strings.Contains(l, what) {
				return tea.MouseClickMsg{Button: tea.MouseLeft, X: 10, Y: y}
			}
		}
		t.Fatalf("there is no %q:\n%s", what, st.text())
		return tea.MouseClickMsg{}
	}
	st.send(on("  p  look again"), on("  p  look again"))
	if len(ctl.got) > 0 {
		t.Fatalf("a click that came too early asked for %#v", ctl.got)
	}
	st.now = st.now.Add(gate.Grace)
	st.send(on("mark failed"), on("mark failed"))
	st.send(on("p  look again"))
	if got := st.text(); !strings.Contains(got, "› p  look again") || len(ctl.got) > 0 {
		t.Fatalf("after one click, %#v:\n%s", ctl.got, got)
	}
	st.send(on("p  look again"))
	if _, ok := ctl.got[0].(run.Probe); !ok || len(ctl.got) != 1 {
		t.Errorf("asked for %#v", ctl.got)
	}
}

// Of an unknown step, all that is known stands there.
func TestWhatIsKnownOfAnUnknown(t *testing.T) {
	t.Parallel()
	s := busy(t)
	k := s.cell("tablets[tablet-1]/pre@ops-1").Key
	s.busy = nil
	at := s.run.Cell(k).Latest().Intent.Attempt
	s.at = s.at.Add(40 * time.Second)
	s.then(run.HostSeen{Host: "ops-1", Identity: run.Identity{MachineID: "m", BootID: "b2c3d4e5-f6"}})
	s.run.Cell(k).Latest().Intent.Host.BootID = "A1B2C3D4-E5" // as it was seen when it was sent
	s.then(run.Interrupted{Cell: k, Attempt: at, Why: string(run.LinkLost)}, run.Probed{Cell: k, Attempt: at, Fate: "died"})
	st, _ := atGate(t, s, 100, 40)
	got := st.text()
	for _, want := range []string{
		"the command began, left no result, and nothing of it is alive", "It was sent to ops-1 at 22:00:05, 42s before it was lost from sight.",
		"ops-1 has been restarted since: boot A1B2C3D4 then, b2c3d4e5 now.", "It is safe to repeat, once it counts as failed.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it doesn't say %q:\n%s", want, got)
		}
	}
}
