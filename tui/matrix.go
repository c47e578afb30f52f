package tui

import (
	tea "charm.land/bubbletea/v2"

	"stepgate/tui/keys"
	"stepgate/tui/matrix"
)

// matrixPage shows hosts by steps over the whole body.
type matrixPage struct {
	page
	v matrix.View
}

// showMatrix opens the matrix of what the run stands in.
func (a *app) showMatrix() {
	d := &matrixPage{}
	d.v.Set(a.snap)
	if d.v.Empty() {
		a.word, a.bad = "no matrix: no step of this run runs at several places, and none is repeated for hosts", false
		return
	}
	a.open(d)
}

func (d *matrixPage) scope() keys.Scope   { return keys.InMatrix }
func (d *matrixPage) wheel(_ *app, n int) { d.v.Move(n, 0) }

func (d *matrixPage) click(_ *app, x, y int) tea.Cmd {
	d.v.Click(x-2, y-1)
	return nil
}

func (d *matrixPage) render(a *app, w, h int) string {
	d.v.Set(a.snap)
	next := keys.Name(a.keys.Bound(keys.InMatrix, keys.NextPane).Keys[0], a.theme.Glyph.Enter)
	return d.v.Render(matrix.Look{Theme: a.theme, Now: a.now, Spin: a.spinner(), Turn: next}, w, h)
}

func (d *matrixPage) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, ok := a.keys.Lookup(keys.InMatrix, k.String())
	if !ok {
		return nil
	}
	d.v.Set(a.snap)
	switch b.ID {
	case keys.Up:
		d.v.Move(-1, 0)
	case keys.Down:
		d.v.Move(1, 0)
	case keys.PageUp:
		d.v.Move(-d.v.Page(), 0)
	case keys.PageDown:
		d.v.Move(d.v.Page(), 0)
	case keys.Top:
		d.v.Move(-1<<20, 0)
	case keys.End:
		d.v.Move(1<<20, 0)
	case keys.Left:
		d.v.Move(0, -1)
	case keys.Right:
		d.v.Move(0, 1)
	case keys.NextPane:
		d.v.Turn(1)
	case keys.PrevPane:
		d.v.Turn(-1)
	case keys.Enter:
		if key, ok := d.v.Selected(); ok {
			return a.visit(key)
		}
	case keys.Cancel, keys.Interrupt:
		a.shut()
	default:
		return a.act(b.ID)
	}
	return nil
}
