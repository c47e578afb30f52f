package script

import "slices"

// The operators, weakest first.
var levels = [][]string{
	{"||", "or"},
	{"&&", "and"},
	{"==", "!=", "<>", "<", ">", "<=", ">=", "=", "in", "like", "between"},
	{":"},
	{"+", "-"},
	{"*", "/", "\\", "%"},
	{".."},
}

func (p *parser) expression() (expr, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if p.is("select") || p.is("exec") {
		return p.query()
	}
	return p.level(0)
}

func (p *parser) level(n int) (expr, error) {
	if n == len(levels) {
		return p.unary()
	}
	from := p.peek()
	x, err := p.level(n + 1)
	for err == nil && p.continued() {
		t := p.peek()
		negated := t.is("not") && n == 2 && (p.ahead(1).is("in") || p.ahead(1).is("like") || p.ahead(1).is("between"))
		if negated {
			t = p.ahead(1)
		}
		if t.kind != sign && t.kind != name || !slices.Contains(levels[n], t.text) {
			break
		}
		if t.text == "=" && p.sql == 0 {
			return nil, syntax(t.line, "Please use '==' rather than '=' as equal operator in non-sql expression.")
		}
		p.next()
		if negated {
			p.next()
		}
		var y expr
		if y, err = p.level(n + 1); err != nil {
			return nil, err
		}
		var z expr = &binary{op: t.text, x: x, y: y, src: p.span(from), line: t.line}
		if negated {
			z = &unary{op: "not", x: z, line: t.line}
		}
		x = z
	}
	return x, err
}

func (p *parser) unary() (expr, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	t := p.peek()
	if t.is("-") || t.is("!") || t.is("not") {
		p.next()
		x, err := p.unary()
		return &unary{op: t.text, x: x, line: t.line}, err
	}
	return p.postfix()
}

func (p *parser) postfix() (expr, error) {
	from := p.peek()
	x, err := p.primary()
	for err == nil && p.continued() {
		t := p.peek()
		switch {
		case t.is("("):
			x, err = p.call(x, from, nil)
		case t.is("{"):
			p.next()
			var args []argument
			args, err = p.list("}")
			x = &partial{fn: x, args: args, line: t.line}
		case t.is("["):
			p.next()
			var args []argument
			args, err = p.list("]")
			if err == nil && (len(args) != 1 || args[0].x == nil || args[0].name != "") {
				return nil, syntax(t.line, "Only one index is supported.")
			}
			if err == nil {
				x = &index{x: x, i: args[0].x, src: p.span(from), line: t.line}
			}
		case t.is("."):
			x, err = p.member(x, from)
		default:
			return x, nil
		}
	}
	return x, err
}

// member is x.name, or the call x.f(…), which is f(x, …).
func (p *parser) member(x expr, from token) (expr, error) {
	p.next()
	t := p.next()
	if t.kind != name {
		return nil, syntax(t.line, "A name is expected after '.'.")
	}
	if !p.is("(") {
		return &member{x: x, name: t.text, src: p.span(from), line: t.line}, nil
	}
	if !p.function(t.text) {
		return nil, syntax(t.line, "Cannot recognize the token %s", t.text)
	}
	return p.call(&ident{name: t.text, line: t.line}, from, x)
}

func (p *parser) call(fn expr, from token, first expr) (expr, error) {
	line := p.next().line
	args, err := p.list(")")
	if err != nil {
		return nil, err
	}
	if first != nil {
		args = append([]argument{{x: first}}, args...)
	}
	return &call{fn: fn, args: args, src: p.span(from), line: line}, nil
}

func (p *parser) primary() (expr, error) {
	t := p.next()
	switch {
	case t.kind == value:
		return p.literal(t), nil
	case t.is("true") || t.is("false"):
		return &literal{v: t.text == "true"}, nil
	case t.is("NULL"):
		return &literal{}, nil
	case t.is("(") || t.is("["):
		return p.bracketed(t)
	case t.is("def"):
		return p.lambda(t)
	case t.is("*") && p.sql > 0:
		return &star{}, nil
	case t.is("distinct") && p.sql > 0:
		x, err := p.unary()
		return &call{fn: &ident{name: "distinct"}, args: []argument{{x: x}}, src: p.span(t), line: t.line}, err
	case t.kind == name && !isReserved(t.text):
		return p.ident(t)
	}
	if t.kind == end {
		return nil, syntax(t.line, "An expression is expected at the end of the script.")
	}
	return nil, syntax(t.line, "Cannot recognize the token %s", t.text)
}

// literal reads 1 2 3 as the vector [1,2,3].
func (p *parser) literal(t token) expr {
	more := func() bool {
		n := p.peek()
		_, text := n.val.(string)
		return n.kind == value && !n.fresh && n.val != nil && !text
	}
	if _, text := t.val.(string); text || t.val == nil || !more() {
		return &literal{v: t.val}
	}
	v := []Value{t.val}
	for more() {
		v = append(v, p.next().val)
	}
	return &literal{v: v}
}

func (p *parser) bracketed(t token) (expr, error) {
	closing := ")"
	if t.text == "[" {
		closing = "]"
	}
	args, err := p.list(closing)
	if err != nil {
		return nil, err
	}
	xs := make([]expr, len(args))
	for i, a := range args {
		if a.x == nil || a.name != "" {
			return nil, syntax(t.line, "An element is missing between the brackets.")
		}
		xs[i] = a.x
	}
	if len(xs) == 1 && closing == ")" {
		return xs[0], nil
	}
	return &vector{xs: xs}, nil
}

// ident is a variable, a function, a constant or, in SQL, perhaps a column.
func (p *parser) ident(t token) (expr, error) {
	x := &ident{name: t.text, line: t.line}
	switch {
	case p.names[t.text] || constants[t.text]:
		return x, nil
	case p.sql > 0 && !p.is("("):
		return x, nil
	case p.function(t.text):
		return x, nil
	}
	return nil, syntax(t.line, "Cannot recognize the token %s", t.text)
}

func (p *parser) function(s string) bool {
	if p.defs[s] != nil || p.names[s] || builtins[s] != nil || serverFunctions[s].known() {
		return true
	}
	return p.library != nil && p.library.Has(s)
}
