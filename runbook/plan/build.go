package plan

import (
	"fmt"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
)

// Limits of a plan.
const (
	MaxSteps = 5000
	MaxHosts = 1000
	// MaxCells bounds steps on large groups.
	MaxCells = 100000
)

// New writes the runbook out for its values and hosts. The problems name what
// the inventory lacks, with the place in the runbook that needs it; the plan is
// nil when there are any. inv may be nil for a runbook that needs no host.
func New(book *runbook.Runbook, values Values, inv *inventory.Inventory) (*Plan, []runbook.Diagnostic) {
	if inv == nil {
		inv = &inventory.Inventory{}
	}
	b := &builder{p: &Plan{
		Book: book, Values: values, Title: book.Title,
		Hosts: map[string]inventory.Host{}, Groups: map[string][]string{},
		cells: map[cellKey]*Cell{}, walks: map[string]*Walk{},
	}}
	b.inventory(inv)
	if b.problems != nil {
		return nil, b.problems
	}
	for _, v := range values {
		b.p.secrets = b.p.secrets || v.Param.Secret
	}
	root := &Scope{asked: asked(book.Root.Items, nil)}
	top := hoist(book.Root)
	b.p.Root = &Section{Book: top, Scope: root, Title: book.Title}
	if b.p.Title == "" {
		b.p.Title, b.p.Root.Title = top.Title, top.Title
	}
	b.p.Root.Children = b.items(top.Items, place{scope: root})
	if b.problems != nil {
		return nil, b.problems
	}
	b.p.Digest = b.p.digest()
	return b.p, nil
}

// hoist returns the section whose items are the plan's: the root, or its only
// heading when that is just the document's title.
func hoist(root *runbook.Section) *runbook.Section {
	if len(root.Items) != 1 {
		return root
	}
	s, ok := root.Items[0].(*runbook.Section)
	if !ok || s.Level != 1 || s.Each != nil || s.Part != nil || s.Caution != "" {
		return root
	}
	return s
}

type builder struct {
	p         *Plan
	problems  []runbook.Diagnostic
	reported  map[string]bool
	instances int
	full      bool // a limit was reported: nothing more is built
}

// problem reports what is wrong at a place, once for all instances.
func (b *builder) problem(pos runbook.Pos, rule, remedy, format string, args ...any) {
	d := runbook.Diagnostic{Pos: pos, Severity: runbook.Error, Rule: rule, Text: fmt.Sprintf(format, args...), Remedy: remedy}
	key := d.String()
	if b.reported[key] {
		return
	}
	if b.reported == nil {
		b.reported = map[string]bool{}
	}
	b.reported[key] = true
	b.problems = append(b.problems, d)
}

// tooMany ends the building.
func (b *builder) tooMany(pos runbook.Pos, rule, what string, limit int) {
	b.full = true
	b.problem(pos, rule, "split the runbook, or limit its hosts", "the plan has more than %d %s", limit, what)
}

func (b *builder) inventory(inv *inventory.Inventory) {
	p := b.p
	if len(inv.Hosts) > MaxHosts {
		b.problem(runbook.Pos{File: p.Book.File, Line: 1, Col: 1}, "too-many-hosts", "split the inventory",
			"the inventory has %d hosts, at most %d are possible", len(inv.Hosts), MaxHosts)
		return
	}
	for _, h := range inv.Hosts {
		p.Hosts[h.Name] = h
	}
	for _, g := range inv.Groups {
		p.Groups[g.Name] = g.Hosts
	}
	for _, g := range p.Book.Groups {
		b.group(g)
	}
	b.tools()
	for _, v := range p.Values {
		if _, ok := p.Hosts[v.Text]; v.Set && v.Param.Type == runbook.TypeHost && !ok {
			b.problem(v.Param.Pos, "unknown-host", "name a host of the inventory: -e "+v.Param.Name+"=HOST",
				"parameter %q is %q, which the inventory doesn't have", v.Param.Name, v.Text)
		}
	}
}

func (b *builder) group(g runbook.Group) {
	hosts, ok := b.p.Groups[g.Name]
	switch {
	case !ok && g.Min == 0:
		b.p.Groups[g.Name] = nil
		return
	case !ok:
		b.problem(g.Pos, "missing-group", fmt.Sprintf("add to the inventory: [groups.%s] hosts = [\"…\"], and give it with -i FILE", g.Name),
			"the inventory has no group %q", g.Name)
		return
	case len(hosts) < g.Min:
		b.problem(g.Pos, "group-too-small", "add hosts to the group in the inventory",
			"group %q has %d hosts, at least %d are needed", g.Name, len(hosts), g.Min)
	case g.Max > 0 && len(hosts) > g.Max:
		b.problem(g.Pos, "group-too-large", "leave only the hosts that are meant in the group",
			"group %q has %d hosts, at most %d are possible", g.Name, len(hosts), g.Max)
	}
	for _, h := range hosts {
		for _, name := range g.Vars {
			if _, ok := b.p.Hosts[h].Vars[name]; !ok {
				b.problem(g.Pos, "missing-host-variable", fmt.Sprintf("add to the inventory: [hosts.%s] %s = \"…\"", h, name),
					"host %q of group %q has no variable %q", h, g.Name, name)
			}
		}
	}
}

// place is where in the plan something is being built.
type place struct {
	path   string // of the parent; "" at the root
	number string
	scope  *Scope
}

func (pl place) join(id string) string {
	if pl.path == "" {
		return id
	}
	return pl.path + "/" + id
}

func (pl place) count(i int) string {
	if pl.number == "" {
		return fmt.Sprint(i)
	}
	return fmt.Sprintf("%s.%d", pl.number, i)
}

func (b *builder) items(items []runbook.Item, pl place) []Node {
	var nodes []Node
	for i, it := range items {
		at := place{pl.path, pl.count(i + 1), pl.scope}
		if b.full {
			break
		}
		switch it := it.(type) {
		case *runbook.Section:
			nodes = append(nodes, b.each(it.Each, it.ID, it.Title, it.Pos, at,
				func(at place) Node { return b.section(it, at) })...)
		case *runbook.Step:
			nodes = append(nodes, b.each(it.Each, it.ID, it.Title, it.Pos, at,
				func(at place) Node { return b.step(it, at) })...)
		}
	}
	return nodes
}

func (b *builder) section(s *runbook.Section, at place) Node {
	n := &Section{Book: s, ID: at.path, Number: at.number, Title: s.Title, Scope: at.scope}
	if s.Caution != "" {
		enter := &Step{
			Book: &runbook.Step{
				Pos: s.Pos, ID: "enter", Title: "Enter: " + s.Title, Kind: runbook.Manual,
				Prose: s.Prose, Caution: s.Caution, Confirm: s.Confirm, Required: s.Required,
			},
			Kind: Enter, ID: at.join("enter"), Number: at.count(0), Title: "Enter: " + s.Title,
			Scope: at.scope, Gated: true, Enter: n,
		}
		b.cell(enter, "")
		b.add(enter, s.Pos)
		n.Children = append(n.Children, enter)
	}
	if s.Part != nil {
		inner := &Scope{Up: at.scope, Path: at.path, Part: s.Part}
		if !s.Part.Own {
			inner.asked = asked(s.Items, nil)
		}
		at.scope.parts = append(at.scope.parts, part{s.ID, inner})
		at.scope = inner
		b.given(s, inner)
	}
	n.Children = append(n.Children, b.items(s.Items, at)...)
	return n
}

// asked adds the declared parameters that steps ask for: all of one file.
func asked(items []runbook.Item, names map[string]bool) map[string]bool {
	for _, it := range items {
		switch it := it.(type) {
		case *runbook.Section:
			if it.Part == nil || it.Part.Own {
				names = asked(it.Items, names)
			}
		case *runbook.Step:
			if q := it.Question; q != nil && q.Given {
				if names == nil {
					names = map[string]bool{}
				}
				names[q.Param.Name] = true
			}
		}
	}
	return names
}

// given reports values of a part's parameters that are known now and aren't of
// their type.
func (b *builder) given(s *runbook.Section, inner *Scope) {
	outer := b.p.Names(inner.Up, "", nil)
	for _, param := range s.Part.Params {
		tmpl, ok := s.Part.With[param.Name]
		if !ok {
			continue
		}
		val, known := Fill(tmpl, outer)
		if _, typed := partValue(param, s.Part, outer); !known || typed {
			continue
		}
		_, err := Type(param, val)
		b.problem(s.Pos, "part-value", "give it another value: with."+param.Name+"=…",
			"with.%s of the part %q: %v", param.Name, s.ID, err)
	}
}
