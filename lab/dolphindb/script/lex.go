package script

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

type kind int

const (
	end kind = iota
	name
	value // a literal, its value in val
	sign
)

type token struct {
	kind     kind
	text     string
	val      Value
	line     int
	from, to int
	fresh    bool // first of its line
}

// maxSource bounds a script, so that what it is parsed into is bounded too.
const maxSource = 256 << 10

var (
	momentForm = regexp.MustCompile(`^\d{4}\.\d{1,2}\.\d{1,2}(T\d{1,2}:\d{2}:\d{2}(\.\d{1,9})?)?`)
	numberForm = regexp.MustCompile(`^(\d+(\.\d+)?([eE][+-]?\d+)?)([ilfFbhc]?)`)
	signForm   = regexp.MustCompile(`^(\.\.|==|!=|<>|<=|>=|&&|\|\||\+=|-=|\*=|/=|->|[-+*/\\%<>=!()\[\]{}.,;:])`)
)

// syntax is the error of a script that isn't run at all.
func syntax(line int, format string, args ...any) error {
	return say("Syntax Error: [line #%d] %s", line, fmt.Sprintf(format, args...))
}

type lexer struct {
	src    string
	pos    int
	line   int
	fresh  bool
	tokens []token
}

func lex(src string) ([]token, error) {
	if len(src) > maxSource {
		return nil, syntax(1, "The script is too long.")
	}
	if !utf8.ValidString(src) {
		return nil, syntax(1, "The script isn't encoded in UTF-8.")
	}
	l := &lexer{src: src, line: 1, fresh: true}
	for {
		if err := l.blanks(); err != nil {
			return nil, err
		}
		if l.pos == len(l.src) {
			l.emit(end, 0, nil)
			return l.tokens, nil
		}
		if err := l.next(); err != nil {
			return nil, err
		}
	}
}

func (l *lexer) emit(k kind, n int, v Value) {
	l.tokens = append(l.tokens, token{
		kind: k, text: l.src[l.pos : l.pos+n], val: v, line: l.line, from: l.pos, to: l.pos + n, fresh: l.fresh,
	})
	l.line += strings.Count(l.src[l.pos:l.pos+n], "\n")
	l.pos += n
	l.fresh = false
}

// blanks skips white space and comments.
func (l *lexer) blanks() error {
	for l.pos < len(l.src) {
		rest := l.src[l.pos:]
		switch {
		case rest[0] == '\n':
			l.line++
			l.fresh = true
			l.pos++
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r':
			l.pos++
		case strings.HasPrefix(rest, "//"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			l.pos += n
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return syntax(l.line, "The comment isn't closed.")
			}
			if c := strings.Count(rest[:n], "\n"); c > 0 {
				l.line += c
				l.fresh = true
			}
			l.pos += n + 4
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) next() error {
	rest := l.src[l.pos:]
	c, _ := utf8.DecodeRuneInString(rest)
	switch {
	case c == '"' || c == '\'':
		return l.text(byte(c))
	case c == '`':
		return l.symbols()
	case c >= '0' && c <= '9':
		return l.number()
	case c == '_' || unicode.IsLetter(c):
		n := nameLength(rest)
		// append! is a name; in a!=b the sign belongs to the operator.
		if strings.HasPrefix(rest[n:], "!") && !strings.HasPrefix(rest[n:], "!=") {
			n++
		}
		l.emit(name, n, nil)
		return nil
	}
	if s := signForm.FindString(rest); s != "" {
		l.emit(sign, len(s), nil)
		return nil
	}
	return syntax(l.line, "Cannot recognize the token %s", string(c))
}

func nameLength(s string) int {
	for i, c := range s {
		if c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return i
		}
	}
	return len(s)
}

func (l *lexer) text(quote byte) error {
	rest := l.src[l.pos:]
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == quote:
			l.emit(value, i+1, b.String())
			return nil
		case c == '\\' && i+1 < len(rest):
			i++
			switch e := rest[i]; e {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case '\\', '"', '\'':
				b.WriteByte(e)
			default:
				b.WriteByte('\\')
				b.WriteByte(e)
			}
		default:
			b.WriteByte(c)
		}
	}
	return syntax(l.line, "The string isn't closed: a quotation mark is missing.")
}

func (l *lexer) symbols() error {
	rest := l.src[l.pos:]
	var v []Value
	i := 0
	for i < len(rest) && rest[i] == '`' {
		n := nameLength(rest[i+1:])
		v = append(v, rest[i+1:i+1+n])
		i += 1 + n
	}
	if len(v) == 1 {
		l.emit(value, i, v[0])
	} else {
		l.emit(value, i, v)
	}
	return nil
}

func (l *lexer) number() error {
	rest := l.src[l.pos:]
	if s := momentForm.FindString(rest); s != "" {
		v, ok := moment(s)
		if !ok {
			return syntax(l.line, "Invalid temporal literal %s", s)
		}
		l.emit(value, len(s), v)
		return nil
	}
	m := numberForm.FindStringSubmatch(rest)
	n := len(m[0])
	if m[4] != "" && nameLength(rest[n:]) > 0 || m[4] == "" && nameLength(rest[n:]) > 0 {
		bad := rest[:n+nameLength(rest[n:])]
		return syntax(l.line, "Cannot recognize the token %s", bad)
	}
	v, err := numberValue(m)
	if err != nil {
		return syntax(l.line, "Invalid number %s", m[0])
	}
	l.emit(value, n, v)
	return nil
}

func numberValue(m []string) (Value, error) {
	switch {
	case m[1] == "00" && m[4] != "":
		return nil, nil
	case m[4] == "b":
		return m[1] != "0", nil
	case m[2] != "" || m[3] != "" || m[4] == "f" || m[4] == "F":
		return strconv.ParseFloat(m[1], 64)
	}
	return strconv.ParseInt(m[1], 10, 64)
}

// moment reads 2023.01.10, 2023.01.10T10:00:00 and 2023.01.10T10:00:00.000.
func moment(s string) (Value, bool) {
	day, clock, timed := strings.Cut(s, "T")
	t, err := time.Parse("2006.1.2", day)
	if err != nil {
		return nil, false
	}
	if !timed {
		return Date{t}, true
	}
	t, err = time.Parse("2006.1.2T15:04:05", day+"T"+clock)
	if err != nil {
		return nil, false
	}
	switch _, fraction, ok := strings.Cut(clock, "."); {
	case !ok:
		return Datetime{t}, true
	case len(fraction) <= 3:
		return t, true
	}
	return Nanotimestamp{t}, true
}
