package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stepgate/runbook"
	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbooks"
	"stepgate/state"
	"stepgate/tui"
)

// shelf is what the home screen shows: the journal's runs, the shipped runbooks, and
// those of the current directory.
type shelf struct{}

var _ tui.Shelf = shelf{}

// Runs lists the journal's runs.
func (shelf) Runs(ctx context.Context) (runs []tui.ShelfRun, err error) {
	err = allRuns(ctx, func(_ *state.Store, infos []state.Info) error {
		for _, i := range infos {
			runs = append(runs, tui.ShelfRun{
				ID: i.ID, Title: i.Title, Started: i.Started, Last: i.Last, Closed: i.Closed, Holder: i.Holder, Problem: i.Problem,
			})
		}
		return nil
	})
	return runs, err
}

// Stand reads where a run stands.
func (shelf) Stand(ctx context.Context, id string) (*run.Snapshot, error) {
	p, err := openPast(ctx, id)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if p.problem != nil {
		return nil, p.problem
	}
	p.driver(ctx)
	s := &run.Snapshot{Run: p.run, At: now()}
	c, wait := report.Standing(p.run)
	if s.Wait = wait; c != nil {
		s.Current, s.Seq = c.Key, c.Seq
	}
	return s, nil
}

// Bounds of what is looked for in the current directory.
const (
	mostDocuments = 200
	mostDocument  = 1 << 20 // bytes
)

// Books lists the shipped runbooks in the edition for this reader, then the Markdown files of the current directory
// that have steps: those with front matter first.
func (shelf) Books(ctx context.Context) ([]tui.ShelfBook, error) {
	var out []tui.ShelfBook
	for _, name := range readable() {
		src, err := fs.ReadFile(runbooks.FS, name+".md")
		if err != nil {
			return nil, err
		}
		if b, ok := shelved(name, name+".md", src, openShipped); ok {
			b.Shipped = true
			out = append(out, b)
		}
	}
	files, err := filepath.Glob("*.md")
	if err != nil {
		return out, nil //nolint:nilerr // a pattern of our own
	}
	var here []tui.ShelfBook
	for _, f := range files[:min(len(files), mostDocuments)] {
		fi, err := os.Stat(f)
		if ctx.Err() != nil || err != nil || !fi.Mode().IsRegular() || fi.Size() > mostDocument {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil || !bytes.HasPrefix(src, []byte("+++")) && !bytes.Contains(src, []byte("```")) && !bytes.Contains(src, []byte("- [ ]")) {
			continue
		}
		if b, ok := shelved(f, f, src, openerFor(".")); ok {
			here = append(here, b)
		}
	}
	slices.SortStableFunc(here, func(a, b tui.ShelfBook) int {
		switch {
		case a.Plain == b.Plain:
			return strings.Compare(a.Name, b.Name)
		case a.Plain:
			return 1
		}
		return -1
	})
	return append(here, out...), nil
}

// shelved is a runbook as the list shows it. A document without a step is none.
func shelved(name, file string, src []byte, open runbook.Opener) (tui.ShelfBook, bool) {
	b := tui.ShelfBook{Name: name}
	book, diags := runbook.Parse(file, src, open)
	if runbook.Failed(diags) {
		b.Problem = "it has errors; see: stepgate lint " + name
		return b, bytes.HasPrefix(src, []byte("+++"))
	}
	if !steps(book.Root) {
		return b, false
	}
	b.Title, b.Summary, b.Plain = book.Title, book.Summary, !book.Annotated
	for _, g := range book.Groups {
		need := "hosts: " + g.Name
		if g.Help != "" {
			need += ", " + g.Help
		}
		b.Needs = append(b.Needs, need)
	}
	for _, p := range book.Params {
		if p.Required {
			need := p.Prompt
			if need == "" {
				need = p.Name
			}
			b.Needs = append(b.Needs, need)
		}
	}
	return b, true
}

// steps reports whether there is anything to do in a section.
func steps(s *runbook.Section) bool {
	return slices.ContainsFunc(s.Items, func(i runbook.Item) bool {
		sub, isSection := i.(*runbook.Section)
		return !isSection || steps(sub)
	})
}
