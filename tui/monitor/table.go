package monitor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/wording"
)

// room is from how many lines on the numbers stand below a chart, and all that is said
// of it.
const (
	roomForTable = 13
	roomForWords = 24
)

// table are the numbers below the chart: of what is shown, and of the whole run.
func (v *View) table(b *Board, s *Series, l Look, w, h int) []string {
	if h < roomForTable {
		return nil
	}
	t := l.Theme
	shown, all := s.shown(v.last), s.Sum()
	rows := [][]string{
		fields("", "samples", "failed", "unknown", "unobserved", "gap"),
		figures("shown", shown.Sum),
		figures("run", all),
	}
	if s.Drawn != "" {
		rows[0] = append(rows[0], "min", "avg", "max", "last")
		rows[1] = append(rows[1], numbers(shown.numbers)...)
		rows[2] = append(rows[2], numbers(s.Numbers())...)
	}
	out := []string{t.Border.Render(strings.Repeat(t.Glyph.Rule, w))}
	wide := widest(rows)
	for i, r := range rows {
		text := ""
		for j, f := range r {
			text += strings.Repeat(" ", wide[j]-pane.Width(f)) + f + "  "
		}
		style := t.Text
		if i == 0 {
			style = t.Muted
		}
		out = append(out, pane.Cut(style.Render(strings.TrimRight(text, " ")), w, t.Glyph.Ellipsis))
	}
	more := b.words(s, l)
	if h < roomForWords && len(more) > 1 {
		more = more[:1]
	}
	for _, m := range more {
		if h < roomForWords {
			out = append(out, t.Muted.Render(pane.Cut(m, w, t.Glyph.Ellipsis)))
		} else {
			out = append(out, pane.WrapSpans([]pane.Span{{Text: m, Style: t.Muted}}, w)...)
		}
	}
	return out
}

func fields(f ...string) []string { return f }

// figures are the numbers of a sum that are counted.
func figures(name string, s run.Sum) []string {
	gap := "none"
	if s.Longest.Length > 0 {
		gap = text.Duration(s.Longest.Length)
	}
	return fields(name, strconv.Itoa(s.Samples), strconv.Itoa(s.Failures), strconv.Itoa(s.Unknown), text.Duration(s.Unobserved), gap)
}

// numbers are those of the capture that is drawn.
func numbers(n run.Numbers) []string {
	if n.Count == 0 {
		return fields("-", "-", "-", "-")
	}
	return fields(text.Figure(n.Min), text.Figure(n.Avg), text.Figure(n.Max), text.Figure(n.Last))
}

func widest(rows [][]string) []int {
	out := make([]int, len(rows[0]))
	for _, r := range rows {
		for j, f := range r {
			out[j] = max(out[j], pane.Width(f))
		}
	}
	return out
}

// shown sums up a window, in whole columns.
func (s *Series) shown(v window) sum {
	var out sum
	for _, c := range s.Columns(v.width, v.from, v.n) {
		out.Samples += c.Samples
		out.Failures += c.Failed
		out.Unknown += c.Unknown
		out.Unobserved += c.Unseen
		if c.Good.Count > 0 {
			n := out.numbers.Count + c.Good.Count
			avg := c.Good.Avg
			if out.numbers.Count > 0 {
				avg = out.numbers.Avg + (c.Good.Avg-out.numbers.Avg)*float64(c.Good.Count)/float64(n)
				c.Good.Min, c.Good.Max = min(c.Good.Min, out.numbers.Min), max(c.Good.Max, out.numbers.Max)
			}
			out.numbers = run.Numbers{Count: n, Min: c.Good.Min, Avg: avg, Max: c.Good.Max, Last: c.Good.Last}
		}
	}
	for _, g := range s.Gaps(v.from, v.to()) {
		if g.Length > out.Longest.Length {
			out.Longest = g
		}
	}
	return out
}

// words say when the longest gap was, and when the monitor was red: the latest first.
func (b *Board) words(s *Series, l Look) []string {
	zone := l.Now.Location()
	clock := func(at time.Time) string { return at.In(zone).Format(time.TimeOnly) }
	var out []string
	if g := s.Sum().Longest; g.Length > 0 {
		until := " to " + clock(g.To)
		if g.Open {
			until = ", not over yet"
		}
		if lost := g.To.Sub(g.From) - g.Length; lost >= time.Second {
			until += " but for " + text.Duration(lost) + " unobserved"
		}
		out = append(out, fmt.Sprintf("longest gap %s, from %s%s, %s", text.Duration(g.Length), clock(g.From), until, b.During(g)))
	}
	const most = 4
	for i := len(s.Episodes) - 1; i >= max(len(s.Episodes)-most, 0); i-- {
		e := &s.Episodes[i]
		said := wording.Acknowledged(e, zone)
		if said == "" {
			said = "not acknowledged"
		}
		out = append(out, wording.Episode(e, zone)+", "+said)
	}
	return out
}
