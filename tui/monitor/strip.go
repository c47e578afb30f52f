package monitor

import (
	"fmt"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
)

// Spot is where a monitor stands in a strip.
type Spot struct {
	Line, X, W int
	Watch      run.Watch
}

// detail is how much a strip says of each monitor.
type detail struct {
	spark              int
	number, gap, words bool
}

var details = []detail{
	{24, true, true, true},
	{12, true, true, true},
	{8, true, false, true},
	{0, true, false, true},
	{0, false, false, false},
}

// Strip draws the monitors that are sampled now, or hold the run, in at most h lines of
// w cells, and says where each stands. None: there are none.
func (b *Board) Strip(t *theme.Theme, w, h int, now time.Time) (lines []string, spots []Spot) {
	gs := groups(b.Live())
	if len(gs) == 0 || h < 1 {
		return nil, nil
	}
	for i, d := range details {
		var fits bool
		if lines, spots, fits = b.flow(t, gs, d, w, h, now); fits {
			return lines, spots
		}
		if i == len(details)-1 {
			gs = urgent(gs)
			lines, spots, _ = b.flow(t, gs, d, w, h, now)
		}
	}
	return lines, spots
}

// urgent puts what holds the run before the others.
func urgent(gs []group) []group {
	var first, then []group
	for _, g := range gs {
		held := false
		for _, s := range g.series {
			held = held || s.Held()
		}
		if held {
			first = append(first, g)
		} else {
			then = append(then, g)
		}
	}
	return append(first, then...)
}

// flow sets the monitors one behind the other, and reports whether all have room.
func (b *Board) flow(t *theme.Theme, gs []group, d detail, w, h int, now time.Time) (lines []string, spots []Spot, fits bool) {
	line, used := " ", 1
	for i, g := range gs {
		item := b.item(t, g, d, now)
		n := pane.Width(item)
		if used > 1 && used+n+3 > w {
			if len(lines) == h-1 {
				return append(lines, pane.Row(line, t.Muted.Render(fmt.Sprintf("+%d ", len(gs)-i)), w, t.Glyph.Ellipsis)), spots, false
			}
			lines, line, used = append(lines, line), " ", 1
		}
		if used > 1 {
			line, used = line+"   ", used+3
		}
		spots = append(spots, Spot{len(lines), used, n, worst(g).Watch})
		line, used = line+item, used+n
	}
	return append(lines, pane.Cut(line, w, t.Glyph.Ellipsis)), spots, used <= w
}

// worst is the series of a group that wants to be looked at first.
func worst(g group) *Series {
	out := g.series[0]
	for _, s := range g.series[1:] {
		if s.Red() && !out.Red() || s.Held() && !out.Held() {
			out = s
		}
	}
	return out
}

// item is a monitor in a strip.
func (b *Board) item(t *theme.Theme, g group, d detail, now time.Time) string {
	if len(g.series) > 1 {
		return b.several(t, g, d, now)
	}
	s := g.series[0]
	mark, state := b.State(s, now)
	out := t.Strong.Render(g.id)
	if s.Drawn != "" && d.spark > 0 && s.Drawn != g.id {
		out += t.Muted.Render(" " + text.Line(text.Untrusted(s.Drawn)))
	}
	if d.spark > 0 {
		if spark := Spark(t, s.Latest(d.spark)); spark != "" {
			out += " " + spark
		}
	}
	if last, ok := s.Last(); ok && last.Drawn && d.number {
		out += t.Text.Render(" " + text.Figure(last.Number))
	}
	if mark != theme.Done || d.spark == 0 || s.Drawn == "" {
		out += " " + t.Draw(mark)
		if d.words || mark == theme.Failed {
			out += t.Style(mark).Render(" " + state)
		}
	}
	if longest := s.Sum().Longest.Length; d.gap && longest > 0 {
		out += t.Muted.Render(" " + t.Glyph.Dot + " longest gap " + text.Duration(longest))
	}
	return out
}

// several sums up a monitor that is sampled at several places.
func (b *Board) several(t *theme.Theme, g group, d detail, now time.Time) string {
	places := "places"
	if g.series[0].Where != "" && g.series[0].Where != g.series[1].Where {
		places = "hosts"
	}
	count := map[theme.Mark]int{}
	var longest time.Duration
	for _, s := range g.series {
		m, _ := b.State(s, now)
		count[m]++
		longest = max(longest, s.Sum().Longest.Length)
	}
	out := t.Strong.Render(g.id) + t.Muted.Render(fmt.Sprintf(" %d %s", len(g.series), places))
	for _, k := range []struct {
		m    theme.Mark
		word string
	}{
		{theme.Failed, "red"},
		{theme.Gate, "not good or was red"},
		{theme.Unknown, "unobserved"},
		{theme.Pending, "no sample yet"},
	} {
		if n := count[k.m]; n > 0 {
			out += t.Muted.Render(" "+t.Glyph.Dot+" ") + t.Style(k.m).Render(fmt.Sprintf("%s %d %s", t.Glyph.Mark(k.m), n, k.word))
		}
	}
	if count[theme.Done] == len(g.series) {
		out += " " + t.Draw(theme.Done) + t.Good.Render(" all good")
	}
	if d.gap && longest > 0 {
		out += t.Muted.Render(" " + t.Glyph.Dot + " longest gap " + text.Duration(longest))
	}
	return out
}

// Spark draws samples, the latest at its end: the numbers of those that have some, from
// the lowest to the highest, a sign for each that isn't good, and one for a time in which
// nobody watched.
func Spark(t *theme.Theme, samples []run.Sample) string {
	var values []float64
	for _, s := range samples {
		if s.Drawn && s.Verdict == checks.Pass && !s.At.IsZero() {
			values = append(values, s.Number)
		}
	}
	heights := []rune(pane.Spark(t.Glyph.Spark, values, len(values)))
	var l inked
	for _, s := range samples {
		switch {
		case s.At.IsZero():
			l.put(unseen, t.Glyph.Unseen)
		case s.Verdict == checks.Fail:
			l.put(failed, t.Glyph.Mark(theme.Failed))
		case s.Verdict == checks.Unknown:
			l.put(unknown, t.Glyph.Mark(theme.Unknown))
		case s.Drawn:
			l.put(value, string(heights[0]))
			heights = heights[1:]
		default:
			l.put(fine, t.Glyph.Dot)
		}
	}
	return l.draw(&pens{t: t})
}
