package pane

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Width is how many cells a styled line takes: what ansi.StringWidth says, found
// without looking for grapheme clusters where plain letters and the screen's own
// glyphs leave none to be found.
func Width(s string) int {
	n := 0
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c >= ' ' && c < 0x7f:
			n++
			i++
		case c == '\x1b':
			end := sgr(s[i:])
			if end == 0 {
				return ansi.StringWidth(s)
			}
			i += end
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if i += size; !single(r) || i < len(s) && s[i] >= utf8.RuneSelf && !drawn(s[i:]) {
				return ansi.StringWidth(s)
			}
			n++
		}
	}
	return n
}

// sgr is the length of a sequence that sets colours or weight; 0: it isn't one.
func sgr(s string) int {
	if len(s) < 3 || s[1] != '[' {
		return 0
	}
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case c == 'm':
			return i + 1
		case c != ';' && c != ':' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}

// single reports whether a character that the screen draws itself takes one cell,
// whatever stands before it.
func single(r rune) bool {
	switch {
	case r >= 0x2500 && r <= 0x257f, r >= 0x2581 && r <= 0x2588, r == 0x2591, r >= 0x2801 && r <= 0x28ff:
		return true
	}
	return strings.ContainsRune("·…–•○◆✓✗»↶⊘▾▸›●↵↑↓", r)
}

// drawn reports whether a text begins with one of them.
func drawn(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return single(r)
}
