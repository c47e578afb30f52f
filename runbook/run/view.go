package run

import (
	"iter"
	"slices"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/plan"
)

// Cell returns the state of a cell, or nil.
func (r *Run) Cell(k Key) *Cell {
	if i, ok := r.byKey[k]; ok {
		return r.Cells[i]
	}
	for _, c := range r.OffBook {
		if c.Key == k {
			return c
		}
	}
	return nil
}

// CellOf returns the state of a cell of the plan, or of one beside it; nil: the run
// has none.
func (r *Run) CellOf(c *plan.Cell) *Cell { return r.Cell(Key{c.Step.ID, c.Target}) }

// StepsIn gives the steps below a node of the plan, itself one too, in walking order.
func (r *Run) StepsIn(n plan.Node) iter.Seq[*plan.Step] {
	return func(yield func(*plan.Step) bool) { r.stepsIn(n, yield) }
}

func (r *Run) stepsIn(n plan.Node, yield func(*plan.Step) bool) bool {
	switch n := n.(type) {
	case *plan.Section:
		for _, c := range n.Children {
			if !r.stepsIn(c, yield) {
				return false
			}
		}
	case *plan.Walk:
		for _, i := range r.Order(n) {
			if !r.stepsIn(n.Instances[i], yield) {
				return false
			}
		}
	case *plan.Step:
		return yield(n)
	}
	return true
}

// All gives every cell: what isn't the plan's, then the plan's.
func (r *Run) All() iter.Seq[*Cell] {
	return func(yield func(*Cell) bool) {
		for _, list := range [][]*Cell{r.OffBook, r.Cells} {
			for _, c := range list {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// Fences returns the checks of a phase, in the order they are taken.
func (c *Cell) Fences(p Phase) []*runbook.Fence {
	s := c.Plan.Step.Book
	switch p {
	case Already:
		return s.Done
	case Before:
		return s.Before
	case After:
		return s.After
	case Evidence:
		return slices.Concat(s.Done, s.After)
	case RollbackBefore, RollbackAfter:
		if s.Rollback == nil {
			return nil
		}
		if p == RollbackBefore {
			return s.Rollback.Before
		}
		return s.Rollback.After
	}
	return nil
}

// Names returns what a cell's commands and expressions see at a place: what
// the plan knows, and the captures of the run, of the host, and of the walks
// around the cell, nearest last.
func (r *Run) Names(c *Cell, where string) map[string]any {
	m := r.names(c.Plan.Step.Scope, where, c.held)
	m["step"], m["attempt"] = c.stepName(), len(c.Attempts)
	if c.Status == Pending || c.Status == Gated || c.Status == Authorised {
		m["attempt"] = len(c.Attempts) + 1 // the one to come
	}
	return m
}

// NamesIn is [Run.Names] for what isn't a cell: a walk, a section.
func (r *Run) NamesIn(s *plan.Scope, where string) map[string]any { return r.names(s, where, nil) }

// names are the names of a scope; held are captures that only a step that is
// under way sees.
func (r *Run) names(s *plan.Scope, where string, held map[string]map[string]jsonValue) map[string]any {
	return r.Plan.Names(s, where, func(path string) map[string]any {
		values := map[string]any{}
		if path == "" {
			values["run"] = r.ID
		}
		decodeInto(values, r.values[path])
		decodeInto(values, r.known[path])
		decodeInto(values, held[path])
		if each, ok := r.placed(s, path); ok {
			values["each"] = each
		}
		return values
	})
}

// placed is `each` of the instance at path, around s, when its walk has an order of its
// own.
func (r *Run) placed(s *plan.Scope, path string) (map[string]any, bool) {
	for ; s != nil && len(r.Orders) > 0; s = s.Up {
		if s.Count == 0 || s.Path != path {
			continue
		}
		key := s.Host
		if s.Name != "" {
			key = s.Value
		}
		i := slices.Index(r.Orders[s.Walk], key)
		return plan.Each(i, s.Count), i >= 0
	}
	return nil, false
}

func decodeInto(m map[string]any, vs map[string]jsonValue) {
	for name, raw := range vs {
		if v, err := checks.Decode(raw); err == nil {
			m[name] = v
		}
	}
}

// Text fills a template of the cell's step with what is known now.
func (r *Run) Text(c *Cell, tmpl string) string {
	own := map[string]any{"step": c.stepName()}
	if c.Key.Target != "" {
		own["host"] = c.Key.Target
	}
	return r.text(c.Plan.Step.Scope, tmpl, own, c.held)
}

// stepName is what {{step}} stands for: the last part of the step's id; of the
// entry to a section, the section's.
func (c *Cell) stepName() string {
	if s := c.Plan.Step.Enter; s != nil {
		return s.Book.ID
	}
	return c.Plan.Step.Book.ID
}

// TextIn fills a template of a section, a walk or a step with what is known in
// its scope now.
func (r *Run) TextIn(s *plan.Scope, tmpl string) string { return r.text(s, tmpl, nil, nil) }

// text fills a template; extra answers for what the scope doesn't know.
func (r *Run) text(s *plan.Scope, tmpl string, extra map[string]any, held map[string]map[string]jsonValue) string {
	if !strings.Contains(tmpl, "{{") {
		return tmpl
	}
	names := r.names(s, "", held)
	return r.Plan.Text(tmpl, s, func(name string) (any, bool) {
		if name == "run" {
			return r.ID, true
		}
		v, ok := names[name]
		if !ok {
			v, ok = extra[name]
		}
		return v, ok
	})
}

// StepStatus is the worst status of a step's cells.
func (r *Run) StepStatus(s *plan.Step) Status {
	worst := r.CellOf(s.Cells[0]).Status
	for _, pc := range s.Cells[1:] {
		if st := r.CellOf(pc).Status; severity[st] > severity[worst] {
			worst = st
		}
	}
	return worst
}

// severity orders statuses by how much they want attention.
var severity = map[Status]int{
	NotApplicable: 0, Skipped: 1, Excluded: 1, Succeeded: 2, Pending: 3, RolledBack: 4, Gated: 5, Authorised: 6,
	Running: 7, RollingBack: 8, Failed: 9, RollbackFailed: 10, Unknown: 11,
}

// Progress counts settled cells, all cells, and the gates still ahead.
func (r *Run) Progress() (settled, total, gatesAhead int) {
	for _, c := range r.Cells {
		switch {
		case c.Status.Settled():
			settled++
		case c.needsGate():
			gatesAhead++
		}
	}
	return settled, len(r.Cells), gatesAhead
}

// Took is how long a cell took, from its first event to its last settling; 0
// while it isn't settled.
func (c *Cell) Took() time.Duration {
	if c.Ended.IsZero() || c.Begun.IsZero() {
		return 0
	}
	return c.Ended.Sub(c.Begun)
}

// Reversible reports whether what the cell would run can be undone: a rollback was
// written for the runbook's text, and says nothing of another.
func (c *Cell) Reversible() bool { return c.Plan.Step.Book.Rollback != nil && c.Edited == nil }

// Phrase is what opens the cell's gate: the phrase of the step; "y" for a step
// that can be undone; else the runbook's phrase, or the step's own id.
func (r *Run) Phrase(c *Cell) string {
	s := c.Plan.Step.Book
	switch {
	case s.Confirm != "":
		return r.Text(c, s.Confirm)
	case c.Reversible():
		return "y"
	case r.Plan.Book.Confirm != "":
		return r.Text(c, r.Plan.Book.Confirm)
	}
	return c.stepName()
}

// StepID is the cell's step without its hosts: what --approve names.
func (k Key) StepID() string { return plan.WithoutInstances(k.Step) }
