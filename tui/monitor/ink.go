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
	inks
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
	case blank, inks:
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

// pens draw what cells stand for with a theme. A line of a chart may change its ink at
// each cell, so what a style puts around a text is found once.
type pens struct {
	t             *theme.Theme
	made          [inks]bool
	before, after [inks]string
}

func (p *pens) make(k ink) {
	const text = "x" // which no sequence that sets colours or weight has in it
	p.before[k], p.after[k], _ = strings.Cut(k.style(p.t).Render(text), text)
	p.made[k] = true
}

// draw draws the line, what is of one kind together.
func (l *inked) draw(p *pens) string {
	var b strings.Builder
	for i := 0; i < len(l.glyphs); {
		k := l.inks[i]
		if !p.made[k] {
			p.make(k)
		}
		b.WriteString(p.before[k])
		for ; i < len(l.glyphs) && l.inks[i] == k; i++ {
			b.WriteString(l.glyphs[i])
		}
		b.WriteString(p.after[k])
	}
	return b.String()
}
