package run

import (
	"maps"
	"slices"

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
		for _, s := range e.Samples {
			if why := r.unfit(s); why != "" {
				return refuse(why)
			}
		}
		r.SampleNumbers, r.monitors = e.Reserved, r.monitors.with(r, e.Samples)
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

// unfit says why samples can't be a monitor's, or "".
func (r *Run) unfit(s Samples) string {
	m := r.Monitor(s.Watch)
	switch {
	case m == nil:
		return "the monitor " + s.Watch.String() + " has not begun"
	case len(s.Verdicts) != len(s.After):
		return "samples and verdicts differ in number"
	}
	for _, n := range s.Numbers {
		if len(n) != len(s.After) {
			return "samples and numbers differ in number"
		}
	}
	return ""
}

// with returns the monitors with more samples, and leaves the old ones as they are.
func (m monitored) with(r *Run, fresh []Samples) monitored {
	n := maps.Clone(m)
	if n == nil {
		n = monitored{}
	}
	for _, s := range fresh {
		if own := n.own(r, s.Watch); own != nil {
			own.Samples = append(slices.Clip(own.Samples), &s)
		}
	}
	return n
}

// own is a copy of a monitor's state that may be changed; nil: the run has no such
// monitor.
func (m monitored) own(r *Run, w Watch) *Monitor {
	now := m[w]
	if now == nil {
		now = r.Monitor(w)
	}
	if now == nil {
		return nil
	}
	n := *now
	m[w] = &n
	return &n
}

func (r *Run) turned(e MonitorTurned, rec Record) string {
	if r.monitors == nil {
		r.monitors = monitored{}
	}
	m := r.monitors.own(r, e.Watch)
	switch {
	case m == nil:
		return "the monitor " + e.Watch.String() + " has not begun"
	case e.Red == m.Red():
		return "it is so already"
	}
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
	for _, w := range e.Watches {
		m := r.monitors.own(r, w)
		if m == nil || !m.Held() {
			return "the monitor " + w.String() + " holds nothing"
		}
		m.Episodes = slices.Clone(m.Episodes)
		for i := range m.Episodes {
			if ep := &m.Episodes[i]; ep.Reason == "" {
				ep.Reason, ep.By, ep.Acked = e.Reason, rec.Actor, rec.Wall
			}
		}
	}
	return ""
}

func (c *Cell) watchBegun() string {
	if c.Plan.Step.Kind != plan.Watch || c.Status != Pending {
		return "its monitors can't begin"
	}
	c.Status = Succeeded
	return ""
}
