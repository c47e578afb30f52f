package attrs

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Group is a scanned attribute group. Offsets count bytes of the scanned source.
type Group struct {
	Start, End int // from the opening brace to behind the closing one
	IDs        []Word
	Classes    []Word
	Pairs      []Pair
}

// Word is an id or a class, without its `#` or `.`.
type Word struct {
	Text string
	At   int // of the `#` or `.`
}

// Pair is key=value, in the order written; a key may occur twice.
type Pair struct {
	Key, Value string
	At         int // of the key
	ValueAt    int // of the value's first byte, behind an opening quote
}

// Problem says what of a group can't be read.
type Problem struct {
	At   int
	Text string
}

func (p *Problem) Error() string { return p.Text }

// Opens reports whether an attribute group begins at src[at]: a brace, not
// doubled, followed by `#`, `.` or `name=`, blanks allowed.
func Opens(src []byte, at int) bool {
	if at >= len(src) || src[at] != '{' || (at > 0 && src[at-1] == '{') {
		return false
	}
	i := skipBlank(src, at+1)
	if i >= len(src) {
		return false
	}
	switch c := src[i]; {
	case c == '#' || c == '.':
		return i+1 < len(src) && isName(src[i+1:])
	case isName(src[i:]):
		j := scanName(src, i)
		return j < len(src) && src[j] == '='
	}
	return false
}

// isName reports whether a name may begin with the first character of b.
func isName(b []byte) bool {
	r, _ := utf8.DecodeRune(b)
	return r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r >= 0x80 && r != utf8.RuneError
}

// scanName returns the offset behind a key: letters, digits, `_ - .` and `:`.
func scanName(src []byte, i int) int {
	for i < len(src) {
		c := src[i]
		if c < utf8.RuneSelf && !isName(src[i:i+1]) && c != '-' && c != '.' && c != ':' {
			break
		}
		i++
	}
	return i
}

// scanBare returns the offset behind a bare value: no blank, quote or brace.
func scanBare(src []byte, i int) int {
	for i < len(src) && strings.IndexByte(" \t\r\n\"'{}", src[i]) < 0 {
		i++
	}
	return i
}

func skipBlank(src []byte, i int) int {
	for i < len(src) && (src[i] == ' ' || src[i] == '\t') {
		i++
	}
	return i
}

// MaxWords is how many ids, classes and attributes one group may hold.
const MaxWords = 100

// Scan reads the group whose opening brace stands at src[at]. A group ends on
// its own line.
func Scan(src []byte, at int) (Group, *Problem) {
	g := Group{Start: at}
	i := at + 1
	for {
		blank := i
		i = skipBlank(src, i)
		if i >= len(src) || src[i] == '\n' || src[i] == '\r' {
			return g, &Problem{at, "the attribute group is not closed on its line"}
		}
		if src[i] == '}' {
			g.End = i + 1
			return g, nil
		}
		if i == blank && i != at+1 {
			return g, &Problem{i, "a blank is missing before " + excerpt(src, i)}
		}
		if len(g.IDs)+len(g.Classes)+len(g.Pairs) >= MaxWords {
			return g, &Problem{i, fmt.Sprintf("the attribute group holds more than %d words", MaxWords)}
		}
		next, p := g.word(src, i)
		if p != nil {
			return g, p
		}
		i = next
	}
}

// word reads one id, class or pair at src[i] and returns the offset behind it.
func (g *Group) word(src []byte, i int) (int, *Problem) {
	if c := src[i]; c == '#' || c == '.' {
		end := scanBare(src, i+1)
		if end == i+1 {
			return 0, &Problem{i, "a name is missing behind " + excerpt(src, i)}
		}
		if c == '#' {
			g.IDs = append(g.IDs, Word{string(src[i+1 : end]), i})
			return end, nil
		}
		return end, g.classes(src, i, end)
	}
	if !isName(src[i:]) {
		return 0, &Problem{i, "an attribute can't begin with " + excerpt(src, i)}
	}
	eq := scanName(src, i)
	if eq >= len(src) || src[eq] != '=' {
		return 0, &Problem{i, excerpt(src, i) + " is neither #id, .class nor name=value"}
	}
	value, start, end, p := scanValue(src, eq+1)
	if p != nil {
		return 0, p
	}
	g.Pairs = append(g.Pairs, Pair{string(src[i:eq]), value, i, start})
	return end, nil
}

// classes reads one or several classes written together, `.check.rollback`.
func (g *Group) classes(src []byte, i, end int) *Problem {
	for _, name := range strings.Split(string(src[i+1:end]), ".") {
		if name == "" {
			return &Problem{i, "a name is missing in " + excerpt(src, i)}
		}
		g.Classes = append(g.Classes, Word{name, i})
		i += 1 + len(name)
	}
	return nil
}

// scanValue reads a bare or quoted value at src[i].
func scanValue(src []byte, i int) (value string, start, end int, p *Problem) {
	if i < len(src) && src[i] == '"' {
		return scanQuoted(src, i)
	}
	end = scanBare(src, i)
	switch {
	case end == i && end < len(src) && src[end] == '\'':
		return "", 0, 0, &Problem{i, "a value is quoted with \", not with '"}
	case end == i:
		return "", 0, 0, &Problem{i, "a value is missing behind `=`"}
	case end < len(src) && strings.IndexByte("\"'{", src[end]) >= 0:
		return "", 0, 0, &Problem{end, "a value with `" + string(src[end]) + "` in it must be quoted with \""}
	}
	return string(src[i:end]), i, end, nil
}

func scanQuoted(src []byte, i int) (value string, start, end int, p *Problem) {
	var b strings.Builder
	for j := i + 1; j < len(src); j++ {
		switch c := src[j]; c {
		case '\n', '\r':
			return "", 0, 0, &Problem{i, "the quoted value is not closed on its line"}
		case '"':
			return b.String(), i + 1, j + 1, nil
		case '\\':
			if j+1 < len(src) && (src[j+1] == '"' || src[j+1] == '\\') {
				j++
			}
			b.WriteByte(src[j])
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, 0, &Problem{i, "the quoted value is not closed on its line"}
}

// excerpt quotes the word at src[i] for a message.
func excerpt(src []byte, i int) string {
	end := i
	for end < len(src) && end-i < 32 && strings.IndexByte(" \t\r\n}", src[end]) < 0 {
		end++
	}
	for end < len(src) && !utf8.RuneStart(src[end]) {
		end++
	}
	return "`" + string(src[i:max(end, min(i+1, len(src)))]) + "`"
}

// Trailing finds the group that ends the line src[start:stop]. It returns nil
// without a problem when the line doesn't end in one; text is then the whole
// line, else what stands before the group, both without trailing blanks.
func Trailing(src []byte, start, stop int) (text []byte, g *Group, p *Problem) {
	line := src[:stop]
	whole := bytes.TrimRight(src[start:stop], " \t\r\n")
	lastClosing := start + bytes.LastIndexByte(whole, '}')
	for i := start; i < start+len(whole); i++ {
		if line[i] == '\\' {
			i++
			continue
		}
		if !Opens(line, i) {
			continue
		}
		found, problem := Scan(line, i)
		switch {
		case problem != nil && i < lastClosing && lastClosing != start+len(whole)-1:
			continue // braces in the middle of a sentence
		case problem != nil:
			return bytes.TrimRight(src[start:i], " \t"), nil, problem
		case found.End == start+len(whole):
			return bytes.TrimRight(src[start:i], " \t"), &found, nil
		}
		i = found.End - 1
	}
	return whole, nil, nil
}
