package tui

import (
	"charm.land/lipgloss/v2"
	"stepgate/tui/keys"

	tea "charm.land/bubbletea/v2"

	"stepgate/tui/gate"
	"stepgate/tui/pane"
)

const graceOffset = gate.Grace

func wrapped(s lipgloss.Style, text string, w int) []string {
	var out []string
	for _, l := range pane.Wrap(text, w) {
		out = append(out, s.Render(l))
	}
	return out
}

// key routes a key: a screen that is too small takes none but the one that
// leaves, then the top dialog, then the run screen.
func (a *app) key(k tea.KeyPressMsg) tea.Cmd {
	if a.layout.small || a.snap == nil {
		if b, _ := a.keys.Lookup(keys.InRun, k.String()); b.ID == keys.Interrupt {
			return a.quit()
		}
		return nil
	}
	if a.hushed(k.String()) {
		return nil
	}
	if d := a.top(); d != nil {
		if a.turns(d, k) {
			if a.now.Sub(a.turned) < gate.Drawn {
				return nil // the page before hasn't been drawn
			}
			a.turned = a.now
		}
		return d.key(a, k)
	}
	if cmd, ok := a.outputKey(k.String()); ok {
		return cmd
	}
	b, ok := a.keys.Lookup(keys.InRun, k.String())
	if !ok {
		return nil
	}
	if !a.sent {
		a.word, a.bad = "", false
	}
	if cmd, ok := a.look(b.ID); ok {
		a.showSelected()
		return tea.Batch(cmd, a.read())
	}
	if a.sent && b.ID != keys.Leave && b.ID != keys.Interrupt && b.ID != keys.Help && b.ID != keys.Matrix && b.ID != keys.Monitors && b.ID != keys.Timeline {
		return nil // one action at a time
	}
	cmd := a.act(b.ID)
	a.showSelected()
	return tea.Batch(cmd, a.read())
}

// turns reports whether a key turns a page that has to be read. A gate counts
// for itself.
func (a *app) turns(d dialog, k tea.KeyPressMsg) bool {
	b, _ := a.keys.Lookup(d.scope(), k.String())
	page, space := b.ID == keys.PageDown, k.String() == "space"
	switch d := d.(type) {
	case *textDialog:
		return page || space && d.p.Reading()
	case *loginDialog:
		return page || space && d.p.Reading()
	case *stopDialog:
		return page
	}
	return false
}

// look handles the keys that only change what is seen.
func (a *app) look(id keys.ID) (tea.Cmd, bool) {
	switch id {
	case keys.NextPane:
		a.focus = (a.focus + 1) % 3
	case keys.PrevPane:
		a.focus = (a.focus + 2) % 3
	case keys.Up:
		a.move(-1)
	case keys.Down:
		a.move(1)
	case keys.PageUp:
		a.move(-a.page())
	case keys.PageDown:
		a.move(a.page())
	case keys.Top:
		a.move(-1 << 20)
	case keys.End:
		a.move(1 << 20)
	case keys.Open:
		a.tree.Fold(true)
	case keys.Close:
		a.tree.Fold(false)
	case keys.Toggle:
		a.tree.Toggle()
	case keys.Return:
		a.tree.Return()
		a.focus, a.whole = paneTree, false
	case keys.Whole:
		a.whole = !a.whole && !a.layout.wide
		a.focus = paneTree
	default:
		return a.lookOutput(id)
	}
	if a.focus != paneTree {
		a.whole = false
	}
	a.rearrange()
	return nil, true
}

// move moves in the pane that has the keys.
func (a *app) move(n int) {
	switch a.focus {
	case paneTree:
		a.tree.Move(n)
	case paneStep:
		_, h := pane.Inner(a.layout.step.w, a.layout.step.h)
		a.step.By(n, a.stepLen, h)
	case paneOut:
		a.out.Scroll(n)
	}
}

func (a *app) page() int {
	r := [...]rect{paneTree: a.layout.tree, paneStep: a.layout.step, paneOut: a.layout.out}[a.focus]
	return max(r.h-3, 1)
}
