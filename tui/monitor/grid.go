package monitor

import (
	"sort"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
)

// Column is what a monitor has shown in a stretch of time. A sample counts where it
// ended.
type Column struct {
	Samples, Failed, Unknown int
	Good                     run.Numbers // of the capture that is drawn, in good samples
	Any                      run.Numbers // in all samples
	Unseen                   time.Duration
}

// grid are columns of equal length, from a moment on. They begin at multiples of it,
// so that a column holds the same wherever the chart begins.
type grid struct {
	width time.Duration
	from  time.Time
	cols  []Column

	next    int       // of the series' batches, the first that isn't settled in cols
	end     time.Time // of the settled ones; zero: none is in the grid
	cut     int       // the last column that settled ones have touched
	cutWas  Column
	touched int // columns that are there when the unsettled ones are taken back
}

// most is how many columns a grid holds: what lies further back is reduced anew when it
// is looked at.
const most = 4096

// Columns are n columns of a width, from the one that holds a moment on.
func (s *Series) Columns(width time.Duration, from time.Time, n int) []Column {
	g := &s.grid
	from = from.Truncate(width)
	if last := from.Add(time.Duration(n) * width); g.width != width || from.Before(g.from) || last.Sub(g.from)/width > most {
		*g = grid{width: width, from: from.Add(-time.Duration(n) * width)}
		g.skip(s)
		g.take(s)
	}
	out := make([]Column, n)
	if at := int(from.Sub(g.from) / width); at < len(g.cols) {
		copy(out, g.cols[at:])
	}
	return out
}

// skip leaves out the batches that end before the grid begins.
func (g *grid) skip(s *Series) {
	g.next = sort.Search(len(s.seen), func(i int) bool { return !s.seen[i].Until().Before(g.from) })
	if g.next > s.settled {
		g.next = s.settled
	}
	if g.next > 0 {
		g.end = s.seen[g.next-1].Until()
	}
}

// take brings the grid up to what the series has.
func (g *grid) take(s *Series) {
	if g.width == 0 {
		return
	}
	g.cols = g.cols[:g.touched]
	if g.cut < len(g.cols) {
		g.cols[g.cut] = g.cutWas
	}
	end := g.end
	for ; g.next < s.settled; g.next++ {
		end = g.add(s.seen[g.next], s.Drawn, end)
	}
	g.end, g.touched = end, len(g.cols)
	if g.cut = max(g.touched-1, 0); g.cut < len(g.cols) {
		g.cutWas = g.cols[g.cut]
	}
	for _, b := range s.seen[g.next:] {
		end = g.add(b, s.Drawn, end)
	}
}

// add takes a batch behind what ended then, and returns its own end.
func (g *grid) add(b *run.Samples, drawn string, end time.Time) time.Time {
	if !end.IsZero() && b.From.After(end) {
		g.unseen(end, b.From)
	}
	numbers, at := b.Numbers[drawn], b.From
	for i, ms := range b.After {
		at = at.Add(time.Duration(ms) * time.Millisecond)
		c := g.at(at)
		if c == nil {
			continue
		}
		c.Samples++
		v := verdict(b.Verdicts[i])
		switch v {
		case checks.Fail:
			c.Failed++
		case checks.Unknown:
			c.Unknown++
		case checks.Pass:
		}
		if i < len(numbers) && numbers[i] != nil {
			c.Any = plus(c.Any, *numbers[i])
			if v == checks.Pass {
				c.Good = plus(c.Good, *numbers[i])
			}
		}
	}
	return b.Until()
}

// at is the column of a moment; nil: it lies before the grid, or further behind its end
// than can be drawn. A clock that was set back doesn't lead behind what is settled.
func (g *grid) at(t time.Time) *Column {
	if t.Before(g.from) && g.touched == 0 {
		return nil
	}
	i := max(int(t.Sub(g.from)/g.width), g.cut)
	if i >= 2*most {
		return nil
	}
	for len(g.cols) <= i {
		g.cols = append(g.cols, Column{})
	}
	return &g.cols[i]
}

// unseen spreads a time in which nobody watched over the columns.
func (g *grid) unseen(from, to time.Time) {
	if from.Before(g.from) {
		from = g.from
	}
	for from.Before(to) {
		next := from.Truncate(g.width).Add(g.width)
		if next.After(to) {
			next = to
		}
		c := g.at(from)
		if c == nil {
			return
		}
		c.Unseen += next.Sub(from)
		from = next
	}
}

// plus is numbers with one more.
func plus(n run.Numbers, v float64) run.Numbers {
	if n.Count == 0 {
		return run.Numbers{Count: 1, Min: v, Avg: v, Max: v, Last: v}
	}
	n.Count++
	n.Min, n.Max, n.Last = min(n.Min, v), max(n.Max, v), v
	n.Avg += (v - n.Avg) / float64(n.Count)
	return n
}
