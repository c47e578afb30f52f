package checks

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/charmbracelet/x/ansi"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

	plaintext "stepgate/runbook/text"
)

// Bounds of the differences that a row shows.
const (
	maxDiffLines = 400
	maxDiffBytes = 64 << 10
)

// comparison is == or !=.
type comparison struct {
	several
	was, is *side // nil: no two values could differ in more than one short line
}

// side is one of two values that are compared.
type side struct {
	name    string
	program *vm.Program
}

// comparison plans what is shown of two values that are compared. What the try showed
// stands as the new one against what was known before it.
func (c *compiler) comparison(n *ast.BinaryNode, wrap func(ast.Node) ast.Node) explanation {
	out := comparison{several: several{c.operand(n.Left, wrap), c.operand(n.Right, wrap)}}
	if tiny(n.Left) || tiny(n.Right) {
		return out
	}
	was, is := n.Left, n.Right
	if c.observes(was) && !c.observes(is) {
		was, is = is, was
	}
	l, r := c.side(was, wrap), c.side(is, wrap)
	if l != nil && r != nil {
		out.was, out.is = l, r
	}
	return out
}

func (c *compiler) side(n ast.Node, wrap func(ast.Node) ast.Node) *side {
	p, err := c.link(wrap(n))
	if err != nil {
		return nil
	}
	return &side{named(n), p}
}

// tiny reports whether n is a literal that never has lines.
func tiny(n ast.Node) bool {
	switch n.(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return true
	}
	return false
}

// observes reports whether n reads what the try showed.
func (c *compiler) observes(n ast.Node) bool {
	if id, ok := n.(*ast.IdentifierNode); ok {
		b, bound := c.bound[id.Value]
		return bound && b.node != nil && c.observes(b.node) || !bound && shows[c.of][id.Value] != nil
	}
	if p, ok := n.(*ast.PredicateNode); ok {
		return c.observes(p.Node)
	}
	return slices.ContainsFunc(children(n), c.observes)
}

// stored reports whether the value of n may be a difference that was captured, or bound
// to a name.
func (c *compiler) stored(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		_, bound := c.bound[n.Value]
		return bound || shows[c.of][n.Value] == nil
	case *ast.MemberNode:
		return memberPath(n) != nil
	}
	return false
}

// diffs makes programs of the calls of diff() in n.
func (c *compiler) diffs(n ast.Node, wrap func(ast.Node) ast.Node) []*vm.Program {
	if isDiff(n) {
		if p, err := c.link(wrap(n)); err == nil {
			return []*vm.Program{p}
		}
		return nil
	}
	var out []*vm.Program
	for _, child := range children(n) {
		if _, inner := child.(*ast.PredicateNode); !inner {
			out = append(out, c.diffs(child, wrap)...)
		}
	}
	return out
}

// explained plans what is shown of the element that decided, where the predicate
// compares values.
func (q *quantifier) explained(c *compiler, predicate ast.Node, wrap func(ast.Node) ast.Node) {
	compares, depth := false, 0
	var look func(n ast.Node)
	look = func(n ast.Node) {
		switch n := n.(type) {
		case *ast.BinaryNode:
			compares = compares || n.Operator == "==" || n.Operator == "!="
		case *ast.PredicateNode:
			depth++
			look(n.Node)
			return
		}
		q.made = q.made || isDiff(n)
		for _, child := range children(n) {
			look(child)
		}
	}
	look(predicate)
	if !compares && !q.made {
		return
	}
	// Its depth tells the element of this predicate from those of predicates inside it.
	q.one = fmt.Sprintf("__one%d", depth)
	element := func(part ast.Node) ast.Node {
		return wrap(&ast.MemberNode{
			Node: &ast.BuiltinNode{Name: "map", Arguments: []ast.Node{
				&ast.IdentifierNode{Value: q.one}, &ast.PredicateNode{Node: part},
			}},
			Property: &ast.IntegerNode{Value: 0},
		})
	}
	q.inner = sync.OnceValue(func() explanation { return c.explanation(predicate, element) })
}

// differed are the differences that an expression shows, within their bounds. They
// share one budget.
func (e *expression) differed(s *scope) string {
	explain := e.linked().explain
	if explain == nil || s.steps > maxSteps {
		return ""
	}
	s.steps = 0
	var out []string
	for _, d := range explain.differences(s) {
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return bounded(strings.Join(out, ""))
}

// bounded cuts a difference between two lines, and says what is left out.
func bounded(d string) string {
	end, n := 0, 0
	for line := range strings.Lines(d) {
		if n == maxDiffLines || end+len(line) > maxDiffBytes {
			left := strings.Count(d[end:], "\n")
			return d[:end] + fmt.Sprintf("\\ lines left out here: %d\n", left)
		}
		end += len(line)
		n++
	}
	return d
}

func (x both) differences(s *scope) []string {
	var out []string
	if x.l != nil {
		out = x.l.differences(s)
	}
	v, err := s.look(x.test)
	if err == nil && v == x.decides || x.r == nil {
		return out
	}
	return append(out, x.r.differences(s)...)
}

func (x several) differences(s *scope) []string {
	var out []string
	for _, part := range x {
		if part != nil {
			out = append(out, part.differences(s)...)
		}
	}
	return out
}

func (x comparison) differences(s *scope) []string {
	if out := x.several.differences(s); len(out) > 0 || x.was == nil {
		return out
	}
	was, err := s.look(x.was.program)
	if err != nil {
		return nil
	}
	is, err := s.look(x.is.program)
	if err != nil || kindOf(was) != kindOf(is) {
		return nil
	}
	if same, err := s.equal(was, is); same || err != nil || short(was) && short(is) {
		return nil
	}
	d, err := s.unified(x.was.name, x.is.name, was, is)
	if err != nil || d == "" {
		return nil
	}
	return []string{d}
}

// short reports whether what a row saw tells all of a value.
func short(v any) bool {
	switch kindOf(v) {
	case kindText:
		t := strings.TrimSuffix(v.(string), "\n")
		return !strings.Contains(t, "\n") && ansi.StringWidth(t) < textCells-2
	case kindList, kindMap:
		return reflect.ValueOf(v).Len() <= 1 && ansi.StringWidth(show(v)) < textCells
	case kindNil, kindBool, kindNumber, kindVersion, kindDuration, kindOther:
	}
	return true
}

func (x operand) differences(s *scope) []string {
	var out []string
	for _, p := range x.diffs {
		if d, err := s.look(p); err == nil && d != "" {
			out = append(out, d.(string))
		}
	}
	if len(out) > 0 {
		return out
	}
	if x.stored {
		if v, err := s.look(x.program); err == nil {
			if _, ok := changed(v); ok {
				return []string{strings.TrimSuffix(v.(string), "\n") + "\n"}
			}
		}
	}
	if x.among != nil {
		return x.among.differences(s)
	}
	return nil
}

// differences are those of the first element that decided. Of elements that all hold
// it is the first of which diff() told a plaintext.
func (q *quantifier) differences(s *scope) []string {
	if q.inner == nil {
		return nil
	}
	list, at, _, ok := q.decided(s)
	if !ok || list.Len() == 0 {
		return nil
	}
	if len(at) == 0 && q.made {
		for i := range min(list.Len(), mostElements) {
			at = append(at, i)
		}
	}
	for _, i := range at[:min(len(at), mostElements)] {
		v := list.Index(i).Interface()
		s.bound[q.one] = result{value: []any{v}}
		var found []string
		if inner := q.inner(); inner != nil {
			found = inner.differences(s)
		}
		delete(s.bound, q.one)
		if len(found) == 0 {
			continue
		}
		if name, _ := nameOf(s, v); name != "" {
			for j, d := range found {
				found[j] = of(name, d)
			}
		}
		return found
	}
	return nil
}

// of puts the name of an element before those of the values that a difference is of.
func of(name, d string) string {
	was, rest, _ := strings.Cut(d, "\n")
	is, rest, _ := strings.Cut(rest, "\n")
	if !strings.HasPrefix(was, "--- ") || !strings.HasPrefix(is, "+++ ") {
		return d
	}
	return "--- " + name + ": " + was[4:] + "\n+++ " + name + ": " + is[4:] + "\n" + rest
}

// changed counts the lines of a value that is a plaintext.
func changed(v any) (note string, ok bool) {
	d, isText := v.(string)
	if !isText || !strings.Contains(d, "@@ -") {
		return "", false
	}
	gone, come := 0, 0
	kinds := plaintext.Changes(splitLines(d))
	for _, k := range kinds {
		switch k {
		case plaintext.Gone:
			gone++
		case plaintext.Come:
			come++
		case plaintext.Around, plaintext.Heading, plaintext.Hunk, plaintext.Remark:
		}
	}
	return fmt.Sprintf("%d removed, %d added", gone, come), kinds != nil
}
