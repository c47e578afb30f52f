package checks

import (
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
)

// MonitorFields are what monitor(id) holds beside the captures of its last good
// sample, with their types. min, avg, max and last are of its first numeric capture
// and absent when it has none.
var MonitorFields = map[string]Type{
	"samples": Int, "failures": Int, "unknown": Int, "succeeded": Int,
	"min": Number, "avg": Number, "max": Number, "last": Number,
	"longest_gap": Duration, "unobserved": Duration,
}

// Reference is a group, step or monitor that an expression names: the argument of
// hosts, ran, ok or monitor. Line and Col count as in [Problem].
type Reference struct {
	Function  string
	Name      string
	Line, Col int
}

// refers are the functions whose first argument names a part of the runbook, and so
// must be known when it's loaded. A group may also be the value of a name.
var refers = map[string]bool{"hosts": true, "ran": true, "ok": true, "monitor": true}

// reference notes what is named, or reports what can't be known before a run.
func (r *resolver) reference(function string, n *ast.CallNode) {
	name, ok := n.Arguments[0].(*ast.StringNode)
	switch {
	case ok:
		line, col := r.e.at(name.Location().From)
		r.e.refs = append(r.e.refs, Reference{function, name.Value, line, col})
	case function != "hosts":
		r.at(n.Arguments[0], function+"() wants an id that is written out", "write "+function+`("the-id")`)
	}
	if function != "monitor" || len(n.Arguments) < 2 {
		return
	}
	if span, ok := n.Arguments[1].(*ast.StringNode); !ok || span.Value != "step" && span.Value != "run" {
		r.at(n.Arguments[1], "monitor() doesn't know this span", `write "step" or "run", or leave it out for the innermost instance`)
	}
}

// declareMonitor makes monitor() known to the type checker. What it gives is a map,
// as nobody knows its captures here; members that every monitor has are replaced, for
// the checker alone, by functions of their types.
func declareMonitor(cfg *conf.Config) {
	declare(cfg, "monitor", new(func(string) map[string]any), new(func(string, string) map[string]any))
	for field, t := range MonitorFields {
		name := monitorField(field)
		switch t {
		case Int:
			declare(cfg, name, new(func(string) int), new(func(string, string) int))
		case Duration:
			declare(cfg, name, new(func(string) time.Duration), new(func(string, string) time.Duration))
		default:
			declare(cfg, name, new(func(string) float64), new(func(string, string) float64))
		}
	}
}

func monitorField(field string) string { return "__monitor_" + field }

type typedMonitor struct{}

// Visit implements [ast.Visitor].
func (typedMonitor) Visit(n *ast.Node) {
	m, ok := (*n).(*ast.MemberNode)
	if !ok || m.Optional {
		return
	}
	c, ok := m.Node.(*ast.CallNode)
	if !ok {
		return
	}
	id, ok := c.Callee.(*ast.IdentifierNode)
	field, named := m.Property.(*ast.StringNode)
	if !ok || !named || id.Value != "monitor" {
		return
	}
	if _, known := MonitorFields[field.Value]; known {
		ast.Patch(n, &ast.CallNode{Callee: &ast.IdentifierNode{Value: monitorField(field.Value)}, Arguments: c.Arguments})
	}
}

func (s *scope) monitor(a []any) (any, error) {
	id, ok := a[0].(string)
	span := ""
	if len(a) > 1 && ok {
		span, ok = a[1].(string)
	}
	if s.world == nil || !ok {
		return nil, unknown("monitor() isn't known here")
	}
	record, ok := s.world.Monitor(id, span)
	if !ok {
		return nil, unknown("monitor %q has no samples", id)
	}
	return record, nil
}
