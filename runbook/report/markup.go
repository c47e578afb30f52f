package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"stepgate/runbook/text"
)

// document is a Markdown text that grows. Its methods take untrusted text and
// keep it in the place they put it.
type document struct{ b strings.Builder }

// line writes a line of the document's own making; args must be marked up.
func (d *document) line(format string, args ...any) {
	fmt.Fprintf(&d.b, format+"\n", args...)
}

// gap ends a paragraph.
func (d *document) gap() { d.b.WriteString("\n") }

// heading writes a heading; depth 1 is the document's title.
func (d *document) heading(depth int, words string) {
	d.line("%s %s\n", strings.Repeat("#", min(depth, 6)), words)
}

// fence writes text as a code block, with a fence longer than any run of
// backticks inside. A lang that isn't one word is left out.
func (d *document) fence(lang, s string) {
	if strings.ContainsFunc(lang, func(r rune) bool { return !wordy(r) && r != '-' && r != '+' }) {
		lang = ""
	}
	s = strings.TrimSuffix(block(s), "\n")
	mark := strings.Repeat("`", max(3, longestRun(s, '`')+1))
	d.line("%s%s\n%s\n%s\n", mark, lang, s, mark)
}

// printed writes a fence with what a command or check printed; full is the whole of
// it, which tells whether it is a difference.
func (d *document) printed(s, full string) {
	lang := "text"
	if text.Changes(strings.Split(strings.TrimRight(full, "\n"), "\n")) != nil {
		lang = "diff"
	}
	d.fence(lang, s)
}

// exact writes a fence with text that was run, and its hash where the screen
// form differs from the bytes.
func (d *document) exact(lang, s string) {
	d.fence(lang, s)
	if block(s) != s {
		sum := sha256.Sum256([]byte(s))
		d.line("Shown with tabs and invisible characters made visible; SHA-256 of the bytes: `%s`.\n", hex.EncodeToString(sum[:]))
	}
}

// quote writes Markdown of the runbook as a block quote, without its HTML.
func (d *document) quote(markdown string) {
	markdown = strings.TrimSpace(block(markdown))
	if markdown == "" {
		return
	}
	markdown = strings.NewReplacer("<", "&lt;").Replace(markdown)
	d.line("> %s\n", strings.ReplaceAll(markdown, "\n", "\n> "))
}

func block(s string) string { return text.Block(text.Untrusted(s)) }

func line(s string) string { return text.Line(text.Untrusted(s)) }

func longestRun(s string, c rune) int {
	longest, n := 0, 0
	for _, r := range s {
		if r != c {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return longest
}

// code is one line of untrusted text as a code span.
func code(s string) string {
	s = line(s)
	if s == "" {
		return "(empty)"
	}
	mark := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.TrimSpace(s) == "" {
		return mark + " " + s + " " + mark
	}
	return mark + s + mark
}

// inline is one line of untrusted text within a sentence or heading. Code spans
// of a single backtick are kept, since titles have them.
func inline(s string) string {
	s = strings.TrimSpace(line(s))
	parts := strings.Split(s, "`")
	spans := len(parts)%2 == 1 && longestRun(s, '`') < 2
	var b strings.Builder
	for i, p := range parts {
		switch {
		case i > 0 && spans:
			b.WriteString("`")
		case i > 0:
			b.WriteString("\\`")
		}
		if spans && i%2 == 1 {
			b.WriteString(p)
		} else {
			escape(&b, p)
		}
	}
	return b.String()
}

// escape writes text so that Markdown takes none of it for markup. An
// underscore within a word is no markup.
func escape(b *strings.Builder, s string) {
	var before rune
	for i, r := range s {
		switch r {
		case '\\', '*', '[', ']', '~', '|', '#':
			b.WriteByte('\\')
		case '<':
			b.WriteString("&lt;")
			before = r
			continue
		case '&':
			b.WriteString("&amp;")
			before = r
			continue
		case '_':
			after, _ := utf8.DecodeRuneInString(s[i+1:])
			if !wordy(before) || !wordy(after) {
				b.WriteByte('\\')
			}
		}
		b.WriteRune(r)
		before = r
	}
}

func wordy(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
