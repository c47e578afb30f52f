package run

import (
	"maps"
	"strings"
	"time"

	"stepgate/runbook/plan"
)

// World answers what expressions ask about the rest of the run.
type World struct {
	r    *Run
	c    *plan.Scope
	held map[string]map[string]jsonValue
	at   *Cell // that asks; nil: a walk or a section does
	// since is when the asking cell began, of which nothing is journaled yet; zero: it
	// hasn't.
	since time.Time
}

// WorldOf returns the world as a walk or a section sees it.
func (r *Run) WorldOf(s *plan.Scope) World { return World{r: r, c: s} }

// WorldAt returns the world as a cell sees it, with what it has captured on the
// way.
func (r *Run) WorldAt(c *Cell) World {
	return World{r: r, c: c.Plan.Step.Scope, held: c.held, at: c, since: c.Begun}
}

// Since is the world as a cell sees it that began then, while nothing about it is
// journaled.
func (w World) Since(begun time.Time) World {
	if w.since.IsZero() {
		w.since = begun
	}
	return w
}

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
	return nearest(w.c, w.r.Cells, id, func(c *Cell) string { return c.Key.Step })
}

// nearest are those of what has a path that ends in id which lie in the innermost
// scope that holds any, else all.
func nearest[T any](s *plan.Scope, of []T, id string, pathOf func(T) string) []T {
	var all []T
	for _, o := range of {
		p := plan.WithoutInstances(pathOf(o))
		if p == id || strings.HasSuffix(p, "/"+id) {
			all = append(all, o)
		}
	}
	for ; s != nil && s.Path != ""; s = s.Up {
		var own []T
		for _, o := range all {
			if p := pathOf(o); p == s.Path || strings.HasPrefix(p, s.Path+"/") {
				own = append(own, o)
			}
		}
		if own != nil {
			return own
		}
	}
	return all
}

// Monitor implements [checks.World]: "step" is the time since the asking cell began,
// "run" all of it; else it's the innermost instance around the asking cell.
func (w World) Monitor(id, span string) (map[string]any, bool) {
	from, instance := time.Time{}, false
	switch span {
	case "step":
		if from = w.since; from.IsZero() {
			return nil, false
		}
	case "":
		if from, instance = w.r.instanceBegun(w.c); instance && from.IsZero() {
			if from = w.since; from.IsZero() {
				return nil, false
			}
		}
	}
	var sum Sum
	drawn := ""
	texts := map[string]jsonValue{}
	for _, m := range w.monitors(id) {
		if drawn == "" {
			drawn = m.Drawn()
		}
		sum = sum.Plus(m.Sum(from, endless))
		for _, s := range m.Samples {
			maps.Copy(texts, s.Texts)
		}
	}
	return sum.record(texts, drawn), sum.Samples > 0
}

// endless is after everything that a journal can hold.
var endless = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// instanceBegun is when the first thing happened in the innermost instance of a walk
// around a scope, zero when nothing did, and whether there is one.
func (r *Run) instanceBegun(s *plan.Scope) (begun time.Time, ok bool) {
	for ; s != nil; s = s.Up {
		if s.Count == 0 {
			continue
		}
		var first time.Time
		for _, c := range r.under(s.Path) {
			if !c.Begun.IsZero() && (first.IsZero() || c.Begun.Before(first)) {
				first = c.Begun
			}
		}
		return first, true
	}
	return time.Time{}, false
}

// monitors are those whose path ends in id: those of the asking cell's own innermost
// instance that has any, else all.
func (w World) monitors(id string) []*Monitor {
	return nearest(w.c, w.r.Monitors(), id, func(m *Monitor) string { return m.Watch.Monitor })
}

// record is what an expression sees of it: see [checks.MonitorFields].
func (s Sum) record(texts map[string]jsonValue, drawn string) map[string]any {
	m := map[string]any{}
	decodeInto(m, texts)
	for name, n := range s.Captures {
		m[name] = map[string]any{"min": n.Min, "avg": n.Avg, "max": n.Max, "last": n.Last}
	}
	if n, ok := m[drawn].(map[string]any); ok && s.Captures[drawn].Count > 0 {
		maps.Copy(m, n)
	}
	maps.Copy(m, map[string]any{
		"samples": s.Samples, "succeeded": s.Good, "failures": s.Failures, "unknown": s.Unknown,
		"longest_gap": s.Longest.Length, "unobserved": s.Unobserved,
	})
	return m
}
