package report

import (
	"strconv"
	"time"
)

// Time is a moment to the minute, in UTC: 2026-11-21 03:14 UTC. The zero time is
// a dash.
func Time(t time.Time) string { return stamp(t, "2006-01-02 15:04 UTC") }

// Moment is a moment to the second, in UTC: 2026-11-21 03:14:07 UTC. The zero
// time is a dash.
func Moment(t time.Time) string { return stamp(t, "2006-01-02 15:04:05 UTC") }

func stamp(t time.Time, layout string) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format(layout)
}

// count is a number with its noun: 1 event, 2 events.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
