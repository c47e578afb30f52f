package report

import (
	"slices"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
)

// Signs of a strip, beside the heights of what was good.
const (
	stripBad       = '✗' // a sample in this time wasn't good
	stripUnwatched = '░' // nobody sampled
)

var heights = []rune("▁▂▃▄▅▆▇█")

// stripLegend says how a strip is read.
const stripLegend = "✗ a sample that wasn't good, ░ nobody sampled"

// strip draws in at most width cells what a monitor showed in a time, as far as there
// are samples: the mean of the capture that is drawn, between its least and its
// greatest; one height where it has no numbers. Empty: there are no samples.
func strip(m *run.Monitor, from, to time.Time, width int) string {
	if n := len(m.Samples); n > 0 {
		from, to = later(from, m.Samples[0].From), earlier(to, m.Samples[n-1].Until())
	}
	var samples []run.Sample
	for s := range m.All(from, to) {
		samples = append(samples, s)
	}
	if len(samples) == 0 || width < 1 {
		return ""
	}
	unwatched := m.Unwatched(from, to)
	if len(unwatched) == 0 {
		width = min(width, len(samples))
	}
	cells := columns(samples, from, to, width)
	for i := range cells {
		middle := from.Add(time.Duration(float64(to.Sub(from)) * (float64(i) + 0.5) / float64(width)))
		cells[i].unwatched = cells[i].samples == 0 && slices.ContainsFunc(unwatched, func(u run.Span) bool {
			return !u.From.After(middle) && !u.To.Before(middle)
		})
	}
	return drawn(cells)
}

// column is what ended in one cell's time.
type column struct {
	samples, numbers int
	sum              float64
	bad, unwatched   bool
}

func columns(samples []run.Sample, from, to time.Time, n int) []column {
	cells := make([]column, n)
	for _, s := range samples {
		i := 0
		if all := to.Sub(from); all > 0 {
			i = min(int(float64(s.At.Sub(from))/float64(all)*float64(n)), n-1)
		}
		c := &cells[i]
		c.samples++
		c.bad = c.bad || s.Verdict != checks.Pass
		if s.Drawn && s.Verdict == checks.Pass {
			c.numbers, c.sum = c.numbers+1, c.sum+s.Number
		}
	}
	return cells
}

func drawn(cells []column) string {
	var least, most float64
	some := false
	for _, c := range cells {
		if c.numbers == 0 {
			continue
		}
		mean := c.sum / float64(c.numbers)
		if !some {
			least, most, some = mean, mean, true
		}
		least, most = min(least, mean), max(most, mean)
	}
	var b strings.Builder
	sign := heights[0]
	for _, c := range cells {
		switch {
		case c.bad:
			sign = stripBad
		case c.unwatched:
			sign = stripUnwatched
		case c.numbers > 0 && most > least:
			sign = heights[int((c.sum/float64(c.numbers)-least)/(most-least)*float64(len(heights)-1)+0.5)]
		case c.numbers > 0:
			sign = heights[len(heights)/2]
		case c.samples > 0:
			sign = heights[0]
		} // without a sample of its own, the last one goes on
		b.WriteRune(sign)
	}
	return b.String()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
