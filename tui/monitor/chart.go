package monitor

import (
	"math"
	"strconv"
	"strings"
	"time"

	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
)

// plot draws a series in a window.
type plot struct {
	*Series
	board *Board
	t     *theme.Theme
	window
	cols      []Column
	low, high float64
	until     time.Time // nobody can have watched later
	zone      *time.Location
}

func (b *Board) plot(t *theme.Theme, s *Series, v window, now time.Time) *plot {
	p := &plot{Series: s, board: b, t: t, window: v, cols: s.Columns(v.width, v.from, v.n), until: s.End(), zone: now.Location()}
	if p.until.Before(now) && b.on[s.Watch] && b.blind(s, now) != "" {
		p.until = now
	}
	p.scale()
	return p
}

// scale finds the numbers' axis: from nought where the numbers aren't far from it.
func (p *plot) scale() {
	if p.Drawn == "" {
		p.low, p.high = 0, 100
		return
	}
	any := false
	for i := range p.cols {
		n := &p.cols[i].Any
		if n.Count == 0 {
			continue
		}
		if !any {
			p.low, p.high, any = n.Min, n.Max, true
		}
		p.low, p.high = min(p.low, n.Min), max(p.high, n.Max)
	}
	if p.low > 0 && p.low < p.high/2 || p.low == p.high && p.low > 0 {
		p.low = 0
	}
	if p.low == p.high {
		p.high = p.low + 1
	}
}

// span is what a column shows, from the least to the greatest; its values are held where
// no sample ended in it.
func (p *plot) span(i int) (lo, hi float64, ok bool) {
	held := int(2*p.Fence.Interval()/p.width) + 1
	for j := i; j >= max(i-held, 0); j-- {
		c := &p.cols[j]
		if c.Unseen >= p.width/2 && c.Samples == 0 {
			return 0, 0, false
		}
		switch {
		case c.Samples == 0:
		case p.Drawn == "":
			share := 100 * float64(c.Samples-c.Failed-c.Unknown) / float64(c.Samples)
			return share, share, true
		case c.Any.Count > 0:
			return c.Any.Min, c.Any.Max, true
		default:
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// hidden reports whether nobody watched in most of a column.
func (p *plot) hidden(i int) bool {
	start := p.from.Add(time.Duration(i) * p.width)
	unseen := p.cols[i].Unseen
	if end := p.End(); p.until.After(end) && start.Before(p.until) { // what nobody watches now
		lost := min(p.width, p.until.Sub(start))
		if end.After(start) {
			lost -= end.Sub(start)
		}
		unseen += max(lost, 0)
	}
	return p.cols[i].Samples == 0 && unseen >= p.width/2
}

// rows draws the numbers in h lines.
func (p *plot) rows(h int) []*inked {
	out := make([]*inked, h)
	for i := range out {
		out[i] = line(p.n)
	}
	const steps = 8 // of a cell
	units := float64(h*steps - 1)
	height := func(v float64) int {
		return 1 + int(math.Round((v/2-p.low/2)/(p.high/2-p.low/2)*units)) // halves, so that any range is a number
	}
	last := p.at(p.until)
	for i := range p.cols {
		if p.hidden(i) {
			for _, l := range out {
				l.set(i, unseen, p.t.Glyph.Unseen)
			}
			continue
		}
		if i > last {
			break
		}
		lo, hi, ok := p.span(i)
		if !ok {
			continue
		}
		solid, top := height(lo), height(hi)
		for r, l := range out {
			base := (h - 1 - r) * steps
			switch {
			case solid > base:
				l.set(i, p.inkOf(i), p.t.Glyph.Spark[min(solid-base, steps)-1])
			case top > base:
				l.set(i, between, p.t.Glyph.Side)
			}
		}
	}
	return out
}

func (p *plot) inkOf(i int) ink {
	switch c := &p.cols[i]; {
	case c.Failed > 0:
		return failed
	case c.Unknown > 0:
		return unknown
	}
	return value
}

// verdicts has a sign for each column that has samples: the worst of them.
func (p *plot) verdicts() *inked {
	l := line(p.n)
	for i := range p.cols {
		switch c := &p.cols[i]; {
		case c.Failed > 0:
			l.set(i, failed, p.t.Glyph.Mark(theme.Failed))
		case c.Unknown > 0:
			l.set(i, unknown, p.t.Glyph.Mark(theme.Unknown))
		case c.Samples > 0:
			l.set(i, fine, p.t.Glyph.Dot)
		case p.hidden(i):
			l.set(i, unseen, p.t.Glyph.Unseen)
		}
	}
	return l
}

// bar draws a stretch of time, with a word in it or behind it where there is room.
func (p *plot) bar(l *inked, from, to time.Time, k ink, word string) {
	a, z := max(p.at(from), 0), min(p.at(to), p.n-1)
	if z < a {
		return
	}
	room := z - a + 1
	if len(word)+2 <= room {
		l.write(a+(room-len(word))/2, k, word)
	} else if p.free(l, z+1, len(word)+2) {
		l.write(z+2, k, word)
	}
	for i := a; i <= z; i++ {
		if l.inks[i] == blank {
			l.set(i, k, p.t.Glyph.Full)
		}
	}
}

// free reports whether n cells are blank from a place on.
func (p *plot) free(l *inked, at, n int) bool {
	if at+n > p.n {
		return false
	}
	for i := at; i < at+n; i++ {
		if l.inks[i] != blank {
			return false
		}
	}
	return true
}

// gapsLine shows the gaps, the longest with its length first.
func (p *plot) gapsLine() *inked {
	l := line(p.n)
	gaps := p.Gaps(p.from, p.to())
	longest := -1
	for i, g := range gaps {
		if longest < 0 || g.Length > gaps[longest].Length {
			longest = i
		}
	}
	for i, g := range gaps {
		word := ""
		if i == longest || p.width <= p.Fence.Interval() {
			word = text.Duration(g.Length)
		}
		p.bar(l, g.From, g.To, failed, word)
	}
	return l
}

// redLine shows when it was red, and when that was acknowledged; nil: it never was.
func (p *plot) redLine(now time.Time) *inked {
	if len(p.Episodes) == 0 {
		return nil
	}
	l := line(p.n)
	for i := range p.Episodes {
		e := &p.Episodes[i]
		to := e.Green
		if to.IsZero() {
			to = now
		}
		p.bar(l, e.At, to, failed, "")
		if e.Reason != "" {
			l.set(p.at(e.Acked), fine, p.t.Glyph.Mark(theme.Done))
		}
	}
	return l
}

// axes are the time axis, the steps that began, and the clock.
func (p *plot) axes() (ticks, numbers, clock *inked) {
	ticks, numbers, clock = line(p.n), line(p.n), line(p.n)
	for i := range p.n {
		ticks.set(i, axis, p.t.Glyph.Rule)
	}
	for _, m := range p.board.steps.within(p.from, p.to()) {
		i, k, s := p.at(m.at), marked, m.says
		ticks.set(i, marked, p.t.Glyph.Tick)
		if m.failed {
			k = failed
			ticks.set(i, failed, p.t.Glyph.Mark(theme.Failed))
		}
		numbers.write(i, k, s)
	}
	apart := atLeast(10 * p.width)
	layout := "15:04"
	if apart < time.Minute {
		layout = "15:04:05"
	}
	_, offset := p.from.In(p.zone).Zone()
	for i := range p.n {
		at := p.from.Add(time.Duration(i) * p.width)
		local := at.Add(time.Duration(offset) * time.Second)
		if !local.Truncate(apart).Equal(local) && !(i == 0 && p.width > apart) {
			continue
		}
		s := at.In(p.zone).Format(layout)
		if s == "00:00" || apart >= 24*time.Hour {
			s = at.In(p.zone).Format("2 Jan")
		}
		clock.write(i, label, s)
	}
	return ticks, numbers, clock
}

// labels are those of the numbers' axis, in h lines.
func (p *plot) labels(h int) []string {
	out := make([]string, h)
	unit := ""
	if p.Drawn == "" {
		unit = "%"
	}
	put := func(row int, v float64) {
		if out[row] = text.Figure(v) + unit; len(out[row]) > leftWidth {
			out[row] = strconv.FormatFloat(v, 'g', 2, 64)
		}
	}
	if h > 4 && h%2 == 1 {
		put(h/2, p.low+(p.high-p.low)/2)
	}
	put(h-1, p.low)
	put(0, p.high)
	return out
}

// parts are the lines of a chart around its numbers.
type parts struct{ gaps, red, steps bool }

// draw is the chart in lines: h for the numbers, and those of the parts below.
func (p *plot) draw(h int, with parts, now time.Time) []string {
	left := p.labels(h)
	rows := p.rows(h)
	add := func(name string, l *inked) {
		left, rows = append(left, name), append(rows, l)
	}
	add("samples", p.verdicts())
	if with.gaps {
		add("gaps", p.gapsLine())
	}
	if l := p.redLine(now); l != nil && with.red {
		add("red", l)
	}
	ticks, numbers, clock := p.axes()
	add("", ticks)
	if with.steps {
		add("steps", numbers)
	}
	add("", clock)
	edge := p.t.Border.Render(p.t.Glyph.Side)
	out, pens := make([]string, len(rows)), &pens{t: p.t}
	for i, l := range rows {
		out[i] = p.t.Muted.Render(strings.Repeat(" ", max(leftWidth-pane.Width(left[i]), 0))+pane.Cut(left[i], leftWidth, "")) + edge + l.draw(pens)
	}
	return out
}

// leftWidth is the room for what stands before the lines of a chart.
const leftWidth = 8

// below is how many lines a chart has below its numbers.
func (s *Series) below(with parts) int {
	n := 3
	if with.gaps {
		n++
	}
	if with.red && len(s.Episodes) > 0 {
		n++
	}
	if with.steps {
		n++
	}
	return n
}

// Small draws what a monitor has shown lately, with h lines for its numbers.
func (b *Board) Small(t *theme.Theme, s *Series, w, h int, now time.Time) []string {
	n := w - leftWidth - 1
	if s.End().IsZero() || n < 10 {
		return nil
	}
	to := s.end(b, now)
	from := to.Add(-10 * time.Minute)
	if s.First().After(from) {
		from = s.First()
	}
	return b.plot(t, s, over(from, to, n, s.Fence.Interval()), now).draw(h, parts{gaps: true}, now)
}

// end is up to when a chart of it goes that follows the run.
func (s *Series) end(b *Board, now time.Time) time.Time {
	if end := s.End(); !b.on[s.Watch] || end.After(now) {
		return end
	}
	return now
}
