package run

import (
	"iter"
	"maps"
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

func verdictOf(letter byte) checks.Verdict {
	switch letter {
	case 'p':
		return checks.Pass
	case 'f':
		return checks.Fail
	}
	return checks.Unknown
}

// Gaps are the gaps that touch a time, in order.
func (m *Monitor) Gaps(from, to time.Time) []Gap {
	var out []Gap
	touches := func(g Gap) {
		if g.Length > 0 && !g.From.After(to) && !g.To.Before(from) {
			out = append(out, g)
		}
	}
	var good, end time.Time     // the end of the last good sample; up to when they watched
	var unwatched time.Duration // since good
	bad := false
	for _, s := range m.Samples {
		switch {
		case good.IsZero():
			good = s.From
		case s.From.After(end):
			unwatched += s.From.Sub(end)
		}
		at := s.From
		for i, ms := range s.After {
			at = at.Add(time.Duration(ms) * time.Millisecond)
			if verdictOf(s.Verdicts[i]) != checks.Pass {
				bad = true
				continue
			}
			if bad {
				touches(Gap{From: good, To: at, Length: at.Sub(good) - unwatched})
			}
			good, unwatched, bad = at, 0, false
		}
		end = s.Until()
	}
	if bad {
		touches(Gap{From: good, To: end, Length: end.Sub(good) - unwatched, Open: true})
	}
	return out
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
		if s.From.After(to) || s.Until().Before(from) {
			continue
		}
		at := s.From
		for i, ms := range s.After {
			at = at.Add(time.Duration(ms) * time.Millisecond)
			if at.Before(from) || at.After(to) {
				continue
			}
			sum.Samples++
			switch verdictOf(s.Verdicts[i]) {
			case checks.Pass:
				sum.Good++
			case checks.Fail:
				sum.Failures++
			case checks.Unknown:
				sum.Unknown++
			}
			for name, numbers := range s.Numbers {
				if numbers[i] != nil && s.Verdicts[i] == 'p' {
					sum.Captures[name] = sum.Captures[name].plus(Numbers{1, *numbers[i], *numbers[i], *numbers[i], *numbers[i]})
				}
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
