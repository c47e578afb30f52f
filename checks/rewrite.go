package checks

import (
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	exprcompiler "github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// scopeName is how a program gets at the scope it runs in. It can't be written
// in a runbook: resolve refuses it as unknown.
const scopeName = "__scope"

// link makes a program of a parsed node. The copy it compiles asks the scope
// for every variable, member, comparison and text operation, so that what isn't
// there is an error instead of nil.
func (c *compiler) link(n ast.Node) (*vm.Program, error) {
	cfg := conf.CreateNew()
	cfg.Optimize = false
	cfg.WithEnv(map[string]any{scopeName: (*scope)(nil)})
	for name, f := range primitives {
		cfg.Functions[name] = &builtin.Function{Name: name, Func: f}
	}
	r := rewriter{c: c, local: map[string]bool{}}
	tree := &parser.Tree{Node: r.node(n)}
	if _, err := new(checker.Checker).Check(tree, cfg); err != nil {
		return nil, err
	}
	return exprcompiler.Compile(tree, cfg)
}

// rewriter copies a tree. reads collects, for the innermost predicate, the
// constant member reads of its element.
type rewriter struct {
	c     *compiler
	local map[string]bool
	reads *[]*ast.CallNode
}

func call(name string, args ...ast.Node) *ast.CallNode {
	return &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: name},
		Arguments: append([]ast.Node{&ast.IdentifierNode{Value: scopeName}}, args...),
	}
}

func text(s string) ast.Node { return &ast.StringNode{Value: s} }

func (r *rewriter) nodes(in []ast.Node) []ast.Node {
	out := make([]ast.Node, len(in))
	for i, n := range in {
		out[i] = r.node(n)
	}
	return out
}

func (r *rewriter) node(n ast.Node) ast.Node {
	switch n := n.(type) {
	case nil:
		return nil
	case *ast.IdentifierNode:
		if r.local[n.Value] {
			return &ast.IdentifierNode{Value: n.Value}
		}
		return call("__var", text(n.Value))
	case *ast.UnaryNode:
		return &ast.UnaryNode{Operator: n.Operator, Node: r.node(n.Node)}
	case *ast.BinaryNode:
		return r.binary(n)
	case *ast.ChainNode:
		return call("__end", r.node(n.Node))
	case *ast.MemberNode:
		return r.member(n)
	case *ast.SliceNode:
		return &ast.SliceNode{Node: r.node(n.Node), From: r.node(n.From), To: r.node(n.To)}
	case *ast.CallNode:
		return r.call(n)
	case *ast.BuiltinNode:
		return r.builtin(n)
	case *ast.ConditionalNode:
		return &ast.ConditionalNode{Ternary: n.Ternary, Cond: r.node(n.Cond), Exp1: r.node(n.Exp1), Exp2: r.node(n.Exp2)}
	case *ast.VariableDeclaratorNode:
		value := r.node(n.Value)
		r.local[n.Name] = true
		return &ast.VariableDeclaratorNode{Name: n.Name, Value: value, Expr: r.node(n.Expr)}
	case *ast.ArrayNode:
		return &ast.ArrayNode{Nodes: r.nodes(n.Nodes)}
	case *ast.MapNode:
		return &ast.MapNode{Pairs: r.nodes(n.Pairs)}
	case *ast.PairNode:
		return &ast.PairNode{Key: r.node(n.Key), Value: r.node(n.Value)}
	case *ast.PointerNode:
		return &ast.PointerNode{Name: n.Name}
	default: // literals
		return n
	}
}

func (r *rewriter) binary(n *ast.BinaryNode) ast.Node {
	left, right := r.node(n.Left), r.node(n.Right)
	switch n.Operator {
	case "==", "!=", "<", "<=", ">", ">=":
		return call("__compare", text(n.Operator), left, right)
	case "in":
		return call("__in", left, right)
	case "contains", "startsWith", "endsWith", "matches":
		return call("__text", text(n.Operator), left, right)
	case "+":
		return call("__add", left, right)
	case "??":
		allowMissing(left)
		left = call("__end", left)
	}
	return &ast.BinaryNode{Operator: n.Operator, Left: left, Right: right}
}

// allowMissing lets the last access of n find nothing.
func allowMissing(n ast.Node) {
	for {
		c, ok := n.(*ast.CallNode)
		if !ok {
			return
		}
		id := c.Callee.(*ast.IdentifierNode)
		switch id.Value {
		case "__get":
			id.Value = "__may"
			return
		case "__var":
			id.Value = "__mayvar"
			return
		case "__end":
			n = c.Arguments[1]
		default:
			return
		}
	}
}

func (r *rewriter) member(n *ast.MemberNode) ast.Node {
	base, key := r.node(n.Node), r.node(n.Property)
	if n.Optional {
		allowMissing(base)
		return call("__may", base, key)
	}
	get := call("__get", base, key)
	if p, ok := base.(*ast.PointerNode); ok && p.Name == "" && r.reads != nil {
		if _, constant := key.(*ast.StringNode); constant {
			*r.reads = append(*r.reads, get)
		}
	}
	return get
}

func (r *rewriter) call(n *ast.CallNode) ast.Node {
	name := n.Callee.(*ast.IdentifierNode).Value
	arguments := r.nodes(n.Arguments)
	if isDiff(n) {
		arguments = append(arguments, text(named(n.Arguments[0])), text(named(n.Arguments[1])))
	}
	return call("__"+name, arguments...)
}

// builtin charges every call for the text it goes over, and tells the list which
// members a predicate reads: with no rows, or behind an or, nobody would miss them.
func (r *rewriter) builtin(n *ast.BuiltinNode) ast.Node {
	if f := "__" + n.Name; primitives[f] != nil {
		return call(f, r.nodes(n.Arguments)...)
	}
	out := &ast.BuiltinNode{Name: n.Name, Arguments: make([]ast.Node, len(n.Arguments))}
	var columns []string
	for i, arg := range n.Arguments {
		p, ok := arg.(*ast.PredicateNode)
		if !ok {
			out.Arguments[i] = r.node(arg)
			continue
		}
		outer := r.reads
		r.reads = new([]*ast.CallNode)
		out.Arguments[i] = &ast.PredicateNode{Node: call("__step", r.node(p.Node))}
		for _, get := range *r.reads {
			if get.Callee.(*ast.IdentifierNode).Value == "__get" {
				columns = append(columns, get.Arguments[2].(*ast.StringNode).Value)
			}
		}
		r.reads = outer
	}
	if len(out.Arguments) > 0 {
		out.Arguments[0] = call("__charge", out.Arguments[0])
		need := []ast.Node{out.Arguments[0], text(strings.Join(columns, columnGlue))}
		switch t, found := r.table(n.Arguments[0]); {
		case len(columns) == 0:
		case found:
			out.Arguments[0] = call("__need", append(need, r.nodes(t)...)...)
		default:
			out.Arguments[0] = call("__keyed", need...)
		}
	}
	return out
}

// columnGlue separates column names in one constant.
const columnGlue = "\x00"

// table finds the table() call that the elements of n come from, and gives its
// arguments; there are none when they come from rows.
func (r *rewriter) table(n ast.Node) (arguments []ast.Node, found bool) {
	switch n := n.(type) {
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok && id.Value == "table" {
			return n.Arguments, true
		}
	case *ast.BuiltinNode:
		switch n.Name {
		case "filter", "sortBy", "sort", "take", "reverse", "uniq":
			return r.table(n.Arguments[0])
		}
	case *ast.SliceNode:
		return r.table(n.Node)
	case *ast.IdentifierNode:
		if n.Value == "rows" && r.c.of == OfSQL {
			return nil, true
		}
		if b, ok := r.c.bound[n.Value]; ok && b.node != nil && !r.local[n.Value] {
			return r.table(b.node)
		}
	}
	return nil, false
}
