package monitor

import (
	"math"
	"time"
)

// window is the part of the time that a chart shows, in columns.
type window struct {
	width time.Duration // of a column
	from  time.Time
	n     int
}

func (v window) to() time.Time { return v.from.Add(time.Duration(v.n) * v.width) }

// at is the column of a moment, which may lie outside.
func (v window) at(t time.Time) int {
	d := t.Sub(v.from)
	if d < 0 {
		return -1
	}
	return int(min(d/v.width, math.MaxInt32))
}

// widths are the lengths of time that a column may stand for, and that lie between two
// labels of the axis.
var widths = func() []time.Duration {
	const day = 24 * time.Hour
	out := []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond}
	for _, unit := range []time.Duration{time.Second, time.Minute} {
		for _, n := range []time.Duration{1, 2, 5, 10, 15, 30} {
			out = append(out, n*unit)
		}
	}
	return append(out, time.Hour, 2*time.Hour, 3*time.Hour, 6*time.Hour, 12*time.Hour, day, 2*day, 7*day, 14*day, 28*day)
}()

// atLeast is the shortest of the widths that isn't shorter.
func atLeast(d time.Duration) time.Duration {
	for _, w := range widths {
		if w >= d {
			return w
		}
	}
	return widths[len(widths)-1]
}

// over is the window of n columns in which a time fits that isn't finer than a monitor
// is sampled; it ends with that time.
func over(from, to time.Time, n int, every time.Duration) window {
	width := atLeast(max(every, to.Sub(from)/time.Duration(max(n-1, 1))))
	for to.Truncate(width).Sub(from.Truncate(width))/width >= time.Duration(n) && width < widths[len(widths)-1] {
		width = atLeast(width + 1)
	}
	last := to.Truncate(width)
	return window{width, last.Add(-time.Duration(n-1) * width), n}
}
