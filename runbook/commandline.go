package runbook

import "strings"

// commandLine is a simple command of a fence: its words with the quotes removed
// and without what variables give, as [words] makes them of a parsed one.
type commandLine struct {
	args  []string
	piped bool   // it reads what the command before it prints
	carry string // of cd and export, which carry over: all of it as written
}

// lineReader reads shell text that is nothing but simple commands, one behind
// the other: words, quotes, plain variables, pipes, && and ||, comments. Most
// fences of most documents are, and the shell parser costs more than all the
// rest of a parse. Whatever else stands in the text is left to that parser.
type lineReader struct {
	s     string
	i     int
	cmds  []commandLine
	args  []string // of the command being read
	from  int      // where it begins; -1: not yet
	to    int      // behind its last word
	pipe  bool
	lead  bool // no word but assignments was read yet
	owed  bool // an operator waits for its right side
	stmt  int  // the statement's first command
	mixed bool // the statement has pipes or ||: its commands may not be run, or not in this shell
}

// commandLines returns the simple commands of a text. ok is false when there is
// anything else in it.
func commandLines(s string) (cmds []commandLine, ok bool) {
	r := lineReader{s: s, lead: true, from: -1}
	if strings.IndexByte(s, '\r') >= 0 {
		return nil, false
	}
	for r.i < len(r.s) {
		if !r.next() {
			return nil, false
		}
	}
	if r.owed || !r.end() || !r.statement() {
		return nil, false
	}
	return r.cmds, true
}

// end closes the command being read.
func (r *lineReader) end() bool {
	if len(r.args) > 0 {
		cmd := commandLine{args: r.args[:len(r.args):len(r.args)], piped: r.pipe}
		switch cmd.args[0] {
		case "cd":
			if cmd.carry = r.s[r.from:r.to]; cmd.carry != "cd" && !strings.HasPrefix(cmd.carry, "cd ") {
				return false
			}
		case "export":
			if cmd.carry = r.s[r.from:r.to]; !exports(cmd) {
				return false
			}
		}
		r.cmds = append(r.cmds, cmd)
	}
	r.args, r.pipe, r.lead, r.from = r.args[len(r.args):], false, true, -1
	return true
}

// exports reports whether an export names variables and nothing else.
func exports(cmd commandLine) bool {
	for _, arg := range cmd.args[1:] {
		if n := nameLength(arg); n == 0 || n < len(arg) && arg[n] != '=' {
			return false
		}
	}
	return len(cmd.args) > 1 && strings.HasPrefix(cmd.carry, "export ")
}

// statement closes the statement being read.
func (r *lineReader) statement() bool {
	for _, cmd := range r.cmds[r.stmt:] {
		if r.mixed && cmd.carry != "" {
			return false
		}
	}
	r.stmt, r.mixed = len(r.cmds), false
	return true
}

// next reads a blank, an operator, a comment or a word.
func (r *lineReader) next() bool {
	switch c := r.s[r.i]; c {
	case ' ', '\t':
		r.i++
	case '\n':
		if r.owed || !r.end() || !r.statement() {
			return false
		}
		r.i++
	case '#':
		comment, _, _ := strings.Cut(r.s[r.i:], "\n")
		r.i += len(comment)
		return !strings.HasSuffix(comment, "\\")
	case '\\':
		if !strings.HasPrefix(r.s[r.i:], "\\\n") || r.i == 0 || r.s[r.i-1] != ' ' || r.i+2 == len(r.s) {
			return false
		}
		r.i += 2
	case '|', '&', ';':
		return r.operator(c)
	default:
		return r.word()
	}
	return true
}

func (r *lineReader) operator(c byte) bool {
	if len(r.args) == 0 || r.owed {
		return false
	}
	r.i++
	twice := r.i < len(r.s) && r.s[r.i] == c
	if twice {
		r.i++
	}
	if r.i < len(r.s) && strings.IndexByte("|&;", r.s[r.i]) >= 0 || c == ';' && twice || c == '&' && !twice {
		return false
	}
	r.mixed = r.mixed || c == '|'
	if !r.end() || c == ';' && !r.statement() {
		return false
	}
	r.pipe, r.owed = c == '|' && !twice, c != ';'
	return true
}

// plainBytes may stand in a word and mean themselves, or file names.
var plainBytes = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_-./:=,@%+*?~^[]", byte(c)) >= 0
	}
	return t
}()

// maxParts bounds the quotes and variables in one word that is read here.
const maxParts = 50

// word reads one word of the command.
func (r *lineReader) word() bool {
	start := r.i
	for r.i < len(r.s) && plainBytes[r.s[r.i]] {
		r.i++
	}
	value := r.s[start:r.i]
	for n := 0; r.i < len(r.s) && strings.IndexByte(" \t\n|&;", r.s[r.i]) < 0; n++ {
		part, ok := r.part()
		if !ok || n > maxParts {
			return false
		}
		value += part
	}
	r.owed, r.to = false, r.i
	if r.from < 0 {
		r.from = start
	}
	if r.lead {
		if assigns(r.s[start:r.i]) {
			return true
		}
		if reservedWords[value] || strings.Contains(value, "+=") || value != "[" && strings.ContainsAny(value, "[]") {
			return false
		}
		r.lead = false
	}
	r.args = append(r.args, value)
	return true
}

// part reads a piece of a word that has more than plain bytes in it.
func (r *lineReader) part() (string, bool) {
	c := r.s[r.i]
	start := r.i
	switch {
	case plainBytes[c]:
		for r.i < len(r.s) && plainBytes[r.s[r.i]] {
			r.i++
		}
		return r.s[start:r.i], true
	case c == '\'':
		n := strings.IndexByte(r.s[r.i+1:], '\'')
		if n < 0 {
			return "", false
		}
		r.i += n + 2
		return r.s[start+1 : r.i-1], !strings.Contains(r.s[start:r.i], "\\")
	case c == '"':
		return r.quoted()
	case c == '$':
		return "", r.variable()
	}
	return "", false
}

// quoted reads a piece in double quotes.
func (r *lineReader) quoted() (string, bool) {
	r.i++
	value, from := "", r.i
	for n := 0; r.i < len(r.s) && n <= maxParts; {
		switch r.s[r.i] {
		case '"':
			value += r.s[from:r.i]
			r.i++
			return value, true
		case '\\', '`':
			return "", false
		case '$':
			value += r.s[from:r.i]
			if !r.variable() {
				return "", false
			}
			from = r.i
			n++
		default:
			r.i++
		}
	}
	return "", false
}

// variable reads $NAME or ${NAME}.
func (r *lineReader) variable() bool {
	r.i++
	braced := r.i < len(r.s) && r.s[r.i] == '{'
	if braced {
		r.i++
	}
	n := nameLength(r.s[r.i:])
	r.i += n
	if braced {
		if r.i >= len(r.s) || r.s[r.i] != '}' {
			return false
		}
		r.i++
	}
	return n > 0 && (r.i >= len(r.s) || r.s[r.i] != '[' && r.s[r.i] < 0x80)
}

// nameLength is the length of the variable's name that s begins with.
func nameLength(s string) int {
	n := 0
	for n < len(s) && (s[n] == '_' || 'a' <= s[n] && s[n] <= 'z' || 'A' <= s[n] && s[n] <= 'Z' || n > 0 && '0' <= s[n] && s[n] <= '9') {
		n++
	}
	return n
}

// assigns reports whether a word before a command is an assignment.
func assigns(word string) bool {
	n := nameLength(word)
	return n > 0 && n < len(word) && word[n] == '='
}

// reservedWords begin what is no simple command, or a command that the parser
// treats in its own way.
var reservedWords = map[string]bool{
	"if": true, "then": true, "elif": true, "else": true, "fi": true, "for": true, "foreach": true, "while": true, "until": true, "do": true, "done": true,
	"case": true, "esac": true, "in": true, "select": true, "function": true, "time": true, "coproc": true, "repeat": true, "end": true,
	"declare": true, "typeset": true, "local": true, "readonly": true, "nameref": true, "let": true,
	"nocorrect": true, "noglob": true, "always": true, "float": true, "integer": true,
}
