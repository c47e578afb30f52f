package tui

import (
	"fmt"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/wording"
)

// outPane is the output among the panes.
func (a *app) outPane() string {
	r := a.layout.out
	return a.outBox(r.w, r.h, a.focus == paneOut, keys.InOutput)
}

// outBox draws the output in a frame. in is whose keys move it.
func (a *app) outBox(w, h int, focus bool, in keys.Scope) string {
	iw, ih := pane.Inner(w, h)
	search := a.searchLine(iw, in)
	if search != "" && ih > 1 {
		ih--
	}
	lines := a.out.Lines(a.theme, iw, ih)
	if a.out.Empty() {
		lines = []string{a.theme.Faint.Render("nothing printed")}
	}
	if search != "" {
		for len(lines) < ih {
			lines = append(lines, "")
		}
		lines = append(lines, search)
	}
	box := pane.Box{Title: a.outTitle(), Right: a.out.Shows().String(), Focus: focus, Scroll: a.out.Position()}
	if box.Scroll == nil && !a.out.Empty() {
		box.Note = a.out.Place()
	}
	if !a.out.Wrapped() {
		box.Right += ", cut"
	}
	return box.Render(a.theme, lines, w, h)
}

// outTitle says whose output it is, where that isn't the step that is read.
func (a *app) outTitle() string {
	title := "Output"
	switch p := a.printing(); {
	case p == nil:
	case a.outOf != (run.Key{}):
		title += " of " + wording.Instance(p)
	case p.Key != a.stepKey:
		title += " of " + wording.Name(a.snap.Run, p.Plan.Step)
	}
	if !a.out.Following() {
		title += ", scrolled: " + a.press(keys.InRun, keys.End) + " follows again"
	}
	return title
}

// searchLine is the line of a search in the output: what is typed, or what it has
// found so far.
func (a *app) searchLine(w int, in keys.Scope) string {
	t := a.theme
	if d, ok := a.top().(*searchDialog); ok {
		left := t.Key.Render("/")
		hint := t.Faint.Render("/ once more: a regular expression")
		room := w - pane.Width(hint) - 4
		if room < 20 {
			hint, room = "", w-2
		}
		if note := d.note; note != "" {
			hint, room = t.Bad.Render(note), max(w/3, 10)
		}
		return pane.Row(left+d.p.Draw(t, room), pane.Cut(hint, max(w-room-3, 0), t.Glyph.Ellipsis), w, t.Glyph.Ellipsis)
	}
	p := a.out.Pattern()
	if p == nil {
		return ""
	}
	at, lines, more := a.out.Found()
	count := fmt.Sprintf("%d/%d", at, lines)
	if more {
		count += "+"
	}
	esc := a.press(keys.InText, keys.Cancel)
	keysLine := a.press(in, keys.Next) + " next, " + a.press(in, keys.Prev) + " before, " + esc + " ends"
	switch upto, of := a.out.Searched(); {
	case a.out.Searching():
		count += fmt.Sprintf(", searched %s of %s", text.Bytes(upto), text.Bytes(of))
		keysLine = esc + " stops"
	case lines == 0 && more:
		count = fmt.Sprintf("no line in the first %s has it", text.Bytes(upto))
		keysLine = esc + " ends"
	case lines == 0:
		count = "no line has it"
		keysLine = esc + " ends"
	}
	left := t.Key.Render("/"+text.Line(text.Untrusted(p.String()))) + "  " + t.Strong.Render(count)
	return pane.Row(left, t.Faint.Render(keysLine), w, t.Glyph.Ellipsis)
}
