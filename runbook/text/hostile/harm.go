package hostile

import (
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/text"
)

// most is how many bytes of text a terminal may be asked to draw in one place.
const most = 128

// Harm says what of a text must not reach a terminal, or "". Colours are the
// caller's to take out before.
func Harm(s string) string {
	if why := Acts(s); why != "" {
		return why
	}
	for rest := s; rest != ""; {
		one, _ := ansi.FirstGraphemeCluster(rest, ansi.GraphemeWidth)
		if len(one) > most {
			return "more than a character in one place"
		}
		rest = rest[max(len(one), 1):]
	}
	return ""
}

// Acts says what of a text a terminal acts on, or a reader can't see; "" where
// there is nothing.
func Acts(s string) string {
	if !utf8.ValidString(s) {
		return "broken UTF-8"
	}
	for _, r := range s {
		if r != '\n' && r != utf8.RuneError && text.Hidden(r) {
			return text.Token(r)
		}
	}
	return ""
}
