package runbook

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"stepgate/checks"
	"stepgate/runbook/text"
)

// Limits of a runbook file.
const (
	MaxSource  = 5 << 20 // bytes
	MaxLines   = 200_000 // what is open costs memory on each of them
	MaxNesting = 32      // lists, quotes and headings in each other
	MaxSteps   = 5000
	// MaxFindings of one severity are reported. More errors end the parse; more
	// warnings are left out.
	MaxFindings = 1000
	maxFences   = 20_000
	maxNames    = 1000 // parameters, captures and host variables
)

// parser holds one file while it is read. Offsets count bytes of src.
type parser struct {
	file  string
	src   []byte // line ends are \n
	text  string // src again, for what is kept of it
	lines []int  // offset of each line's first byte
	last  int    // line that was asked for last
	bidi  bool   // it holds characters that change the direction of text

	*closure
	head    *header
	doc     *outline
	start   int      // where the document begins, behind the front matter
	part    bool     // it is included
	stack   []string // what is being included, the outermost first
	carried carry
}

// newParser begins a runbook.
func newParser(file string, src []byte) *parser {
	return newClosure(file, src).parser(file, src)
}

// parser begins another file of the runbook.
func (c *closure) parser(file string, src []byte) *parser {
	p := &parser{file: file, src: bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")), closure: c, head: newHeader()}
	if bytes.Contains(p.src, []byte("\r\n")) {
		p.src = bytes.ReplaceAll(p.src, []byte("\r\n"), []byte("\n"))
	}
	p.text = string(p.src)
	p.lines = make([]int, 1, 1+strings.Count(p.text, "\n"))
	for at := 0; ; {
		n := strings.IndexByte(p.text[at:], '\n')
		if n < 0 {
			return p
		}
		at += n + 1
		p.lines = append(p.lines, at)
	}
}

// pos returns the place of the byte at offset at.
func (p *parser) pos(at int) Pos {
	line := p.line(at)
	return Pos{File: p.file, Line: line + 1, Col: at - p.lines[line] + 1}
}

// line returns the number of the line that holds offset at, from 0.
func (p *parser) line(at int) int {
	for i := p.last; i < min(p.last+4, len(p.lines)); i++ { // most questions go on from the last
		if p.lines[i] <= at && (i+1 == len(p.lines) || at < p.lines[i+1]) {
			p.last = i
			return i
		}
	}
	p.last = sort.Search(len(p.lines), func(i int) bool { return p.lines[i] > at }) - 1
	return p.last
}

// lineStart returns the offset of the first byte of at's line.
func (p *parser) lineStart(at int) int { return p.lines[p.line(at)] }

// lineEnd returns the offset of the \n that ends at's line, or of the file's end.
func (p *parser) lineEnd(at int) int {
	if i := bytes.IndexByte(p.src[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(p.src)
}

// flooded ends a parse that finds nothing but mistakes.
type flooded struct{}

func (p *parser) report(at Pos, s Severity, rule, what, remedy string) {
	if p.found[s]++; p.found[s] > MaxFindings {
		if s == Error {
			panic(flooded{})
		}
		return
	}
	p.diags = append(p.diags, Diagnostic{Pos: at, Severity: s, Rule: rule, Text: what, Remedy: remedy})
}

// excess refuses the first of what is too many, and ends the parse.
func (p *parser) excess(at Pos, what string) {
	if !p.tooMany {
		p.report(at, Error, "too-large", "the runbook has more than "+what, "split the runbook")
	}
	p.tooMany = true
}

func (p *parser) errorAt(at int, rule, what, remedy string) {
	p.report(p.pos(at), Error, rule, what, remedy)
}

func (p *parser) warnAt(at int, rule, what, remedy string) {
	p.report(p.pos(at), Warning, rule, what, remedy)
}

// laterAt notes what can be planned and not be run.
func (p *parser) laterAt(at Pos, what string) {
	if len(p.book.Later) >= MaxFindings {
		return
	}
	p.book.Later = append(p.book.Later, Diagnostic{
		Pos: at, Severity: Error, Rule: "not-yet", Text: "not yet: " + what, Remedy: "this version plans it and doesn't run it; leave it out to run the rest",
	})
}

// severity of what is a mistake in a runbook, and may be innocent in a plain
// document that was written for people.
func (p *parser) severity() Severity {
	if p.book.Annotated {
		return Error
	}
	return Warning
}

// quote shows a piece of the source in a message: one line, cut when long.
func quote(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return `"` + text.Line(text.Untrusted(s)) + `"`
}

// meant is the remedy for an unknown word: the known one it resembles, else the
// choice there is, which is listed when it differs from all that is known.
func meant(word string, known []string, listed ...string) string {
	if did := near(word, known); did != "" {
		return "did you mean " + did + "?"
	}
	if listed == nil {
		listed = known
	}
	listed = slices.Sorted(slices.Values(listed))
	const most = 20
	switch {
	case len(listed) == 0:
		return "there is nothing it could name; remove it"
	case len(listed) > most:
		return "known here: " + strings.Join(listed[:most], ", ") + " …"
	}
	return "known here: " + strings.Join(listed, ", ")
}

// near returns the known word that word resembles, or "".
func near(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	return checks.Did(word, known)
}

// readable refuses bytes that no later stage could show or place: text that
// isn't UTF-8, NUL, and nesting beyond all use.
func (p *parser) readable() bool {
	if len(p.src) > MaxSource {
		p.report(Pos{p.file, 1, 1}, Error, "too-large",
			fmt.Sprintf("the file has %d bytes, more than %d", len(p.src), MaxSource), "split the runbook")
		return false
	}
	if len(p.lines) > MaxLines {
		p.errorAt(p.lines[MaxLines], "too-large", fmt.Sprintf("the file has %d lines, more than %d", len(p.lines), MaxLines), "split the runbook")
		return false
	}
	if i := bytes.IndexByte(p.src, 0); i >= 0 {
		p.errorAt(i, "encoding", "the file holds a NUL byte", "save it as UTF-8 text")
		return false
	}
	if !utf8.Valid(p.src) {
		at := 0
		for at < len(p.src) {
			r, n := utf8.DecodeRune(p.src[at:])
			if r == utf8.RuneError && n <= 1 {
				break
			}
			at += n
		}
		p.errorAt(at, "encoding", "the file is not UTF-8 here", "save it as UTF-8 text")
		return false
	}
	p.bidi = strings.IndexFunc(p.text, reorders) >= 0
	return p.shallow()
}

// reorders reports a character that changes the direction of the text around it.
func reorders(r rune) bool { return r >= utf8.RuneSelf && unicode.Is(unicode.Bidi_Control, r) }

// reordered warns of text that is shown in another order than it is written.
func (p *parser) reordered(start, stop int) {
	if !p.bidi {
		return
	}
	if i := strings.IndexFunc(p.text[start:stop], reorders); i >= 0 {
		p.warnAt(start+i, "invisible", "the text holds characters that change its direction", "remove them")
	}
}

// shallow refuses lines that open more lists and quotes in each other than
// MaxNesting, before anything recurses over them.
func (p *parser) shallow() bool {
	const widest = 8 * MaxNesting // columns at which a list may begin
	for _, start := range p.lines {
		marks := 0
		for i := start; ; marks++ {
			for i < len(p.src) && (p.src[i] == ' ' || p.src[i] == '\t') {
				i++
			}
			n := marker(p.src[i:])
			if n == 0 {
				break
			}
			if marks >= MaxNesting || i-start > widest {
				if ruled(p.src[start:p.lineEnd(start)]) {
					break
				}
				p.errorAt(i, "nesting", fmt.Sprintf("more than %d lists and quotes stand in each other", MaxNesting), "use headings")
				return false
			}
			i += n
		}
	}
	return true
}

// marker returns the length of the list or quote marker that b begins with.
func marker(b []byte) int {
	n := 0
	for n < len(b) && n < 9 && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	switch {
	case n >= len(b):
		return 0
	case n == 0 && b[0] == '>':
		return 1
	case n == 0 && bytes.IndexByte([]byte("-*+"), b[0]) < 0, n > 0 && b[n] != '.' && b[n] != ')':
		return 0
	case n+1 < len(b) && b[n+1] != ' ' && b[n+1] != '\t':
		return 0
	}
	return n + 1
}

// ruled reports whether the line is a rule such as `- - -`.
func ruled(line []byte) bool {
	line = bytes.ReplaceAll(line, []byte(" "), nil)
	return len(line) > 0 && line[0] != '>' && len(bytes.Trim(line, string(line[0]))) == 0
}
