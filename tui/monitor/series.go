package monitor

import (
	"slices"
	"sort"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
)

// Series is what a monitor has shown at one place, summed up as its samples come.
type Series struct {
	*run.Monitor
	Drawn string // the capture that is drawn; empty: none has numbers

	seen    []*run.Samples // what was taken
	settled int            // how many of seen are in base, and will be in every later view
	base    sum            // of the settled ones
	all     sum            // of all
	gaps    []run.Gap      // that are over, in order
	grid    grid
}

// sum is what a stretch of samples amounts to, and where it left off.
type sum struct {
	run.Sum
	gaps      int // of Series.gaps, that were over by then
	last      run.Sample
	numbers   run.Numbers   // of the capture that is drawn, in good samples
	good, end time.Time     // of the last good sample; up to when it was watched
	unwatched time.Duration // since good
	bad       bool          // no good sample has come since good
}

// take brings the series up to a newer view of its monitor.
func (s *Series) take(m *run.Monitor) {
	old := s.Monitor
	s.Monitor = m
	now := m.Samples
	if old != nil && len(now) == len(s.seen) && (len(now) == 0 || now[len(now)-1] == s.seen[len(now)-1] && now[0] == s.seen[0]) {
		return
	}
	drawn := m.Drawn()
	if n := s.settled; drawn != s.Drawn || len(now) < n || n > 0 && now[n-1] != s.seen[n-1] {
		*s = Series{Monitor: m, Drawn: drawn}
	}
	s.all = s.base
	s.gaps = s.gaps[:s.base.gaps]
	// The last that the journal has may grow yet, and what it doesn't have comes anew in
	// each view: what stands before two that were seen before stays as it is.
	same := s.settled
	for same < min(len(s.seen), len(now)) && s.seen[same] == now[same] {
		same++
	}
	for ; s.settled < same-1; s.settled++ {
		s.add(now[s.settled])
	}
	s.base = s.all
	for _, b := range now[s.settled:] {
		s.add(b)
	}
	s.seen = now
	s.grid.take(s)
}

// add takes a batch of samples.
func (s *Series) add(b *run.Samples) {
	a := &s.all
	switch {
	case a.good.IsZero():
		a.good = b.From
	case b.From.After(a.end):
		a.unwatched += b.From.Sub(a.end)
		a.Unobserved += b.From.Sub(a.end)
	}
	numbers, at := b.Numbers[s.Drawn], b.From
	for i, ms := range b.After {
		at = at.Add(time.Duration(ms) * time.Millisecond)
		one := run.Sample{At: at, Verdict: verdict(b.Verdicts[i])}
		if i < len(numbers) && numbers[i] != nil {
			one.Number, one.Drawn = *numbers[i], true
		}
		a.Samples++
		a.last = one
		switch one.Verdict {
		case checks.Pass:
			a.Good++
		case checks.Fail:
			a.Failures++
		case checks.Unknown:
			a.Unknown++
		}
		if one.Verdict != checks.Pass {
			a.bad = true
			continue
		}
		if a.bad {
			s.over(run.Gap{From: a.good, To: at, Length: at.Sub(a.good) - a.unwatched})
		}
		if one.Drawn {
			a.numbers = plus(a.numbers, one.Number)
		}
		a.good, a.unwatched, a.bad = at, 0, false
	}
	a.end = b.Until()
}

// over keeps a gap that is over.
func (s *Series) over(g run.Gap) {
	if g.Length <= 0 {
		return
	}
	s.gaps = append(s.gaps, g)
	s.all.gaps++
	if g.Length > s.all.Longest.Length {
		s.all.Longest = g
	}
}

func verdict(letter byte) checks.Verdict {
	switch letter {
	case 'p':
		return checks.Pass
	case 'f':
		return checks.Fail
	}
	return checks.Unknown
}

// Sum is what it has shown in the whole run, without its captures.
func (s *Series) Sum() run.Sum {
	out := s.all.Sum
	if g, open := s.open(); open && g.Length > out.Longest.Length {
		out.Longest = g
	}
	return out
}

// open is the gap that isn't over yet.
func (s *Series) open() (run.Gap, bool) {
	a := &s.all
	g := run.Gap{From: a.good, To: a.end, Length: a.end.Sub(a.good) - a.unwatched, Open: true}
	return g, a.bad && g.Length > 0
}

// Gaps are the gaps that touch a time, in order.
func (s *Series) Gaps(from, to time.Time) []run.Gap {
	i := sort.Search(len(s.gaps), func(i int) bool { return !s.gaps[i].To.Before(from) })
	j := i + sort.Search(len(s.gaps)-i, func(j int) bool { return s.gaps[i+j].From.After(to) })
	out := slices.Clip(s.gaps[i:j])
	if g, open := s.open(); open && !g.From.After(to) && !g.To.Before(from) {
		out = append(out, g)
	}
	return out
}

// Numbers are those of the capture that is drawn, in the good samples of the whole run.
func (s *Series) Numbers() run.Numbers { return s.all.numbers }

// Last is its latest sample.
func (s *Series) Last() (run.Sample, bool) { return s.all.last, s.all.Samples > 0 }

// First is since when it is watched; zero: it has no samples.
func (s *Series) First() time.Time {
	if len(s.seen) == 0 {
		return time.Time{}
	}
	return s.seen[0].From
}

// End is up to when it was watched; zero: it has no samples.
func (s *Series) End() time.Time { return s.all.end }

// LastGood is the end of its latest good sample; of one that has none, since when it is
// watched.
func (s *Series) LastGood() time.Time { return s.all.good }

// Latest are its last n samples. Between two of them may be a time in which nobody
// watched, long enough for another one: then a sample without a time stands there.
func (s *Series) Latest(n int) []run.Sample {
	var back []run.Sample
	for i := len(s.seen) - 1; i >= 0 && len(back) < n; i-- {
		b := s.seen[i]
		numbers, at := b.Numbers[s.Drawn], b.Until().Add(-time.Duration(b.Rest)*time.Millisecond)
		for j := len(b.After) - 1; j >= 0 && len(back) < n; j-- {
			one := run.Sample{At: at, Verdict: verdict(b.Verdicts[j])}
			if j < len(numbers) && numbers[j] != nil {
				one.Number, one.Drawn = *numbers[j], true
			}
			back = append(back, one)
			at = at.Add(-time.Duration(b.After[j]) * time.Millisecond)
		}
		if i > 0 && b.From.Sub(s.seen[i-1].Until()) >= s.Fence.Interval() && len(back) > 0 && len(back) < n {
			back = append(back, run.Sample{})
		}
	}
	slices.Reverse(back)
	return back
}
