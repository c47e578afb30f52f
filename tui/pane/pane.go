package pane

import (
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/theme"
)

// Cut shortens a styled line to at most w cells; tail stands for what is left
// out.
func Cut(s string, w int, tail string) string {
	if w <= 0 {
		return ""
	}
	if Width(s) <= w {
		return s
	}
	if Width(tail) > w {
		tail = ""
	}
	return ansi.Truncate(s, w, tail)
}

// Fit cuts or pads a styled line to exactly w cells.
func Fit(s string, w int, tail string) string {
	s = Cut(s, w, tail)
	if pad := w - Width(s); pad > 0 {
		s += strings.Repeat(" ", pad)
	}
	return s
}

// Row puts left and right on a line of exactly w cells. Left gives way first.
func Row(left, right string, w int, tail string) string {
	rw := Width(right)
	if rw == 0 {
		return Fit(left, w, tail)
	}
	if rw+2 > w {
		return Fit(right, w, tail)
	}
	return Fit(left, w-rw-1, tail) + " " + right
}

// Flow joins parts with a separator in lines of at most w cells, and breaks a
// part only when it is longer than a line.
func Flow(parts []string, sep string, w int) []string {
	var out []string
	for _, p := range parts {
		if n := len(out); n > 0 && Width(out[n-1]+sep+p) <= w {
			out[n-1] += sep + p
			continue
		}
		out = append(out, strings.Split(ansi.Hardwrap(p, max(w, 1), true), "\n")...)
	}
	return out
}

// Indent puts a prefix before each line.
func Indent(lines []string, prefix string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = prefix + l
	}
	return out
}

// Box is a frame with a title on the left and one on the right of its top edge.
type Box struct {
	Title, Right string // plain text
	Focus        bool
	Scroll       *Scroll // its position is shown at the bottom edge; may be nil
	Note         string  // shown there instead; plain text
}

// Inner returns the size of what fits into a box of that size.
func Inner(w, h int) (int, int) { return max(w-4, 0), max(h-2, 0) }

// Render draws the lines in a frame of exactly w by h cells.
func (b Box) Render(t *theme.Theme, lines []string, w, h int) string {
	if w < 4 || h < 2 {
		return strings.Repeat(Fit("", max(w, 0), "")+"\n", max(h-1, 0)) + Fit("", max(w, 0), "")
	}
	edge := t.Border
	if b.Focus {
		edge = t.Focus
	}
	g := t.Glyph
	iw, ih := Inner(w, h)
	var s strings.Builder
	s.WriteString(edge.Render(g.TopLeft))
	s.WriteString(b.top(t, edge, w-2))
	s.WriteString(edge.Render(g.TopRight))
	side := edge.Render(g.Side)
	for i := range ih {
		l := ""
		if i < len(lines) {
			l = lines[i]
		}
		s.WriteString("\n" + side + " " + Fit(l, iw, g.Ellipsis) + " " + side)
	}
	s.WriteString("\n" + edge.Render(g.BottomLeft) + b.bottom(t, edge, w-2, ih) + edge.Render(g.BottomRight))
	return s.String()
}

func (b Box) top(t *theme.Theme, edge lipgloss.Style, w int) string {
	g := t.Glyph
	title, right := "", ""
	if b.Right != "" {
		right = " " + Cut(b.Right, max(w/2-4, 0), g.Ellipsis) + " "
	}
	room := w - Width(right) - 4
	if b.Title != "" && room > 2 {
		title = " " + Cut(b.Title, room, g.Ellipsis) + " "
	}
	rule := w - Width(title) - Width(right)
	if right != "" {
		rule--
	}
	if rule < 0 {
		return edge.Render(strings.Repeat(g.Rule, w))
	}
	style := t.Muted
	if b.Focus {
		style = t.Strong
	}
	out := style.Render(title) + edge.Render(strings.Repeat(g.Rule, rule))
	if right != "" {
		out += t.Muted.Render(right) + edge.Render(g.Rule)
	}
	return out
}

func (b Box) bottom(t *theme.Theme, edge lipgloss.Style, w, ih int) string {
	note := b.Note
	if note != "" {
		note = " " + note + " "
	} else if b.Scroll != nil {
		note = b.Scroll.note(t, ih)
	}
	nw := Width(note)
	if note == "" || nw+3 > w {
		return edge.Render(strings.Repeat(t.Glyph.Rule, w))
	}
	return edge.Render(strings.Repeat(t.Glyph.Rule, w-nw-1)) + t.Muted.Render(note) + edge.Render(t.Glyph.Rule)
}
