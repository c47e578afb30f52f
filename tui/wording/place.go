package wording

import (
	"errors"
	"fmt"
	"strings"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// Instance names a cell among those of the same step: by its place, and inside
// a walk by the instance, with the machine where that is another one.
func Instance(c *run.Cell) string {
	place := Place(c.Key.Target)
	name := InstanceOf(c.Plan.Step.Scope)
	switch {
	case name == "" || c.Key.Target == name:
		return place
	case place == "":
		return Line(name)
	}
	return Line(name) + " (on " + place + ")"
}

// Among names a cell among others that may have the same title.
func Among(r *run.Run, c *run.Cell) string {
	name := Name(r, c.Plan.Step)
	if in := Instance(c); in != "" {
		name += " – " + in
	}
	return name
}

// InstanceOf is the key of the innermost instance of a walk around a scope, or
// "".
func InstanceOf(s *plan.Scope) string {
	for ; s != nil; s = s.Up {
		switch {
		case s.Host != "":
			return s.Host
		case s.Name != "":
			return s.Value
		}
	}
	return ""
}

// Question is what an ask step wants to know, as one line.
func Question(r *run.Run, c *run.Cell) string {
	q := c.Plan.Step.Book.Question
	s := q.Param.Prompt
	if s == "" {
		s = c.Plan.Step.Title
	}
	s = Line(r.Text(c, s))
	if t := string(q.Param.Type); t != "" && t != "string" && t != "choice" && !strings.Contains(s, t) {
		s += " (" + Line(t) + ")"
	}
	return s
}

// Entered returns the instances of a walk that have been entered, in walking
// order, and how many have not.
func Entered(r *run.Run, w *plan.Walk) (nodes []plan.Node, left int) {
	in := map[string]bool{}
	for _, batch := range r.Batches[w.ID] {
		for _, k := range batch {
			in[k] = true
		}
	}
	for _, i := range r.Order(w) {
		if in[w.Keys[i]] {
			nodes = append(nodes, w.Instances[i])
		} else {
			left++
		}
	}
	return nodes, left
}

// Below returns the cells of a node, in walking order.
func Below(r *run.Run, n plan.Node) (out []*run.Cell) {
	switch n := n.(type) {
	case *plan.Section:
		for _, c := range n.Children {
			out = append(out, Below(r, c)...)
		}
	case *plan.Walk:
		for _, i := range r.Order(n) {
			out = append(out, Below(r, n.Instances[i])...)
		}
	case *plan.Step:
		for _, c := range n.Cells {
			out = append(out, r.CellOf(c))
		}
	}
	return out
}

// Open says what an open path is, and its name: a step, an instance of a walk, a
// section.
func Open(r *run.Run, path string) (what, name string) {
	if n := find(r.Plan.Root, path); n != nil {
		switch n := n.(type) {
		case *plan.Step:
			return "this step", Name(r, n)
		case *plan.Section:
			if s := n.Scope; s != nil && s.Path == path && s.Count > 0 {
				return Line(InstanceOf(s)), "of " + strings.TrimSpace(n.Number+" "+Line(r.TextIn(s, n.Title)))
			}
			return "this section", strings.TrimSpace(n.Number + " " + Line(r.TextIn(n.Scope, n.Title)))
		case *plan.Walk:
			return "all of them", strings.TrimSpace(n.Number + " " + Line(WalkTitle(r, n)))
		}
	}
	return Line(path), ""
}

// WalkTitle is the title of a walk; what differs between its instances is left
// open.
func WalkTitle(r *run.Run, w *plan.Walk) string {
	return Line(r.Plan.Text(w.Title, w.Scope, func(string) (any, bool) { return "…", true }))
}

func find(n plan.Node, path string) plan.Node {
	switch n := n.(type) {
	case *plan.Section:
		if n.ID == path {
			return n
		}
		for _, c := range n.Children {
			if f := find(c, path); f != nil {
				return f
			}
		}
	case *plan.Walk:
		if n.ID == path {
			return n
		}
		for _, c := range n.Instances {
			if f := find(c, path); f != nil {
				return f
			}
		}
	case *plan.Step:
		if n.ID == path {
			return n
		}
	}
	return nil
}

// Reach says in a few words how far a rollback goes.
func Reach(r *run.Run, reach run.Reach) string {
	what, name := Open(r, reach.Path)
	if reach.Scope == run.RollbackStep {
		return what
	}
	return strings.TrimSpace(what + " " + name)
}

// Choice reports whether it makes a difference how far a rollback goes.
func Choice(reaches []run.Reach) bool {
	for _, r := range reaches {
		if r.Scope != run.RollbackStep && len(r.Cells) > 1 || r.Scope == run.RollbackStep && r.Why != "" {
			return true
		}
	}
	return false
}

// More says how many lines, or things, are left out.
func More(n int) string { return fmt.Sprintf("and %d more", n) }

// Refused says why an answer to a question isn't taken, or nil.
func Refused(c *run.Cell) func(string) error {
	prefix := fmt.Sprintf("bind value %q: ", c.Plan.Step.Book.Question.Param.Name)
	return func(s string) error {
		err := c.Refuses(s)
		if err == nil {
			return nil
		}
		return errors.New(strings.TrimPrefix(err.Error(), prefix))
	}
}
