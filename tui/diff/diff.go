package diff

import (
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Lines draws the unified difference between two texts in lines of at most w cells.
// It is empty when they are the same.
func Lines(t *theme.Theme, was, is string, w int) []string {
	var out []string
	unified := strings.TrimSuffix(udiff.Unified("was", "is", was, is), "\n")
	for i, l := range strings.Split(unified, "\n") {
		switch {
		case i < 2 || l == "":
			continue // the names
		case l[0] == '@' || l[0] == '\\':
			out = append(out, t.Faint.Render(pane.Cut(l, w, t.Glyph.Ellipsis)))
			continue
		}
		style, lead := t.Code, l[:1]
		switch lead {
		case "-":
			style = t.Bad
		case "+":
			style = t.Good
		}
		for _, shown := range wording.Exact(l[1:] + "\n") {
			for part := range strings.SplitSeq(ansi.Hardwrap(shown, max(w-2, 1), true), "\n") {
				out = append(out, t.Exact(style, lead+" "+part))
			}
		}
	}
	return out
}
