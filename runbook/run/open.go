package run

import (
	"strings"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

// parent is the path around a path: a section, an instance, of an instance its
// walk; "" is the run.
func parent(path string) string {
	if strings.HasSuffix(path, "]") {
		return path[:strings.LastIndexByte(path, '[')]
	}
	return path[:max(0, strings.LastIndexByte(path, '/'))]
}

// within reports whether a path is another or lies under it.
func within(path, under string) bool {
	rest, ok := strings.CutPrefix(path, under)
	return ok && (under == "" || rest == "" || rest[0] == '/' || rest[0] == '[')
}

// Finishable are the open paths around a cell, innermost first: its step,
// instances, walks and sections. "Finish, then stop" may name any of them.
func (r *Run) Finishable(c *Cell) []string {
	if c == nil || r.Closed != "" {
		return nil
	}
	var paths []string
	for p := c.Key.Step; p != ""; p = parent(p) {
		paths = append(paths, p)
	}
	return paths
}

// under returns the cells of a path.
func (r *Run) under(path string) []*Cell {
	var cells []*Cell
	for _, c := range r.Cells {
		if within(c.Key.Step, path) {
			cells = append(cells, c)
		}
	}
	return cells
}

// Instance returns the innermost walk around a cell, and the key of the instance
// the cell stands in; nil outside of walks.
func (r *Run) Instance(c *Cell) (w *plan.Walk, key string) {
	for s := c.Plan.Step.Scope; s != nil; s = s.Up {
		if s.Count > 0 {
			if w, ok := r.Plan.Walk(parent(s.Path)); ok {
				return w, w.Keys[s.Index]
			}
		}
	}
	return nil, ""
}

// Callable are the cells of class `always` that may be brought forward: their
// section has been entered, and their `when`, looked at now and not yet decided,
// isn't false.
func (r *Run) Callable() []*Cell {
	var out []*Cell
	if r.Closed != "" {
		return nil
	}
	for _, c := range r.Cells {
		if c.Plan.Step.Book.Always && r.callable(c) == "" && r.mayApply(c) {
			out = append(out, c)
		}
	}
	return out
}

// callable says why a cell can't be brought forward, or "".
func (r *Run) callable(c *Cell) string {
	switch {
	case !c.Plan.Step.Book.Always:
		return "it is not a step that may be called"
	case c.Status.Settled():
		return "it is " + c.Status.String()
	}
	around := parent(c.Plan.Step.ID)
	for _, other := range r.under(around) {
		if !other.Begun.IsZero() {
			return ""
		}
	}
	return "its section has not been entered"
}

// mayApply looks at a `when` that hasn't been decided; what isn't known may.
func (r *Run) mayApply(c *Cell) bool {
	when := c.Plan.Step.Book.When
	if when == nil || when.Value == nil || c.When != nil {
		return true
	}
	v, err := when.Value.Eval(checks.Values(r.Names(c, c.Key.Target)), r.WorldAt(c))
	applies, ok := v.(bool)
	return err != nil || !ok || applies
}
