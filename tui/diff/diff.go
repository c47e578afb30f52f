package diff

import (
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Lines draws the unified difference between two texts in lines of at most w cells.
// It is empty when they are the same.
func Lines(t *theme.Theme, was, is string, w int) []string {
	return draw(t, between(was, is), w)
}

// Text draws a unified difference, with the names in its header, in lines of at most w
// cells.
func Text(t *theme.Theme, d string, w int) []string {
	return draw(t, read(d), w)
}

// Unified is [Lines] as text of any width.
func Unified(was, is string) []string { return plain(between(was, is)) }

// Plain is [Text] as text of any width.
func Plain(d string) []string { return plain(read(d)) }

// Styles are how the lines of an output are drawn as they are; nil when they are no
// unified difference.
func Styles(t *theme.Theme, lines []string) []lipgloss.Style {
	var out []lipgloss.Style
	for i, k := range text.Changes(lines) {
		out = append(out, Style(t, k, lines[i]))
	}
	return out
}

// Style is how a line of an output is drawn that is a change of that kind.
func Style(t *theme.Theme, k text.Change, l string) lipgloss.Style {
	switch k {
	case text.Heading:
		if named(l) {
			return t.Strong
		}
	case text.Hunk:
		return t.Live
	case text.Come:
		return t.Good
	case text.Gone:
		return t.Bad.UnsetBold()
	case text.Around, text.Remark:
	}
	return t.Muted
}

// named reports whether a line of the header names one of the texts.
func named(l string) bool { return strings.HasPrefix(l, "--- ") || strings.HasPrefix(l, "+++ ") }

// line is a line of a difference, without the sign in front of it.
type line struct {
	kind text.Change
	sign string
	text string
}

// between is the difference of two texts without their names.
func between(was, is string) []line {
	all := read(text.Unified("was", "is", was, is))
	return all[min(2, len(all)):]
}

// read takes a difference apart. Of what is none, every line stays as it is.
func read(d string) []line {
	if d == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(d, "\n"), "\n")
	kinds := text.Changes(lines)
	out := make([]line, len(lines))
	for i, l := range lines {
		out[i] = line{text.Heading, "", l}
		if kinds == nil {
			continue
		}
		out[i].kind = kinds[i]
		switch kinds[i] {
		case text.Gone, text.Come:
			out[i].sign, out[i].text = l[:1], l[1:]
		case text.Around:
			out[i].sign, out[i].text = " ", strings.TrimPrefix(l, " ")
		case text.Heading, text.Hunk, text.Remark:
		}
	}
	return out
}

func draw(t *theme.Theme, lines []line, w int) []string {
	var out []string
	for _, l := range lines {
		if l.sign == "" {
			style := t.Faint
			if l.kind == text.Heading {
				style = t.Muted
			}
			if l.kind == text.Heading && named(l.text) {
				style = t.Strong
			}
			out = append(out, style.Render(pane.Cut(wording.Line(l.text), w, t.Glyph.Ellipsis)))
			continue
		}
		style := t.Code
		switch l.kind {
		case text.Gone:
			style = t.Bad
		case text.Come:
			style = t.Good
		case text.Around, text.Heading, text.Hunk, text.Remark:
		}
		for _, shown := range wording.Exact(l.text + "\n") {
			for part := range strings.SplitSeq(ansi.Hardwrap(shown, max(w-2, 1), true), "\n") {
				out = append(out, t.Exact(style, l.sign+" "+part))
			}
		}
	}
	return out
}

func plain(lines []line) []string {
	var out []string
	for _, l := range lines {
		if l.sign == "" {
			out = append(out, wording.Line(l.text))
			continue
		}
		for _, shown := range wording.Exact(l.text + "\n") {
			out = append(out, l.sign+" "+shown)
		}
	}
	return out
}
