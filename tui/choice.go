package tui

import (
	tea "charm.land/bubbletea/v2"
	"stepgate/tui/keys"

	"stepgate/runbook/run"
	"stepgate/tui/menu"
	"stepgate/tui/pane"
	"stepgate/tui/wording"
)

// leaveDialog asks what to do with what is going on.
func leaveDialog(a *app) *choiceDialog {
	d := &choiceDialog{
		title: "Something is running", whileBusy: true,
		says: []string{wording.Waiting(a.snap, a.now), "What shall happen with it?"},
		then: map[string]func(*app) tea.Cmd{
			"w": nil,
			"l": func(a *app) tea.Cmd { return a.quit() },
			"x": func(a *app) tea.Cmd { return a.act(keys.Stop) },
		},
	}
	stop := a.snap.Action(run.VerbStopNow)
	d.m.Entries = []menu.Entry{
		{Key: "w", Name: "wait", Says: "stay here; so does " + a.press(keys.InChoice, keys.Enter)},
		{Key: "l", Name: "leave", Says: "the command goes on by itself; the run can be resumed"},
		{Key: "x", Name: "stop", Says: "stop it now", Why: stop.Why},
	}
	return d
}

func (d *choiceDialog) render(a *app, w, h int) string {
	w = min(w, 84)
	iw, ih := pane.Inner(w, h)
	var lines []string
	for _, s := range d.says {
		lines = append(lines, pane.Wrap(s, iw)...)
	}
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	if len(d.below) > 0 {
		lines = append(lines, d.details(a.theme, iw, ih-len(lines)-len(d.m.Entries)-1)...)
		lines = append(lines, "")
	}
	d.menuAt = len(lines)
	lines = append(lines, d.m.Lines(a.theme, iw, max(ih-len(lines), 1))...)
	return pane.Box{Title: d.title, Focus: true}.Render(a.theme, lines, w, min(h, len(lines)+2))
}
