package script

import "fmt"

// item is an expression of a select list, and its column's name.
type item struct {
	x    expr
	name string
}

type sortKey struct {
	x    expr
	desc bool
}

type query struct {
	exec     bool
	distinct bool
	top      int64 // -1: all
	items    []item
	from     expr
	where    []expr
	group    []item
	having   expr
	order    []sortKey
	src      string
	line     int
}

// query reads select and exec. Its words may begin a line.
func (p *parser) query() (expr, error) {
	from := p.next()
	q := &query{exec: from.text == "exec", top: -1, line: from.line}
	outer := p.sql
	defer func() { p.sql = outer }()
	p.sql = outer + 1
	if err := p.head(q); err != nil {
		return nil, err
	}
	if err := p.want("from"); err != nil {
		return nil, err
	}
	p.sql = outer
	var err error
	if q.from, err = p.level(len(levels)); err != nil {
		return nil, err
	}
	p.sql = outer + 1
	if err = p.clauses(q); err != nil {
		return nil, err
	}
	q.src = p.span(from)
	return q, nil
}

// head is what stands before from.
func (p *parser) head(q *query) (err error) {
	if p.skip("top") {
		if q.top, err = p.count("top"); err != nil {
			return err
		}
	}
	q.distinct = p.is("distinct") && !p.ahead(1).is("(") && p.skip("distinct")
	for {
		if p.is("*") && (p.ahead(1).is("from") || p.ahead(1).is(",")) {
			p.next()
			q.items = append(q.items, item{x: &star{}})
		} else {
			it, err := p.item(!q.exec)
			if err != nil {
				return err
			}
			q.items = append(q.items, it)
		}
		if !p.skip(",") {
			return nil
		}
	}
}

func (p *parser) count(word string) (int64, error) {
	t := p.next()
	n, ok := t.val.(int64)
	if t.kind != value || !ok {
		return 0, syntax(t.line, "integer constant expected after keyword %s", word)
	}
	return n, nil
}

// item is EXPRESSION [as NAME]. Only exec may leave its columns without a name.
func (p *parser) item(named bool) (item, error) {
	from := p.peek()
	x, err := p.level(0)
	if err != nil {
		return item{}, err
	}
	it := item{x: x, name: columnName(x)}
	if p.skip("as") {
		t := p.next()
		s, text := t.val.(string)
		switch {
		case t.kind == value && text:
			it.name = s
		case t.kind == name:
			it.name = t.text
		default:
			return it, syntax(t.line, "A name is expected after as.")
		}
	}
	if it.name == "" && named {
		return it, syntax(from.line, "The column %s needs a name: write it as %s as NAME.", oneLine(p.span(from)), oneLine(p.span(from)))
	}
	return it, nil
}

// columnName is the name that a column has without as, "" where that isn't known.
func columnName(x expr) string {
	switch x := x.(type) {
	case *ident:
		return x.name
	case *member:
		return x.name
	case *call:
		fn, ok := x.fn.(*ident)
		if !ok {
			return ""
		}
		for _, a := range x.args {
			if n := columnName(a.x); n != "" {
				return fmt.Sprintf("%s_%s", fn.name, n)
			}
		}
		return fn.name
	}
	return ""
}

// clauses are what stands behind the table.
func (p *parser) clauses(q *query) (err error) {
	if p.skip("where") {
		if q.where, err = p.conditions(); err != nil {
			return err
		}
	}
	if p.is("group") && p.ahead(1).is("by") {
		p.at += 2
		for {
			it, err := p.item(true)
			if err != nil {
				return err
			}
			q.group = append(q.group, it)
			if !p.skip(",") {
				break
			}
		}
	}
	if p.skip("having") {
		if q.having, err = p.level(0); err != nil {
			return err
		}
	}
	if p.is("order") && p.ahead(1).is("by") {
		p.at += 2
		for {
			x, err := p.level(0)
			if err != nil {
				return err
			}
			q.order = append(q.order, sortKey{x: x, desc: p.skip("desc")})
			p.skip("asc")
			if !p.skip(",") {
				break
			}
		}
	}
	if p.skip("limit") {
		q.top, err = p.count("limit")
	}
	return err
}

// conditions are set apart by commas: each one has to hold.
func (p *parser) conditions() (out []expr, err error) {
	for {
		x, err := p.level(0)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
		if p.open > 0 || !p.skip(",") {
			return out, nil
		}
	}
}

// insert is insert into TABLE [(columns)] values (…).
func (p *parser) insert() (statement, error) {
	from := p.next()
	s := &insertion{line: from.line}
	if err := p.want("into"); err != nil {
		return nil, err
	}
	t := p.next()
	if t.kind != name || !p.names[t.text] {
		return nil, syntax(t.line, "Cannot recognize the token %s", t.text)
	}
	s.into = &ident{name: t.text, line: t.line}
	if p.skip("(") {
		cols, err := p.columnList()
		if err != nil {
			return nil, err
		}
		s.cols = cols
	}
	if err := p.want("values"); err != nil {
		return nil, err
	}
	if err := p.want("("); err != nil {
		return nil, err
	}
	args, err := p.list(")")
	if err != nil {
		return nil, err
	}
	for _, a := range args {
		if a.x == nil || a.name != "" {
			return nil, syntax(from.line, "A value is missing after values.")
		}
		s.values = append(s.values, a.x)
	}
	s.src = p.span(from)
	return s, nil
}

func (p *parser) columnList() (cols []string, err error) {
	for {
		t := p.next()
		if t.kind != name {
			return nil, syntax(t.line, "A column's name is expected after insert into.")
		}
		cols = append(cols, t.text)
		if p.skip(")") {
			return cols, nil
		}
		if err := p.want(","); err != nil {
			return nil, err
		}
	}
}
