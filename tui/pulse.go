package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/tui/wording"
)

// idle is when something on the screen changes next by itself while nothing goes on;
// 0: nothing does.
func (a *app) idle() time.Duration {
	if wording.SoakLeft(a.snap, a.now) > 0 {
		return time.Second
	}
	if g, ok := a.top().(*gateDialog); ok {
		if d := g.d.Ages(a.now); d > 0 {
			return d
		}
	}
	turns := a.windowTurns()
	if a.printsBeside() {
		turns = besidePace
	}
	if d := a.board.Turns(a.now); d > 0 && (turns == 0 || d < turns) {
		turns = d
	}
	return turns
}

// after moves the clock in a while, unless that is going to happen before, or the
// screen is left.
func (a *app) after(d time.Duration) tea.Cmd {
	if a.ticking && !a.due.After(a.now.Add(d)) {
		return nil
	}
	a.pulse++
	a.ticking, a.due = true, a.now.Add(d)
	ctx, no := a.ctx, a.pulse
	return func() tea.Msg {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			return tickMsg{no}
		}
	}
}
