package matrix

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
)

// drawn is where things are on the screen, inside the frame.
type drawn struct{ x, y, rows, width int }

const (
	roomy   = 10 // cells of a column from which on it has words
	broad   = 24 // and that it has at most
	named   = 28 // of a host's name at most
	high    = 16 // lines from which on titles have two
	tallest = 20 // and from which on signs are explained
)

// Look is what the surroundings give to a drawing.
type Look struct {
	Theme *theme.Theme
	Now   time.Time
	Spin  string // the spinner
	Turn  string // the key that goes to the next sheet
}

// Render draws the matrix in a frame of w by h cells.
func (v *View) Render(l Look, w, h int) string {
	iw, ih := pane.Inner(w, h)
	box := pane.Box{Title: "Hosts by steps", Focus: true}
	if v.Empty() {
		return box.Render(l.Theme, pane.Wrap("No step of this run runs at several places, and none is repeated for hosts.", iw), w, h)
	}
	p := &painter{View: v, Look: l, w: iw, run: v.snap.Run}
	p.measure()
	above, below := p.above(ih), p.below(ih)
	rows := max(ih-len(above)-len(below), 1)
	v.drawn = drawn{p.label + 1, len(above), rows, p.width}
	p.scroll(rows)
	lines := slices.Concat(above, p.rows(rows))
	for len(lines) < ih-len(below) {
		lines = append(lines, "")
	}
	box.Title, box.Right = v.grid.Title(p.run), v.grid.through(v.snap, &v.rolls)
	if n := len(v.sheets); n > 1 {
		box.Right += fmt.Sprintf(" %s %d of %d, %s next", l.Theme.Glyph.Dot, v.at+1, n, l.Turn)
	}
	box.Scroll = &pane.Scroll{Top: v.top}
	box.Scroll.By(0, len(v.grid.Rows), rows)
	return box.Render(l.Theme, append(lines, below...), w, h)
}

// painter draws a view once.
type painter struct {
	*View
	Look
	run *run.Run
	w   int
	// Cells wide: batch labels, batch labels and names, a column. And how many
	// columns there is room for.
	gutter, label, width, seen int
}

// measure finds what goes where, from the whole grid, so that nothing moves while
// it is scrolled.
func (p *painter) measure() {
	g := p.grid
	name := 4
	for i := range g.Rows {
		r := &g.Rows[i]
		name = max(name, ansi.StringWidth(r.Name)+2*r.Depth+2)
		p.gutter = max(p.gutter, ansi.StringWidth(p.rolls.label(p.run, *r)))
	}
	if p.gutter > 0 {
		p.gutter++
	}
	p.label = p.gutter + min(name, named, max(p.w/3, 8))
	number, title := 2, 0
	for _, c := range g.Cols {
		number = max(number, ansi.StringWidth(c.Number)+1)
		title = max(title, ansi.StringWidth(c.Title)+2)
	}
	room := max(p.w-p.label-1, 1)
	fit := room / len(g.Cols)
	switch {
	case fit >= roomy:
		p.width = min(fit, broad, max(title, roomy+2))
	case fit >= number:
		p.width = fit
	default:
		p.width = number
		room = max(room-len(fmt.Sprintf("> %d", len(g.Cols))), 1)
	}
	p.width = min(p.width, room)
	p.seen = max(min(room/p.width, len(g.Cols)), 1)
}

// scroll has the cursor be in sight.
func (p *painter) scroll(rows int) {
	s := pane.Scroll{Top: p.top}
	s.Show(p.row, len(p.grid.Rows), rows)
	p.top = s.Top
	s = pane.Scroll{Top: p.left}
	s.Show(p.col, len(p.grid.Cols), p.seen)
	p.left = s.Top
}

func (p *painter) words() bool { return p.width >= roomy }

// above is what stands over the rows: how the walks stand, numbers, titles.
func (p *painter) above(h int) []string {
	t := p.Theme
	var out []string
	sep := " " + t.Glyph.Dot + " "
	for _, l := range pane.Flow(p.grid.facts(p.snap, &p.rolls, p.Now), sep, p.w) {
		out = append(out, t.Live.Render(l))
	}
	if len(out) > 2 {
		out = out[:2]
	}
	s := pane.Scroll{Top: p.left}
	s.Show(p.col, len(p.grid.Cols), p.seen)
	cols := p.grid.Cols[s.Top:min(s.Top+p.seen, len(p.grid.Cols))]
	lead := strings.Repeat(" ", p.label+1)
	numbers := lead
	titles := []string{lead}
	if h >= high {
		titles = append(titles, lead)
	}
	for i, c := range cols {
		style := t.Muted
		if s.Top+i == p.col {
			style = t.Strong
		}
		numbers += style.Render(pane.Fit(c.Number, p.width, ""))
		wrapped := pane.Wrap(c.Title, max(p.width-2, 1))
		for j := range titles {
			line := ""
			switch {
			case j < len(titles)-1 && j < len(wrapped):
				line = wrapped[j]
			case j < len(wrapped):
				line = strings.Join(wrapped[j:], " ")
			}
			titles[j] += style.Render(pane.Fit(pane.Cut(line, p.width-2, t.Glyph.Ellipsis), p.width, ""))
		}
	}
	if s.Top > 0 {
		numbers = t.Muted.Render(pane.Fit(fmt.Sprintf("%*s", p.label, fmt.Sprintf("%d more <", s.Top)), p.label+1, "")) + strings.TrimPrefix(numbers, lead)
	}
	if more := len(p.grid.Cols) - s.Top - len(cols); more > 0 {
		numbers += t.Muted.Render(fmt.Sprintf("> %d", more))
	}
	out = append(out, numbers)
	for _, l := range titles {
		if p.words() && strings.TrimSpace(ansi.Strip(l)) != "" {
			out = append(out, l)
		}
	}
	return out
}

func (p *painter) rows(n int) []string {
	var out []string
	for i := p.top; i < min(p.top+n, len(p.grid.Rows)); i++ {
		out = append(out, p.line(i))
	}
	return out
}

func (p *painter) line(row int) string {
	t, r := p.Theme, p.grid.Rows[row]
	sum := p.grid.rowMark(p.snap, row)
	style := t.Text
	switch {
	case row == p.row:
		style = t.Strong
	case sum == theme.Excluded || sum == theme.Pending:
		style = t.Muted
	}
	name := strings.Repeat("  ", r.Depth) + t.Draw(sum) + " " + style.Render(r.Name)
	out := t.Muted.Render(pane.Fit(p.rolls.label(p.run, r), p.gutter, "")) + pane.Fit(name, p.label-p.gutter, t.Glyph.Ellipsis) + " "
	why := p.grid.out(p.run, row)
	for col := p.left; col < min(p.left+p.seen, len(p.grid.Cols)); col++ {
		if why != "" && row != p.row && p.restIsOut(row, col) {
			return out + t.Style(theme.Excluded).Render(t.Glyph.Mark(theme.Excluded)+" out: "+why)
		}
		out += p.cell(row, col)
	}
	return out
}

// restIsOut reports whether a row has nothing from a column on but what was taken out.
func (p *painter) restIsOut(row, col int) bool {
	for i := col; i < len(p.grid.Cols); i++ {
		c, ok := worst(p.snap, p.grid.spots(p.run, row, i))
		switch {
		case ok && c.Status != run.Excluded:
			return false
		case !ok && i == col:
			return false
		}
	}
	return true
}

// cell draws what is at a place: a mark, and where there is room a word.
func (p *painter) cell(row, col int) string {
	t := p.Theme
	spots := p.grid.spots(p.run, row, col)
	here := row == p.row && col == p.col
	c, ok := worst(p.snap, spots)
	if !ok {
		if here {
			return t.Selected.Render(" ") + pane.Fit("", p.width-1, "")
		}
		return pane.Fit("", p.width, "")
	}
	m := mark(p.snap, c)
	glyph, style := t.Glyph.Mark(m), t.Style(m)
	if m == theme.Running && p.snap.busy(c) != nil && p.Spin != "" {
		glyph = p.Spin
	}
	say := ""
	if p.words() {
		say = " " + word(p.snap, spots, p.Now)
	}
	say = pane.Cut(strings.TrimRight(glyph+say, " "), p.width-1, t.Glyph.Ellipsis)
	if here {
		style = t.Selected
	}
	return style.Render(say) + pane.Fit("", p.width-ansi.StringWidth(say), "")
}
