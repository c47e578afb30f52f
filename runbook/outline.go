package runbook

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	markdown "github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"stepgate/runbook/attrs"
)

// nodeKind says what an outline node is.
type nodeKind uint8

const (
	proseNode nodeKind = iota
	cautionNode
	warningNode
	fenceNode
	taskNode
	headingNode
)

// outline is the document as nested headings and task-list items, with what
// stands in them in order.
type outline struct {
	kind  nodeKind
	at    int
	level int    // of a heading
	title string // of headings and tasks, Markdown without the attributes
	group *attrs.Group
	text  string // of prose and alerts, Markdown
	lead  string // of prose: its last paragraph, Markdown; "" when it ends in something else
	spans []span // of source text that may hold {{name}}
	fence *block
	nodes []*outline
}

// span is a range of source offsets.
type span struct{ start, stop int }

// blocks is the block structure alone: inline markup of prose is left to
// whoever renders it.
var blocks = markdown.NewParser(markdown.WithBlockParsers(markdown.DefaultBlockParsers()...))

// read builds the outline of the source from offset body on.
func (p *parser) read(body int) *outline {
	src := p.src
	if body > 0 {
		src = bytes.Clone(src)
		for i := range body {
			if src[i] != '\n' {
				src[i] = ' '
			}
		}
	}
	doc := blocks.Parse(text.NewReader(src))
	root := &outline{kind: headingNode}
	open := []*outline{root}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		top := open[len(open)-1]
		h, ok := n.(*ast.Heading)
		if !ok {
			if p.deep(n, 0) {
				return root
			}
			top.nodes = append(top.nodes, p.nodes(n, p.endOf(n, len(src)), 0)...)
			continue
		}
		for top.level >= h.Level && len(open) > 1 {
			open = open[:len(open)-1]
			top = open[len(open)-1]
		}
		o := p.heading(h)
		top.nodes = append(top.nodes, o)
		open = append(open, o)
	}
	return root
}

// endOf returns where n's text ends: at the line of what follows it, or where
// its container ends.
func (p *parser) endOf(n ast.Node, container int) int {
	if next := n.NextSibling(); next != nil && next.Pos() >= 0 {
		return min(p.lineStart(next.Pos()), container)
	}
	return container
}

func (p *parser) heading(h *ast.Heading) *outline {
	o := &outline{kind: headingNode, level: h.Level, at: max(h.Pos(), 0)}
	last := h.Lines().Len() - 1
	if last < 0 {
		return o
	}
	seg := h.Lines().At(last)
	o.title, o.group = p.titled(seg.Start, seg.Stop)
	if p.book.Annotated {
		o.spans = []span{{seg.Start, seg.Start + len(o.title)}}
	}
	if last > 0 { // underlined
		var parts []string
		for i := range last {
			seg := h.Lines().At(i)
			parts = append(parts, strings.TrimSpace(p.text[seg.Start:seg.Stop]))
		}
		o.title = strings.Join(append(parts, o.title), " ")
	}
	o.title = strings.TrimSpace(o.title)
	return o
}

// titled splits a title from the attributes that end its line.
func (p *parser) titled(start, stop int) (string, *attrs.Group) {
	p.reordered(start, stop)
	title := p.text[start:stop]
	if strings.IndexByte(title, '{') < 0 {
		return strings.TrimSpace(title), nil
	}
	before, g, problem := attrs.Trailing(p.src, start, stop)
	if problem != nil {
		p.errorAt(problem.At, "attributes", problem.Text, `write {#id .class name=value name="two words"}`)
	}
	return strings.TrimSpace(title[:len(before)]), g
}

// nodes turns a block into outline nodes. end is where its text ends; indent is
// the column at which its container's content begins.
func (p *parser) nodes(n ast.Node, end, indent int) []*outline {
	switch n := n.(type) {
	case *ast.FencedCodeBlock:
		b, note := p.fence(n)
		if b != nil {
			return []*outline{{kind: fenceNode, at: b.at, fence: b}}
		}
		if !note {
			return nil
		}
		return p.raw(n, end, indent)
	case *ast.Paragraph, *ast.TextBlock:
		return p.paragraph(n, 0)
	case *ast.List:
		return p.list(n, end, indent)
	case *ast.Blockquote:
		return p.quoted(n, end, indent)
	case *ast.HTMLBlock, *ast.CodeBlock:
		return p.raw(n, end, indent)
	case *ast.ThematicBreak:
		return nil
	default: // a heading inside a list
		return p.raw(n, end, indent)
	}
}

// paragraph is prose; the first skip lines are left out.
func (p *parser) paragraph(n ast.Node, skip int) []*outline {
	lines := n.Lines()
	if lines.Len() <= skip {
		return nil
	}
	p.prose(n, skip)
	first, last := lines.At(skip).Start, lines.At(lines.Len()-1).Stop
	o := &outline{kind: proseNode, at: first}
	if p.book.Annotated {
		o.spans = []span{{first, last}}
	}
	o.text = withoutComments(p.joined(lines, skip))
	if o.text == "" {
		return nil
	}
	if !table(o.text) {
		o.lead = o.text
	}
	return []*outline{o}
}

// joined is the text of lines without what stands before each: a part of the
// source when they stand right behind each other.
func (p *parser) joined(lines *text.Segments, skip int) string {
	if lines.Len() <= skip {
		return ""
	}
	first, last := lines.At(skip), lines.At(lines.Len()-1)
	size, padding := 0, 0
	for i := skip; i < lines.Len(); i++ {
		seg := lines.At(i)
		size += seg.Stop - seg.Start
		padding += seg.Padding
	}
	open := last.ForceNewline && (last.Start == last.Stop || p.src[last.Stop-1] != '\n')
	if padding == 0 && size == last.Stop-first.Start && !open {
		return p.text[first.Start:last.Stop]
	}
	var b strings.Builder
	b.Grow(size + padding + 1)
	for i := skip; i < lines.Len(); i++ {
		seg := lines.At(i)
		for range seg.Padding {
			b.WriteByte(' ')
		}
		b.WriteString(p.text[seg.Start:seg.Stop])
	}
	if open {
		b.WriteByte('\n')
	}
	return b.String()
}

// prose looks at the lines of a paragraph.
func (p *parser) prose(n ast.Node, skip int) {
	lines := n.Lines()
	for i := skip; i < lines.Len(); i++ {
		seg := lines.At(i)
		p.prosePlace(seg.Start, seg.Stop)
		p.reordered(seg.Start, seg.Stop)
	}
}

// prosePlace refuses attributes at the end of a line of prose, where they would
// be text.
func (p *parser) prosePlace(start, stop int) {
	if !p.book.Annotated || strings.IndexByte(p.text[start:stop], '{') < 0 {
		return
	}
	if _, g, problem := attrs.Trailing(p.src, start, stop); g != nil || problem != nil {
		at := start + bytes.IndexByte(p.src[start:stop], '{')
		if g != nil {
			at = g.Start
		}
		p.errorAt(at, "misplaced", "attributes can't stand on a line of prose",
			"write them on the heading, on the first line of the task-list item, or on the fence")
	}
}

// raw is a block kept as it is written, without its container's indentation.
func (p *parser) raw(n ast.Node, end, indent int) []*outline {
	if n.Pos() < 0 {
		return nil
	}
	at := n.Pos()
	start := p.lineStart(at)
	if _, inItem := n.Parent().(*ast.ListItem); inItem && n.PreviousSibling() == nil {
		start = at // behind the marker
	}
	o := &outline{kind: proseNode, at: at}
	o.text = withoutComments(dedent(p.text[start:max(start, end)], indent))
	if o.text == "" {
		return nil
	}
	p.proseInside(n, o)
	return []*outline{o}
}

// proseInside looks at the paragraphs in a block, and notes where they are.
func (p *parser) proseInside(n ast.Node, o *outline) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c.(type) {
		case *ast.Paragraph, *ast.TextBlock:
			p.prose(c, 0)
			if lines := c.Lines(); p.book.Annotated && lines.Len() > 0 {
				o.spans = append(o.spans, span{lines.At(0).Start, lines.At(lines.Len() - 1).Stop})
			}
		case *ast.FencedCodeBlock, *ast.CodeBlock, *ast.HTMLBlock:
		case *ast.ListItem:
			p.almostTask(c)
			p.proseInside(c, o)
		default:
			p.proseInside(c, o)
		}
	}
}
