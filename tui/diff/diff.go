package diff

import (
	"slices"
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
	for _, l := range unified(was, is) {
		if l[0] == '@' || l[0] == '\\' {
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

// Unified is [Lines] as text of any width.
func Unified(was, is string) []string {
	var out []string
	for _, l := range unified(was, is) {
		if l[0] == '@' || l[0] == '\\' {
			out = append(out, l)
			continue
		}
		for _, shown := range wording.Exact(l[1:] + "\n") {
			out = append(out, l[:1]+" "+shown)
		}
	}
	return out
}

// unified is the difference without the names of the texts.
func unified(was, is string) []string {
	lines := strings.Split(udiff.Unified("was", "is", was, is), "\n")
	return slices.DeleteFunc(lines[min(2, len(lines)):], func(l string) bool { return l == "" })
}
