package run

import (
	"fmt"
	"maps"
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
	return nil
}

// Fences returns the checks of a phase, in the order they are taken.
func (c *Cell) Fences(p Phase) []*runbook.Fence {
	s := c.Plan.Step.Book
	switch p {
	case Before:
		return s.Before
	case After, Evidence:
		return s.After
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
	m := r.Plan.Names(s, where, func(path string) map[string]any {
		values := map[string]any{}
		decodeInto(values, r.values[path])
		decodeInto(values, held[path])
		return values
	})
	m["run"] = r.ID
	return m
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

// Dispatch returns what would run now in a role, byte for byte.
func (r *Run) Dispatch(c *Cell, role Role) (Dispatch, error) {
	f, where := c.Plan.Step.Book.Command, c.Key.Target
	if role == RoleRollback {
		f = c.Plan.Step.Book.Rollback.Command
		if places := r.Plan.Places(c.Plan, f); len(places) == 1 {
			where = places[0]
		}
	}
	return r.DispatchFence(c, f, where, nil)
}

// DispatchFence returns what a fence of the cell runs at a place. extra are
// names known beside the run's: what earlier checks of the same phase captured.
func (r *Run) DispatchFence(c *Cell, f *runbook.Fence, where string, extra map[string]any) (Dispatch, error) {
	names := r.Names(c, where)
	maps.Copy(names, extra)
	vars, err := plan.Env(names)
	if err != nil {
		return Dispatch{}, fmt.Errorf("prepare %q: %w", c.Key, err)
	}
	d := Dispatch{
		Where: where, SSH: r.Plan.Hosts[where].SSH, Interpreter: f.Lang,
		Prefix: r.Plan.Prefix(f), Body: f.Body, Dir: r.Text(c, f.Dir), TimeoutMS: f.Timeout.Milliseconds(),
	}
	for _, v := range vars {
		d.Env = append(d.Env, Var{Name: v.Name, Value: v.Value})
	}
	d.Env = append(d.Env, Var{Name: "STEPGATE_HOST", Value: where}, Var{Name: "STEPGATE_RUN", Value: r.ID}, Var{Name: "STEPGATE_STEP", Value: c.Key.Step})
	return d, nil
}

// StepStatus is the worst status of a step's cells.
func (r *Run) StepStatus(s *plan.Step) Status {
	worst := r.Cells[s.Cells[0].Index].Status
	for _, pc := range s.Cells[1:] {
		if st := r.Cells[pc.Index].Status; severity[st] > severity[worst] {
			worst = st
		}
	}
	return worst
}

// severity orders statuses by how much they want attention.
var severity = map[Status]int{
	NotApplicable: 0, Skipped: 1, Succeeded: 2, Pending: 3, RolledBack: 4, Gated: 5, Authorised: 6,
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

// Phrase is what opens the cell's gate: the phrase of the step; "y" for a step
// that can be undone; else the runbook's phrase, or the step's own id.
func (r *Run) Phrase(c *Cell) string {
	s := c.Plan.Step.Book
	switch {
	case s.Confirm != "":
		return r.Text(c, s.Confirm)
	case s.Rollback != nil:
		return "y"
	case r.Plan.Book.Confirm != "":
		return r.Text(c, r.Plan.Book.Confirm)
	}
	return c.stepName()
}

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

// Hosts returns the hosts of a group with their variables and captures.
func (w World) Hosts(group string) ([]map[string]any, bool) {
	hosts, ok := w.r.Plan.Groups[group]
	if !ok {
		return nil, false
	}
	var out []map[string]any
	for _, h := range hosts {
		m := map[string]any{"host": h}
		for k, v := range w.r.Plan.Hosts[h].Vars {
			m[k] = v
		}
		scopes := []string{"@" + h}
		for _, walk := range w.r.Plan.Walks {
			for _, n := range walk.Instances {
				if s := plan.ScopeOf(n); s.Host == h {
					scopes = append(scopes, s.Path)
				}
			}
		}
		for _, sc := range scopes {
			decodeInto(m, w.r.values[sc])
			decodeInto(m, w.held[sc])
		}
		out = append(out, m)
	}
	return out, true
}

// Ran reports whether any attempt of the step was started and not rolled back;
// an unknown one counts.
func (w World) Ran(id string) bool {
	for _, c := range w.match(id) {
		if c.dispatched() && c.Status != RolledBack {
			return true
		}
	}
	return false
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
		p := stripInstances(c.Key.Step)
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

// stripInstances takes [host] out of a path. It is what pre-grants and
// references name steps by.
func stripInstances(p string) string {
	var b strings.Builder
	depth := 0
	for _, ch := range p {
		switch {
		case ch == '[':
			depth++
		case ch == ']':
			depth--
		case depth == 0:
			b.WriteRune(ch)
		}
	}
	return b.String()
}

// StepID is the cell's step without its hosts: what --approve names.
func (k Key) StepID() string { return stripInstances(k.Step) }
