package checks

import (
	"fmt"
	"reflect"
)

// Value is one compiled expression of an attribute. It is immutable.
type Value struct {
	source string
	names  Names
	of     Kind
	want   Type
	expr   *expression
}

// CompileValue compiles an expression over variables alone: order_by, when,
// pick, env.*. want is the type it must have; Any leaves it open. All problems
// are reported; with any, the Value is nil.
func CompileValue(src string, n Names, want Type) (*Value, []Problem) {
	return compileValue(src, n, want, OfVariables)
}

// CompileTest compiles an expression that is true or false of a try: fail_if.
func CompileTest(src string, n Names, of Kind) (*Value, []Problem) {
	return compileValue(src, n, Bool, of)
}

func compileValue(src string, n Names, want Type, of Kind) (*Value, []Problem) {
	c := newCompiler(n, of)
	list, problems := statements(src)
	c.problems = problems
	out := &Value{source: src, names: n, of: of, want: want}
	switch {
	case len(problems) > 0:
	case len(list) == 0:
		c.problems = []Problem{{1, 1, "the expression is empty", "write one, or remove the attribute"}}
	case len(list) > 1:
		c.problem(list[1], 0, "an attribute holds one expression", "join the lines with and, or with brackets")
	default:
		if out.expr = c.compile(list[0]); out.expr != nil {
			c.wantType(out.expr, want)
		}
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return out, nil
}

func (c *compiler) wantType(e *expression, want Type) {
	if want == Any || e.typ == nil || e.typ.Kind() == reflect.Interface {
		return
	}
	got := typeOf(e.typ)
	if got == want || want == Number && got == Int || want == String && e.typ != reflect.TypeFor[Version]() && got != List && got != Any {
		return
	}
	c.problem(e.statement, 0, fmt.Sprintf("the expression must be %s; this is %s", article(want.String()), article(kinds.Replace(e.typ.String()))), "")
}

// Source is the expression's text.
func (v *Value) Source() string { return v.source }

// Uses are the variables it reads, in order.
func (v *Value) Uses() []string { return variables(v.expr.uses) }

// References are the hosts, steps and monitors that it names, in order.
func (v *Value) References() []Reference { return v.expr.refs }

// Eval gives the value, of the type that was wanted. Every error means that it
// is unknown.
func (v *Value) Eval(values Values, w World) (any, error) {
	return v.eval(nil, values, w)
}

// EvalOn is Eval for an expression made by CompileTest.
func (v *Value) EvalOn(o Observation, values Values, w World) (any, error) {
	if cause := o.obscured(); cause != "" {
		return nil, fmt.Errorf("evaluate %q: %s", v.expr.text(), cause)
	}
	return v.eval(&o, values, w)
}

func (v *Value) eval(o *Observation, values Values, w World) (any, error) {
	s := newScope(v.names, v.of, o, values, w)
	out, err := s.run(v.expr)
	if err == nil && v.want != Any {
		if v.want == Bool && kindOf(out) != kindBool {
			err = unknown("wrong type: %s is no truth value", show(out))
		} else {
			out, err = coerce(out, v.want)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("evaluate %q: %w", v.expr.text(), err)
	}
	return out, nil
}

// Explain says in one line what the expression saw, as a row's Saw does.
func (v *Value) Explain(values Values, w World) string {
	return v.expr.saw(newScope(v.names, v.of, nil, values, w))
}
