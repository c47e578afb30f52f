package output

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/text"
	"stepgate/tui/diff"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
)

// counted is how many rows are counted for each frame; the position among more is
// told in bytes.
const counted = 500

// look is what a row's drawn lines depend on beside its text and width.
type look struct {
	theme   *theme.Theme
	pattern *Pattern
	here    bool // it is the match that was gone to
	cut     bool
	left    int
	differs bool
	change  text.Change
}

// Lines draws what is visible in at most h lines of w cells.
func (p *Pane) Lines(t *theme.Theme, w, h int) []string {
	if w < 1 || h < 1 {
		return nil
	}
	p.width, p.height = w, h
	if p.grid != nil && p.show != Stderr {
		return p.tabular(t, w, h)
	}
	if !p.held {
		p.bottom()
	}
	p.settle()
	p.compare()
	var out []string
	last := p.top
	for i := p.top; i < len(p.w.rows) && len(out) < h; i++ {
		r := p.w.rows[i]
		if !p.visible(r) {
			continue
		}
		drawn := p.draw(t, r)
		if i == p.top {
			drawn = drawn[min(p.sub, len(drawn)-1):]
		}
		out = append(out, drawn...)
		last = i + 1
	}
	p.seen = [2]int{p.top, last}
	return out[:min(len(out), h)]
}

// tall is how many lines a row has.
func (p *Pane) tall(r *row) int {
	if p.cut {
		return 1
	}
	return len(r.breaks(p.width))
}

// bottom puts the last line of the window onto the last line of the pane.
func (p *Pane) bottom() {
	p.top, p.sub = len(p.w.rows), 0
	p.up(p.height)
}

// settle keeps the position within the window: a line is visible, and no line is left
// blank while there are more above it.
func (p *Pane) settle() {
	p.top = max(min(p.top, len(p.w.rows)-1), 0)
	if p.top < len(p.w.rows) {
		p.sub = min(p.sub, p.tall(p.w.rows[p.top])-1)
	}
	if p.w.hi < p.size() {
		return
	}
	if room := p.height - p.below(p.height); room > 0 {
		p.up(room)
	}
}

// below counts the lines from the position on, up to n.
func (p *Pane) below(n int) int {
	lines := -p.sub
	for i := p.top; i < len(p.w.rows) && lines < n; i++ {
		if r := p.w.rows[i]; p.visible(r) {
			lines += p.tall(r)
		} else if i == p.top {
			lines = 0
		}
	}
	return lines
}

// up moves the position up by n lines, as far as there are some.
func (p *Pane) up(n int) {
	if p.sub >= n {
		p.sub -= n
		return
	}
	n -= p.sub
	p.sub = 0
	for i := min(p.top, len(p.w.rows)) - 1; i >= 0; i-- {
		r := p.w.rows[i]
		if !p.visible(r) {
			continue
		}
		k := p.tall(r)
		if p.top = i; k >= n {
			p.sub = k - n
			return
		}
		n -= k
	}
}

// down moves the position down by n lines, as far as there are some.
func (p *Pane) down(n int) {
	for i := p.top; i < len(p.w.rows); i++ {
		r := p.w.rows[i]
		if !p.visible(r) {
			continue
		}
		if i != p.top {
			p.top, p.sub = i, 0
		}
		left := p.tall(r) - p.sub
		if n < left {
			p.sub += n
			return
		}
		n -= left
	}
}

// Scroll moves by n lines; at the end it follows again.
func (p *Pane) Scroll(n int) {
	switch {
	case p.grid != nil && p.show != Stderr:
		p.scroll.Top = max(p.scroll.Top+n, 0) // the next frame keeps it within bounds
		return
	case n < 0:
		p.up(-n)
	default:
		p.down(n)
	}
	p.held = p.w.hi < p.size() && (p.held || n < 0) || p.below(p.height+1) > p.height
	if !p.held {
		p.bottom()
	}
}

// Home goes to the first line.
func (p *Pane) Home() {
	p.scroll.Top = 0
	p.goTo(0)
}

// End goes to the last line, and follows.
func (p *Pane) End() {
	p.held, p.scroll.Top = false, 1<<30
	if p.w.hi+skip < p.size() {
		p.anew(p.size())
	}
}

// goTo shows a position of the document a third of the way down.
func (p *Pane) goTo(pos int64) {
	p.held = true
	if pos < p.w.lo || pos >= p.w.hi && pos < p.size() {
		p.anew(pos)
		return
	}
	p.top, p.sub = p.at(pos), 0
	p.seen = [2]int{p.top, p.top + p.height}
	p.up(p.height / 3)
	if p.w.hi >= p.size() && p.below(p.height+1) <= p.height {
		p.held = false
		p.bottom()
	}
}

// Wrap wraps long lines, or cuts them.
func (p *Pane) Wrap() { p.cut, p.left, p.sub = !p.cut, 0, 0 }

// Wrapped reports whether long lines are wrapped.
func (p *Pane) Wrapped() bool { return !p.cut }

// Sideways moves by n columns, where lines are cut.
func (p *Pane) Sideways(n int) {
	if p.cut {
		p.left = min(max(p.left+n, 0), maxLine)
	}
}

// Following reports whether new output moves the view.
func (p *Pane) Following() bool { return !p.held }

// Position returns the lines above and below what is visible, where they are
// counted; else nil.
func (p *Pane) Position() *pane.Scroll {
	if p.grid != nil && p.show != Stderr {
		return &p.scroll
	}
	if !p.complete() || len(p.w.rows) > counted {
		return nil
	}
	above, total := p.sub, 0
	for i, r := range p.w.rows {
		if !p.visible(r) {
			continue
		}
		if total += p.tall(r); i < p.top {
			above += p.tall(r)
		}
	}
	p.scroll.Top = above
	p.scroll.By(0, total, p.height)
	return &p.scroll
}

// Place tells in bytes how far the last visible line is in the whole.
func (p *Pane) Place() string {
	end := p.w.lo
	if n := min(p.seen[1], len(p.w.rows)); n > 0 {
		end = p.w.rows[n-1].end
	}
	if !p.held {
		end = p.w.hi
	}
	return text.Bytes(end) + " of " + text.Bytes(p.size())
}

// tabular draws the result, and what stderr has behind it.
func (p *Pane) tabular(t *theme.Theme, w, h int) []string {
	all := p.result(t, w)
	for _, r := range p.w.rows {
		if r.stream == 1 && p.visible(r) {
			all = append(all, p.draw(t, r)...)
		}
	}
	p.scroll.By(0, len(all), h)
	return p.scroll.Window(all, h)
}

// result draws the table in lines of at most w cells.
func (p *Pane) result(t *theme.Theme, w int) []string {
	lines := p.grid.Lines(w)
	for i, l := range lines {
		if i < 2 && len(lines) > 1 && strings.HasPrefix(lines[1], "-") {
			lines[i] = t.Muted.Render(l)
		}
	}
	count := fmt.Sprintf("(%d rows)", len(p.grid.Rows))
	if len(p.grid.Rows) == 1 {
		count = "(1 row)"
	}
	return append(lines, t.Faint.Render(pane.Cut(count, w, "")))
}

// draw draws a row in lines of at most the pane's width.
func (p *Pane) draw(t *theme.Theme, r *row) []string {
	starts := r.breaks(p.width)
	k := look{theme: t, pattern: p.found.pattern, here: p.found.pattern != nil && p.found.here(r), cut: p.cut, left: p.left, differs: r.differs, change: r.change}
	if r.drawn != nil && r.look == k {
		return r.drawn
	}
	r.look = k
	marks := k.pattern.Matches(r.buf)
	if p.cut {
		r.drawn = []string{r.sliced(t, k, p.width, marks)}
		return r.drawn
	}
	r.drawn = make([]string, 0, len(starts))
	for i, from := range starts {
		to := len(r.buf)
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		r.drawn = append(r.drawn, pane.Cut(r.styled(t, k, from, to, marks), p.width, ""))
	}
	return r.drawn
}

// sliced draws the columns that are visible of a line that is cut.
func (r *row) sliced(t *theme.Theme, k look, w int, marks [][2]int) string {
	from, to, blanks := r.columns(k.left, w)
	s := strings.Repeat(" ", min(blanks, w)) + r.styled(t, k, from, to, marks)
	if to < len(r.buf) {
		return ansi.Truncate(s, w-ansi.StringWidth(t.Glyph.Ellipsis), "") + t.Faint.Render(t.Glyph.Ellipsis)
	}
	return s
}

// styled draws bytes of a row, in its inks, with the matches set apart.
func (r *row) styled(t *theme.Theme, k look, from, to int, marks [][2]int) string {
	base := t.Text
	switch {
	case r.note:
		base = t.Faint
	case k.differs:
		base = diff.Style(t, k.change, string(r.buf))
	case r.stream == 1:
		base = t.Warning
	}
	match := t.Selected
	if k.here {
		match = match.Bold(true)
	}
	var out strings.Builder
	for at := from; at < to; {
		ink, end := r.inkAt(at, to)
		style := base
		if bytes.ContainsFunc(r.buf[at:end], func(c rune) bool { return c >= utf8.RuneSelf }) {
			ink.Underline, ink.Struck = false, false // lipgloss draws such text rune by rune
		}
		if ink != (theme.Ink{}) {
			style = t.Ink(base, ink)
		}
		for len(marks) > 0 && marks[0][1] <= at {
			marks = marks[1:]
		}
		if len(marks) > 0 && marks[0][0] <= at {
			style, end = match, min(end, marks[0][1])
		} else if len(marks) > 0 {
			end = min(end, marks[0][0])
		}
		out.WriteString(style.Render(string(r.buf[at:end])))
		at = end
	}
	return out.String()
}

// inkAt is the ink of a byte, and where it ends, at most to.
func (r *row) inkAt(at, to int) (theme.Ink, int) {
	ink := theme.Ink{}
	for _, c := range r.inks {
		if c.at > at {
			return ink, min(c.at, to)
		}
		ink = c.ink
	}
	return ink, to
}

// Tail draws the last lines of what is there, at most n, whatever is scrolled. Where
// the end isn't at hand there are none.
func (p *Pane) Tail(t *theme.Theme, w, n int) []string {
	if w < 1 || p.w.hi < p.size() && p.held {
		return nil
	}
	p.compare()
	width := p.width
	p.width = w
	defer func() { p.width = width }()
	var out []string
	if p.grid != nil {
		out = p.result(t, w)
		out = out[max(len(out)-n, 0):]
	}
	for i := len(p.w.rows) - 1; i >= 0 && len(out) < n; i-- {
		r := p.w.rows[i]
		if p.grid != nil && r.stream == 0 {
			continue
		}
		if part := p.draw(t, r); len(r.buf) > 0 || len(out) > 0 {
			out = append(part[:len(part):len(part)], out...)
		}
	}
	return out[max(len(out)-n, 0):]
}

// Copy is the text that is visible, for the clipboard.
func (p *Pane) Copy() string {
	var out strings.Builder
	for _, l := range p.Lines(theme.New(theme.Options{NoColor: true}), p.width, p.height) {
		out.WriteString(strings.TrimRight(ansi.Strip(l), " ") + "\n")
	}
	return out.String()
}
