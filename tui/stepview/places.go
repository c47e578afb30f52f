package stepview

import (
	"fmt"
	"slices"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// places draws the state of each cell of a step that has several, and of the
// cells that go together with it.
func (b *body) places() {
	cells := b.peers()
	if len(cells) < 2 {
		return
	}
	b.gap()
	t := b.Theme
	var parts []string
	for _, c := range cells {
		mark, word := wording.Mark(c.Status), wording.Status(c.Status)
		glyph := t.Glyph.Mark(mark)
		if a := wording.Busy(b.Snap, c.Key); a != nil {
			mark, word = theme.Running, wording.Activity(c, a, b.Now)
			if glyph = t.Glyph.Mark(mark); b.Spin != "" {
				glyph = b.Spin
			}
		} else if took := wording.Took(c); took > 0 && c.Status.Settled() {
			word += " in " + text.Duration(took)
		}
		name := t.Text
		if c.Key == b.c.Key {
			name = t.Strong
		}
		parts = append(parts, t.Style(mark).Render(glyph)+" "+name.Render(wording.Instance(c))+" "+t.Muted.Render(word))
	}
	b.add(t.Muted.Render(fmt.Sprintf("At %d places:", len(cells))))
	b.add(pane.Indent(pane.Flow(parts, "   ", b.w-2), "  ")...)
}

// peers are the cells of the step, or those that go together with it.
func (b *body) peers() []*run.Cell {
	var out []*run.Cell
	r := b.Snap.Run
	if own := b.c.Plan.Step.Cells; len(own) > 1 {
		for _, pc := range own {
			out = append(out, r.CellOf(pc))
		}
		return out
	}
	out = append(out, b.c)
	keys := b.Snap.With
	if b.Snap.Busy != nil {
		keys = append(keys[:len(keys):len(keys)], b.Snap.Current)
	}
	for _, a := range b.Snap.Beside {
		keys = append(keys[:len(keys):len(keys)], a.Cell)
	}
	for _, k := range keys {
		c := r.Cell(k)
		if c != nil && c.Plan.Step.Book == b.c.Plan.Step.Book && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, z *run.Cell) int { return a.Plan.Index - z.Plan.Index })
	return out
}

// question shows what an ask step wants to know, and the answer once there is
// one.
func (b *body) question() {
	q := b.c.Plan.Step.Book.Question
	if q == nil {
		return
	}
	b.gap()
	t := b.Theme
	ask := wording.Question(b.Snap.Run, b.c)
	for _, l := range pane.Wrap(ask, b.w) {
		b.add(t.Strong.Render(l))
	}
	if q.Param.Help != "" {
		for _, l := range pane.Wrap(wording.Block(q.Param.Help), b.w) {
			b.add(t.Muted.Render(l))
		}
	}
	for _, c := range q.Param.Choices {
		b.add("  " + t.Muted.Render(t.Glyph.Bullet+" ") + wording.Line(c))
	}
	scope := "asked once in the run"
	if q.PerHost {
		scope = "asked at every host"
	}
	b.add(t.Faint.Render("kept as " + wording.Line(q.Param.Name) + ", " + scope))
}
