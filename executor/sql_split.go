package executor

import "strings"

// splitSQLite takes a text apart where SQLite's own sqlite3_complete finds the end of
// a statement: at a semicolon outside of texts, quoted names and comments, and, once
// a statement began with CREATE [TEMP] TRIGGER, at the one behind its END. The driver
// has no such call, and runs only the last of several statements that give rows.
func splitSQLite(text string) []string {
	var out []string
	var s sqliteStatement
	begin := 0
	for i := 0; i < len(text); {
		n := tokenLength(text[i:])
		token := text[i : i+n]
		i += n
		switch {
		case isComment(token) || strings.TrimSpace(token) == "":
		case token == ";":
			if s.atSemicolon() {
				out = append(out, text[begin:i])
				begin, s = i, sqliteStatement{}
			}
		default:
			s.word(strings.ToLower(token))
		}
	}
	if s.words > 0 {
		out = append(out, text[begin:])
	}
	return out
}

// sqliteStatement is what has to be known of a statement to find its end.
type sqliteStatement struct {
	words   int
	create  bool // begins with CREATE [TEMP|TEMPORARY], and the last word belongs to that
	trigger bool
	ended   int // 1: a semicolon inside a trigger; 2: and END behind it
}

func (s *sqliteStatement) word(w string) {
	s.words++
	switch {
	case s.trigger:
		if s.ended == 1 && w == "end" {
			s.ended = 2
		} else {
			s.ended = 0
		}
	case s.words == 1 && w == "explain":
		s.words = 0
	case s.words == 1:
		s.create = w == "create"
	case s.create && w == "trigger":
		s.trigger = true
	default:
		s.create = s.create && (w == "temp" || w == "temporary")
	}
}

// atSemicolon tells whether a semicolon ends the statement.
func (s *sqliteStatement) atSemicolon() bool {
	if !s.trigger || s.ended == 2 {
		return s.words > 0
	}
	s.ended = 1
	return false
}

func isComment(token string) bool {
	return strings.HasPrefix(token, "--") || strings.HasPrefix(token, "/*")
}

// tokenLength is the length of the token that text, which isn't empty, begins with.
func tokenLength(text string) int {
	until := func(mark string, from int) int {
		if i := strings.Index(text[from:], mark); i >= 0 {
			return from + i + len(mark)
		}
		return len(text)
	}
	switch c := text[0]; {
	case strings.HasPrefix(text, "--"):
		return until("\n", 2)
	case strings.HasPrefix(text, "/*"):
		return until("*/", 2)
	case c == '\'' || c == '"' || c == '`': // one that is doubled begins the next token
		return until(string(c), 1)
	case c == '[':
		return until("]", 1)
	case wordByte(c):
		n := 1
		for n < len(text) && wordByte(text[n]) {
			n++
		}
		return n
	}
	return 1
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
