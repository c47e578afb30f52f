package markdown

import (
	"charm.land/lipgloss/v2"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"

	"stepgate/tui/pane"
)

// look is what surrounds a piece of inline text.
type look struct{ strong, emph, struck, code, link bool }

var plain look

func (r renderer) style(l look) lipgloss.Style {
	s := r.t.Text
	switch {
	case l.code:
		s = r.t.Code
	case l.strong:
		s = r.t.Strong
	case l.link:
		s = r.t.Muted
	}
	if l.strong {
		s = s.Bold(true)
	}
	if l.emph {
		s = s.Italic(true)
	}
	return s.Strikethrough(l.struck)
}

// inline appends the text of a block's inline content to spans.
func (r renderer) inline(n ast.Node, spans []pane.Span, l look) []pane.Span {
	put := func(s string, l look) { spans = append(spans, pane.Span{Text: s, Style: r.style(l)}) }
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			put(string(c.Segment.Value(r.src)), l)
			switch {
			case c.HardLineBreak():
				put("\n", l)
			case c.SoftLineBreak():
				put(r.joint(c), l)
			}
		case *ast.String:
			put(string(c.Value), l)
		case *ast.CodeSpan:
			in := l
			in.code = true
			spans = r.inline(c, spans, in)
		case *ast.Emphasis:
			in := l
			in.strong = l.strong || c.Level > 1
			in.emph = l.emph || c.Level == 1
			spans = r.inline(c, spans, in)
		case *extast.Strikethrough:
			in := l
			in.struck = true
			spans = r.inline(c, spans, in)
		case *ast.Link:
			spans = r.inline(c, spans, l)
			put(" ("+string(c.Destination)+")", look{link: true})
		case *ast.AutoLink:
			put(string(c.URL(r.src)), look{link: true})
		case *extast.TaskCheckBox:
			if c.IsChecked {
				put("[x] ", l)
			} else {
				put("[ ] ", l)
			}
		case *ast.RawHTML:
			put(r.rawHTML(c), look{link: true})
		default:
			spans = r.inline(c, spans, l)
		}
	}
	return spans
}

// joint is what a line break in the source becomes: nothing between two wide
// characters, which are written without blanks, else a blank.
func (r renderer) joint(t *ast.Text) string {
	next, ok := t.NextSibling().(*ast.Text)
	if !ok {
		return " "
	}
	a, b := t.Segment.Value(r.src), next.Segment.Value(r.src)
	if len(a) > 0 && len(b) > 0 && wideEnd(a) && wideStart(b) {
		return ""
	}
	return " "
}

func (r renderer) rawHTML(n *ast.RawHTML) string {
	var out string
	for i := range n.Segments.Len() {
		seg := n.Segments.At(i)
		out += string(seg.Value(r.src))
	}
	if len(out) >= 4 && out[:4] == "<!--" {
		return ""
	}
	return out
}
