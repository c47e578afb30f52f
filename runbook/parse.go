package runbook

import (
	"fmt"
	"path"
	"sort"
	"strings"

	"stepgate/checks"
)

// Opener returns the text of a file that a runbook includes. name is clean,
// relative to the runbook's directory, has slashes and never leads out of it.
// That a symbolic link doesn't either is the opener's to see to.
type Opener func(name string) ([]byte, error)

// Parse reads a runbook and what it includes. file names it in diagnostics; a
// nil open refuses includes. All findings are reported, in the order of the
// file; the Runbook is nil when any is an error.
func Parse(file string, src []byte, open Opener) (*Runbook, []Diagnostic) {
	p := newParser(file, src)
	if p.readable() {
		p.parse()
	}
	sort.SliceStable(p.diags, func(i, j int) bool {
		a, b := p.diags[i].Pos, p.diags[j].Pos
		return a.Line < b.Line || a.Line == b.Line && a.Col < b.Col
	})
	if Failed(p.diags) {
		return nil, p.diags
	}
	return p.book, p.diags
}

func (p *parser) parse() {
	p.names = naming{
		params: map[string]checks.Type{}, groups: map[string]*Group{}, byHost: map[string]map[string]captured{},
		cache: map[visibility]checks.Names{},
	}
	body := p.frontMatter()
	doc := p.read(body)
	run := &scope{captures: map[string]captured{}}
	ctx := context{scope: run}
	if p.defaults != nil {
		ctx = p.defaults(ctx)
	}
	p.title(doc)
	p.book.Root = &Section{Pos: p.pos(body)}
	p.fill(p.book.Root, doc.nodes, ctx)
	if p.tooMany {
		p.report(Pos{p.file, 1, 1}, Error, "too-large",
			fmt.Sprintf("more than %d steps, %d fences or %d names", MaxSteps, maxFences, maxNames), "split the runbook")
	}
}

// title falls back to the first heading, then to the file's name.
func (p *parser) title(doc *outline) {
	if p.book.Title != "" {
		return
	}
	for _, o := range doc.nodes {
		if o.kind == headingNode && o.title != "" {
			p.book.Title = plainText(o.title)
			return
		}
	}
	p.book.Title = strings.TrimSuffix(path.Base(p.file), path.Ext(p.file))
}
