package run

import (
	"strings"

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
		if !settled(r.under(p)) {
			paths = append(paths, p)
		}
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
