package script

import "slices"

const (
	maxDepth = 200 // of nested expressions and blocks, and of calls
	maxSteps = 2_000_000
)

// parser reads tokens; names are resolved as it goes, because DolphinDB refuses
// a script with an unknown name before it runs any of it.
type parser struct {
	src     string
	tokens  []token
	at      int
	depth   int // of recursion
	open    int // brackets around the current token: lines don't end there
	sql     int // names may be columns
	library Library
	names   map[string]bool
	defs    map[string]*definition
	inDef   bool
	loops   int
}

func parse(src string, env Env) ([]statement, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, tokens: tokens, names: map[string]bool{}, defs: map[string]*definition{}}
	p.library, _ = env.(Library)
	var out []statement
	for p.peek().kind != end {
		if p.skip(";") {
			continue
		}
		s, err := p.statement()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
		if err := p.ended(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) ahead(n int) token { return p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != end {
		p.at++
	}
	return t
}

// is tells whether the next token is this sign or word.
func (p *parser) is(text string) bool { return p.peek().is(text) }

func (t token) is(text string) bool { return (t.kind == sign || t.kind == name) && t.text == text }

func (p *parser) skip(text string) bool {
	if p.is(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) want(text string) error {
	if p.skip(text) {
		return nil
	}
	return p.unexpected("'" + text + "' is expected")
}

func (p *parser) unexpected(why string) error {
	t := p.peek()
	if t.kind == end {
		return syntax(t.line, "%s at the end of the script.", why)
	}
	return syntax(t.line, "%s before %s.", why, t.text)
}

// ended is an error unless the statement ends here.
func (p *parser) ended() error {
	t := p.peek()
	if t.kind == end || t.fresh || p.skip(";") || t.is("}") || p.at > 0 && p.tokens[p.at-1].is("}") {
		return nil
	}
	return syntax(t.line, "Cannot recognize the token %s", t.text)
}

func (p *parser) deeper() error {
	if p.depth++; p.depth > maxDepth {
		return syntax(p.peek().line, "The script is nested too deeply.")
	}
	return nil
}

// span is the source between a token and the last one read.
func (p *parser) span(from token) string { return p.src[from.from:p.tokens[p.at-1].to] }

// continued tells whether the expression may go on with the next token.
func (p *parser) continued() bool {
	t := p.peek()
	if t.fresh && p.open == 0 {
		return p.sql > 0 && (t.is("and") || t.is("or"))
	}
	return t.kind != end
}

var reserved = []string{
	"if", "else", "for", "while", "do", "def", "return", "try", "catch", "throw", "break", "continue", "select", "exec", "update",
	"delete", "insert", "from", "where", "group", "order", "as", "and", "or", "not", "in", "like", "between", "go", "true", "false",
	"NULL", "having", "desc", "limit",
}

func isReserved(s string) bool { return slices.Contains(reserved, s) }

// inside parses what stands in brackets, where lines don't end.
func (p *parser) inside(f func() error) error {
	p.open++
	err := f()
	p.open--
	return err
}

// list parses expressions up to a closing sign, which is read; an omitted one is nil.
func (p *parser) list(closing string) (args []argument, err error) {
	err = p.inside(func() error {
		for !p.is(closing) {
			var a argument
			if !p.is(",") {
				if a, err = p.argument(); err != nil {
					return err
				}
			}
			args = append(args, a)
			if p.is(closing) {
				break
			}
			if err := p.want(","); err != nil {
				return err
			}
			if p.is(closing) {
				args = append(args, argument{})
			}
		}
		return p.want(closing)
	})
	return args, err
}

// argument is an expression, name=expression or expression as name.
func (p *parser) argument() (a argument, err error) {
	if p.peek().kind == name && p.ahead(1).is("=") && p.sql == 0 {
		a.name, a.named = p.next().text, true
		p.next()
	}
	if a.x, err = p.expression(); err != nil {
		return a, err
	}
	if p.skip("as") {
		t := p.next()
		if t.kind != name && t.kind != value {
			return a, syntax(t.line, "A name is expected after as.")
		}
		a.name, a.label = t.text, true
		if s, ok := t.val.(string); ok {
			a.name = s
		}
	}
	return a, nil
}
