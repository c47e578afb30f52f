package plan

import (
	"regexp"
	"strings"
)

// spot is what a place in a program is.
type spot uint8

const (
	inCode spot = iota
	inText      // or in a quoted identifier
	inComment
	inHint // a comment that the server reads: /*! … */ and /*+ … */
)

// lexer tells for rising offsets what stands there. It knows of a language where
// texts and comments begin and end, and no more.
type lexer struct {
	src  string
	d    *dialect
	pos  int
	end  string // what closes the text or comment that is open; empty: code
	kind spot
	esc  bool // \ takes the next character
	deep int  // of nested comments
}

// at reads up to offset and tells what stands there.
func (l *lexer) at(offset int) spot {
	for l.pos < offset {
		if l.end == "" {
			l.code()
		} else {
			l.enclosed()
		}
	}
	if l.end == "" {
		return inCode
	}
	return l.kind
}

// skip goes on behind a slot, which opens and closes nothing.
func (l *lexer) skip(offset int) { l.pos = max(l.pos, offset) }

func (l *lexer) open(n int, kind spot, end string, esc bool) {
	l.pos += n
	l.kind, l.end, l.esc = kind, end, esc
}

var dollarTag = regexp.MustCompile(`^\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$`)

func (l *lexer) code() {
	rest, d := l.src[l.pos:], l.d
	c := rest[0]
	switch {
	case strings.IndexByte(d.quotes, c) >= 0:
		esc := strings.IndexByte(d.escapes, c) >= 0 || d.dollars && c == '\'' && l.afterE()
		l.open(1, inText, string(c), esc)
	case d.brackets && c == '[':
		l.open(1, inText, "]", false)
	case strings.HasPrefix(rest, "/*"):
		kind := inComment
		if len(rest) > 2 && (rest[2] == '!' || rest[2] == '+') {
			kind = inHint
		}
		l.open(2, kind, "*/", false)
		l.deep = 1
	case d.hash && c == '#', d.slashes && strings.HasPrefix(rest, "//"), l.dashed(rest):
		l.open(1, inComment, "\n", false)
	case d.dollars && c == '$' && !l.afterWord():
		if tag := dollarTag.FindString(rest); tag != "" {
			l.open(len(tag), inText, tag, false)
			return
		}
		l.pos++
	default:
		l.pos++
	}
}

func (l *lexer) dashed(rest string) bool {
	if l.d.dashes == "" || !strings.HasPrefix(rest, l.d.dashes) {
		return false
	}
	after := rest[len(l.d.dashes):]
	return !l.d.spaced || after == "" || after[0] <= ' '
}

// afterE reports whether the quote here belongs to E'…'.
func (l *lexer) afterE() bool {
	if l.pos == 0 || l.src[l.pos-1] != 'E' && l.src[l.pos-1] != 'e' {
		return false
	}
	return l.pos == 1 || !wordByte(l.src[l.pos-2])
}

func (l *lexer) afterWord() bool { return l.pos > 0 && wordByte(l.src[l.pos-1]) }

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (l *lexer) enclosed() {
	rest := l.src[l.pos:]
	switch {
	case l.esc && rest[0] == '\\':
		l.pos += 2
	case l.end == "*/" && l.d.nested && strings.HasPrefix(rest, "/*"):
		l.deep++
		l.pos += 2
	case strings.HasPrefix(rest, l.end):
		l.pos += len(l.end)
		if l.end == "*/" {
			if l.deep--; l.deep > 0 {
				return
			}
		} // a doubled quote closes the text and opens it again
		l.end = ""
	default:
		l.pos++
	}
}
