package wording

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// MonitorID is a monitor's own name: the last part of its path.
func MonitorID(m *run.Monitor) string {
	path := m.Watch.Monitor
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		path = path[i+1:]
	}
	return Line(plan.WithoutInstances(path))
}

// MonitorPlace says where a monitor is sampled, and for which instance of a walk: on
// tablet-1; "" where that is this machine, and there is no instance.
func MonitorPlace(m *run.Monitor) string {
	in, where := Line(InstanceOf(m.Cell.Step.Scope)), Line(m.Where)
	local := m.Where == "" || m.Where == plan.Local
	switch {
	case local && in == "":
		return ""
	case local:
		return "for " + in
	case in == "" || in == where:
		return "on " + where
	}
	return "on " + where + " for " + in
}

// Monitor names a monitor at its place.
func Monitor(m *run.Monitor) string {
	return strings.TrimSpace(MonitorID(m) + " " + MonitorPlace(m))
}

// Sampling says how a monitor is sampled.
func Sampling(f *runbook.Fence) []string {
	timeout := "timeout " + text.Duration(cmp.Or(f.Timeout, runbook.DefaultCheckTimeout))
	out := []string{"every " + text.Duration(Every(f)), timeout}
	if f.Background {
		out = []string{"a sample per line", "silent for " + text.Duration(cmp.Or(f.Timeout, runbook.DefaultCheckTimeout)) + ": unknown"}
	}
	if f.Grace > 0 {
		return append(out, "red after "+text.Duration(f.Grace))
	}
	return append(out, "red at once")
}

// Every is the time between two samples.
func Every(f *runbook.Fence) time.Duration { return cmp.Or(f.Poll.Every, runbook.DefaultEvery) }

// Reds names the monitors that hold a run: writes is red; writes was red, and 2 more.
func Reds(r *run.Run) string {
	held := r.Held()
	if len(held) == 0 {
		return "a monitor was red"
	}
	// What is red still is told first.
	slices.SortStableFunc(held, func(a, z *run.Monitor) int {
		switch {
		case a.Red() == z.Red():
			return 0
		case a.Red():
			return -1
		}
		return 1
	})
	said := Monitor(held[0]) + " was red"
	if held[0].Red() {
		said = Monitor(held[0]) + " is red"
	}
	if n := len(held) - 1; n > 0 {
		said += fmt.Sprintf(", and %d more", n)
	}
	return said
}

// Episode says from when to when a monitor was red, on the clock of a zone.
func Episode(e *run.Episode, zone *time.Location) string {
	from := e.At.In(zone).Format(time.TimeOnly)
	if e.Green.IsZero() {
		return "red since " + from
	}
	return "red from " + from + " to " + e.Green.In(zone).Format(time.TimeOnly)
}

// Acknowledged says who has acknowledged an episode, when and why; "" when nobody has.
func Acknowledged(e *run.Episode, zone *time.Location) string {
	if e.Reason == "" {
		return ""
	}
	said := "acknowledged"
	if e.By != "" {
		said += " by " + Line(e.By)
	}
	return said + " at " + e.Acked.In(zone).Format(time.TimeOnly) + ": " + Line(e.Reason)
}
