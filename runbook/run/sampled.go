package run

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"stepgate/runbook/plan"
)

// monitored is what happens to monitors.
func (r *Run) monitored(rec Record) error {
	refuse := func(why string) error { return &TransitionError{Kind(rec.Event), Key{}, why} }
	if r.Closed != "" {
		return refuse("the run is closed")
	}
	switch e := rec.Event.(type) {
	case SampleBatch:
		if e.Reserved < r.SampleNumbers {
			return refuse("numbers of samples only grow")
		}
		if why := r.unfit(e.Samples); why != "" {
			return refuse(why)
		}
		r.SampleNumbers = e.Reserved
		r.sampled(e.Samples, (*Monitor).adds)
	case MonitorTurned:
		if why := r.turned(e, rec); why != "" {
			return refuse(why)
		}
	case MonitorAcknowledged:
		if why := r.acknowledged(e, rec); why != "" {
			return refuse(why)
		}
	}
	return nil
}

// unfit says why samples can't be those of monitors, or "". Time only grows: whoever
// samples has to see to that when a clock is set back.
func (r *Run) unfit(list []Samples) string {
	until := map[Watch]time.Time{}
	for i := range list {
		s := &list[i]
		m := r.Monitor(s.Watch)
		if m == nil {
			return "the monitor " + s.Watch.String() + " has not begun"
		}
		if why := s.malformed(); why != "" {
			return s.Watch.String() + ": " + why
		}
		end, before := until[s.Watch]
		if !before && len(m.Samples) > 0 {
			end = m.Samples[len(m.Samples)-1].Until()
		}
		if s.From.Before(end) {
			return s.Watch.String() + ": it was watched in that time already"
		}
		until[s.Watch] = s.Until()
	}
	return ""
}

// mostMillis bounds what is believed of a length of time.
const mostMillis = 10 * 365 * 24 * 3600 * 1000

func (s *Samples) malformed() string {
	switch {
	case len(s.Verdicts) != len(s.After):
		return "samples and verdicts differ in number"
	case strings.Trim(s.Verdicts, "pfu") != "":
		return "a verdict is not known"
	}
	total := int64(0)
	for _, ms := range append(slices.Clip(s.After), s.Rest) {
		switch total += ms; {
		case ms < 0:
			return "time goes back"
		case ms > mostMillis || total > mostMillis:
			return "it lasts too long"
		}
	}
	for _, n := range s.Numbers {
		if len(n) != len(s.After) {
			return "samples and numbers differ in number"
		}
	}
	return ""
}

// sampled adds samples to what is known of monitors, and leaves what was handed out as
// it is.
func (r *Run) sampled(fresh []Samples, add func(*Monitor, *Samples)) {
	r.monitors = r.copied()
	for _, s := range fresh {
		if at, ok := r.posts.byWatch[s.Watch]; ok {
			s.From, s.until = s.From.Round(0), time.Time{} // as the journal has it
			s.until = s.Until()
			add(r.ownMonitor(at), &s)
		}
	}
}

// appends puts samples behind those that are known.
func (m *Monitor) appends(s *Samples) { m.Samples = append(slices.Clip(m.Samples), s) }

// together is how many samples are kept as one.
const together = 512

// adds is appends, but for what follows the last ones without a break: the two become
// one, so that the list stays short.
func (m *Monitor) adds(s *Samples) {
	n := len(m.Samples)
	if n == 0 || len(m.Samples[n-1].After)+len(s.After) > together || !m.Samples[n-1].Until().Equal(s.From) {
		m.appends(s)
		return
	}
	m.Samples = slices.Clone(m.Samples)
	m.Samples[n-1] = m.Samples[n-1].joined(s)
}

// joined is one with what follows it without a break.
func (s *Samples) joined(next *Samples) *Samples {
	out := &Samples{
		Watch: s.Watch, From: s.From, After: slices.Concat(s.After, next.After), Verdicts: s.Verdicts + next.Verdicts,
		Texts: s.Texts, Rest: next.Rest,
	}
	if len(next.After) == 0 {
		out.Rest += s.Rest
	} else {
		out.After[len(s.After)] += s.Rest
	}
	for _, of := range []*Samples{s, next} {
		for name := range of.Numbers {
			if out.Numbers[name] != nil {
				continue
			}
			if out.Numbers == nil {
				out.Numbers = map[string][]*float64{}
			}
			all := make([]*float64, len(out.After))
			copy(all, s.Numbers[name])
			copy(all[len(s.After):], next.Numbers[name])
			out.Numbers[name] = all
		}
	}
	if len(next.Texts) > 0 {
		out.Texts = maps.Clone(s.Texts)
		if out.Texts == nil {
			out.Texts = map[string]json.RawMessage{}
		}
		maps.Copy(out.Texts, next.Texts)
	}
	out.until = out.Until()
	return out
}

// copied are the run's monitors, each of them still to be copied before it is changed.
func (r *Run) copied() []*Monitor {
	n := make([]*Monitor, len(r.posts.list))
	copy(n, r.monitors)
	return n
}

// ownMonitor is a copy of the monitor at a post, by its index, that may be changed. The
// run's monitors are [Run.copied].
func (r *Run) ownMonitor(i int) *Monitor {
	m := *r.monitorAt(i)
	r.monitors[i] = &m
	return &m
}

func (r *Run) turned(e MonitorTurned, rec Record) string {
	m := r.Monitor(e.Watch)
	switch {
	case m == nil:
		return "the monitor " + e.Watch.String() + " has not begun"
	case e.Red == m.Red():
		return "it is so already"
	}
	r.monitors = r.copied()
	m = r.ownMonitor(r.posts.byWatch[e.Watch])
	m.Episodes = slices.Clone(m.Episodes)
	if e.Red {
		m.Episodes = append(m.Episodes, Episode{Turned: e, At: rec.Wall})
	} else {
		m.Episodes[len(m.Episodes)-1].Green = rec.Wall
	}
	return ""
}

func (r *Run) acknowledged(e MonitorAcknowledged, rec Record) string {
	switch {
	case e.Reason == "":
		return "an acknowledgement needs a reason"
	case len(e.Watches) == 0:
		return "it names no monitor"
	}
	r.monitors = r.copied()
	for _, w := range e.Watches {
		m := r.Monitor(w)
		if m == nil || !m.Held() {
			return "the monitor " + w.String() + " holds nothing"
		}
		m = r.ownMonitor(r.posts.byWatch[w])
		m.Episodes = slices.Clone(m.Episodes)
		for i := range m.Episodes {
			if ep := &m.Episodes[i]; ep.Reason == "" {
				ep.Reason, ep.By, ep.Acked = e.Reason, rec.Actor, rec.Wall
			}
		}
	}
	return ""
}

func (c *Cell) watchBegun(e WatchBegun, rec Record) string {
	if c.Plan.Step.Kind != plan.Watch {
		return "it has not monitors alone"
	}
	if c.needsGate() {
		if why := c.granted(e.Gate, rec); why != "" {
			return why
		}
	} else if c.Status != Pending {
		return "it is not pending"
	}
	c.Status, c.Gate, c.Grant = Succeeded, nil, nil
	return ""
}
