package run

import "stepgate/runbook/plan"

// WallAhead is the next cell in walking order that can't be undone and, once it has
// been sent, closes the rollback of c; nil: none is to come.
func (r *Run) WallAhead(c *Cell) *Cell {
	for _, w := range r.inOrder() {
		if w.Key != c.Key && !w.Status.Settled() && w.Plan.Step.Kind == plan.Run && w.Plan.Step.Book.Irreversible && walled(c, w) {
			return w
		}
	}
	return nil
}

// Closes are the cells that can be undone now, and no longer once c has been sent, in
// walking order. Of a cell that can be undone itself there are none.
func (r *Run) Closes(c *Cell) []*Cell {
	if !c.Plan.Step.Book.Irreversible || c.Plan.Step.Kind != plan.Run {
		return nil
	}
	walls := r.walls()
	var out []*Cell
	for _, o := range r.inOrder() {
		if o.Key != c.Key && o.undoable() == "" && walled(o, c) && wallOf(o, walls) == nil {
			out = append(out, o)
		}
	}
	return out
}

// inOrder are the cells in walking order.
func (r *Run) inOrder() []*Cell {
	out := make([]*Cell, 0, len(r.Cells))
	for st := range r.StepsIn(r.Plan.Root) {
		for _, pc := range st.Cells {
			out = append(out, r.Cells[pc.Index])
		}
	}
	return out
}
