package script

func (p *parser) statement() (statement, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	t := p.peek()
	if t.kind == name {
		switch t.text {
		case "if":
			return p.ifStatement()
		case "for":
			return p.forStatement()
		case "while":
			return p.whileStatement()
		case "def":
			if p.ahead(1).kind == name {
				return p.defStatement()
			}
		case "try":
			return p.tryStatement()
		case "return", "throw":
			return p.leave()
		case "break", "continue":
			p.next()
			if p.loops == 0 {
				return nil, syntax(t.line, "%s must be used in a loop.", t.text)
			}
			return &jump{word: t.text}, nil
		case "go":
			p.next()
			return &block{}, nil
		case "insert":
			return p.insert()
		}
		if s, ok, err := p.assignment(); ok || err != nil {
			return s, err
		}
	}
	x, err := p.command()
	return &evaluate{x: x, line: t.line}, err
}

// command is an expression, or a function before its argument as in print x.
func (p *parser) command() (expr, error) {
	t, n := p.peek(), p.ahead(1)
	operand := n.kind == value || n.kind == name && !isReserved(n.text) || n.is("select") || n.is("exec")
	if t.kind != name || n.fresh || !operand || isReserved(t.text) || p.names[t.text] || !p.function(t.text) {
		return p.expression()
	}
	p.next()
	x, err := p.expression()
	return &call{fn: &ident{name: t.text, line: t.line}, args: []argument{{x: x}}, src: p.span(t), line: t.line}, err
}

var assigns = []string{"=", "+=", "-=", "*=", "/="}

// assignment is x = …, x += … or x[i] = …
func (p *parser) assignment() (s statement, ok bool, err error) {
	t := p.peek()
	if isReserved(t.text) {
		return nil, false, nil
	}
	start := p.at
	p.next()
	var at expr
	if p.is("[") && p.names[t.text] {
		p.next()
		args, err := p.list("]")
		if err != nil || len(args) != 1 || args[0].x == nil || args[0].name != "" {
			p.at = start
			return nil, false, nil
		}
		at = args[0].x
	}
	op := p.peek()
	for _, a := range assigns {
		if !op.is(a) || op.fresh {
			continue
		}
		if a != "=" && !p.names[t.text] {
			return nil, false, syntax(t.line, "Cannot recognize the token %s", t.text)
		}
		p.next()
		x, err := p.expression()
		p.names[t.text] = true
		return &assign{name: t.text, at: at, op: a[:len(a)-1], x: x, src: p.span(t), line: t.line}, true, err
	}
	p.at = start
	return nil, false, nil
}

// block is { … } or a single statement.
func (p *parser) block() (*block, error) {
	open := p.open
	p.open = 0
	defer func() { p.open = open }()
	b := &block{}
	if !p.skip("{") {
		s, err := p.statement()
		p.skip(";")
		b.list = []statement{s}
		return b, err
	}
	for !p.skip("}") {
		if p.peek().kind == end {
			return nil, p.unexpected("'}' is expected")
		}
		if p.skip(";") {
			continue
		}
		s, err := p.statement()
		if err != nil {
			return nil, err
		}
		b.list = append(b.list, s)
		if err := p.ended(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (p *parser) condition() (x expr, err error) {
	if err := p.want("("); err != nil {
		return nil, err
	}
	err = p.inside(func() error {
		if x, err = p.expression(); err != nil {
			return err
		}
		return p.want(")")
	})
	return x, err
}

func (p *parser) ifStatement() (statement, error) {
	s := &branch{line: p.next().line}
	var err error
	if s.cond, err = p.condition(); err != nil {
		return nil, err
	}
	if s.then, err = p.block(); err != nil {
		return nil, err
	}
	if p.skip("else") {
		s.otherwise, err = p.block()
	}
	return s, err
}

func (p *parser) forStatement() (statement, error) {
	s := &loop{line: p.next().line}
	if err := p.want("("); err != nil {
		return nil, err
	}
	v := p.next()
	if v.kind != name || isReserved(v.text) {
		return nil, syntax(v.line, "A variable is expected after for(.")
	}
	s.name = v.text
	err := p.inside(func() error {
		if err := p.want("in"); err != nil {
			return err
		}
		var err error
		if s.over, err = p.expression(); err != nil {
			return err
		}
		return p.want(")")
	})
	if err != nil {
		return nil, err
	}
	p.names[v.text] = true
	p.loops++
	defer func() { p.loops-- }()
	s.body, err = p.block()
	return s, err
}

func (p *parser) whileStatement() (statement, error) {
	s := &loop{line: p.next().line}
	var err error
	if s.over, err = p.condition(); err != nil {
		return nil, err
	}
	p.loops++
	defer func() { p.loops-- }()
	s.body, err = p.block()
	return s, err
}

func (p *parser) tryStatement() (statement, error) {
	p.next()
	s := &attempt{}
	var err error
	if s.body, err = p.block(); err != nil {
		return nil, err
	}
	if err := p.want("catch"); err != nil {
		return nil, err
	}
	if err := p.want("("); err != nil {
		return nil, err
	}
	v := p.next()
	if v.kind != name || isReserved(v.text) {
		return nil, syntax(v.line, "A variable is expected after catch(.")
	}
	s.name = v.text
	p.names[v.text] = true
	if err := p.want(")"); err != nil {
		return nil, err
	}
	s.handler, err = p.block()
	return s, err
}

func (p *parser) leave() (statement, error) {
	t := p.next()
	if t.text == "return" && !p.inDef {
		return nil, syntax(t.line, "return must be used in a function.")
	}
	s := &jump{word: t.text, line: t.line}
	n := p.peek()
	if n.kind == end || n.fresh || n.is(";") || n.is("}") {
		if t.text == "throw" {
			return nil, p.unexpected("A message is expected")
		}
		return s, nil
	}
	var err error
	s.x, err = p.expression()
	return s, err
}

func (p *parser) defStatement() (statement, error) {
	p.next()
	t := p.next()
	if isReserved(t.text) || builtins[t.text] != nil || serverFunctions[t.text].known() {
		return nil, syntax(t.line, "Not allowed to overwrite existing functions/procedures [%s] by system functions/procedures.", t.text)
	}
	d := &definition{name: t.text}
	p.defs[t.text] = d
	return &block{list: []statement{&define{d: d}}}, p.body(d)
}

// lambda is a function without a name, as in each(def(x){…}, v).
func (p *parser) lambda(t token) (expr, error) {
	d := &definition{name: "def", line: t.line}
	return &literal{v: Func{Name: d.name, apply: d.apply}}, p.body(d)
}

// body reads (parameters){ … }: a function sees its own variables only.
func (p *parser) body(d *definition) error {
	if err := p.want("("); err != nil {
		return err
	}
	names, inDef, loops, sql := p.names, p.inDef, p.loops, p.sql
	defer func() { p.names, p.inDef, p.loops, p.sql = names, inDef, loops, sql }()
	p.names, p.inDef, p.loops, p.sql = map[string]bool{}, true, 0, 0
	for !p.skip(")") {
		p.skip("mutable")
		t := p.next()
		if t.kind != name || isReserved(t.text) {
			return syntax(t.line, "A parameter is expected in the definition of %s.", d.name)
		}
		d.params = append(d.params, t.text)
		p.names[t.text] = true
		if !p.is(")") {
			if err := p.want(","); err != nil {
				return err
			}
		}
	}
	if !p.is("{") {
		return p.unexpected("'{' is expected")
	}
	var err error
	d.body, err = p.block()
	return err
}
