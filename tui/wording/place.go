package wording

import (
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
