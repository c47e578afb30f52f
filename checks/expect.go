package checks

import (
	"fmt"
	"reflect"
	"strings"
)

// Expect is a compiled expect fence. It is immutable.
type Expect struct {
	source string
	names  Names
	of     Kind
	lines  []expectLine
	exit   bool
	uses   map[string]bool
}

type expectLine struct {
	*expression
	let bool
}

// CompileExpect compiles the assertions of an expect fence, one a line. All
// problems are reported; with any, the Expect is nil.
func CompileExpect(src string, n Names, of Kind) (*Expect, []Problem) {
	c := newCompiler(n, of)
	e := &Expect{source: src, names: n, of: of, uses: map[string]bool{}}
	list, problems := statements(src)
	c.problems = problems
	assertions := 0
	for _, s := range list {
		line, let := c.letOr(s)
		assertions++
		if let {
			assertions--
		}
		if line == nil {
			continue
		}
		if !let {
			c.wantBool(line)
		}
		e.lines = append(e.lines, expectLine{line, let})
		e.exit = e.exit || line.uses["exit"] || of == OfHTTP && line.uses["status"]
		for name := range line.uses {
			e.uses[name] = true
		}
	}
	if assertions == 0 && len(c.problems) == 0 {
		c.problems = append(c.problems, Problem{1, 1, "the fence holds no assertion", "write one, such as exit == 0, or remove the fence"})
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return e, nil
}

// letOr compiles a statement and, if it is a let line, binds its name.
func (c *compiler) letOr(s statement) (line *expression, let bool) {
	m := letLine.FindStringSubmatchIndex(s.src)
	if m == nil || s.sequence {
		return c.compile(s), false
	}
	origin, name := s, s.src[m[2]:m[3]]
	s = s.cut(m[4])
	s.name = name
	return c.bind(s, origin, "let"), true
}

// bind compiles the right side of a definition and makes its name known to the
// lines below, even when it has problems, so that they aren't reported again.
func (c *compiler) bind(s, origin statement, what string) *expression {
	why, bad := Reserved(s.name)
	_, named := c.names[s.name]
	_, bound := c.bound[s.name]
	switch {
	case bad:
		c.problem(origin, 0, fmt.Sprintf("%q can't be used after %s: %s", s.name, what, why), "choose another name")
	case bound || named && what == "let":
		c.problem(origin, 0, fmt.Sprintf("%q is a name already", s.name), "choose another name")
	}
	line := c.compile(s)
	b := binding{}
	if line != nil {
		b = binding{line.typ, line.node}
	}
	if s.name != "" {
		c.bound[s.name], c.cfg = b, nil
	}
	return line
}

func (c *compiler) wantBool(e *expression) {
	if e.typ == nil || e.typ.Kind() == reflect.Bool || e.typ.Kind() == reflect.Interface {
		return
	}
	c.problem(e.statement, 0, "an assertion is true or false; this is "+article(kinds.Replace(e.typ.String())), "compare it with something")
}

func article(s string) string {
	if strings.HasPrefix(s, "a ") {
		return s
	}
	if strings.ContainsAny(s[:1], "aeiou") {
		return "an " + s
	}
	return "a " + s
}

// Source is the fence's text.
func (e *Expect) Source() string { return e.source }

// SpeaksOfExit tells whether any line names exit, or under HTTP the status; exit == 0
// isn't implied then.
func (e *Expect) SpeaksOfExit() bool { return e.exit }

// Lines are the assertions as written, without let lines and labels.
func (e *Expect) Lines() []string {
	var out []string
	for _, l := range e.lines {
		if !l.let {
			out = append(out, l.text())
		}
	}
	return out
}

// Uses are the variables the fence reads, in order, without those of the
// observation.
func (e *Expect) Uses() []string { return variables(e.uses) }

// References are the hosts, steps and monitors that the fence names, in order.
func (e *Expect) References() []Reference {
	var out []Reference
	for _, l := range e.lines {
		out = append(out, l.refs...)
	}
	return out
}

func variables(uses map[string]bool) []string {
	var out []string
	for _, name := range keys(uses) {
		if !observed[name] {
			out = append(out, name)
		}
	}
	return out
}

// Eval judges every assertion on what a try showed.
func (e *Expect) Eval(o Observation, v Values, w World) []Row {
	s := newScope(e.names, e.of, &o, v, w)
	cause := o.obscured()
	rows := []Row{}
	for _, l := range e.lines {
		switch {
		case l.let && cause != "":
		case l.let:
			value, err := s.run(l.expression)
			s.bound[l.name] = result{value, err}
		case cause != "":
			rows = append(rows, Row{Text: l.text(), Label: l.label, Cause: cause})
		default:
			rows = append(rows, l.judge(s))
		}
	}
	return rows
}

func (e *expression) judge(s *scope) Row {
	row := Row{Text: e.text(), Label: e.label}
	v, err := s.run(e)
	switch v := v.(type) {
	case bool:
		row.Verdict = Fail
		if v {
			row.Verdict = Pass
		}
	default:
		row.Cause = fmt.Sprintf("wrong type: the assertion is %s %s", kindOf(v), show(v))
		if err != nil {
			row.Cause = err.Error()
		}
	}
	row.Saw, row.Diff = e.saw(s), e.differed(s)
	return row
}

// Judge is the verdict on a try: it exited with 0 and every line of e holds. A
// fence that speaks of exit replaces the first half. e may be nil. The implied
// exit == 0 is a row where it doesn't hold.
func Judge(e *Expect, o Observation, v Values, w World) (Verdict, []Row) {
	rows := []Row{}
	if e == nil || !e.exit {
		implied := Row{Text: "exit == 0", Cause: o.obscured()}
		if implied.Cause == "" {
			implied.Verdict, implied.Saw = Fail, fmt.Sprintf("exit: %d", o.Exit)
		}
		if implied.Cause != "" || o.Exit != 0 {
			rows = append(rows, implied)
		}
	}
	if e != nil {
		rows = append(rows, e.Eval(o, v, w)...)
	}
	verdicts := make([]Verdict, len(rows))
	for i, r := range rows {
		verdicts[i] = r.Verdict
	}
	return Worst(verdicts...), rows
}
