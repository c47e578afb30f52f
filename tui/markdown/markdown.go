package markdown

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	gmtext "github.com/yuin/goldmark/text"

	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
)

// Render draws Markdown in lines of at most w cells.
func Render(t *theme.Theme, source string, w int) []string {
	if w < 1 || strings.TrimSpace(source) == "" {
		return nil
	}
	src := []byte(text.Block(text.Untrusted(source)))
	md := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList))
	r := renderer{t: t, src: src}
	lines := r.blocks(md.Parser().Parse(gmtext.NewReader(src)), w)
	for i, l := range lines {
		lines[i] = pane.Cut(l, w, t.Glyph.Ellipsis)
	}
	return lines
}

type renderer struct {
	t   *theme.Theme
	src []byte
}

// blocks draws the children of a block, with an empty line between them.
func (r renderer) blocks(n ast.Node, w int) []string {
	var out []string
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		lines := r.block(c, w)
		if len(lines) == 0 {
			continue
		}
		if len(out) > 0 && !tight(c) {
			out = append(out, "")
		}
		out = append(out, lines...)
	}
	return out
}

// tight reports whether a block follows the one above it without a gap.
func tight(n ast.Node) bool {
	if _, ok := n.(*ast.List); ok {
		_, item := n.Parent().(*ast.ListItem)
		return item
	}
	if _, ok := n.(*ast.ListItem); ok {
		l, isList := n.Parent().(*ast.List)
		return isList && l.IsTight
	}
	return false
}

func (r renderer) block(n ast.Node, w int) []string {
	w = max(w, 1)
	switch n := n.(type) {
	case *ast.Paragraph, *ast.TextBlock:
		return pane.WrapSpans(r.inline(n, nil, plain), w)
	case *ast.Heading:
		return pane.WrapSpans(r.inline(n, nil, look{strong: true}), w)
	case *ast.List:
		return r.list(n, w)
	case *ast.Blockquote:
		edge := r.t.Border.Render(r.t.Glyph.Quote) + " "
		return pane.Indent(r.blocks(n, w-2), edge)
	case *ast.FencedCodeBlock:
		return r.code(n.Lines(), w)
	case *ast.CodeBlock:
		return r.code(n.Lines(), w)
	case *ast.ThematicBreak:
		return []string{r.t.Border.Render(strings.Repeat(r.t.Glyph.Rule, w))}
	case *ast.HTMLBlock:
		return r.html(n, w)
	case *extast.Table:
		return r.table(n, w)
	default:
		return r.blocks(n, w)
	}
}

func (r renderer) list(l *ast.List, w int) []string {
	var out []string
	no := l.Start
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		mark := r.t.Glyph.Bullet + " "
		if l.IsOrdered() {
			mark = strconv.Itoa(no) + ". "
			no++
		}
		pad := strings.Repeat(" ", ansi.StringWidth(mark))
		lines := r.blocks(item, w-len(pad))
		if len(out) > 0 && !l.IsTight {
			out = append(out, "")
		}
		if len(lines) == 0 {
			lines = []string{""}
		}
		for i, line := range lines {
			if i == 0 {
				out = append(out, r.t.Muted.Render(mark)+line)
				continue
			}
			out = append(out, pad+line)
		}
	}
	return out
}

func (r renderer) code(lines *gmtext.Segments, w int) []string {
	var out []string
	for i := range lines.Len() {
		seg := lines.At(i)
		l := strings.TrimRight(string(seg.Value(r.src)), "\n")
		for part := range strings.SplitSeq(ansi.Hardwrap(l, max(w-2, 1), true), "\n") {
			out = append(out, "  "+r.t.Code.Render(part))
		}
	}
	return out
}

// html shows raw HTML as it is written, and comments not at all.
func (r renderer) html(n *ast.HTMLBlock, w int) []string {
	if n.HTMLBlockType == ast.HTMLBlockType2 {
		return nil
	}
	var b strings.Builder
	for i := range n.Lines().Len() {
		seg := n.Lines().At(i)
		b.Write(seg.Value(r.src))
	}
	return pane.WrapSpans([]pane.Span{{Text: strings.TrimRight(b.String(), "\n"), Style: r.t.Muted}}, w)
}

// table draws columns as wide as their content; where that is too wide, the
// last columns give way.
func (r renderer) table(n *extast.Table, w int) []string {
	var rows [][]string
	var wide []int
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		_, head := row.(*extast.TableHeader)
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			line := strings.Join(pane.WrapSpans(r.inline(c, nil, look{strong: head}), 1<<16), " ")
			if len(cells) == len(wide) {
				wide = append(wide, 0)
			}
			wide[len(cells)] = max(wide[len(cells)], ansi.StringWidth(line))
			cells = append(cells, line)
		}
		rows = append(rows, cells)
	}
	var out []string
	for i, cells := range rows {
		parts := make([]string, len(cells))
		for j, c := range cells {
			parts[j] = pane.Fit(c, wide[j], r.t.Glyph.Ellipsis)
		}
		out = append(out, pane.Cut(strings.Join(parts, "  "), w, r.t.Glyph.Ellipsis))
		if i == 0 {
			total := 2 * (len(wide) - 1)
			for _, n := range wide {
				total += n
			}
			out = append(out, r.t.Border.Render(strings.Repeat(r.t.Glyph.Rule, max(min(total, w), 0))))
		}
	}
	return out
}
