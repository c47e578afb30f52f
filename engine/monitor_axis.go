package engine

import "time"

// inattentive is what a clock may be off, or a timer late, for this process to count as
// one that watches: beyond it the machine slept, or the process was stopped.
const inattentive = 2 * time.Second

// axis gives a monitor's samples their times. They follow the wall clock and never go
// back: a clock that is set back leaves them ahead of it, by what it was set back.
// Not for concurrent use.
type axis struct {
	wall   func() time.Time
	steady func() time.Duration // since some beginning, not counting the machine's sleep

	ahead  time.Duration // of the wall clock
	latest time.Time     // given so far
	seen   time.Time     // the wall clock when it was last looked at
	passed time.Duration // the steady one then
}

var processBegan = time.Now()

func steady() time.Duration { return time.Since(processBegan) }

// newAxis gives no time before least, up to which there are samples already.
func newAxis(wall func() time.Time, steady func() time.Duration, least time.Time) *axis {
	a := &axis{wall: wall, steady: steady, latest: least}
	a.seen, a.passed = wall().Round(0), steady()
	a.ahead = max(0, least.Sub(a.seen))
	return a
}

// look gives the time, and for how long until then nobody can have watched, when no
// more than expected was to pass since the last look.
func (a *axis) look(expected time.Duration) (at time.Time, missed time.Duration) {
	wall, now := a.wall().Round(0), a.steady()
	took := now - a.passed
	jump := wall.Sub(a.seen) - took
	a.seen, a.passed = wall, now
	switch {
	case jump <= -inattentive:
		a.ahead -= jump
	case jump >= inattentive:
		// Set forward again after it was set back, it is what it was. Else it slept,
		// or is set right: either way nobody watched in between.
		back := min(a.ahead, jump)
		a.ahead -= back
		if jump -= back; jump >= inattentive {
			missed = jump
		}
	}
	if late := took - expected; late >= inattentive {
		missed += late
	}
	if at = wall.Add(a.ahead); at.Before(a.latest) {
		at = a.latest
	}
	a.latest = at
	return at, missed
}
