package prompt

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
)

// maxText bounds what can be entered, in bytes.
const maxText = 4096

// edit is one line of text with a cursor between its characters. It is our own
// because the library's input field looks for clipboard programs when the
// process starts, and would read the clipboard by a key.
type edit struct {
	chars []string // grapheme clusters
	at    int
}

func (e *edit) set(s string) {
	e.chars, e.at = nil, 0
	e.insert(s)
}

func (e *edit) String() string { return strings.Join(e.chars, "") }

// insert puts text at the cursor; what isn't printable on one line is replaced.
func (e *edit) insert(s string) {
	s = text.Line(text.Untrusted(s))
	if len(e.String())+len(s) > maxText {
		return
	}
	var in []string
	for s != "" {
		c, w := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		s = s[max(len(c), 1):]
		if w > 0 {
			in = append(in, c)
		}
	}
	e.chars = append(e.chars[:e.at:e.at], append(in, e.chars[e.at:]...)...)
	e.at += len(in)
}

// key takes an editing key, by its name, and reports whether it was one.
func (e *edit) key(k string) bool {
	switch k {
	case "left", "ctrl+b":
		e.at = max(e.at-1, 0)
	case "right", "ctrl+f":
		e.at = min(e.at+1, len(e.chars))
	case "home", "ctrl+a":
		e.at = 0
	case "end", "ctrl+e":
		e.at = len(e.chars)
	case "backspace", "ctrl+h":
		e.cut(e.at-1, e.at)
	case "delete", "ctrl+d":
		e.cut(e.at, e.at+1)
	case "ctrl+u":
		e.cut(0, e.at)
	case "ctrl+k":
		e.cut(e.at, len(e.chars))
	case "ctrl+w", "alt+backspace":
		e.cut(e.wordStart(), e.at)
	default:
		return false
	}
	return true
}

func (e *edit) wordStart() int {
	i := e.at
	for i > 0 && e.chars[i-1] == " " {
		i--
	}
	for i > 0 && e.chars[i-1] != " " {
		i--
	}
	return i
}

func (e *edit) cut(from, to int) {
	if from < 0 || to > len(e.chars) || from >= to {
		return
	}
	e.chars = append(e.chars[:from:from], e.chars[to:]...)
	if e.at > from {
		e.at = max(e.at-(to-from), from)
	}
}

// draw shows the part of the text around the cursor in at most w cells.
func (e *edit) draw(t *theme.Theme, w int) string {
	under, rest := " ", ""
	if e.at < len(e.chars) {
		under, rest = e.chars[e.at], strings.Join(e.chars[e.at+1:], "")
	}
	left := strings.Join(e.chars[:e.at], "")
	room := max(w-ansi.StringWidth(under), 0)
	if over := ansi.StringWidth(left) - room; over > 0 {
		left = ansi.TruncateLeft(left, over+1, t.Glyph.Ellipsis)
	}
	return pane.Cut(left+t.Selected.Render(under)+rest, w, t.Glyph.Ellipsis)
}
