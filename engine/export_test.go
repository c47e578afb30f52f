package engine

import (
	"context"
	"fmt"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
)

// FeedFor takes in what monitors would show in a time, at one sample a second each, and
// journals it as the engine does.
func (e *Engine) FeedFor(ctx context.Context, watches []run.Watch, length time.Duration) error {
	from := time.Now()
	feeds := make([]*feed, len(watches))
	for i, w := range watches {
		if feeds[i] = e.feed(w); feeds[i] == nil {
			return fmt.Errorf("no monitor %s", w)
		}
		feeds[i].begin(from)
	}
	for at := time.Second; at <= length; at += time.Second {
		for i, f := range feeds {
			late := time.Duration(int64(at) * int64(i+3) % int64(40*time.Millisecond)) // as of a real timer
			f.add(from.Add(at+late), reading{verdict: checks.Pass, numbers: map[string]float64{"rate": 212 + float64(at/time.Second%100)/10}})
		}
		if at%batched == 0 {
			if err := e.journalSamples(ctx); err != nil {
				return err
			}
		}
	}
	return e.journalSamples(ctx)
}

// Axis is the axis of a monitor's samples, for clocks of a test's own.
func Axis(wall func() time.Time, steady func() time.Duration, least time.Time) func(time.Duration) (time.Time, time.Duration) {
	return newAxis(wall, steady, least).look
}
