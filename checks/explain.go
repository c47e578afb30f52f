package checks

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"
)

// explanation says what decided an expression.
type explanation interface {
	// notes are the values it saw, one note an operand.
	notes(s *scope) []string
	// differences are those of compared values that aren't alike, and what diff() gave.
	differences(s *scope) []string
}

// both explains "and" and "or": the left side alone where it decided.
type both struct {
	decides bool // the value of the left side that settles the matter
	test    *vm.Program
	l, r    explanation
}

// operand is one value: "label: value".
type operand struct {
	label   string
	program *vm.Program
	among   *quantifier   // the elements behind the value
	diffs   []*vm.Program // of the calls of diff() in it
	stored  bool          // the value may be a difference that was made elsewhere
}

type several []explanation

// quantifier is a builtin with a predicate.
type quantifier struct {
	name   string
	list   *vm.Program
	truth  *vm.Program // a truth value for each element; of map, its value
	fields [][]string  // members of the element that the predicate reads, as paths

	inner func() explanation // of the predicate, for the element bound to one
	one   string
	made  bool // the predicate calls diff()
}

const mostElements = 5

// explanation plans the notes for n. wrap puts the let bindings of the same
// expression around a part of it.
func (c *compiler) explanation(n ast.Node, wrap func(ast.Node) ast.Node) explanation {
	switch n := n.(type) {
	case *ast.VariableDeclaratorNode:
		return c.explanation(n.Expr, func(part ast.Node) ast.Node {
			return wrap(&ast.VariableDeclaratorNode{Name: n.Name, Value: n.Value, Expr: part})
		})
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return c.explanation(n.Node, wrap)
		}
	case *ast.ConditionalNode:
		return several{c.explanation(n.Cond, wrap)}
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&", "or", "||":
			test, err := c.link(wrap(n.Left))
			if err != nil {
				return nil
			}
			return both{strings.HasPrefix(n.Operator, "o") || n.Operator == "||", test, c.explanation(n.Left, wrap), c.explanation(n.Right, wrap)}
		case "==", "!=":
			return c.comparison(n, wrap)
		case "<", "<=", ">", ">=", "in", "contains", "startsWith", "endsWith", "matches":
			return several{c.operand(n.Left, wrap), c.operand(n.Right, wrap)}
		}
	case *ast.BuiltinNode:
		if q := c.quantifier(n, wrap); q != nil && n.Name != "count" && n.Name != "map" {
			return q
		}
	}
	return c.operand(n, wrap)
}

// operand is nil for literals.
func (c *compiler) operand(n ast.Node, wrap func(ast.Node) ast.Node) explanation {
	if literal(n) {
		return nil
	}
	p, err := c.link(wrap(n))
	if err != nil {
		return nil
	}
	o := operand{label: n.String(), program: p, diffs: c.diffs(n, wrap), stored: c.stored(n)}
	if b, ok := n.(*ast.BuiltinNode); ok {
		if b.Name == "len" && len(b.Arguments) == 1 {
			o.label = b.Arguments[0].String()
			if inner, ok := b.Arguments[0].(*ast.BuiltinNode); ok {
				b = inner
			}
		}
		if b.Name == "uniq" && b != n {
			if inner, ok := b.Arguments[0].(*ast.BuiltinNode); ok && inner.Name == "map" {
				if o.among = c.quantifier(inner, wrap); o.among != nil {
					return o
				}
			}
		}
		if b.Name == "map" {
			return o
		}
		if o.among = c.quantifier(b, wrap); o.among != nil {
			o.label = fmt.Sprintf("%s(%s)", b.Name, b.Arguments[0])
		}
	}
	return o
}

func literal(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ConstantNode:
		return true
	case *ast.UnaryNode:
		return literal(n.Node)
	case *ast.ArrayNode:
		return !slices.ContainsFunc(n.Nodes, func(n ast.Node) bool { return !literal(n) })
	case *ast.BuiltinNode:
		return n.Name == "duration" && literal(n.Arguments[0])
	case *ast.CallNode:
		id, ok := n.Callee.(*ast.IdentifierNode)
		return ok && (id.Value == "version" || id.Value == "quantity" || id.Value == "number") && len(n.Arguments) == 1 && literal(n.Arguments[0])
	}
	return false
}

func (c *compiler) quantifier(n *ast.BuiltinNode, wrap func(ast.Node) ast.Node) *quantifier {
	switch n.Name {
	case "all", "none", "any", "one", "filter", "count", "map":
	default:
		return nil
	}
	if len(n.Arguments) != 2 {
		return nil
	}
	predicate, ok := n.Arguments[1].(*ast.PredicateNode)
	if !ok {
		return nil
	}
	q := &quantifier{name: n.Name}
	var err error
	if q.list, err = c.link(wrap(n.Arguments[0])); err != nil {
		return nil
	}
	if q.truth, err = c.link(wrap(&ast.BuiltinNode{Name: "map", Arguments: n.Arguments})); err != nil {
		return nil
	}
	q.reads(predicate.Node)
	q.explained(c, predicate.Node, wrap)
	return q
}

// reads notes what a predicate reads of its element. Predicates inside it have
// elements of their own.
func (q *quantifier) reads(n ast.Node) {
	if path := memberPath(n); path != nil {
		if !slices.ContainsFunc(q.fields, func(known []string) bool { return slices.Equal(known, path) }) {
			q.fields = append(q.fields, path)
		}
		return
	}
	for _, child := range children(n) {
		if _, inner := child.(*ast.PredicateNode); !inner {
			q.reads(child)
		}
	}
}

// memberPath is [a b] for .a.b of the element, nil for anything else.
func memberPath(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.ChainNode:
		return memberPath(n.Node)
	case *ast.MemberNode:
		key, named := n.Property.(*ast.StringNode)
		if !named {
			return nil
		}
		if p, ok := n.Node.(*ast.PointerNode); ok && p.Name == "" {
			return []string{key.Value}
		}
		if base := memberPath(n.Node); base != nil {
			return append(base, key.Value)
		}
	}
	return nil
}

// children are the direct parts of a node.
func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		return []ast.Node{n.Node, n.From, n.To}
	case *ast.CallNode:
		return n.Arguments
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{n.Value, n.Expr}
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	}
	return nil
}

// saw is the line of what an expression saw. All its notes share
// one budget; there are none of an expression that has spent its own.
func (e *expression) saw(s *scope) string {
	explain := e.linked().explain
	if explain == nil || s.steps > maxSteps {
		return ""
	}
	s.steps = 0
	var unique []string
	for _, n := range explain.notes(s) {
		if !slices.Contains(unique, n) {
			unique = append(unique, n)
		}
	}
	return oneLine(strings.Join(unique, ", "))
}

func (x both) notes(s *scope) []string {
	var out []string
	if x.l != nil {
		out = x.l.notes(s)
	}
	v, err := s.look(x.test)
	if err == nil && v == x.decides || x.r == nil {
		return out
	}
	return append(out, x.r.notes(s)...)
}

func (x several) notes(s *scope) []string {
	var out []string
	for _, part := range x {
		if part != nil {
			out = append(out, part.notes(s)...)
		}
	}
	return out
}

func (x operand) notes(s *scope) []string {
	if x.among != nil {
		if note := x.among.note(s); note != "" {
			return []string{ansi.Truncate(x.label, 40, "…") + ": " + note}
		}
	}
	v, err := s.look(x.program)
	if err != nil {
		return nil
	}
	if note, ok := changed(v); ok {
		return []string{ansi.Truncate(x.label, 60, "…") + ": " + note}
	}
	return []string{ansi.Truncate(x.label, 60, "…") + ": " + show(v)}
}

func (q *quantifier) notes(s *scope) []string {
	if note := q.note(s); note != "" {
		return []string{note}
	}
	return nil
}

// distinct are the places of the first of each value.
func distinct(values reflect.Value) []int {
	var out []int
	known := map[string]bool{}
	for i := range values.Len() {
		v := values.Index(i).Interface()
		text := fmt.Sprint(v)
		if isNumber(v) {
			text = rational(v).RatString()
		}
		if key := kindName(v) + " " + text; !known[key] {
			known[key] = true
			out = append(out, i)
		}
	}
	return out
}

// decided are the places of the elements that decided, of those in list, and in how
// many words they are counted. ok is false where there is nothing to tell.
func (q *quantifier) decided(s *scope) (list reflect.Value, at []int, count string, ok bool) {
	v, err := s.look(q.list)
	if err != nil || kindOf(v) != kindList {
		return list, nil, "", false
	}
	truth, err := s.look(q.truth)
	if err != nil {
		return list, nil, "", false
	}
	list = reflect.ValueOf(v)
	if list.Len() == 0 {
		return list, nil, "no elements", true
	}
	held := reflect.ValueOf(truth)
	var yes, no []int
	for i := range held.Len() {
		if held.Index(i).Interface() == true {
			yes = append(yes, i)
		} else {
			no = append(no, i)
		}
	}
	count = fmt.Sprintf("%d of %d", len(yes), list.Len())
	switch {
	case q.name == "map":
		at = distinct(held)
		count = strconv.Itoa(len(at))
	case q.name == "all" && len(no) > 0:
		at, count = no, fmt.Sprintf("%d of %d not", len(no), list.Len())
	case q.name == "all":
	case len(yes) == 0 && (q.name == "any" || q.name == "one"):
		at = no
	default:
		at = yes
	}
	return list, at, count, true
}

// note counts the elements and names the first that decided.
func (q *quantifier) note(s *scope) string {
	list, at, text, ok := q.decided(s)
	if !ok || len(at) == 0 {
		return text
	}
	var named []string
	for _, i := range at[:min(len(at), mostElements)] {
		named = append(named, q.element(s, i, list.Index(i).Interface()))
	}
	if len(at) > mostElements {
		named = append(named, "…")
	}
	return text + ": " + strings.Join(named, "; ")
}
