package monitor

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/wording"
)

// moment is something of the run on the time axis.
type moment struct {
	at     time.Time
	says   string // the step's number
	failed bool
}

// stretch is the time in which something went on at a cell.
type stretch struct {
	cell     *run.Cell
	from, to time.Time // to is zero: it isn't over
}

// steps are what has happened in a run, by time.
type steps struct {
	plan      *plan.Plan
	seq       uint64
	run       *run.Run
	moments   []moment
	stretches []stretch // in the order in which they began
}

// take finds them anew when the run has gone on.
func (st *steps) take(r *run.Run) {
	st.run = r
	if st.plan == r.Plan && st.seq == r.Seq {
		return
	}
	st.plan, st.seq = r.Plan, r.Seq
	st.moments, st.stretches = st.moments[:0], st.stretches[:0]
	for c := range r.All() {
		if c.Begun.IsZero() || c.Plan.Step.Kind == plan.Watch || c.Status == run.NotApplicable {
			continue
		}
		s := stretch{cell: c, from: c.Begun}
		if c.Status.Settled() || c.Status == run.RolledBack {
			s.to = c.Ended
		}
		st.stretches = append(st.stretches, s)
		number := cmp.Or(c.Plan.Step.Number, "*") // what the runbook does not have has none
		st.moments = append(st.moments, moment{at: c.Begun, says: number})
		if c.Status == run.Failed || c.Status == run.RollbackFailed || c.Status == run.Unknown {
			at := c.Ended
			if at.IsZero() {
				at = c.Begun
			}
			st.moments = append(st.moments, moment{at: at, says: number, failed: true})
		}
	}
	slices.SortStableFunc(st.moments, func(a, z moment) int { return a.at.Compare(z.at) })
	slices.SortStableFunc(st.stretches, func(a, z stretch) int { return a.from.Compare(z.from) })
}

// within are the moments of a time.
func (st *steps) within(from, to time.Time) []moment {
	at := func(t time.Time) int {
		i, _ := slices.BinarySearchFunc(st.moments, t, func(m moment, t time.Time) int { return m.at.Compare(t) })
		return i
	}
	return st.moments[at(from):at(to)]
}

// During names the step that a gap lies in: of several the latest that had begun when
// it did, and how many more there are.
func (b *Board) During(g run.Gap) string {
	var in *run.Cell
	n := 0
	for _, s := range b.steps.stretches {
		if s.from.After(g.To) {
			break
		}
		if !s.to.IsZero() && s.to.Before(g.From) {
			continue
		}
		n++
		if in == nil || !s.from.After(g.From) {
			in = s.cell
		}
	}
	switch n {
	case 0:
		return "between steps"
	case 1:
		return "during " + wording.At(b.steps.run, in)
	}
	return fmt.Sprintf("during %s and %d more", wording.At(b.steps.run, in), n-1)
}
