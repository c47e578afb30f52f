package markdown

import (
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func wideEnd(b []byte) bool {
	_, n := utf8.DecodeLastRune(b)
	return ansi.StringWidth(string(b[len(b)-n:])) == 2
}

func wideStart(b []byte) bool {
	_, n := utf8.DecodeRune(b)
	return ansi.StringWidth(string(b[:n])) == 2
}
