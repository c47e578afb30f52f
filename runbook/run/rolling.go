package run

import (
	"slices"
	"time"

	"stepgate/runbook/plan"
)

// Rolling is how far a walk has come. It is made from the whole walk: keep it
// for as long as the run doesn't change.
type Rolling struct {
	Canary   bool                // the first of Batches is a canary
	Batches  [][]string          // instance keys: those entered, then those ahead as they would follow
	Entered  int                 // of Batches
	Failures int                 // instances that have stopped or were taken out; [runbook.Each.MaxFailures] may
	Soaked   time.Time           // when the soak behind a canary that is through is over; zero: nothing soaks
	Settled  map[string]struct{} // keys of the instances of which nothing is left to do
}

// Rolling says how far a walk has come.
func (r *Run) Rolling(n *plan.Walk) Rolling {
	out := Rolling{Canary: n.Each.Canary > 0, Failures: len(r.Excluded[n.ID]), Settled: map[string]struct{}{}}
	w := &walker{r: r, met: map[plan.Node]*stand{}}
	entered := r.entered(n)
	var ahead []string
	for _, i := range r.Order(n) {
		key := n.Keys[i]
		s := w.at(n.Instances[i])
		switch {
		case s == nil:
			out.Settled[key] = struct{}{}
			continue
		case s.stopped && r.Excluded[n.ID][key] == "":
			out.Failures++
		}
		if !entered[key] {
			ahead = append(ahead, key)
		}
	}
	out.Batches = slices.Clone(r.Batches[n.ID])
	out.Entered = len(out.Batches)
	if canary := n.Each.Canary; canary > 0 && out.Entered == 0 {
		k := min(canary, len(ahead))
		out.Batches, ahead = append(out.Batches, ahead[:k]), ahead[k:]
	}
	for batch := range slices.Chunk(ahead, max(1, n.Batch)) {
		out.Batches = append(out.Batches, batch)
	}
	if out.Canary && out.Entered == 1 && len(out.Batches) > 1 && out.through(out.Batches[0]) {
		out.Soaked = r.soaked(n)
	}
	return out
}

// through reports whether nothing is left to do of a batch.
func (ro Rolling) through(batch []string) bool {
	for _, k := range batch {
		if _, ok := ro.Settled[k]; !ok {
			return false
		}
	}
	return true
}

// At is the index in Batches of the one the walk is at: the one entered last, once
// that is through the next, at the end the first that has to be come back to; -1 when
// there are none.
func (ro Rolling) At() int {
	last := ro.Entered - 1
	switch {
	case last >= 0 && !ro.through(ro.Batches[last]):
		return last
	case ro.Entered < len(ro.Batches):
		return ro.Entered
	}
	for i, b := range ro.Batches {
		if !ro.through(b) {
			return i
		}
	}
	return last
}
