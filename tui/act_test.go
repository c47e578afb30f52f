package tui

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/gate"
)

func presses(ks ...any) []tea.Msg {
	var out []tea.Msg
	for _, k := range ks {
		switch k := k.(type) {
		case string:
			out = append(out, stroke(k))
		case []tea.Msg:
			out = append(out, k...)
		}
	}
	return out
}

func ready(t *testing.T) *story { return tablets(t).preflight() }

func manual(t *testing.T) *story {
	s := tablets(t)
	return s.then(s.first("components@ops-1"))
}

func failed(t *testing.T) *story { return tablets(t).stopFails() }
func paused(t *testing.T) *story { return ready(t).then(run.Paused{}) }

func stopping(t *testing.T) *story {
	s := busy(t)
	s.busy.Stopping = true
	return s
}

// careful runs a command that isn't safe to repeat.
func careful(t *testing.T) *story {
	s := tablets(t).atStop()
	k := s.cell("tablets[tablet-1]/stop@tablet-1").Key
	s.grant(k).begin(k)
	s.busy = &run.Activity{What: "command", Since: s.at, Attempt: s.run.Cell(k).Latest().Intent.Attempt}
	return s
}

// deed is what an operator's keys ask the run for.
type deed struct {
	name string
	tell func(*testing.T) *story
	keys []tea.Msg
	want []run.Action
}

var actions = []deed{
	{"enter runs what is ready", ready, presses("enter"), []run.Action{run.Go{}}},
	{"one step for one enter", ready, presses("enter"), []run.Action{run.Go{}}},
	{"enter elsewhere only comes back", ready, presses("down", "enter"), nil},
	{"and then runs", ready, presses("down", "enter", "enter"), []run.Action{run.Go{}}},
	{"enter ticks", manual, presses("enter"), []run.Action{run.MarkDone{}}},
	{"with evidence", manual, presses("e", typed("posted"), "enter"), []run.Action{run.MarkDone{Evidence: "posted"}}},
	{"evidence called off", manual, presses("e", typed("po"), "esc"), nil},
	{"auto starts what is ready", ready, presses("a"), []run.Action{run.Go{}}},
	{"auto off does nothing", ready, presses("a", "a"), []run.Action{run.Go{}}},
	{"auto leaves a manual step alone", manual, presses("a"), nil},
	{"enter while busy does nothing", busy, presses("enter"), nil},
	{"paused goes on", paused, presses("enter"), []run.Action{run.Continue{}}},
	{"retry", failed, presses("r"), []run.Action{run.Retry{}}},
	{"skip needs a reason", failed, presses("s", "enter"), nil},
	{"skip", failed, presses("s", typed("known"), "enter"), []run.Action{run.Skip{Reason: "known"}}},
	{"mark done needs evidence", failed, presses("e", "enter"), nil},
	{"mark done", failed, presses("e", typed("seen"), "enter"), []run.Action{run.MarkDone{Evidence: "seen"}}},
	{"mark failed doesn't apply", failed, presses("f", typed("x"), "enter"), nil},
	{"roll back", failed, presses("b", "y", "enter"), []run.Action{run.RollBack{}}},
	{"roll back, not confirmed", failed, presses("b", "enter", "n", "enter"), nil},
	{"look again", failed, presses("p"), []run.Action{run.Probe{}}},
	{"pause", failed, presses("P"), []run.Action{run.Pause{}}},
	{"abort has to be typed", failed, presses("A", typed("abor"), "enter"), nil},
	{"abort", failed, presses("A", typed("abort"), "enter"), []run.Action{run.Abort{Why: "at upgrade"}}},
	{"by the menu's cursor", failed, presses("down", "enter"), []run.Action{run.Probe{}}},
	{"enter alone chooses nothing", failed, presses("enter"), nil},
	{"look around, then the menu again", failed, presses("esc", "d", "r"), []run.Action{run.Retry{}}},
	{"note", busy, presses("n", typed("慢"), "enter"), []run.Action{run.AddNote{Text: "慢"}}},
	{"unknown: settle as failed", unknown, presses("f", typed("gone"), "enter"), []run.Action{run.MarkFailed{Reason: "gone"}}},
	{"unknown: no retry", unknown, presses("r", "s", "esc"), nil},
	{"stop what is safe to repeat", busy, presses("x", "y", "enter"), []run.Action{run.StopNow{}}},
	{"stop once more kills", stopping, presses("x", "y", "enter"), []run.Action{run.StopNow{Kill: true}}},
	{"stop wants the host's name", careful, presses("x", "y", "enter"), nil},
	{"stop with the host's name", careful, presses("x", typed("tablet-1"), "enter"), []run.Action{run.StopNow{}}},
	{"a poll is ended at once", polling, presses("x"), []run.Action{run.StopNow{}}},
	{"interrupt: wait", careful, presses("ctrl+c", "enter"), nil},
	{"interrupt: stop", careful, presses("ctrl+c", "x", typed("tablet-1"), "enter"), []run.Action{run.StopNow{}}},
}

func TestActions(t *testing.T) {
	t.Parallel()
	for _, tt := range slices.Concat(actions, waitActions) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st, ctl := atGate(t, tt.tell(t), 100, 30)
			st.now = st.now.Add(gate.Grace)
			st.send(tt.keys...)
			if len(ctl.got) != len(tt.want) {
				t.Fatalf("asked for %#v, want %#v\n%s", ctl.got, tt.want, st.text())
			}
			for i, w := range tt.want {
				got := ctl.got[i]
				if a, ok := got.(run.Abort); ok && strings.HasPrefix(a.Why, "at ") {
					got = run.Abort{Why: "at upgrade"}
				}
				if got != w {
					t.Errorf("asked for %#v, want %#v", got, w)
				}
			}
		})
	}
}

// The failure dialog opens by itself, and doesn't take keys that were meant for
// what was there before.
func TestFailureSwallowsEarlyKeys(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, tablets(t).stopFails(), 100, 30)
	st.now = st.now.Add(gate.Grace - 3*pressed - time.Millisecond)
	st.send(presses("r", "p", "P")...)
	if len(ctl.got) != 0 {
		t.Fatalf("early keys asked for %#v", ctl.got)
	}
	st.now = st.now.Add(2 * time.Millisecond)
	st.send(presses("r")...)
	if len(ctl.got) != 1 {
		t.Errorf("asked for %#v", ctl.got)
	}
}

// An action is meant for what was on the screen when it was asked for.
func TestActionKeepsItsPlace(t *testing.T) {
	t.Parallel()
	s := tablets(t).stopFails()
	st, _ := atGate(t, s, 100, 30)
	place := &placed{}
	st.ctl = place
	st.now = st.now.Add(gate.Grace)
	before := s.snap()
	st.send(presses("s", typed("known"))...)
	k := before.Current
	s.then(run.Retried{Cell: k})
	st.Update(snapMsg{s.snap()})
	st.send(presses("enter")...)
	if place.key != k || place.seq != before.Seq {
		t.Errorf("asked at %s, %d; it was shown at %s, %d", place.key, place.seq, k, before.Seq)
	}
}

// Auto doesn't open again a gate that a person has declined.
func TestAutoRespectsANo(t *testing.T) {
	t.Parallel()
	s := tablets(t).atStop()
	st, ctl := atGate(t, s, 100, 30)
	st.auto = true
	st.now = st.now.Add(gate.Grace)
	st.send(presses("esc")...)
	g := s.run.Cell(s.snap().Current).Gate
	s.then(run.GateClosed{Cell: g.Cell, Gate: g.Gate, Why: "declined"})
	st.send(snapMsg{s.snap()})
	if len(ctl.got) != 1 {
		t.Errorf("asked for %#v, want the refusal only", ctl.got)
	}
}

func TestLeave(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		tell func(*testing.T) *story
		keys []tea.Msg
		quit bool
		left Left
	}{
		{"at rest", tablets, presses("q"), true, LeftByOperator},
		{"ctrl+c at rest", tablets, presses("ctrl+c"), true, LeftByOperator},
		{"busy asks first", busy, presses("q"), false, LeftByOperator},
		{"busy, leave", busy, presses("q", "l"), true, LeftByOperator},
		{"busy, wait", busy, presses("q", "w"), false, LeftByOperator},
		{"closed", closed, presses("enter"), true, LeftClosed},
		{"closed, q", closed, presses("q"), true, LeftClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st := pose(tt.tell(t), 100, 30)
			quit := false
			for _, m := range tt.keys {
				_, cmd := st.Update(m)
				quit = quit || quits(cmd)
			}
			if quit != tt.quit || st.left != tt.left {
				t.Errorf("quits: %v, left %d; want %v, %d", quit, st.left, tt.quit, tt.left)
			}
		})
	}
}

// quits reports whether a command ends the program.
func quits(cmd tea.Cmd) bool {
	if cmd == nil {
		return false
	}
	switch m := cmd().(type) {
	case tea.QuitMsg:
		return true
	case tea.BatchMsg:
		return slices.ContainsFunc(m, quits)
	}
	return false
}

// placed keeps where it was asked.
type placed struct {
	key run.Key
	seq uint64
}

func (p *placed) Do(_ context.Context, k run.Key, seq uint64, _ run.Action) error {
	p.key, p.seq = k, seq
	return nil
}
