package runbook

import (
	"fmt"
	"slices"
)

// closure is what all files of a runbook share while they are read.
type closure struct {
	book  *Runbook
	diags []Diagnostic
	found map[Severity]int // how many there were
	open  Opener

	steps, fences int
	tooMany       bool

	names   naming
	connect []connecting
	placed  []placed
	files   map[string][]byte // included files by name; nil: can't be read
	bytes   int               // of included files, each time counted
	parts   int               // inclusions
	defined map[string]Pos    // where what parts may define stands: "group NAME", "prelude NAME", …
}

func newClosure(file string, src []byte) *closure {
	return &closure{
		book: &Runbook{
			File: file, Sources: []Source{{Name: file, Text: src}},
			Prelude: map[string]string{}, Languages: map[string]*Language{}, Connections: map[string]*Connection{},
		},
		names: newNaming(), found: map[Severity]int{}, files: map[string][]byte{}, defined: map[string]Pos{},
	}
}

// findings returns all diagnostics once, in the order of the files and of each
// file. A part that is included twice says everything twice.
func (c *closure) findings(ds []Diagnostic) []Diagnostic {
	order := map[string]int{}
	for i, s := range c.book.Sources {
		order[s.Name] = i
	}
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		if a.Pos.File != b.Pos.File {
			return order[a.Pos.File] - order[b.Pos.File]
		}
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Col - b.Pos.Col
	})
	seen := map[Diagnostic]bool{}
	return slices.DeleteFunc(ds, func(d Diagnostic) bool {
		twice := seen[d]
		seen[d] = true
		return twice
	})
}

// conflict says that a part and what includes it define one thing differently.
// The place of the other definition is in the text.
func (p *parser) conflict(at Pos, what string, other Pos) {
	p.report(at, Error, "conflict", fmt.Sprintf("%s is defined otherwise on line %d of %s", what, other.Line, quote(other.File)),
		"define it once; a part only needs it and says so with a help")
}
