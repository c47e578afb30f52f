package run

import (
	"iter"
	"maps"
	"strings"
	"time"

	"stepgate/checks"
)

// Sample is one of a monitor's, as it is counted and drawn.
type Sample struct {
	At      time.Time // its end
	Verdict checks.Verdict
	Number  float64 // what is drawn
	Drawn   bool    // it has one
}

// Gap is a time in which a monitor's samples weren't good.
type Gap struct {
	From   time.Time     // the last good sample before it, or since when the monitor is watched
	To     time.Time     // the first good one after it; while Open up to when it was watched
	Length time.Duration // without the time in which nobody watched
	Open   bool          // no good one has come yet
}

// Span is a time in which nobody watched.
type Span struct{ From, To time.Time }

// Numbers sums up what a capture was in good samples.
type Numbers struct {
	Count               int
	Min, Avg, Max, Last float64
}

// Sum is what a monitor showed in a time. A gap belongs to every time that it touches,
// whole.
type Sum struct {
	Samples, Good, Failures, Unknown int
	Captures                         map[string]Numbers
	Longest                          Gap // zero: there was none
	Unobserved                       time.Duration
}

// All gives the samples that ended in a time, in order.
func (m *Monitor) All(from, to time.Time) iter.Seq[Sample] {
	return func(yield func(Sample) bool) {
		drawn := m.Drawn()
		for _, s := range m.Samples {
			if s.From.After(to) || s.Until().Before(from) {
				continue
			}
			at, numbers := s.From, s.Numbers[drawn]
			for i, ms := range s.After {
				at = at.Add(time.Duration(ms) * time.Millisecond)
				if at.Before(from) || at.After(to) {
					continue
				}
				one := Sample{At: at, Verdict: verdictOf(s.Verdicts[i])}
				if i < len(numbers) && numbers[i] != nil {
					one.Number, one.Drawn = *numbers[i], true
				}
				if !yield(one) {
					return
				}
			}
		}
	}
}

// passed is the letter of a good sample.
const passed = 'p'

func verdictOf(letter byte) checks.Verdict {
	switch letter {
	case passed:
		return checks.Pass
	case 'f':
		return checks.Fail
	}
	return checks.Unknown
}

// Gaps are the gaps that touch a time, in order.
func (m *Monitor) Gaps(from, to time.Time) []Gap {
	g := gaps{from: from, to: to}
	for _, s := range m.Samples {
		g.through(s)
	}
	if g.bad {
		g.add(Gap{From: g.good, To: g.end, Length: g.end.Sub(g.good) - g.unwatched, Open: true})
	}
	return g.found
}

// gaps finds gaps, going forward in time.
type gaps struct {
	from, to  time.Time
	found     []Gap
	good      time.Time     // the end of the last good sample
	end       time.Time     // up to when they watched
	unwatched time.Duration // since good
	bad       bool          // a sample since good wasn't
}

func (g *gaps) add(one Gap) {
	if one.Length > 0 && !one.From.After(g.to) && !one.To.Before(g.from) {
		g.found = append(g.found, one)
	}
}

func (g *gaps) through(s *Samples) {
	switch {
	case g.good.IsZero():
		g.good = s.From
	case s.From.After(g.end):
		g.unwatched += s.From.Sub(g.end)
	}
	g.end = s.Until()
	if n := len(s.After); n > 0 && !g.bad && s.good() == n {
		g.good, g.unwatched = g.end.Add(-time.Duration(s.Rest)*time.Millisecond), 0
		return
	}
	at := s.From
	for i, ms := range s.After {
		at = at.Add(time.Duration(ms) * time.Millisecond)
		if s.Verdicts[i] != passed {
			g.bad = true
			continue
		}
		if g.bad {
			g.add(Gap{From: g.good, To: at, Length: at.Sub(g.good) - g.unwatched})
		}
		g.good, g.unwatched, g.bad = at, 0, false
	}
}

// Unwatched are the times between its samples in which nobody watched, as far as they
// lie in a time.
func (m *Monitor) Unwatched(from, to time.Time) []Span {
	var out []Span
	var end time.Time
	for _, s := range m.Samples {
		if !end.IsZero() && s.From.After(end) {
			span := Span{From: end, To: s.From}
			if span.From.Before(from) {
				span.From = from
			}
			if span.To.After(to) {
				span.To = to
			}
			if span.To.After(span.From) {
				out = append(out, span)
			}
		}
		end = s.Until()
	}
	return out
}

// Sum sums up what the monitor showed in a time.
func (m *Monitor) Sum(from, to time.Time) Sum {
	sum := Sum{Captures: map[string]Numbers{}}
	for _, s := range m.Samples {
		first, last := s.within(from, to)
		verdicts := s.Verdicts[first:last]
		good, failed := strings.Count(verdicts, "p"), strings.Count(verdicts, "f")
		sum.Samples += len(verdicts)
		sum.Good += good
		sum.Failures += failed
		sum.Unknown += len(verdicts) - good - failed
		for name, numbers := range s.Numbers {
			if n := summed(verdicts, numbers[first:last]); n.Count > 0 {
				sum.Captures[name] = sum.Captures[name].plus(n)
			}
		}
	}
	for _, g := range m.Gaps(from, to) {
		if g.Length > sum.Longest.Length {
			sum.Longest = g
		}
	}
	for _, u := range m.Unwatched(from, to) {
		sum.Unobserved += u.To.Sub(u.From)
	}
	return sum
}

// good is how many of the samples passed.
func (s *Samples) good() int { return strings.Count(s.Verdicts, "p") }

// within are the indices of the samples that ended in a time: from the first to before
// the last.
func (s *Samples) within(from, to time.Time) (first, last int) {
	until := s.Until()
	switch {
	case s.From.After(to) || until.Before(from):
		return 0, 0
	case !s.From.Before(from) && !until.After(to):
		return 0, len(s.After)
	}
	at := s.From
	for i, ms := range s.After {
		at = at.Add(time.Duration(ms) * time.Millisecond)
		if at.Before(from) {
			first = i + 1
		}
		if !at.After(to) {
			last = i + 1
		}
	}
	return first, max(first, last)
}

// summed are the numbers of the samples that passed.
func summed(verdicts string, numbers []*float64) Numbers {
	n, total := Numbers{}, 0.0
	for i, v := range numbers {
		if v == nil || verdicts[i] != passed {
			continue
		}
		if n.Count == 0 {
			n.Min, n.Max = *v, *v
		}
		n.Min, n.Max, n.Last = min(n.Min, *v), max(n.Max, *v), *v
		total += *v
		n.Count++
	}
	if n.Count > 0 {
		n.Avg = total / float64(n.Count)
	}
	return n
}

// plus is what both were; the later one is o.
func (n Numbers) plus(o Numbers) Numbers {
	switch {
	case n.Count == 0:
		return o
	case o.Count == 0:
		return n
	}
	all := n.Count + o.Count
	return Numbers{
		Count: all, Min: min(n.Min, o.Min), Max: max(n.Max, o.Max), Last: o.Last,
		Avg: n.Avg + (o.Avg-n.Avg)*float64(o.Count)/float64(all),
	}
}

// Plus is what both showed: of one monitor at several places.
func (s Sum) Plus(o Sum) Sum {
	captures := maps.Clone(s.Captures)
	if captures == nil {
		captures = map[string]Numbers{}
	}
	for name, n := range o.Captures {
		captures[name] = captures[name].plus(n)
	}
	s.Captures = captures
	s.Samples, s.Good, s.Failures, s.Unknown = s.Samples+o.Samples, s.Good+o.Good, s.Failures+o.Failures, s.Unknown+o.Unknown
	if o.Longest.Length > s.Longest.Length {
		s.Longest = o.Longest
	}
	s.Unobserved = max(s.Unobserved, o.Unobserved)
	return s
}
