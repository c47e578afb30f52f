package theme

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Marks of what can't be seen otherwise in text that runs, as tui/wording sets them, and
// what stands for them in ASCII. Each keeps its width.
var exactMarks = map[rune]rune{'→': '>', '·': ' ', '⟨': '<', '⟩': '>', '…': '~'}

// Exact draws a line of text that runs. Where only ASCII can be shown, the marks of
// tabs, blanks at a line's end and control characters are drawn reversed, so that they
// can't be taken for the text itself: a control character as its letter.
func (t *Theme) Exact(style lipgloss.Style, s string) string {
	if !t.ascii {
		return style.Render(s)
	}
	var b, plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			b.WriteString(style.Render(plain.String()))
			plain.Reset()
		}
	}
	for _, r := range s {
		mark, is := exactMarks[r]
		if r >= '\u2400' && r <= '\u241f' {
			mark, is = '@'+r-'\u2400', true
		}
		if !is {
			plain.WriteRune(r)
			continue
		}
		flush()
		b.WriteString(t.Selected.Render(string(mark)))
	}
	flush()
	return b.String()
}
