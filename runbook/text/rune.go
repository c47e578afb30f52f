package text

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Hidden reports whether a reader can't see r or is misled by it: controls
// other than tab and newline, bidirectional marks, zero-width characters,
// variation selectors, tags, fillers, blanks that aren't a space. A command
// that holds one is refused.
func Hidden(r rune) bool {
	switch {
	case r >= 0x20 && r < 0x7f || r == '\n' || r == '\t':
		return false
	case r == ideographicSpace:
		return false
	case r == 0x034f, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x3164, r == 0xffa0:
		return true // fillers that count as letters or marks
	case selector(r):
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Cs, unicode.Z) || r == utf8.RuneError
}

// ideographicSpace is the wide blank of Chinese and Japanese text: two cells,
// and seen as such.
const ideographicSpace = 0x3000

// selector reports a variation selector; Mongolian ones included.
func selector(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r >= 0x180b && r <= 0x180f
}

// FindHidden returns the byte offset of the first hidden character of s, or -1.
func FindHidden(s string) (int, rune) {
	for i, r := range s {
		if r >= utf8.RuneSelf || r < 0x20 || r == 0x7f {
			if Hidden(r) {
				return i, r
			}
		}
	}
	return -1, 0
}

// Token is how a character that must not reach a terminal is shown: ␛ for a
// control character of ASCII, else ⟨U+202E⟩.
func Token(r rune) string { return string(appendToken(nil, r)) }

func appendToken(dst []byte, r rune) []byte {
	switch {
	case r < 0x20:
		return utf8.AppendRune(dst, 0x2400+r)
	case r == 0x7f:
		return append(dst, "␡"...)
	}
	return fmt.Appendf(dst, "⟨U+%04X⟩", r)
}

// Untrusted is text from outside: a runbook, a command's output, a host's name,
// another program's error. [Line], [Block] and [Sanitizer] make it fit to show.
type Untrusted string

// Line returns u as one line: line ends become ␤ and ␍, a tab one blank. It is
// idempotent.
func Line(u Untrusted) string {
	s := Sanitizer{oneLine: true}
	return render(&s, string(u))
}

// Block returns u as lines that end in \n, with tabs expanded. It is idempotent.
func Block(u Untrusted) string {
	var s Sanitizer
	return render(&s, string(u))
}

func render(s *Sanitizer, u string) string {
	if plain(u, s.oneLine) {
		return u
	}
	dst := make([]byte, 0, len(u)+len(u)/8)
	dst = s.Append(dst, []byte(u))
	return string(s.Flush(dst))
}

// plain reports whether the sanitizer would leave u as it is, by bytes alone.
func plain(u string, oneLine bool) bool {
	for i := 0; i < len(u); i++ {
		if c := u[i]; (c < 0x20 || c >= 0x7f) && (c != '\n' || oneLine) {
			return false
		}
	}
	return true
}
