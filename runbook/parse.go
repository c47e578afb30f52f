package runbook

import (
	"fmt"
	"path"
	"strings"
)

// Opener returns the text of a file that a runbook includes. name is clean,
// relative to the runbook's directory, has slashes and never leads out of it.
// That a symbolic link doesn't either is the opener's to see to.
type Opener func(name string) ([]byte, error)

// Parse reads a runbook and what it includes. file names it in diagnostics; a
// nil open refuses includes. All findings are reported, in the order of the
// files and of each file; the Runbook is nil when any is an error.
func Parse(file string, src []byte, open Opener) (*Runbook, []Diagnostic) {
	p := newParser(file, src)
	p.open = open
	p.whole()
	p.diags, p.book.Later = p.findings(p.diags), p.findings(p.book.Later)
	if Failed(p.diags) {
		return nil, p.diags
	}
	return p.book, p.diags
}

// whole parses, up to more errors than anybody would read.
func (p *parser) whole() {
	defer func() {
		switch why := recover(); why.(type) {
		case nil:
		case flooded:
			p.diags = append(p.diags, Diagnostic{
				Pos: p.diags[len(p.diags)-1].Pos, Severity: Error, Rule: "too-large",
				Text: fmt.Sprintf("more than %d errors; the rest was not read", MaxFindings), Remedy: "correct the first ones and look again",
			})
		default:
			panic(why)
		}
	}()
	if p.readable() {
		p.parse()
	}
}

func (p *parser) parse() {
	doc := p.outline()
	run := newScope(nil)
	run.nodes = doc.nodes
	p.asks(doc.nodes, p.head)
	run.values, run.secrets = p.head.values, p.head.secrets
	ctx := context{scope: run, phrase: "{{step}}"}
	if p.head.confirm != "" {
		ctx.phrase = p.head.confirm
	}
	if p.head.defaults != nil {
		ctx = p.head.defaults(ctx)
	}
	p.title(doc)
	p.book.Root = &Section{Pos: p.pos(p.start)}
	p.fill(p.book.Root, doc.nodes, ctx)
	p.book.Title, p.book.Summary, p.book.Confirm, p.book.Params = p.head.title, p.head.summary, p.head.confirm, p.head.params
	p.finishConnections()
	p.finishTools()
	p.references()
}

// outline reads the file's front matter, and its blocks.
func (p *parser) outline() *outline {
	p.start = p.frontMatter()
	p.doc = p.read(p.start)
	return p.doc
}

// title falls back to the first heading, then to the file's name.
func (p *parser) title(doc *outline) {
	if p.head.title != "" {
		return
	}
	for _, o := range doc.nodes {
		if o.kind == headingNode && o.title != "" {
			p.head.title = plainText(o.title)
			return
		}
	}
	p.head.title = strings.TrimSuffix(path.Base(p.file), path.Ext(p.file))
}
