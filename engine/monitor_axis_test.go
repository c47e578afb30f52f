package engine_test

import (
	"testing"
	"time"

	"stepgate/engine"
)

// The times of samples only grow, and what nobody can have watched is told from what was
// watched, whatever the clocks do.
func TestTimesOfSamples(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	const second, hour = time.Second, time.Hour
	type look struct {
		wall, steady, expected time.Duration // since the one before; the last: what was to pass
		at, missed             time.Duration // since the beginning; of the time until then
	}
	for name, tc := range map[string]struct {
		least time.Duration // up to when there are samples already
		looks []look
	}{
		"in step":                    {0, []look{{second, second, second, second, 0}, {second, second, second, 2 * second, 0}}},
		"a clock that drifts":        {0, []look{{hour, hour - second, hour, hour, 0}, {hour, hour + second, hour, 2 * hour, 0}}},
		"a timer that is late":       {0, []look{{61 * second, 61 * second, second, 61 * second, 60 * second}}},
		"a little late":              {0, []look{{2 * second, 2 * second, second, 2 * second, 0}}},
		"asleep":                     {0, []look{{hour, second, second, hour, hour - second}, {second, second, second, hour + second, 0}}},
		"set back":                   {0, []look{{-hour, second, second, second, 0}, {second, second, second, 2 * second, 0}}},
		"set back, and right again":  {0, []look{{-hour, second, second, second, 0}, {hour + 2*second, second, second, 2 * second, 0}}},
		"set back, and asleep":       {0, []look{{-hour, second, second, second, 0}, {2*hour + 2*second, second, second, hour + 2*second, hour}}},
		"a little back":              {0, []look{{-second, 0, second, 0, 0}, {2 * second, 2 * second, 2 * second, second, 0}}},
		"behind what is there":       {hour, []look{{second, second, second, hour + second, 0}}},
		"behind, and set right then": {hour, []look{{second, second, second, hour + second, 0}, {hour + second, second, second, hour + 2*second, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wall, steady time.Duration
			axis := engine.Axis(
				func() time.Time { return begin.Add(wall) }, func() time.Duration { return steady }, begin.Add(tc.least))
			for i, l := range tc.looks {
				wall, steady = wall+l.wall, steady+l.steady
				at, missed := axis(l.expected)
				if got := at.Sub(begin); got != l.at || missed != l.missed {
					t.Errorf("look %d: %s, missed %s; want %s, missed %s", i, got, missed, l.at, l.missed)
				}
			}
		})
	}
}
