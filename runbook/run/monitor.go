package run

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/plan"
)

// Watch names a monitor at one place.
type Watch struct {
	Monitor string `json:"monitor"`         // its path, with instances: tablets[t-1]/writes
	Where   string `json:"where,omitempty"` // host whose values it sees, or "local"
}

func (w Watch) String() string {
	if w.Where == "" || w.Where == plan.Local {
		return w.Monitor
	}
	return w.Monitor + "@" + w.Where
}

// ID is the monitor's own id: the last part of its path, as the runbook has it.
func (w Watch) ID() string {
	path := plan.WithoutInstances(w.Monitor)
	return path[strings.LastIndexByte(path, '/')+1:]
}

// Place says where the monitor is sampled, and for which instance of a walk where that
// is another: on ops-1 for tablet-2. It is empty for this machine outside of walks.
func (w Watch) Place() string {
	var said []string
	if w.Where != "" && w.Where != plan.Local {
		said = append(said, "on "+w.Where)
	}
	if i := strings.LastIndexByte(w.Monitor, '['); i >= 0 {
		if in, _, ok := strings.Cut(w.Monitor[i+1:], "]"); ok && in != w.Where {
			said = append(said, "for "+in)
		}
	}
	return strings.Join(said, " ")
}

// WatchBegun says that a step which has monitors alone is done: from here on they are
// sampled.
type WatchBegun struct {
	Cell Key    `json:"cell"`
	Gate string `json:"gate,omitempty"` // of the step's gate; empty: it has none
}

// SampleBatch is what the monitors of a run showed since the last one.
type SampleBatch struct {
	// Reserved is the highest number that a sample of this run may have had so far.
	Reserved uint64    `json:"reserved"`
	Samples  []Samples `json:"samples,omitempty"` // of a watch, in their order
}

// Samples are what a monitor showed while it was watched without a break. A time
// between two of them is one in which nobody watched; there may be none.
type Samples struct {
	Watch
	From     time.Time `json:"from"`               // watched from here on
	After    []int64   `json:"after,omitempty"`    // ms to the end of each sample, from From and then from the one before
	Verdicts string    `json:"verdicts,omitempty"` // of each: p passed, f failed, u unknown
	// Numbers are the numeric captures, one for each sample; nil: it had none.
	Numbers map[string][]*float64 `json:"numbers,omitempty"`
	// Texts are the captures that aren't numbers, of the last sample that passed.
	Texts map[string]json.RawMessage `json:"texts,omitempty"`
	Rest  int64                      `json:"rest,omitempty"` // ms that it was watched on after the last sample, or From

	until time.Time // zero: it isn't known yet
}

// Until is up to when they watched.
func (s *Samples) Until() time.Time {
	if !s.until.IsZero() {
		return s.until
	}
	ms := s.Rest
	for _, d := range s.After {
		ms += d
	}
	return s.From.Add(time.Duration(ms) * time.Millisecond)
}

// MonitorTurned says that a monitor has become red, or is no longer.
type MonitorTurned struct {
	Watch
	Red   bool         `json:"red"`
	Since time.Time    `json:"since"`           // the end of its last good sample; of one that has none, since when it is watched
	Rows  []checks.Row `json:"rows,omitempty"`  // of the sample that decided
	Cause string       `json:"cause,omitempty"` // why that sample has no verdict, where no row says it
}

// MonitorAcknowledged is a person's word that the run goes on although monitors were
// red.
type MonitorAcknowledged struct {
	Watches []Watch `json:"watches"`
	Reason  string  `json:"reason"`
}

func (WatchBegun) event()          {}
func (SampleBatch) event()         {}
func (MonitorTurned) event()       {}
func (MonitorAcknowledged) event() {}

// Monitor is what is known of a monitor at one place.
type Monitor struct {
	Watch
	Cell  *plan.Cell // of the step it begins at
	Fence *runbook.Fence
	// Samples are what it showed, in order; the last ones may not be in the journal yet.
	Samples  []*Samples
	Episodes []Episode // in which it was red, in order
}

// Episode is a time in which a monitor was red.
type Episode struct {
	Turned MonitorTurned
	At     time.Time // when it became red
	Green  time.Time // when it no longer was; zero: it is
	// Reason is with which it was acknowledged, By whom and when; empty: it wasn't.
	Reason string
	By     string
	Acked  time.Time
}

// Red reports whether it is red.
func (m *Monitor) Red() bool {
	return len(m.Episodes) > 0 && m.Episodes[len(m.Episodes)-1].Green.IsZero()
}

// Held reports whether it holds the run: it is or was red, and nobody has
// acknowledged that.
func (m *Monitor) Held() bool {
	return slices.ContainsFunc(m.Episodes, func(e Episode) bool { return e.Reason == "" })
}

// Captures are the names of its captures, in the runbook's order.
func (m *Monitor) Captures() []string {
	if m.Fence.Capture == nil {
		return nil
	}
	return m.Fence.Capture.Names()
}

// Drawn is the capture that is drawn: the first that has numbers; empty: none has.
func (m *Monitor) Drawn() string {
	for _, name := range m.Captures() {
		for _, s := range m.Samples {
			if len(s.Numbers[name]) > 0 {
				return name
			}
		}
	}
	return ""
}

// Monitors are all monitors of the plan that have begun, at their places, in the
// plan's order.
func (r *Run) Monitors() []*Monitor {
	var out []*Monitor
	for i := range r.posts.list {
		if r.hasBegun(i) {
			out = append(out, r.monitorAt(i))
		}
	}
	return out
}

// Monitor is one of [Run.Monitors]; nil: it hasn't begun.
func (r *Run) Monitor(w Watch) *Monitor {
	if i, ok := r.posts.byWatch[w]; ok && r.hasBegun(i) {
		return r.monitorAt(i)
	}
	return nil
}

// Watched are the monitors that are to be sampled now: those that have begun in
// sections that are still open, and not in an instance that was moved to the end of
// its walk.
func (r *Run) Watched() []*Monitor {
	if r.Closed != "" {
		return nil
	}
	var out []*Monitor
	for i := range r.posts.list {
		if r.sampling(&r.posts.list[i]) {
			out = append(out, r.monitorAt(i))
		}
	}
	return out
}

// held is the first monitor that holds the run; nil: none does.
func (r *Run) held() *Monitor {
	for _, m := range r.monitors {
		if m != nil && m.Held() {
			return m
		}
	}
	return nil
}

// holds says that it holds the run, in one line.
func (m *Monitor) holds() string {
	return "the monitor " + m.Watch.String() + " was red, and nobody has acknowledged that"
}

// Held are the monitors that hold the run until a person has acknowledged that they
// were red.
func (r *Run) Held() []*Monitor {
	var out []*Monitor
	for _, m := range r.monitors {
		if m != nil && m.Held() {
			out = append(out, m)
		}
	}
	return out
}

// Unacknowledged is how many times monitors were red without a person's word on it.
func (r *Run) Unacknowledged() int {
	n := 0
	for _, m := range r.Held() {
		for _, e := range m.Episodes {
			if e.Reason == "" {
				n++
			}
		}
	}
	return n
}

// Sampled returns the run as one sees it who has samples that the journal doesn't have
// yet.
func (r *Run) Sampled(fresh []Samples) *Run {
	if len(fresh) == 0 {
		return r
	}
	n := *r
	n.shared = true
	n.sampled(fresh, (*Monitor).appends)
	return &n
}
