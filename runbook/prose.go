package runbook

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

const tabStop = 4

// columns returns how wide a line's beginning is, tabs expanded as Markdown does.
func columns(b []byte) int {
	n := 0
	for _, c := range b {
		if c == '\t' {
			n += tabStop - n%tabStop
		} else {
			n++
		}
	}
	return n
}

// dedent removes up to indent columns of blanks from each line, and empty lines
// at both ends.
func dedent(s string, indent int) string {
	if indent == 0 {
		return trimLines(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for line := range strings.Lines(s) {
		n, cut := 0, 0
		for cut < len(line) && n < indent && (line[cut] == ' ' || line[cut] == '\t') {
			if line[cut] == '\t' {
				n += tabStop - n%tabStop
			} else {
				n++
			}
			cut++
		}
		for range n - indent {
			b.WriteByte(' ')
		}
		b.WriteString(line[cut:])
	}
	return trimLines(b.String())
}

// trimLines removes empty lines at both ends and blanks at the end.
func trimLines(s string) string {
	s = strings.TrimRight(s, " \t\n")
	for {
		line, rest, found := strings.Cut(s, "\n")
		if !found || strings.TrimSpace(line) != "" {
			return s
		}
		s = rest
	}
}

// table reports whether s holds the line under a table's head.
func table(s string) bool {
	if strings.IndexByte(s, '|') < 0 {
		return false
	}
	for line := range strings.Lines(s) {
		if strings.Trim(line, " \t\n|:-") == "" && strings.Contains(line, "-") && strings.Contains(line, "|") {
			return true
		}
	}
	return false
}

// unquote removes one level of `> `.
func unquote(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		line = strings.TrimLeft(line, " ")
		if rest, ok := strings.CutPrefix(line, ">"); ok {
			line = strings.TrimPrefix(rest, " ")
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// withoutComments removes HTML comments that stand outside code.
func withoutComments(s string) string {
	if !strings.Contains(s, "<!--") {
		return trimLines(s)
	}
	var b strings.Builder
	eachComment(s, func(text string, comment bool) {
		if !comment {
			b.WriteString(text)
		}
	})
	return trimLines(b.String())
}

// eachComment cuts s into comments and the rest. A comment in a code span is
// code; one that isn't closed goes to the end.
func eachComment(s string, f func(text string, comment bool)) {
	from := 0
	for i := 0; i < len(s); {
		switch {
		case s[i] == '`':
			run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
			i += run
			if end := strings.Index(s[i:], strings.Repeat("`", run)); end >= 0 {
				i += end + run
			}
		case strings.HasPrefix(s[i:], "<!--"):
			f(s[from:i], false)
			end := len(s)
			if n := strings.Index(s[i+4:], "-->"); n >= 0 {
				end = i + 4 + n + 3
			}
			f(s[i:end], true)
			i, from = end, end
		default:
			i++
		}
	}
	f(s[from:], false)
}

var inline = goldmark.DefaultParser()

// blanked makes runs of blanks and line ends one blank.
func blanked(s string) string {
	for i := range len(s) {
		if c := s[i]; c == '\n' || c == '\t' || c >= 0x80 || c == ' ' && (i == 0 || i+1 == len(s) || s[i+1] == ' ') {
			return strings.Join(strings.Fields(s), " ")
		}
	}
	return s
}

// plainText removes Markdown's inline markup from one line.
func plainText(s string) string {
	const most = 1000
	if len(s) > most || !strings.ContainsAny(s, "`*_[<\\&") {
		return blanked(s)
	}
	if plain, ok := unmarked(s); ok {
		return blanked(plain)
	}
	const ahead = "x " // so that nothing is taken for the mark of a list or a quotation
	src := []byte(ahead + s)
	var b strings.Builder
	doc := inline.Parse(text.NewReader(src))
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(src))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.URL(src))
		}
		return ast.WalkContinue, nil
	})
	if out := blanked(strings.TrimPrefix(b.String(), ahead)); err == nil && out != "" {
		return out
	}
	return blanked(s)
}

// unmarked removes the markup that most titles have, code and emphasis around
// plain words, without the Markdown parser. ok is false when there is other.
func unmarked(s string) (plain string, ok bool) {
	var b strings.Builder
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if strings.IndexByte("`*_[<\\&", c) < 0 {
			i++
			continue
		}
		run := 1
		for i+run < len(s) && s[i+run] == c {
			run++
		}
		n := -1
		if c == '`' || c == '*' {
			n = strings.IndexByte(s[i+run:], c)
		}
		switch {
		case c == '_' && run == 1 && i > 0 && i+1 < len(s) && plainLetter(s[i-1]) && plainLetter(s[i+1]):
			i++
			continue
		case n <= 0 || run > 2 || c == '`' && run > 1:
			return "", false
		}
		inner := s[i+run : i+run+n]
		end := i + run + n
		if end+run > len(s) || s[end:end+run] != s[i:i+run] || end+run < len(s) && s[end+run] == c {
			return "", false
		}
		if c == '*' && (strings.ContainsAny(inner, "`_[<\\&") || !plainLetter(inner[0]) || !plainLetter(inner[n-1])) || c == '`' && strings.ContainsAny(inner, " \n") {
			return "", false
		}
		b.WriteString(s[from:i])
		b.WriteString(inner)
		i = end + run
		from = i
	}
	b.WriteString(s[from:])
	return b.String(), true
}

func plainLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

const leadCells = 60

// leadIn makes a title of the paragraph before a command: its last sentence,
// without the colon.
func leadIn(s string) string {
	s = plainText(s)
	s = strings.TrimRight(s, " :：.。")
	if len(s) <= leadCells { // a cell has at least one byte
		return s
	}
	for _, stop := range []string{". ", "。", "; "} {
		if i := strings.LastIndex(s, stop); i >= 0 && ansi.StringWidth(s) > leadCells {
			s = strings.TrimSpace(s[i+len(stop):])
		}
	}
	return ansi.Truncate(s, leadCells, "…")
}
