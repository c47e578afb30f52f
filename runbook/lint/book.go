package lint

import (
	"sort"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
)

// Book judges a runbook that parses. What it finds is in the order of the file,
// the runbook's own first. Rollback commands are read and not judged: they are
// for an hour at which nothing else is left.
func Book(b *runbook.Runbook) []runbook.Diagnostic {
	l := &linter{book: b, preludes: map[string]script{}, met: map[runbook.Diagnostic]bool{}, declared: map[string]bool{}, secrets: map[string]bool{}}
	l.values()
	l.prelude()
	l.languages()
	l.walk(b.Root, surroundings{})
	l.unused()
	order := map[string]int{}
	for i, s := range b.Sources {
		order[s.Name] = i
	}
	sort.SliceStable(l.found, func(i, j int) bool {
		a, b := l.found[i].Pos, l.found[j].Pos
		switch {
		case a.File != b.File:
			return order[a.File] < order[b.File]
		case a.Line != b.Line:
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
	return l.found
}

// Inventory says what an inventory lacks for a runbook, whatever its values. An
// inventory that has all it needs has no findings.
func Inventory(b *runbook.Runbook, inv *inventory.Inventory) []runbook.Diagnostic {
	values, _, _ := plan.Bind(b, nil)
	_, problems := plan.New(b, values, inv)
	var out []runbook.Diagnostic
	for _, d := range problems {
		if inventoryRules[d.Rule] {
			out = append(out, d)
		}
	}
	return out
}

type linter struct {
	book     *runbook.Runbook
	found    []runbook.Diagnostic
	met      map[runbook.Diagnostic]bool
	declared map[string]bool   // names that have a value somewhere
	secrets  map[string]bool   // those whose value is one
	preludes map[string]script // by interpreter
	space    bool              // a check so far has looked at free disk space
}

// find reports a finding. Severity and remedy are the rule's.
func (l *linter) find(pos runbook.Pos, id, text, remedy string) {
	severity := severities[id]
	if !l.book.Annotated && severity == runbook.Error {
		severity = runbook.Warning
	}
	d := runbook.Diagnostic{Pos: pos, Severity: severity, Rule: id, Text: text, Remedy: remedy}
	if !l.met[d] {
		l.met[d] = true
		l.found = append(l.found, d)
	}
}

// surroundings are what a step stands in.
type surroundings struct {
	gated bool            // entering a section asked a person
	walk  *runbook.Each   // the innermost; nil: none
	walks []*runbook.Each // all, outermost first
}

func (s surroundings) inside(e *runbook.Each) surroundings {
	if e != nil {
		s.walk = e
		s.walks = append(s.walks[:len(s.walks):len(s.walks)], e)
	}
	return s
}

func (l *linter) walk(s *runbook.Section, around surroundings) {
	around = around.inside(s.Each)
	if s.Caution != "" {
		l.phrase(s.Pos, s.Confirm, around)
		around.gated = true
	}
	l.rolling(s.Pos, s.Each, s.Items)
	for _, it := range s.Items {
		switch it := it.(type) {
		case *runbook.Section:
			l.walk(it, around)
		case *runbook.Step:
			l.step(it, around)
		}
	}
}

// role says what a fence is in its step.
type role uint8

const (
	command role = iota
	look         // a check or a probe: it may only read
	sample       // a monitor: it may write what it measures with
	undo
)

func (l *linter) step(st *runbook.Step, around surroundings) {
	around = around.inside(st.Each)
	around.gated = around.gated || st.Gated()
	if st.Gated() && st.Confirm != "" {
		l.phrase(st.Pos, st.Confirm, around)
	}
	l.rolling(st.Pos, st.Each, []runbook.Item{st})
	l.unchecked(st)
	l.unclaimed(st)
	for _, fences := range [][]*runbook.Fence{st.Done, st.Before} {
		l.fences(fences, look, around)
	}
	if st.Command != nil {
		l.copies(st)
		l.fence(st.Command, command, around)
	}
	l.fences(st.After, look, around)
	l.fences(st.Monitors, sample, around)
	if st.Rollback != nil {
		l.fences(st.Rollback.Before, look, around)
		if st.Rollback.Command != nil {
			l.fence(st.Rollback.Command, undo, around)
		}
		l.fences(st.Rollback.After, look, around)
	}
}

func (l *linter) fences(fs []*runbook.Fence, as role, around surroundings) {
	for _, f := range fs {
		l.fence(f, as, around)
	}
}

func (l *linter) fence(f *runbook.Fence, as role, around surroundings) {
	l.space = l.space || as == look && freeSpace.MatchString(f.Body)
	switch f.Form {
	case runbook.Script:
		if f.Language == nil && runbook.IsShell(f.Lang) {
			l.shell(f, as, around)
		}
	case runbook.SQL:
		l.sql(f, as, around)
	case runbook.HTTP:
		l.http(f, as, around)
	case runbook.Variables, runbook.TCP, runbook.Copy:
	}
}
