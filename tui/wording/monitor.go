package wording

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Monitor names a monitor at its place.
func Monitor(w run.Watch) string { return strings.TrimSpace(Line(w.ID()) + " " + Line(w.Place())) }

// Sampling says how a monitor is sampled.
func Sampling(f *runbook.Fence) []string {
	timeout := text.Duration(f.LookTimeout())
	out := []string{"every " + text.Duration(f.Interval()), "timeout " + timeout}
	if f.Background {
		out = []string{"a sample per line", "silent for " + timeout + ": unknown"}
	}
	if f.Grace > 0 {
		return append(out, "red after "+text.Duration(f.Grace))
	}
	return append(out, "red at once")
}

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
	said := Monitor(held[0].Watch) + " was red"
	if held[0].Red() {
		said = Monitor(held[0].Watch) + " is red"
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
