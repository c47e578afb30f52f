package tui

import (
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/gate"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
)

// click does what a click of the left button means: a key of the footer, an entry of a
// dialog, a step, a pane. No click answers a gate.
func (a *app) click(m tea.Mouse) tea.Cmd {
	l := a.layout
	if l.small || a.snap == nil || m.Button != tea.MouseLeft {
		return nil
	}
	if m.Y == l.h-1 {
		return a.clickFoot(m.X)
	}
	if _, gate := a.top().(*gateDialog); l.strip.holds(m.X, m.Y) && !gate && !a.hushed("") {
		return a.clickStrip(m.X, m.Y-l.strip.y)
	}
	if d := a.top(); d != nil {
		if r := a.place(d); r.holds(m.X, m.Y) && !a.hushed("") {
			return d.click(a, m.X-r.x, m.Y-r.y)
		}
		return nil
	}
	switch {
	case l.tree.holds(m.X, m.Y):
		a.focus = paneTree
		a.clickTree(m.X-l.tree.x-2, m.Y-l.tree.y-1)
	case l.step.holds(m.X, m.Y):
		a.focus = paneStep
	case l.out.holds(m.X, m.Y):
		a.focus = paneOut
	}
	a.rearrange()
	a.showSelected()
	return a.read()
}

// clickTree puts the cursor on a line of the tree; on its mark, it folds or unfolds it
// too.
func (a *app) clickTree(x, line int) {
	w, h := pane.Inner(a.layout.tree.w, a.layout.tree.h)
	if line < 0 || line >= h {
		return
	}
	at := ""
	if lines := a.tree.Lines(a.theme, w, h, a.now, a.spinner()); line < len(lines) && x >= 0 {
		at = ansi.Strip(ansi.Cut(lines[line], x, x+1))
	}
	if !a.tree.Click(line) {
		return
	}
	if row, ok := a.tree.Selected(); ok && row.Section != nil && (at == a.theme.Glyph.Open || at == a.theme.Glyph.Closed) {
		a.tree.Toggle()
	}
}

// clickFoot does what the key does that the footer names there.
func (a *app) clickFoot(x int) tea.Cmd {
	at := 1
	for _, f := range a.footKeys() {
		w := ansi.StringWidth(f.text)
		if x >= at && x < at+w {
			if g, ok := a.top().(*gateDialog); ok && f.id == keys.Enter {
				g.d.ByHand()
				return nil
			}
			return a.key(tea.KeyPressMsg{Text: f.key})
		}
		at += w + ansi.StringWidth(a.footGap())
	}
	return nil
}

// footGap stands between two keys of the footer.
func (a *app) footGap() string { return " " + a.theme.Glyph.Dot + " " }

// turn reports whether what was on the screen before has been drawn, so that the next
// lines may come; then they do.
func (a *app) turn() bool {
	if a.now.Sub(a.turned) < gate.Drawn {
		return false
	}
	a.turned = a.now
	return true
}

// wheel moves what the wheel is turned over.
func (a *app) wheel(m tea.Mouse) {
	n := 3
	switch m.Button {
	case tea.MouseWheelUp:
		n = -3
	case tea.MouseWheelDown:
	default:
		return
	}
	l := a.layout
	if l.small || a.snap == nil || a.hushed("") {
		return
	}
	if d := a.top(); d != nil {
		d.wheel(a, n)
		return
	}
	_, sh := pane.Inner(l.step.w, l.step.h)
	switch {
	case l.tree.holds(m.X, m.Y):
		a.tree.Move(n)
		a.showSelected()
	case l.step.holds(m.X, m.Y):
		a.step.By(n, a.stepLen, sh)
	case l.out.holds(m.X, m.Y):
		a.out.Scroll(n)
	}
}

// footKey is a key in the footer, as it is written there.
type footKey struct {
	id        keys.ID
	key, text string
}
