package monitor

import (
	"strings"

	"charm.land/lipgloss/v2"

	"stepgate/tui/theme"
)

// ink is what a cell of a drawing stands for.
type ink uint8

const (
	blank ink = iota
	value
	between // from the least to the greatest of a column
	fine
	failed
	unknown
	unseen
	label
	axis
	marked // of the axis: a step
)

func (k ink) style(t *theme.Theme) lipgloss.Style {
	switch k {
	case value:
		return t.Live
	case fine:
		return t.Good
	case failed:
		return t.Bad
	case unknown:
		return t.Unsure
	case unseen:
		return t.Faint
	case label, between:
		return t.Muted
	case axis:
		return t.Border
	case marked:
		return t.Text
	case blank:
	}
	return t.Text
}

// inked is a line of cells, each drawn as what it stands for.
type inked struct {
	glyphs []string
	inks   []ink
}

// line is one of n blank cells.
func line(n int) *inked {
	l := &inked{make([]string, n), make([]ink, n)}
	for i := range l.glyphs {
		l.glyphs[i] = " "
	}
	return l
}

func (l *inked) put(k ink, glyph string) {
	l.glyphs, l.inks = append(l.glyphs, glyph), append(l.inks, k)
}

// set draws a glyph of one cell at a place.
func (l *inked) set(at int, k ink, glyph string) {
	if at >= 0 && at < len(l.glyphs) {
		l.glyphs[at], l.inks[at] = glyph, k
	}
}

// write sets a text of plain letters from a place on, where it has room and nothing but
// blanks stands there and beside it.
func (l *inked) write(at int, k ink, s string) bool {
	if at < 0 || at+len(s) > len(l.glyphs) {
		return false
	}
	for i := max(at-1, 0); i < min(at+len(s)+1, len(l.glyphs)); i++ {
		if l.inks[i] != blank {
			return false
		}
	}
	for i, c := range []byte(s) {
		l.set(at+i, k, string(c))
	}
	return true
}

// String draws the line, what is of one kind together.
func (l *inked) String(t *theme.Theme) string {
	var b strings.Builder
	for i := 0; i < len(l.glyphs); {
		j := i
		for j < len(l.glyphs) && l.inks[j] == l.inks[i] {
			j++
		}
		b.WriteString(l.inks[i].style(t).Render(strings.Join(l.glyphs[i:j], "")))
		i = j
	}
	return b.String()
}
