package run

import (
	"strings"

	"stepgate/runbook/plan"
)

// World answers what expressions ask about the rest of the run.
type World struct {
	r    *Run
	c    *plan.Scope
	held map[string]map[string]jsonValue
}

// WorldOf returns the world as a walk or a section sees it.
func (r *Run) WorldOf(s *plan.Scope) World { return World{r: r, c: s} }

// WorldAt returns the world as a cell sees it, with what it has captured on the
// way.
func (r *Run) WorldAt(c *Cell) World { return World{r, c.Plan.Step.Scope, c.held} }

// Hosts returns the hosts of a group with their variables, and what was captured
// at them and in the instances that walk them.
func (w World) Hosts(group string) ([]map[string]any, bool) {
	hosts, ok := w.r.Plan.Group(group, w.c)
	if !ok {
		return nil, false
	}
	owners := map[string][]string{}
	for _, h := range hosts {
		owners[h] = []string{"@" + h}
		for _, path := range w.parts() {
			owners[h] = append(owners[h], path+"@"+h)
		}
	}
	for _, walk := range w.r.Plan.Walks {
		for _, n := range walk.Instances {
			if s := plan.ScopeOf(n); s.Host != "" && owners[s.Host] != nil {
				owners[s.Host] = append(owners[s.Host], s.Path)
			}
		}
	}
	var out []map[string]any
	for _, h := range hosts {
		m := map[string]any{"host": h}
		for k, v := range w.r.Plan.Hosts[h].Vars {
			m[k] = v
		}
		for _, owner := range owners[h] {
			decodeInto(m, w.r.values[owner])
			decodeInto(m, w.r.known[owner])
			decodeInto(m, w.held[owner])
		}
		out = append(out, m)
	}
	return out, true
}

// parts are the paths of the included parts around the asking cell, the
// outermost first.
func (w World) parts() []string {
	var paths []string
	for s := w.c; s != nil; s = s.Up {
		if s.Part != nil {
			paths = append([]string{s.Path}, paths...)
		}
	}
	return paths
}

// Ran reports whether any attempt of the step was started and not rolled back;
// an unknown one counts.
func (w World) Ran(id string) bool {
	for _, c := range w.match(id) {
		if c.dispatched() && !c.rolledBack() {
			return true
		}
	}
	return false
}

// rolledBack reports whether what the cell did was undone.
func (c *Cell) rolledBack() bool {
	return c.Status == RolledBack || c.Status == Excluded && c.out == RolledBack
}

// OK reports whether the step succeeded and wasn't rolled back, in all its
// instances that the asking cell can mean.
func (w World) OK(id string) bool {
	cells := w.match(id)
	for _, c := range cells {
		if c.Status != Succeeded {
			return false
		}
	}
	return len(cells) > 0
}

// match returns the cells whose step path ends in id: those of the asking
// cell's own innermost instance that has any, else all.
func (w World) match(id string) []*Cell {
	var all []*Cell
	for _, c := range w.r.Cells {
		p := plan.WithoutInstances(c.Key.Step)
		if p == id || strings.HasSuffix(p, "/"+id) {
			all = append(all, c)
		}
	}
	for s := w.c; s != nil && s.Path != ""; s = s.Up {
		var own []*Cell
		for _, c := range all {
			if c.Key.Step == s.Path || strings.HasPrefix(c.Key.Step, s.Path+"/") {
				own = append(own, c)
			}
		}
		if own != nil {
			return own
		}
	}
	return all
}
