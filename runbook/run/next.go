package run

import (
	"slices"

	"stepgate/runbook/plan"
)

// Next says what is next. What is in flight comes first, wherever it is; then
// the first cell in walking order that isn't settled.
func Next(r *Run) Decision {
	if r.Closed != "" {
		return Over{}
	}
	for _, c := range r.Cells {
		if d := inFlight(c); d != nil {
			return d
		}
	}
	c, w := r.first(r.Plan.Root)
	switch {
	case r.Paused:
		return Ask{Cell: c, Wait: WaitPaused}
	case w != nil:
		return Order{w}
	case c == nil:
		return Close{r.closing()}
	}
	return r.ask(c)
}

func inFlight(c *Cell) Decision {
	switch c.Status {
	case Running, RollingBack:
		switch a := c.inFlight(); {
		case a == nil:
			return Undo{c}
		case a.Outcome == nil:
			return Follow{c}
		default:
			return Verify{c}
		}
	case Unknown:
		if a := c.Latest(); a != nil && c.unsettled(a) && a.Fate == "" {
			return Settle{c}
		}
	case Pending, Gated, Authorised, Succeeded, Failed, Skipped, NotApplicable, RolledBack, RollbackFailed:
	}
	return nil
}

func (r *Run) ask(c *Cell) Decision {
	switch c.Status {
	case Pending:
		if c.Plan.Step.Book.When != nil && c.When == nil {
			return Decide{c}
		}
		if c.Plan.Step.Kind == plan.Manual && !c.needsGate() {
			return Ask{Cell: c, Wait: WaitManual, Parallel: 1}
		}
		return Ask{Cell: c, Wait: WaitGo, Parallel: 1}
	case Gated, Authorised:
		return Ask{Cell: c, Wait: WaitGate, Parallel: 1}
	case Unknown:
		if c.inDoubt() {
			return Ask{Cell: c, Wait: WaitUnknown, Parallel: 1}
		}
		return Ask{Cell: c, Wait: WaitFailure, Parallel: 1}
	case Failed, RolledBack, RollbackFailed, Running, Succeeded, Skipped, NotApplicable, RollingBack:
	}
	return Ask{Cell: c, Wait: WaitFailure, Parallel: 1}
}

// first returns the first unsettled cell below a node in walking order, or a
// walk that has to be ordered before it can be entered.
func (r *Run) first(n plan.Node) (*Cell, *plan.Walk) {
	switch n := n.(type) {
	case *plan.Step:
		for _, pc := range n.Cells {
			if c := r.Cells[pc.Index]; !c.Status.Settled() {
				return c, nil
			}
		}
	case *plan.Section:
		for _, child := range n.Children {
			if c, w := r.first(child); c != nil || w != nil {
				return c, w
			}
		}
	case *plan.Walk:
		if n.Each.OrderBy != nil && r.Orders[n.ID] == nil {
			return nil, n
		}
		for _, i := range r.Order(n) {
			if c, w := r.first(n.Instances[i]); c != nil || w != nil {
				return c, w
			}
		}
	}
	return nil, nil
}

// Order returns the indices of a walk's instances in walking order: the
// inventory's until the walk has been ordered.
func (r *Run) Order(w *plan.Walk) []int {
	order := make([]int, len(w.Keys))
	hosts, ok := r.Orders[w.ID]
	for i := range order {
		order[i] = i
		if ok {
			order[i] = slices.Index(w.Keys, hosts[i])
		}
	}
	return order
}

func (r *Run) closing() Closing {
	for _, c := range r.Cells {
		if c.Status == Skipped || c.markedDone() {
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
