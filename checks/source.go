package checks

import (
	"regexp"
	"strings"
)

// Problem is a diagnostic of an expression. Line and Col count from 1 in the
// source text that was compiled, Col in characters.
type Problem struct {
	Line, Col int
	Text      string
	Remedy    string
}

// Bounds of a fence's source.
const (
	maxSource   = 64 << 10 // bytes
	maxBrackets = 200      // depth
)

var (
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	letLine    = regexp.MustCompile(`^let\s+([^\s=;]+)\s*=([^=]|$)`)
	nameLine   = regexp.MustCompile(`^([^\s=(){}\[\]"'` + "`" + `]+)\s*=([^=]|$)`)
)

// statement is one logical line of a fence.
type statement struct {
	line, col int      // where src begins, from 1
	src       string   // the expression, verbatim
	label     string   // the trailing comment
	name      string   // left of "=", in a let line or a capture
	sequence  bool     // holds a ";" outside brackets
	comments  [][2]int // places of comments in src, in characters
	open      *Problem
}

// text is the statement as one line, without comments.
func (s statement) text() string {
	runes := []rune(s.src)
	var b strings.Builder
	from := 0
	for _, c := range s.comments {
		b.WriteString(string(runes[min(from, len(runes)):min(c[0], len(runes))]) + " ")
		from = c[1]
	}
	b.WriteString(string(runes[min(from, len(runes)):]))
	var lines []string
	for line := range strings.SplitSeq(b.String(), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

// at maps a character offset in src to a place in the fence.
func (s statement) at(offset int) (line, col int) {
	line, col = s.line, s.col
	for i, r := range []rune(s.src) {
		if i >= offset {
			break
		}
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
	}
	return line, col
}

// cut drops the first n bytes of src, which hold no line break.
func (s statement) cut(n int) statement {
	rest := s.src[n:]
	trimmed := strings.TrimLeft(rest, " \t\n")
	skipped := len([]rune(s.src)) - len([]rune(trimmed))
	s.line, s.col = s.at(skipped)
	s.src = trimmed
	for i, c := range s.comments {
		s.comments[i] = [2]int{c[0] - skipped, c[1] - skipped}
	}
	return s
}

// splitter walks a fence's text and finds where statements end.
type splitter struct {
	src       []rune
	i         int
	line, col int
	brackets  []place
	out       []statement
}

type place struct {
	r         rune
	line, col int
}

// statements splits the source of a fence: one a line, going on while a bracket
// is open, a comment at the end being the label. Lines without an expression
// are left out.
func statements(src string) ([]statement, []Problem) {
	if len(src) > maxSource {
		return nil, []Problem{{1, 1, "the fence holds more than 64 KiB", "split it over several checks"}}
	}
	p := splitter{src: []rune(strings.ReplaceAll(src, "\r\n", "\n")), line: 1, col: 1}
	var problems []Problem
	for p.i < len(p.src) {
		s := p.statement()
		if s.open != nil {
			problems = append(problems, *s.open)
			continue
		}
		if s.src != "" {
			p.out = append(p.out, s)
		}
	}
	return p.out, problems
}

func (p *splitter) next() rune {
	r := p.src[p.i]
	p.i++
	p.col++
	if r == '\n' {
		p.line, p.col = p.line+1, 1
	}
	return r
}

func (p *splitter) peek() rune {
	if p.i < len(p.src) {
		return p.src[p.i]
	}
	return 0
}

// statement reads one logical line.
func (p *splitter) statement() statement {
	p.brackets = p.brackets[:0]
	for p.i < len(p.src) && strings.ContainsRune(" \t\n", p.peek()) {
		p.next()
	}
	s := statement{line: p.line, col: p.col}
	begin, end := p.i, -1
	for p.i < len(p.src) && s.open == nil {
		r := p.peek()
		if r == '\n' && len(p.brackets) == 0 {
			break
		}
		if r == '/' && p.i+1 < len(p.src) && p.src[p.i+1] == '/' {
			from := p.i
			p.skipLine()
			if len(p.brackets) == 0 {
				end = from
				s.label = strings.TrimSpace(string(p.src[from+2 : p.i]))
			} else {
				s.comments = append(s.comments, [2]int{from - begin, p.i - begin})
			}
			continue
		}
		s.step(p, begin)
	}
	if end < 0 {
		end = p.i
	}
	if s.open == nil && len(p.brackets) > 0 {
		b := p.brackets[len(p.brackets)-1]
		s.open = &Problem{b.line, b.col, "the bracket " + string(b.r) + " is never closed", "close it; a line goes on while a bracket is open"}
	}
	s.src = strings.TrimRight(string(p.src[begin:end]), " \t\n")
	return s
}

// step consumes one token's worth of characters: a quoted text, a comment, a
// bracket, or one character.
func (s *statement) step(p *splitter, begin int) {
	at := place{line: p.line, col: p.col}
	switch r := p.next(); r {
	case '"', '\'':
		for p.i < len(p.src) && p.peek() != '\n' {
			if q := p.next(); q == r {
				return
			} else if q == '\\' && p.i < len(p.src) && p.peek() != '\n' {
				p.next()
			}
		}
		s.open = &Problem{at.line, at.col, "the text that begins here is never closed", "close it with " + string(r) + " on the same line"}
	case '`':
		for p.i < len(p.src) && p.next() != '`' {
		}
	case '/':
		if p.peek() == '*' {
			from := p.i - 1
			p.skipBlock()
			s.comments = append(s.comments, [2]int{from - begin, p.i - begin})
		}
	case '(', '[', '{':
		at.r = r
		p.brackets = append(p.brackets, at)
		if len(p.brackets) > maxBrackets {
			s.open = &Problem{at.line, at.col, "brackets are nested too deeply", "use let to name parts of the expression"}
			p.i = len(p.src)
		}
	case ')', ']', '}':
		if len(p.brackets) > 0 {
			p.brackets = p.brackets[:len(p.brackets)-1]
		}
	case ';':
		s.sequence = s.sequence || len(p.brackets) == 0
	}
}

func (p *splitter) skipLine() {
	for p.i < len(p.src) && p.peek() != '\n' {
		p.next()
	}
}

func (p *splitter) skipBlock() {
	for p.i < len(p.src) {
		if p.next() == '*' && p.peek() == '/' {
			p.next()
			return
		}
	}
}
