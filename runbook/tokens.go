package runbook

import "strings"

type tokenKind uint8

const (
	wordToken tokenKind = iota
	textToken           // a string; text is what stands between the quotes
	otherToken
)

// token is a piece of an expression. The compiler of expressions judges them;
// these serve to find what an expression speaks of.
type token struct {
	kind tokenKind
	text string
	at   int
}

// tokenize splits an expression, without comments and blanks.
func tokenize(s string) []token {
	var out []token
	for i := 0; i < len(s); {
		start := i
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case strings.HasPrefix(s[i:], "//"):
			if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
				i += n
			} else {
				i = len(s)
			}
			continue
		case strings.HasPrefix(s[i:], "/*"):
			if n := strings.Index(s[i+2:], "*/"); n >= 0 {
				i += n + 4
			} else {
				i = len(s)
			}
			continue
		case c == '"' || c == '\'' || c == '`':
			i = closing(s, i)
			out = append(out, token{textToken, s[start+1 : max(start+1, i-1)], start})
			continue
		case wordByte(c) || c >= 0x80:
			for i < len(s) && (wordByte(s[i]) || s[i] >= 0x80) {
				i++
			}
			out = append(out, token{wordToken, s[start:i], start})
			continue
		case strings.HasPrefix(s[i:], "?.") || strings.HasPrefix(s[i:], "??"):
			i += 2
		default:
			i++
		}
		out = append(out, token{otherToken, s[start:i], start})
	}
	return out
}

// closing returns the offset behind the string that begins at s[i].
func closing(s string, i int) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quote != '`':
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}
