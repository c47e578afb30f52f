package run

import (
	"slices"

	"stepgate/runbook/plan"
)

// Next says what is next. What a person has asked for beside the plan comes first,
// then what is in flight, wherever it is; then a cell in doubt, a rollback that was planned, a step that was called; then the
// first cell in walking order that isn't settled.
func Next(r *Run) Decision {
	if r.Closed != "" {
		return Over{}
	}
	if s := r.offPlan(); s != nil {
		return s.next
	}
	for c := range r.All() {
		if d := inFlight(c); d != nil {
			return d
		}
	}
	s := r.stands()
	held := r.holding(s)
	strays := r.Strays()
	switch {
	case s == nil && r.Paused:
		return Ask{Wait: WaitPaused}
	case !r.Paused && held != nil:
		return held
	case s == nil && len(strays) > 0:
		return End{strays[0].Cell}
	case s == nil:
		return Close{r.closing()}
	case r.Paused:
		return Ask{Cell: s.cell, Wait: WaitPaused, Parallel: 1}
	case r.finished(s.cell):
		return Halt{r.Stop}
	}
	return s.next
}

// holding is the wait for a person's word about monitors that were red, which comes
// before anything new; nil: nothing holds the run. What repairs a failure, and what a
// person brings forward, is never held.
func (r *Run) holding(s *stand) Decision {
	held := r.held()
	switch {
	case held == nil || r.Called != nil:
		return nil
	case s == nil:
		return Ask{Cell: r.CellOf(held.Cell), Wait: WaitMonitor, Parallel: 1}
	}
	switch d := s.next.(type) {
	case Take: // beside a failure
		return nil
	case Ask:
		if d.Wait == WaitFailure || d.Wait == WaitUnknown || d.Wait == WaitUndo {
			return nil
		}
	}
	return Ask{Cell: s.cell, Wait: WaitMonitor, Parallel: 1}
}

// notAhead says why a grant that was given ahead opens nothing, or "".
func (r *Run) notAhead(e GateGranted) string {
	if e.Pre == "" {
		return ""
	}
	for _, m := range r.Watched() {
		if m.Red() {
			return "the monitor " + m.Watch.String() + " is red: no grant that was given ahead opens a gate"
		}
	}
	return ""
}

// heldAt says why nothing of the plan may begin at a cell, or "": a monitor holds the
// run. A command beside the plan, and a step that a person has brought forward, aren't
// held.
func (r *Run) heldAt(c *Cell) string {
	held := r.held()
	if held == nil || c.AdHoc != nil || r.Called != nil && r.Called.Step == c.Key.Step {
		return ""
	}
	return held.holds()
}

func inFlight(c *Cell) Decision {
	if c.lingers() && !c.stopped() && !c.Status.Settled() {
		return End{c}
	}
	switch c.Status {
	case Running, RollingBack:
		switch a := c.inFlight(); {
		case a == nil:
			return Undo{c}
		case c.Beside(a) && a.Up.IsZero():
			return Follow{c}
		case c.Beside(a):
			return Verify{c}
		case a.Outcome == nil:
			return Follow{c}
		case c.Awaits():
			return Await{c}
		default:
			return Verify{c}
		}
	case Unknown:
		if a := c.Latest(); a != nil && c.unsettled(a) && a.Fate == "" {
			return Settle{c}
		}
	case Pending, Gated, Authorised, Succeeded, Failed, Skipped, NotApplicable, RolledBack, RollbackFailed, Excluded:
	}
	return nil
}

// stands says where the run stands; nil: every cell is settled.
func (r *Run) stands() *stand {
	for c := range r.All() {
		if c.inDoubt() {
			return &stand{cell: c, stopped: true, next: Ask{Cell: c, Wait: WaitUnknown, Parallel: 1}}
		}
	}
	if len(r.Undoing) > 0 {
		c := r.Cell(r.Undoing[0])
		if c.Status == RollbackFailed && r.tried == c.Key {
			return r.stop(c)
		}
		return &stand{cell: c, next: Ask{Cell: c, Wait: WaitUndo, Parallel: 1}}
	}
	w := &walker{r: r, met: map[plan.Node]*stand{}}
	if r.Called != nil {
		if s := w.step([]*plan.Step{r.Cell(*r.Called).Plan.Step}, 1); s != nil {
			return s
		}
	}
	return w.at(r.Plan.Root)
}

// finished reports whether what was to be finished before the run stops is: the
// run is about to go on elsewhere.
func (r *Run) finished(next *Cell) bool {
	if r.Stop == "" || next == nil || within(next.Key.Step, r.Stop) {
		return false
	}
	return !slices.ContainsFunc(r.under(r.Stop), func(c *Cell) bool { return !c.Status.Settled() && !c.stopped() })
}

// Order returns the indices of a walk's instances in walking order: the
// inventory's until the walk has been ordered.
func (r *Run) Order(w *plan.Walk) []int {
	order := make([]int, len(w.Keys))
	keys, ok := r.Orders[w.ID]
	if !ok {
		for i := range order {
			order[i] = i
		}
		return order
	}
	at := make(map[string]int, len(w.Keys))
	for i, k := range w.Keys {
		at[k] = i
	}
	for i, k := range keys {
		order[i] = at[k]
	}
	return order
}

func (r *Run) closing() Closing {
	if r.strayed() {
		return DoneExceptions
	}
	for _, c := range r.Cells {
		if c.Status == Skipped || c.Status == Excluded || c.markedDone() {
			return DoneExceptions
		}
	}
	return Done
}

// markedDone reports whether it is a person's word that the cell succeeded; a
// later attempt that did takes that back.
func (c *Cell) markedDone() bool {
	if c.Resolved == nil || c.Resolved.Method != ByOperator || !c.Resolved.Succeeded {
		return false
	}
	a := c.Latest()
	return a == nil || c.resolvedFor(a)
}
