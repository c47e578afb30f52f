package monitor

import (
	"fmt"
	"slices"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Board is the monitors of a run. The zero value has none.
type Board struct {
	// Late is how much later than elsewhere samples are seen here: a run that is driven
	// by another process is only seen as far as its journal is written.
	Late time.Duration

	snap   *run.Snapshot
	series map[run.Watch]*Series
	list   []*Series // in the plan's order
	on     map[run.Watch]bool
	steps  steps
}

// Set takes a newer view of the run.
func (b *Board) Set(s *run.Snapshot) {
	old := b.snap
	b.snap = s
	if old != nil && old.Run == s.Run {
		return
	}
	monitors := s.Run.Monitors()
	if len(monitors) == 0 {
		b.series, b.list, b.on = nil, nil, nil
		return
	}
	if b.series == nil {
		b.series = map[run.Watch]*Series{}
	}
	b.list = b.list[:0]
	for _, m := range monitors {
		one := b.series[m.Watch]
		if one == nil {
			one = &Series{}
			b.series[m.Watch] = one
		}
		one.take(m)
		b.list = append(b.list, one)
	}
	b.on = map[run.Watch]bool{}
	for _, m := range s.Run.Watched() {
		b.on[m.Watch] = true
	}
	b.steps.take(s.Run)
}

// All are the run's monitors, those that are no longer sampled too, in the plan's order.
func (b *Board) All() []*Series { return b.list }

// Of is a monitor's series; nil: it hasn't begun.
func (b *Board) Of(w run.Watch) *Series { return b.series[w] }

// Live are the monitors that are sampled now or hold the run, in the plan's order.
func (b *Board) Live() []*Series {
	var out []*Series
	for _, s := range b.list {
		if b.on[s.Watch] || s.Held() {
			out = append(out, s)
		}
	}
	return out
}

// Reds is how often the monitors were red that hold the run; 0: none does.
func (b *Board) Reds() int {
	n := 0
	for _, s := range b.list {
		if s.Held() {
			n += len(s.Episodes)
		}
	}
	return n
}

// State says how a monitor stands, in a mark and a few words.
func (b *Board) State(s *Series, now time.Time) (theme.Mark, string) {
	clock := func(t time.Time) string { return t.In(now.Location()).Format(time.TimeOnly) }
	last, any := s.Last()
	switch {
	case s.Red() && b.on[s.Watch]:
		return theme.Failed, "red since " + clock(s.Episodes[len(s.Episodes)-1].At)
	case s.Held():
		return theme.Gate, "was red"
	case !b.on[s.Watch]:
		return theme.NotApplicable, "no longer sampled"
	case !any && b.blind(s, now) == "":
		return theme.Pending, "no sample yet"
	}
	switch why := b.blind(s, now); {
	case why != "" && s.End().IsZero():
		return theme.Unknown, "unobserved, " + why
	case why != "":
		return theme.Unknown, "unobserved since " + clock(s.End())
	case !good(last) && s.Red():
		return theme.Failed, "red"
	case !good(last):
		return theme.Gate, fmt.Sprintf("not good since %s", clock(s.LastGood()))
	}
	return theme.Done, "good"
}

// blind says why nobody watches a monitor that is to be sampled, as far as can be told;
// "": it is watched.
func (b *Board) blind(s *Series, now time.Time) string {
	k := b.keeping(s)
	switch h := b.snap.Hosts[s.Where]; {
	case b.snap.Run.Holder == "":
		return "nobody drives the run"
	case h.State == "lost":
		return "its host is out of reach"
	case k != nil && k.State != "up":
		return "its process is " + k.State
	case !s.End().IsZero() && now.Sub(s.End()) > b.lag(s):
		return "no sample came"
	}
	return ""
}

// keeping is the process that a monitor is read from; nil: it has none.
func (b *Board) keeping(s *Series) *run.Keeping {
	if !s.Fence.Background {
		return nil
	}
	i := slices.IndexFunc(b.snap.Keeping, func(k run.Keeping) bool {
		return k.Monitor == s.Watch.Monitor && k.Where == s.Where
	})
	if i < 0 {
		return nil
	}
	return &b.snap.Keeping[i]
}

// slack is what a sample may take beyond its time until it is seen.
const slack = 5 * time.Second

// lag is how long after the last sample it is certain that nobody watches.
func (b *Board) lag(s *Series) time.Duration {
	return s.Fence.Interval() + s.Fence.LookTimeout() + slack + b.Late
}

// Turns is how long it takes until it shows that nobody watches some monitor, if no
// sample comes; 0: that shows already, or none is sampled.
func (b *Board) Turns(now time.Time) time.Duration {
	var first time.Duration
	for _, s := range b.list {
		if !b.on[s.Watch] || s.End().IsZero() || b.blind(s, now) != "" {
			continue
		}
		if d := s.End().Add(b.lag(s)).Sub(now) + time.Millisecond; first == 0 || d < first {
			first = d
		}
	}
	return first
}

// good reports whether a sample is.
func good(s run.Sample) bool { return wording.Verdict(s.Verdict) == theme.Done }

// group is a monitor at all its places.
type group struct {
	id     string
	series []*Series
}

// groups puts together what is the same monitor at several places.
func groups(list []*Series) []group {
	var out []group
	at := map[string]int{}
	for _, s := range list {
		path := plan.WithoutInstances(s.Watch.Monitor)
		i, ok := at[path]
		if !ok {
			i = len(out)
			at[path] = i
			out = append(out, group{id: wording.Line(s.Watch.ID())})
		}
		out[i].series = append(out[i].series, s)
	}
	return out
}
