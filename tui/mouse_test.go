package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/gate"
)

// clickOn is a click on the first cell of a text on the screen.
func clickOn(t *testing.T, s *still, what string) tea.MouseClickMsg {
	t.Helper()
	for y, l := range strings.Split(s.text(), "\n") {
		if i := strings.Index(l, what); i >= 0 {
			return tea.MouseClickMsg{Button: tea.MouseLeft, X: ansi.StringWidth(l[:i]), Y: y}
		}
	}
	t.Fatalf("there is no %q:\n%s", what, s.text())
	return tea.MouseClickMsg{}
}

// A click on a key of the footer does what the key does; at a gate it answers nothing.
func TestFooterByMouse(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, tablets(t).preflight(), 80, 24)
	st.send(clickOn(t, st, "? help"))
	if got := st.text(); !strings.Contains(got, "Keys") {
		t.Fatalf("the help isn't open:\n%s", got)
	}
	st.send(press("esc")...)
	st.send(clickOn(t, st, "run · "))
	if len(ctl.got) != 1 || ctl.got[0] != (run.Go{}) {
		t.Errorf("asked for %#v", ctl.got)
	}

	st, ctl = atGate(t, chineseGate(t), 80, 40)
	st.now = st.now.Add(gate.Grace)
	st.send(typed("tablet-1")...)
	declines := clickOn(t, st, "esc decline")
	for y := range 40 {
		for x := 0; x < 80 && (y < declines.Y || x < declines.X); x += 3 {
			st.send(tea.MouseClickMsg{Button: tea.MouseLeft, X: x, Y: y})
		}
	}
	if len(ctl.got) > 0 {
		t.Fatalf("a click answered the gate: %#v", ctl.got)
	}
	if got := st.text(); !strings.Contains(got, "a gate is answered at the keyboard") {
		t.Errorf("nothing says why:\n%s", got)
	}
	st.send(clickOn(t, st, "decline"))
	if got := answers(ctl); len(got) != 1 || got[0].Typed != "" {
		t.Errorf("answers: %+v", got)
	}
}

// The wheel reads a gate, not faster than it is drawn.
func TestGateByWheel(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, chineseGate(t), 80, 15)
	st.now = st.now.Add(gate.Grace)
	down := tea.MouseWheelMsg{Button: tea.MouseWheelDown}
	for range 20 { // all within one frame
		_, cmd := st.Update(down)
		play(st.app, cmd)
	}
	st.send(typed("tablet-1")...)
	if st.text(); !strings.Contains(st.text(), "Read to the end") {
		t.Fatalf("what was never drawn counts as read:\n%s", st.text())
	}
	for range 10 {
		st.send(down)
	}
	st.send(append(typed("tablet-1"), stroke("enter"))...)
	if got := answers(ctl); len(got) != 1 || got[0].Typed != "tablet-1" {
		t.Errorf("answers: %+v\n%s", got, st.text())
	}
}

// A click on the mark of a section folds and unfolds it; elsewhere in its line it only
// puts the cursor there.
func TestTreeByMouse(t *testing.T) {
	t.Parallel()
	st, _ := atGate(t, tablets(t).preflight(), 120, 40)
	st.send(clickOn(t, st, "○ tablet-2"))
	if got := st.text(); strings.Contains(got, "▾ tablet-2") || !strings.Contains(got, "tablet-2") {
		t.Fatalf("a click beside the mark unfolds:\n%s", got)
	}
	open := clickOn(t, st, "▾ tablet-1")
	st.send(open)
	if got := st.text(); strings.Contains(got, "▾ tablet-1") {
		t.Fatalf("it isn't folded:\n%s", got)
	}
}

// In a dialog of answers a click selects, and one more chooses.
func TestAnswersByMouse(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, busy(t), 80, 24)
	st.send(press("F")...)
	st.send(clickOn(t, st, "1  this step"))
	if got := st.text(); !strings.Contains(got, "› 1  this step") || len(ctl.got) > 0 {
		t.Fatalf("after one click, %#v:\n%s", ctl.got, got)
	}
	st.send(clickOn(t, st, "1  this step"))
	if _, ok := ctl.got[0].(run.FinishThenStop); !ok {
		t.Errorf("asked for %#v", ctl.got)
	}
}
