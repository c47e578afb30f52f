package runbook

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// variant is the shell language an interpreter reads.
func variant(interpreter string) syntax.LangVariant {
	switch interpreter {
	case "bash":
		return syntax.LangBash
	case "zsh":
		return syntax.LangZsh
	case "ksh", "mksh":
		return syntax.LangMirBSDKorn
	}
	return syntax.LangPOSIX
}

// maxShellDepth bounds how deep brackets and blocks may nest before the shell
// parser, which recurses, is asked.
const maxShellDepth = 500

// shellParsers keeps parsers that may be used again; their buffers are large.
var shellParsers sync.Pool

func shellParser(v syntax.LangVariant) *syntax.Parser {
	parser, ok := shellParsers.Get().(*syntax.Parser)
	if !ok {
		return syntax.NewParser(syntax.Variant(v))
	}
	syntax.Variant(v)(parser)
	return parser
}

// parseShell parses a fence's body. at is the byte offset of an error.
func parseShell(interpreter, body string) (f *syntax.File, at int, err error) {
	if n := strings.Count(body, "(") + strings.Count(body, "{") + strings.Count(body, "`") + strings.Count(body, "$"); n > 100*maxShellDepth {
		return nil, 0, errors.New("it is too large to be judged")
	}
	if at := tooDeep(body); at >= 0 {
		return nil, at, errors.New("brackets are nested too deeply")
	}
	if at := endlessComment(body); at >= 0 {
		return nil, at, errors.New("a comment behind a command ends in a backslash, which not everyone reads alike")
	}
	parser := shellParser(variant(interpreter))
	f, err = parser.Parse(strings.NewReader(body), "")
	if err == nil {
		shellParsers.Put(parser)
		return f, 0, nil
	}
	var parse syntax.ParseError
	var lang syntax.LangError
	switch {
	case errors.As(err, &parse):
		return nil, int(parse.Pos.Offset()), errors.New(parse.Text)
	case errors.As(err, &lang):
		at = int(lang.Pos.Offset())
		lang.Pos, lang.Filename = syntax.Pos{}, ""
		return nil, at, errors.New(strings.TrimPrefix(strings.TrimPrefix(lang.Error(), lang.Pos.String()), ": "))
	}
	return nil, 0, err
}

// endlessComment returns where a comment behind a command ends in a backslash, or
// -1: shells end the comment there, the parser takes the next line for more of
// the command.
func endlessComment(body string) int {
	at := 0
	for line := range strings.Lines(body) {
		if text := strings.TrimSuffix(line, "\n"); strings.HasSuffix(text, "\\") && len(text) < len(line) {
			if n := max(strings.Index(text, " #"), strings.Index(text, "\t#"), strings.Index(text, ";#")); n >= 0 && strings.TrimSpace(text[:n]) != "" {
				return at + n + 1
			}
		}
		at += len(line)
	}
	return -1
}

// tooDeep returns where more than maxShellDepth brackets are open, or -1. It
// counts them wherever they stand, so that it errs on the safe side; keywords
// count as brackets.
func tooDeep(body string) int {
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '(', '{':
			depth++
		case ')', '}':
			depth = max(depth-1, 0)
		}
		if depth > maxShellDepth {
			return i
		}
	}
	words := 0
	for line := range strings.Lines(body) {
		for _, w := range strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ';' || r == '\t' || r == '\n' }) {
			switch w {
			case "if", "while", "until", "for", "case", "do", "then":
				words++
			case "fi", "done", "esac":
				words = max(words-2, 0)
			}
		}
		if words > maxShellDepth {
			return 0
		}
	}
	return -1
}

// shellText is what a fence for a shell says. In a plain document it is judged.
type shellText struct {
	lines   []commandLine // with simple: all it says
	simple  bool
	file    *syntax.File // without simple: the body as parsed; nil: it can't be read as its shell
	carried string       // what stands before the body
	why     string       // why what is carried is to be judged with care
}

// shell reads a fence of shell language in a plain document: it is judged, and
// what carries over is put in front of it. An annotated runbook's are left to
// the linter.
func (p *parser) shell(b *block, f *Fence) {
	if p.book.Annotated || !isShell(b.lang) || strings.TrimSpace(b.body) == "" {
		return
	}
	b.shell.carried, b.shell.why = p.carried.before()
	if b.shell.carried != "" {
		f.Body = b.shell.carried + b.body
		f.Lines = append(slices.Repeat([]Pos{f.Pos}, strings.Count(b.shell.carried, "\n")), f.Lines...)
	}
	if !sqlWords(b.body) {
		if b.shell.lines, b.shell.simple = commandLines(b.body); b.shell.simple {
			for _, line := range b.shell.lines {
				if line.carry != "" {
					p.carry(b, line.carry)
				}
			}
			return
		}
	}
	if parsed, _, err := parseShell(b.lang, b.body); err == nil {
		b.shell.file = parsed
		carriedOver(b.body, parsed, func(line string) { p.carry(b, line) })
	}
}

// carry is what `cd` and `export` of earlier fences leave behind in a plain
// document, under one level-1 heading.
type carry struct {
	lines []string
	full  bool   // too much was carried over
	text  string // of the lines
	why   string // why they are to be judged with care
}

// maxCarried bounds what is carried over, in bytes: it stands in front of every
// later fence.
const maxCarried = 8 << 10

// before is what stands in front of a fence, and why it is to be judged with care.
func (c *carry) before() (text, why string) {
	if c.text == "" && len(c.lines) > 0 {
		c.text = strings.Join(c.lines, "\n") + "\n"
		c.why = judgeText(c.text, "what carries over to it can't be read")
	}
	return c.text, c.why
}

// carriedOver hands out the `cd` and `export` statements of a fence.
func carriedOver(body string, f *syntax.File, line func(string)) {
	for _, stmt := range f.Stmts {
		carriedStmt(body, stmt, line)
	}
}

func carriedStmt(body string, stmt *syntax.Stmt, line func(string)) {
	if stmt.Background || stmt.Negated || len(stmt.Redirs) > 0 {
		return
	}
	switch cmd := stmt.Cmd.(type) {
	case *syntax.BinaryCmd:
		if cmd.Op == syntax.AndStmt {
			carriedStmt(body, cmd.X, line)
			carriedStmt(body, cmd.Y, line)
		}
		return
	case *syntax.CallExpr:
		if len(cmd.Args) == 0 || cmd.Args[0].Lit() != "cd" && cmd.Args[0].Lit() != "export" {
			return
		}
	case *syntax.DeclClause:
		if cmd.Variant.Value != "export" {
			return
		}
	default:
		return
	}
	line(strings.TrimRight(body[stmt.Pos().Offset():stmt.End().Offset()], "; \t\n"))
}

// carry takes over a `cd` or an `export`.
func (p *parser) carry(b *block, line string) {
	c := &p.carried
	c.text = ""
	if dir, ok := strings.CutPrefix(line, "cd "); ok && absolute(dir) {
		c.drop(func(before string) bool { return strings.HasPrefix(before, "cd ") })
	} else if !ok {
		c.drop(func(before string) bool { return before == line })
	}
	size := len(line)
	for _, before := range c.lines {
		size += len(before) + 1
	}
	if c.full {
		return
	}
	if size > maxCarried {
		c.full = true
		p.errorAt(b.at, "carried-over", "too much is carried over by cd and export", "begin a new level-1 heading, or write +++ front matter")
		return
	}
	c.lines = append(c.lines, line)
}

// absolute reports whether a directory depends on no other.
func absolute(dir string) bool {
	return (strings.HasPrefix(dir, "/") || strings.HasPrefix(dir, "~")) && !strings.ContainsAny(dir, " \t$`'\"\\")
}

// drop forgets the lines that a later one makes useless.
func (c *carry) drop(useless func(line string) bool) {
	c.lines = slices.DeleteFunc(c.lines, useless)
}
