package pane

import (
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Span is a piece of plain text in one style.
type Span struct {
	Text  string
	Style lipgloss.Style
}

// glyph is a grapheme cluster on the screen.
type glyph struct {
	s     string
	w     int
	style int
}

// Wrap breaks plain text into lines of at most w cells, at blanks and between
// wide characters, and inside a word only when it is longer than a line. A
// character that is wider than the line stands on a line of its own.
func Wrap(s string, w int) []string { return WrapSpans([]Span{{Text: s}}, w) }

// WrapSpans is [Wrap] for styled text. Line breaks in the text are kept.
func WrapSpans(spans []Span, w int) []string {
	if w < 1 {
		return nil
	}
	var lines []string
	for _, para := range paragraphs(spans) {
		for _, l := range breakLine(para, w) {
			lines = append(lines, drawLine(l, spans))
		}
	}
	return lines
}

// paragraphs splits the spans into clusters, one slice a line of the text.
func paragraphs(spans []Span) [][]glyph {
	out := [][]glyph{nil}
	for i, sp := range spans {
		rest := sp.Text
		for rest != "" {
			seq, width := ansi.FirstGraphemeCluster(rest, ansi.GraphemeWidth)
			rest = rest[max(len(seq), 1):]
			switch {
			case seq == "\n":
				out = append(out, nil)
			case seq == "\t":
				for range 4 {
					out[len(out)-1] = append(out[len(out)-1], glyph{" ", 1, i})
				}
			case width > 0:
				out[len(out)-1] = append(out[len(out)-1], glyph{seq, width, i})
			}
		}
	}
	return out
}

// breakLine cuts one paragraph into lines.
func breakLine(g []glyph, w int) [][]glyph {
	var lines [][]glyph
	for {
		n, width := 0, 0
		for n < len(g) && width+g[n].w <= w {
			width += g[n].w
			n++
		}
		if n == len(g) {
			return append(lines, g)
		}
		cut := lastBreak(g, n)
		if cut == 0 {
			cut = max(n, 1) // one word fills the line, or one wide cell doesn't fit at all
		}
		lines = append(lines, trimRight(g[:cut]))
		g = g[cut:]
		for len(g) > 0 && g[0].s == " " {
			g = g[1:]
		}
		if len(g) == 0 {
			return lines
		}
	}
}

// lastBreak finds the last place up to n where a line may end; 0 if none.
func lastBreak(g []glyph, n int) int {
	for i := n; i > 0; i-- {
		prev, next := g[i-1], g[i]
		switch {
		case next.s == " ":
			return i
		case prev.s == " ":
			if blank(g[:i]) {
				return 0
			}
			return i
		case (prev.w > 1 || next.w > 1) && !noLineStart(next.s) && !noLineEnd(prev.s):
			return i
		}
	}
	return 0
}

func blank(g []glyph) bool {
	for _, c := range g {
		if c.s != " " {
			return false
		}
	}
	return true
}

// noLineStart and noLineEnd are the punctuation that East Asian typesetting
// keeps away from a line's edges.
func noLineStart(s string) bool {
	return strings.Contains("，。、；：！？）」』】》〉〕’”…,.;:!?)]}", s)
}
func noLineEnd(s string) bool { return strings.Contains("（「『【《〈〔‘“([{", s) }

func trimRight(g []glyph) []glyph {
	for len(g) > 0 && g[len(g)-1].s == " " {
		g = g[:len(g)-1]
	}
	return g
}

// drawLine joins the clusters, rendering runs of one style together.
func drawLine(g []glyph, spans []Span) string {
	var b strings.Builder
	for i := 0; i < len(g); {
		j := i
		var run strings.Builder
		for j < len(g) && g[j].style == g[i].style {
			run.WriteString(g[j].s)
			j++
		}
		b.WriteString(spans[g[i].style].Style.Render(run.String()))
		i = j
	}
	return b.String()
}
