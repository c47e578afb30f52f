package runbook

import (
	"slices"
	"strings"

	"stepgate/checks"
)

// compiled is an expression with what was written, and from where it is seen.
type compiled struct {
	src  string
	seen *sight
	sc   *scope
	when string // condition of what holds it: what was captured under the same one has a value
	path string // of the step or section it stands in
	at   places
}

// judge checks in an expression what types don't say: names that may have no
// value, secrets, fields of parts, and the steps, monitors and groups it speaks
// of. uses are the variables it reads.
func (p *parser) judge(e compiled, uses []string) {
	tokens := tokenize(e.src)
	for i, t := range tokens {
		switch {
		case t.kind != wordToken || i > 0 && (tokens[i-1].text == "." || tokens[i-1].text == "?."):
		case i+2 < len(tokens) && tokens[i+1].text == "(" && tokens[i+2].kind == textToken:
			p.refers(e, t.text, tokens[i+2], tokens[i+3:])
		case slices.Contains(uses, t.text):
			p.reads(e, t, tokens[i+1:])
		}
	}
}

// reads checks one use of a variable; rest is what follows it.
func (p *parser) reads(e compiled, t token, rest []token) {
	at := e.at.at(t.at)
	next := func(i int) string {
		if i < len(rest) {
			return rest[i].text
		}
		return ""
	}
	dotted := next(0) == "." || next(0) == "?."
	field := next(1)
	switch {
	case t.text == "each" && dotted:
		p.eachField(field, at)
	case t.text == "on" && dotted:
		p.machineField(field, e.seen, at)
	}
	if part := e.seen.parts[t.text]; part != nil && dotted {
		switch {
		case !part.captured(field):
			p.report(at, Error, "unknown-name", "the part "+quote(t.text)+" captures no "+quote(field), meant(field, part.capturedNames()))
		case part.secretCapture(field):
			p.secretExpression(at, t.text+"."+field)
		}
	}
	if e.seen.secret[t.text] {
		p.secretExpression(at, t.text)
	}
	when, ok := e.seen.when[t.text]
	switch {
	case !ok || next(0) == "??" || next(0) == "?." || strings.Contains(e.when, when) || strings.Contains(e.src, when+" and "):
	case when == futureValue:
		p.report(at, Error, "maybe-unset", quote(t.text)+" gets its value further down", "write "+t.text+" ?? DEFAULT")
	default:
		p.report(at, Error, "maybe-unset", quote(t.text)+" has no value if its step didn't apply: when="+quote(when),
			"write "+t.text+" ?? DEFAULT, or give this step the same when")
	}
}

// futureValue stands for the condition of what is captured further down.
const futureValue = "\x00"

func (p *parser) secretExpression(at Pos, name string) {
	p.report(at, Error, "secret-in-expression", "the secret "+quote(name)+" in an expression: what an expression sees is shown and journaled",
		"compare it in a {.check} fence instead, whose text names it")
}

// refers checks the name that a function is given as text.
// rest is what follows the name.
func (p *parser) refers(e compiled, function string, arg token, rest []token) {
	at := e.at.at(arg.at)
	r := reference{at: at, function: function, id: arg.text, path: e.path}
	switch function {
	case "hosts":
		if p.book.Annotated && p.group(arg.text, e.sc) == nil {
			p.report(at, Error, "unknown-group", "the front matter has no group "+quote(arg.text), p.groupRemedy(arg.text, e.sc))
		}
	case "monitor":
		if len(rest) > 2 && rest[0].text == "," { // the span
			rest = rest[2:]
		}
		if len(rest) > 2 && rest[0].text == ")" && rest[1].text == "." && rest[2].kind == wordToken {
			r.field, r.fieldAt = rest[2].text, e.at.at(rest[2].at)
		}
		p.refer(r)
	case "ran", "ok":
		p.refer(r)
	}
}

// compileExpect compiles the lines of an expect fence.
func (p *parser) compileExpect(b *block, e compiled, of checks.Kind) *checks.Expect {
	expect, problems := checks.CompileExpect(b.body, e.seen.types, of)
	p.expressions(b, problems)
	if expect == nil {
		return nil
	}
	e.src, e.at = b.body, inside{p, b}
	p.judge(e, expect.Uses())
	return expect
}

// compileCapture compiles the lines of a capture fence.
func (p *parser) compileCapture(b *block, e compiled, of checks.Kind) *checks.Capture {
	capture, problems := checks.CompileCapture(b.body, e.seen.types, of)
	p.expressions(b, problems)
	if capture == nil {
		return nil
	}
	e.src, e.at = b.body, inside{p, b}
	p.judge(e, capture.Uses())
	return capture
}

// expressions reports what is wrong with the lines of a fence.
func (p *parser) expressions(b *block, problems []checks.Problem) {
	body := strings.Split(b.body, "\n")
	for _, problem := range problems {
		at := b.at
		if n := problem.Line - 1; n >= 0 && n < len(b.lines) {
			at = min(b.lines[n]+byteColumn(body[n], problem.Col), p.lineEnd(b.lines[n]))
		}
		p.errorAt(at, "expression", problem.Text, expressionRemedy(problem))
	}
}

// value compiles the expression of an attribute or a front-matter key. what
// names it in messages.
func (p *parser) value(what string, e compiled, compile func(names checks.Names) (*checks.Value, []checks.Problem)) *Expr {
	v, problems := compile(e.seen.types)
	for _, problem := range problems {
		p.report(e.at.at(byteColumn(e.src, problem.Col)), Error, "expression", what+": "+problem.Text, expressionRemedy(problem))
	}
	if v == nil || len(problems) > 0 {
		return nil
	}
	p.judge(e, v.Uses())
	return &Expr{Pos: e.at.at(0), Text: e.src, Value: v}
}

// expr compiles an attribute that is an expression over variables.
func (p *parser) expr(m marks, key string, e compiled, want checks.Type) *Expr {
	pair, ok := m.values[key]
	if !ok {
		return nil
	}
	e.src, e.at = pair.Value, bounded{p, pair.ValueAt}
	return p.value(key, e, func(names checks.Names) (*checks.Value, []checks.Problem) {
		return checks.CompileValue(pair.Value, names, want)
	})
}

// bounded finds places in an attribute's value, none behind its line.
type bounded struct {
	p     *parser
	start int
}

func (b bounded) at(offset int) Pos {
	return b.p.pos(min(b.start+offset, b.p.lineEnd(b.start)))
}

func expressionRemedy(problem checks.Problem) string {
	if problem.Remedy == "" {
		return "correct the expression at this place"
	}
	return problem.Remedy
}

// byteColumn turns a column counted in characters from 1 into bytes from 0.
func byteColumn(s string, col int) int {
	n := 1
	for i := range s {
		if n >= col {
			return i
		}
		n++
	}
	return len(s)
}
