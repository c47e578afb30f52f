package matrix

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// below is what stands under the rows: what the cursor is on.
func (p *painter) below(h int) []string {
	t := p.Theme
	lines := p.detail()
	room := 3
	if h < 10 {
		room = 1
	}
	for len(lines) < room {
		lines = append(lines, "")
	}
	out := append([]string{t.Border.Render(strings.Repeat(t.Glyph.Rule, p.w))}, lines[:room]...)
	if h >= tallest {
		out = append(out, p.legend())
	}
	return out
}

func (p *painter) detail() []string {
	t := p.Theme
	col, row := p.grid.Cols[p.col], p.grid.Rows[p.row]
	spots := p.grid.spots(p.run, p.row, p.col)
	title := strings.TrimSpace(col.Number + " " + col.Title)
	c, ok := worst(p.snap, spots)
	if !ok {
		return []string{t.Strong.Render(title), t.Muted.Render(row.Name + " has no such step")}
	}
	m := mark(p.snap, c)
	state := t.Style(m).Render(t.Glyph.Mark(m) + " " + p.state(c))
	out := []string{pane.Row(t.Strong.Render(wording.Name(p.run, c.Plan.Step)), t.Text.Render(row.Name), p.w, t.Glyph.Ellipsis)}
	if more := p.others(spots, c); more != "" {
		state += t.Muted.Render("  " + more)
	}
	out = append(out, pane.Cut(state, p.w, t.Glyph.Ellipsis))
	if why := p.why(c); why != "" {
		out = append(out, t.Muted.Render(pane.Cut(why, p.w, t.Glyph.Ellipsis)))
	}
	return out
}

// state is the word for a spot, with its time.
func (p *painter) state(c spot) string {
	m := mark(p.snap, c)
	if b := p.snap.busy(c); b != nil && m == theme.Running {
		return wording.Activity(c.Cell, b, p.Now)
	}
	switch {
	case m == theme.Ready:
		return "next"
	case c.Status == run.Pending && m == theme.Gate:
		return "not yet; a gate stands before it"
	case c.Status == run.Pending:
		return "not yet"
	}
	said := brief(p.snap, c, p.Now)
	if m == theme.Done && said != wording.Status(run.Succeeded) {
		said = "done, took " + said
	}
	if !c.Ended.IsZero() {
		said += ", at " + c.Ended.In(p.Now.Location()).Format("15:04:05")
	}
	return said
}

// others says how the other places of a cell's step stand.
func (p *painter) others(spots []spot, c spot) string {
	if len(spots) < 2 {
		return ""
	}
	return fmt.Sprintf("on %s; %d of its %d places are done", wording.Place(c.Key.Target), settled(p.snap, spots), len(spots))
}

// why says more about a spot, or about its row.
func (p *painter) why(c spot) string {
	switch {
	case c.Status == run.Skipped:
		return "because: " + wording.Line(c.Skip)
	case c.Excluded != "":
		return "taken out: " + wording.Line(c.Excluded)
	}
	for _, res := range c.looked() {
		for _, row := range res.Rows {
			if row.Verdict != checks.Pass {
				what, saw := wording.Row(row)
				return what + "   " + saw
			}
		}
	}
	if s := wording.Stopped(c.Cell); s != "" {
		return s
	}
	var facts []string
	for _, w := range p.grid.Rows[p.row].Walks {
		ro := p.rolls.get(p.run, w.Walk)
		i, ok := ro.batch[w.Key]
		switch {
		case postponed(p.run, w):
			facts = append(facts, "moved to the end of its walk")
		case ok && (w.Walk.Batch > 1 || ro.Canary):
			facts = append(facts, wording.Batch(ro.Rolling, i))
		}
	}
	if in := wording.Instance(c.Cell); strings.Contains(in, " (on ") {
		facts = append(facts, "runs on "+wording.Place(c.Key.Target))
	}
	return strings.Join(facts, " "+p.Theme.Glyph.Dot+" ")
}

// legend gives each sign its word.
func (p *painter) legend() string {
	t := p.Theme
	out := ""
	for _, l := range []struct {
		m    theme.Mark
		word string
	}{
		{theme.Done, "done"},
		{theme.Running, "running"},
		{theme.Gate, "gate"},
		{theme.Failed, "failed"},
		{theme.Unknown, "unknown"},
		{theme.Skipped, "skipped"},
		{theme.Excluded, "out"},
		{theme.Undone, "rolled back"},
		{theme.NotApplicable, "n/a"},
		{theme.Pending, "not yet"},
	} {
		part := t.Draw(l.m) + t.Muted.Render(" "+l.word) + "  "
		if ansi.StringWidth(out)+ansi.StringWidth(part)-2 > p.w {
			break
		}
		out += part
	}
	return out
}
