package run

import (
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
		r.SampleNumbers = e.Reserved
		r.sampled(e.Samples)
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

// sampled adds samples to what is known of monitors, and leaves what was handed out as
// it is.
func (r *Run) sampled(fresh []Samples) {
	r.monitors = r.copied()
	for _, s := range fresh {
		if i, ok := r.posts.byWatch[s.Watch]; ok {
			m := r.ownMonitor(i)
			m.Samples = append(slices.Clip(m.Samples), &s)
		}
	}
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
