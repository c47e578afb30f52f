package run

import (
	"maps"
	"slices"
	"strings"

	"stepgate/runbook/plan"
)

// Adopted says that the run goes on with another version of its runbook, on a
// person's word. No step that was executed differs.
type Adopted struct {
	Source    string            `json:"source"`              // blob: the runbook's bytes
	Parts     map[string]string `json:"parts,omitempty"`     // blobs: of included files, by name
	Inventory string            `json:"inventory,omitempty"` // blob: the inventory's bytes; empty: none
	Values    map[string]string `json:"values"`              // parameters as given, by name; no secrets
	Secrets   []string          `json:"secrets,omitempty"`   // secret parameters that were given
	Digest    string            `json:"digest"`              // of the new plan
	Closure   string            `json:"closure"`             // of its source bytes
	Changes   []Change          `json:"changes"`             // against the version before
}

// Change is a step that two versions of a plan have differently.
type Change struct {
	Step string `json:"step"` // id without instances; of what was executed, the cell
	How  string `json:"how"`  // added, removed, changed, moved
	What string `json:"what,omitempty"`
}

func (c Change) String() string {
	if c.What == "" {
		return c.Step + " " + c.How
	}
	return c.Step + " " + c.How + " (" + c.What + ")"
}

// Over is how the run would have been started with the adopted version.
func (e Adopted) Over(s RunStarted) RunStarted {
	s.Source, s.Parts, s.Inventory, s.Values, s.Secrets, s.Digest, s.Closure = e.Source, e.Parts, e.Inventory, e.Values, e.Secrets, e.Digest, e.Closure
	return s
}

// Changes are the steps that a plan has differently from an earlier one.
func Changes(earlier, later *plan.Plan) []Change {
	list := []Change{}
	for _, d := range plan.Diff(earlier, later) {
		list = append(list, Change{d.Step, d.How, strings.Join(d.What, ", ")})
	}
	return list
}

// Versions are how a run was started, and how it would have been started with
// each version that was adopted since. It is nil when the records don't begin
// with the run's start.
func Versions(records []Record) (list []RunStarted) {
	for i, rec := range records {
		switch e := rec.Event.(type) {
		case RunStarted:
			if i == 0 {
				list = append(list, e)
			}
		case Adopted:
			if len(list) > 0 {
				list = append(list, e.Over(list[len(list)-1]))
			}
		}
	}
	return list
}

// Bars tells what keeps another version of the runbook from being adopted: what
// was executed, or settled by a person, and isn't the same in it. Checks that
// were taken aren't in the way: those that differ are taken again.
func (r *Run) Bars(next *plan.Plan) []Change {
	bars := []Change{}
	for _, c := range r.Cells {
		if !c.executed() {
			continue
		}
		n, ok := next.Cell(c.Key.Step, c.Key.Target)
		switch {
		case !ok:
			bars = append(bars, Change{c.Key.String(), "removed", c.Status.String()})
		case !plan.Same(r.Plan, c.Plan, next, n):
			bars = append(bars, Change{c.Key.String(), "changed", c.Status.String()})
		}
	}
	for _, w := range r.Plan.Walks {
		if r.begun(w) && !sameWalk(r.Plan, next, w.ID) && slices.ContainsFunc(r.under(w.ID), (*Cell).executed) {
			bars = append(bars, Change{w.ID, "changed", "it was begun with other hosts, values or batches"})
		}
	}
	for _, c := range r.OffBook {
		if _, ok := next.Cell(c.Key.Step, c.Key.Target); ok {
			bars = append(bars, Change{c.Key.String(), "added", "a command beside the plan is called so"})
		}
	}
	for _, b := range r.Strays() {
		if _, ok := next.Cell(b.Cell.Key.Step, b.Cell.Key.Target); !ok && !b.Cell.executed() {
			bars = append(bars, Change{b.Cell.Key.String(), "removed", "a process of its monitor may be alive; go on with the version before until it has ended"})
		}
	}
	if len(r.Undoing) > 0 {
		bars = append(bars, Change{r.Undoing[0].String(), "changed", "its rollback is under way; finish or drop that first"})
	}
	return bars
}

// executed reports whether the cell has been sent, or a person has settled it.
func (c *Cell) executed() bool {
	switch {
	case len(c.Attempts) > 0 || c.Asked != nil || c.Status == Skipped || c.Status == Excluded || c.Resolved != nil:
		return true
	case c.Status == Succeeded:
		return c.Plan.Step.Kind != plan.Check && c.Plan.Step.Kind != plan.Watch
	}
	return false
}

// begun reports whether anything was decided about a walk.
func (r *Run) begun(w *plan.Walk) bool {
	return len(r.Orders[w.ID]) > 0 || len(r.Batches[w.ID]) > 0 || len(r.Excluded[w.ID]) > 0
}

func sameWalk(p, q *plan.Plan, id string) bool {
	a, okA := p.Walk(id)
	b, okB := q.Walk(id)
	return okA && okB && slices.Equal(a.Keys, b.Keys) && a.Batch == b.Batch && a.Each.Canary == b.Each.Canary
}

// Adopt is the run on another version of its plan: what was executed stands as it
// is, and so does every cell that is the same; the others are pending. It refuses
// what [Run.Bars] tells, and leaves r as it is.
func (r *Run) Adopt(next *plan.Plan, rec Record) (*Run, error) {
	e, ok := rec.Event.(Adopted)
	refuse := func(why string) (*Run, error) { return r, &TransitionError{Kind(e), Key{}, why} }
	switch bars := r.Bars(next); {
	case !ok:
		return refuse("it adopts nothing")
	case rec.Seq != r.Seq+1:
		return refuse("it is out of order")
	case r.Closed != "":
		return refuse("the run is closed")
	case e.Digest != next.Digest:
		return refuse("it names another plan")
	case len(bars) > 0:
		return refuse(bars[0].String())
	}
	n := r.clone()
	n.Plan, n.Start, n.byKey, n.Called, n.shared = next, e.Over(r.Start), map[Key]int{}, nil, false
	n.Cells = make([]*Cell, len(next.Cells))
	for i, pc := range next.Cells {
		k := Key{pc.Step.ID, pc.Target}
		n.byKey[k] = i
		c := &Cell{Checks: map[Phase]*ChecksTaken{}}
		switch was := r.Cell(k); {
		case was == nil:
		case was.executed() || plan.Same(r.Plan, was.Plan, next, pc):
			c = was.clone()
		default:
			c.Keeps = was.Keeps // their numbers are used, and they may be alive
		}
		c.Plan, c.Key = pc, k
		n.Cells[i] = c
	}
	n.adoptMonitors(r)
	for i, was := range r.OffBook {
		n.OffBook[i] = was.clone()
		n.OffBook[i].Plan = n.adHocCell(*was.AdHoc)
	}
	for _, w := range r.Plan.Walks {
		if !sameWalk(r.Plan, next, w.ID) { // nothing in it was executed
			delete(n.Orders, w.ID)
			delete(n.Batches, w.ID)
			delete(n.Excluded, w.ID)
		}
	}
	if n.Stop != "" && len(n.under(n.Stop)) == 0 {
		n.Stop = ""
	}
	n.values = maps.Clone(r.values)
	n.Seq, n.Last, n.Head, n.Epoch = rec.Seq, rec.Wall, rec.Hash, rec.Epoch
	return n, nil
}

// adoptMonitors gives the monitors of the run's plan what those of another run showed.
func (r *Run) adoptMonitors(from *Run) {
	r.monitors, r.posts = nil, postsOf(r.Plan)
	r.monitors = r.copied()
	for _, m := range from.monitors {
		if m == nil {
			continue
		}
		if j, ok := r.posts.byWatch[m.Watch]; ok {
			own := r.ownMonitor(j)
			own.Samples, own.Episodes = m.Samples, m.Episodes
		}
	}
}
