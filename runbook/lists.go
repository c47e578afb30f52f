package runbook

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// deep refuses lists and quotations that stand too deep in each other.
func (p *parser) deep(n ast.Node, depth int) bool {
	switch n.(type) {
	case *ast.List, *ast.Blockquote:
		depth++
	case *ast.ListItem:
	default:
		return false
	}
	if depth > MaxNesting {
		p.errorAt(max(n.Pos(), 0), "nesting", fmt.Sprintf("more than %d lists and quotes stand in each other", MaxNesting), "use headings")
		return true
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if p.deep(c, depth) {
			return true
		}
	}
	return false
}

// list turns task-list items into nodes. Other lists are prose as a whole,
// unless tasks or fences for running stand in them.
func (p *parser) list(n *ast.List, end, indent int) []*outline {
	if !p.works(n) {
		return p.raw(n, end, indent)
	}
	var out []*outline
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		itemEnd := p.endOf(c, end)
		column := indent + 2
		if first := c.FirstChild(); first != nil && first.Pos() >= 0 {
			column = columns(p.src[p.lineStart(first.Pos()):first.Pos()])
		}
		if o := p.checked(c, itemEnd, column); o != nil {
			out = append(out, o)
			continue
		}
		p.almostTask(c)
		for k := c.FirstChild(); k != nil; k = k.NextSibling() {
			made := p.nodes(k, p.endOf(k, itemEnd), column)
			if k == c.FirstChild() && len(made) > 0 && made[0].kind == proseNode {
				marker := bytes.TrimLeft(p.src[p.lineStart(k.Pos()):k.Pos()], " \t")
				made[0].text = string(marker) + strings.ReplaceAll(made[0].text, "\n", "\n"+strings.Repeat(" ", len(marker)))
			}
			out = append(out, made...)
		}
	}
	return out
}

// works reports whether a list holds a task or a fence that may run.
func (p *parser) works(n ast.Node) bool {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.FencedCodeBlock:
			if c.Info != nil {
				return true
			}
		case *ast.ListItem:
			if _, ok := p.checkbox(c); ok || p.works(c) {
				return true
			}
		case *ast.List, *ast.Blockquote:
			if p.works(c) {
				return true
			}
		}
	}
	return false
}

// checkbox returns where the text behind `[ ]` begins.
func (p *parser) checkbox(item ast.Node) (int, bool) {
	first := item.FirstChild()
	if first == nil {
		return 0, false
	}
	switch first.(type) {
	case *ast.Paragraph, *ast.TextBlock:
	default:
		return 0, false
	}
	seg := first.Lines().At(0)
	line := p.src[seg.Start:seg.Stop]
	if len(line) < 3 || line[0] != '[' || line[2] != ']' || strings.IndexByte(" xX", line[1]) < 0 {
		return 0, false
	}
	if len(line) > 3 && line[3] != ' ' && line[3] != '\t' && line[3] != '\n' {
		return 0, false
	}
	return seg.Start + 3, true
}

var almostBox = regexp.MustCompile(`^\[\s*[xX]?\s*\]([^(\[:]|$)`)

// almostTask warns of an item that was probably meant to be a step.
func (p *parser) almostTask(item ast.Node) {
	first := item.FirstChild()
	switch first.(type) {
	case *ast.Paragraph, *ast.TextBlock:
		if seg := first.Lines().At(0); p.src[seg.Start] == '[' && almostBox.Match(p.src[seg.Start:seg.Stop]) {
			p.warnAt(seg.Start, "checkbox", "this item is no step: its box isn't written as one", "write - [ ] with one blank in the box and one behind it")
		}
	}
}

func (p *parser) checked(item ast.Node, end, indent int) *outline {
	start, ok := p.checkbox(item)
	if !ok {
		return nil
	}
	first := item.FirstChild()
	o := &outline{kind: taskNode, at: item.Pos()}
	if o.at < 0 {
		o.at = start - 3
	}
	o.title, o.group = p.titled(start, first.Lines().At(0).Stop)
	o.spans = []span{{start, start + len(o.title) + 1}}
	o.nodes = p.paragraph(first, 1)
	for k := first.NextSibling(); k != nil; k = k.NextSibling() {
		o.nodes = append(o.nodes, p.nodes(k, p.endOf(k, end), indent)...)
	}
	return o
}

// quoted is an alert or a quotation. What a plain document would run stands
// behind it once more, to be run with care.
func (p *parser) quoted(n *ast.Blockquote, end, indent int) []*outline {
	fences := p.commandsQuoted(n, nil)
	made := p.raw(n, end, indent)
	if len(made) == 0 {
		return fences
	}
	o := made[0]
	head, rest, _ := strings.Cut(o.text, "\n")
	switch strings.ToUpper(strings.Trim(head, "> \t")) {
	case "[!CAUTION]":
		o.kind = cautionNode
	case "[!WARNING]":
		o.kind = warningNode
	default:
		return append(made, fences...)
	}
	o.text = strings.TrimSpace(unquote(rest))
	if o.text == "" {
		p.report(p.pos(o.at), p.severity(), "alert", "the alert says nothing", "write behind > what will happen")
		o.text = strings.Trim(head, "[]!> \t")
	}
	return append(made, fences...)
}

// commandsQuoted appends the commands in a quotation of a plain document. A
// runbook's author is told that they would not be run.
func (p *parser) commandsQuoted(n ast.Node, made []*outline) []*outline {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		f, ok := c.(*ast.FencedCodeBlock)
		switch {
		case !ok && c.Type() == ast.TypeBlock:
			made = p.commandsQuoted(c, made)
			continue
		case !ok || f.Info == nil:
			continue
		case !p.book.Annotated:
			if b, _ := p.fence(f); b != nil && b.kind == runFence {
				b.doubt = "it stands in a quotation, which may only tell of it"
				made = append(made, &outline{kind: fenceNode, at: b.at, fence: b})
			}
			continue
		}
		info := f.Info.Segment
		name, _, _ := strings.Cut(strings.ReplaceAll(p.text[info.Start:info.Stop], "{", " "), " ")
		if _, runs := languages[name]; runs || name == "expect" || name == "capture" {
			p.report(p.pos(f.Pos()), Error, "quoted", "a fence in a quotation is documentation and is not run",
				"take it out of the quotation, or mark it {.ignore}")
		}
	}
	return made
}
