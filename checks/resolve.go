package checks

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
)

// resolve reports every name that isn't known, and notes the variables.
func (c *compiler) resolve(e *expression, root ast.Node) bool {
	before := len(c.problems)
	r := &resolver{c: c, e: e, callees: map[ast.Node]bool{}, local: map[string]bool{}}
	ast.Walk(&root, visit(r.declarations))
	ast.Walk(&root, visit(r.names))
	return len(c.problems) == before
}

type visit func(ast.Node)

func (v visit) Visit(n *ast.Node) { v(*n) }

type resolver struct {
	c       *compiler
	e       *expression
	callees map[ast.Node]bool
	local   map[string]bool
}

func (r *resolver) at(n ast.Node, text, remedy string) {
	r.c.problem(r.e.statement, n.Location().From, text, remedy)
}

func (r *resolver) declarations(n ast.Node) {
	switch n := n.(type) {
	case *ast.VariableDeclaratorNode:
		if !r.c.free(n.Name) {
			r.at(n, fmt.Sprintf("%q is a name already", n.Name), "choose another name after let")
		}
		r.local[n.Name] = true
	case *ast.SequenceNode:
		r.c.problem(r.e.statement, 0, "only the last of several expressions would count", "write one expression a line")
	case *ast.BytesNode:
		r.at(n, "byte strings can't be compared with text", "write the text without b")
	case *ast.CallNode:
		r.callees[n.Callee] = true
		if _, ok := n.Callee.(*ast.IdentifierNode); !ok {
			r.at(n, "only functions can be called", "write function(value)")
		}
	}
}

func (r *resolver) names(n ast.Node) {
	switch n := n.(type) {
	case *ast.CallNode:
		r.constants(n)
		if id, ok := n.Callee.(*ast.IdentifierNode); ok {
			r.function(id)
		}
	case *ast.BuiltinNode:
		r.duration(n)
	case *ast.IdentifierNode:
		if !r.callees[n] && !r.local[n.Value] {
			r.variable(n)
		}
	}
}

func (r *resolver) variable(n *ast.IdentifierNode) {
	name := n.Value
	_, bound := r.c.bound[name]
	_, named := r.c.names[name]
	switch {
	case bound:
	case named || name == "host":
		r.e.uses[name] = true
	case shows[r.c.of][name] != nil:
		r.e.uses[name] = true
	case observed[name] && r.c.of == OfVariables:
		r.at(n, name+" isn't known here: nothing has been run", "capture the value in an earlier step and use its name")
	case observed[name]:
		r.at(n, name+" is known under "+shownBy(name), "what is known here: "+strings.Join(keys(shows[r.c.of]), " "))
	case name == "$env":
		r.at(n, "$env isn't part of the language", "name the variable itself")
	case functions[name]:
		r.at(n, name+" is a function", "write "+name+"(…)")
	default:
		r.at(n, fmt.Sprintf("unknown name %q", name), didYouMean(name, r.c.known(), "declare it as a parameter, host variable or capture"))
	}
}

func (r *resolver) function(n *ast.IdentifierNode) {
	name := n.Value
	switch {
	case withheld[name] != "":
		r.at(n, name+"() isn't part of the language", withheld[name])
	case strings.HasPrefix(name, "__"):
		r.at(n, fmt.Sprintf("unknown function %q", name), "")
	case !functions[name]:
		r.at(n, fmt.Sprintf("unknown function %q", name), didYouMean(name, keys(functions), "see the expression section of the language"))
	}
}

// constants judges literal arguments that could only fail later.
func (r *resolver) constants(n *ast.CallNode) {
	id, ok := n.Callee.(*ast.IdentifierNode)
	if !ok || len(n.Arguments) == 0 {
		return
	}
	if refers[id.Value] {
		r.reference(id.Value, n)
	}
	lit, ok := n.Arguments[len(n.Arguments)-1].(*ast.StringNode)
	if !ok {
		return
	}
	switch id.Value {
	case "regex":
		if _, err := regexp.Compile(lit.Value); err != nil && len(n.Arguments) == 2 {
			r.at(lit, firstLine(err.Error()), "write a regular expression of RE2")
		}
	case "version":
		if _, err := ParseVersion(lit.Value); err != nil {
			r.at(lit, err.Error(), "write numbers between dots, such as 4.2.1")
		}
	case "quantity":
		if _, err := parseQuantity(lit.Value); err != nil {
			r.at(lit, err.Error(), "write a quantity such as 500m or 4Gi")
		}
	case "number":
		if _, err := parseNumber(lit.Value); err != nil {
			r.at(lit, err.Error(), "write the number itself")
		}
	}
}

func (r *resolver) duration(n *ast.BuiltinNode) {
	if n.Name != "duration" || len(n.Arguments) != 1 {
		return
	}
	if lit, ok := n.Arguments[0].(*ast.StringNode); ok {
		if _, err := time.ParseDuration(lit.Value); err != nil {
			r.at(lit, fmt.Sprintf("%q is no duration", lit.Value), "write a number with a unit, such as 500ms, 60s or 1h30m")
		}
	}
}

func didYouMean(name string, known []string, otherwise string) string {
	if near := Did(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return otherwise
}
