package plan

import (
	"fmt"
	"strings"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
)

// Limits of a plan.
const (
	MaxSteps = 5000
	MaxHosts = 1000
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
	root := &Scope{}
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
	p        *Plan
	problems []runbook.Diagnostic
	full     bool // MaxSteps was reported
}

func (b *builder) problem(pos runbook.Pos, rule, remedy, format string, args ...any) {
	b.problems = append(b.problems, runbook.Diagnostic{
		Pos: pos, Severity: runbook.Error, Rule: rule, Text: fmt.Sprintf(format, args...), Remedy: remedy,
	})
}

func (b *builder) inventory(inv *inventory.Inventory) {
	p := b.p
	for _, h := range inv.Hosts {
		p.Hosts[h.Name] = h
	}
	for _, g := range inv.Groups {
		p.Groups[g.Name] = g.Hosts
	}
	if len(p.Hosts) > MaxHosts {
		b.problem(runbook.Pos{File: p.Book.File, Line: 1, Col: 1}, "too-many-hosts", "split the inventory",
			"the inventory has %d hosts, at most %d are possible", len(p.Hosts), MaxHosts)
	}
	for _, g := range p.Book.Groups {
		b.group(g)
	}
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

// each builds one node, or a walk with one node per host. at.path becomes the
// node's own path before build is called.
func (b *builder) each(each *runbook.Each, id, title string, pos runbook.Pos, at place, build func(place) Node) []Node {
	path := at.join(id)
	if each == nil {
		if n := build(place{path, at.number, at.scope}); n != nil {
			return []Node{n}
		}
		return nil
	}
	group := each.Group
	hosts, ok := b.p.Groups[group]
	if !ok {
		b.problem(pos, "missing-group", fmt.Sprintf("add to the inventory: [groups.%s] hosts = [\"…\"]", group),
			"each walks group %q, which the inventory doesn't have", group)
		return nil
	}
	w := &Walk{ID: path, Number: at.number, Title: title, Each: each, Batch: 1, Keys: hosts, Scope: at.scope}
	for i, h := range hosts {
		inst := fmt.Sprintf("%s[%s]", path, escape(h))
		sc := &Scope{Up: at.scope, Path: inst, Host: h, Group: group, Index: i, Count: len(hosts)}
		n := build(place{inst, at.number, sc})
		if n == nil {
			return nil
		}
		w.Instances = append(w.Instances, n)
	}
	b.p.walks[path] = w
	b.p.Walks = append(b.p.Walks, w)
	return []Node{w}
}

// escape keeps a host's name from ending an instance in a path.
func escape(s string) string {
	return strings.NewReplacer("%", "%25", "/", "%2F", "[", "%5B", "]", "%5D", "@", "%40").Replace(s)
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
	n.Children = append(n.Children, b.items(s.Items, at)...)
	return n
}

func (b *builder) step(s *runbook.Step, at place) Node {
	n := &Step{Book: s, ID: at.path, Number: at.number, Title: s.Title, Scope: at.scope, Gated: s.Gated()}
	switch s.Kind {
	case runbook.Manual:
		n.Kind = Manual
		b.cell(n, at.scope.InnerHost())
	case runbook.Check:
		n.Kind = Check
		b.cell(n, b.checkTarget(s, at))
	case runbook.Run:
		n.Kind = Run
		hosts, ok := b.p.on(s.Command.On, at.scope)
		if !ok {
			b.unknownPlace(s.Command)
			return nil
		}
		if len(hosts) == 0 {
			b.emptyGroup(s.Command)
			return nil
		}
		for _, h := range hosts {
			b.cell(n, h)
		}
	}
	fences := append(append([]*runbook.Fence{}, s.Before...), s.After...)
	if s.Rollback != nil {
		fences = append(append(append(fences, s.Rollback.Before...), s.Rollback.Command), s.Rollback.After...)
	}
	for _, f := range fences {
		switch hosts, ok := b.p.on(f.On, at.scope); {
		case !ok:
			b.unknownPlace(f)
		case len(hosts) == 0:
			b.emptyGroup(f)
		}
	}
	b.add(n, s.Pos)
	return n
}

// emptyGroup refuses what would run nowhere: a check that is taken nowhere
// would pass.
func (b *builder) emptyGroup(f *runbook.Fence) {
	b.problem(f.Pos, "empty-group", "give the group a host, or take the step out", "group %q has no hosts to run on", f.On)
}

func (b *builder) unknownPlace(f *runbook.Fence) {
	b.problem(f.Pos, "missing-group", fmt.Sprintf("add [groups.%s] or [hosts.%s] to the inventory, and give it with -i FILE", f.On, f.On),
		"on=%s names neither a group nor a host of the inventory", f.On)
}

// checkTarget is the one place of a check step, or "" when it has several.
func (b *builder) checkTarget(s *runbook.Step, at place) string {
	target := ""
	for i, f := range s.Before {
		hosts, _ := b.p.on(f.On, at.scope)
		if len(hosts) != 1 || i > 0 && hosts[0] != target {
			return at.scope.InnerHost()
		}
		target = hosts[0]
	}
	return target
}

func (b *builder) cell(s *Step, target string) {
	c := &Cell{Step: s, Target: target}
	s.Cells = append(s.Cells, c)
}

func (b *builder) add(s *Step, pos runbook.Pos) {
	b.p.Steps = append(b.p.Steps, s)
	if len(b.p.Steps) > MaxSteps {
		if !b.full {
			b.full = true
			b.problem(pos, "too-many-steps", "split the runbook, or limit its hosts", "the plan has more than %d steps", MaxSteps)
		}
		return
	}
	for _, c := range s.Cells {
		c.Index = len(b.p.Cells)
		b.p.Cells = append(b.p.Cells, c)
		b.p.cells[cellKey{s.ID, c.Target}] = c
	}
}

// on returns the hosts that an `on` means within a scope.
func (p *Plan) on(on string, s *Scope) ([]string, bool) {
	switch {
	case on == "":
		if h := s.InnerHost(); h != "" {
			return []string{h}, true
		}
		return []string{Local}, true
	case on == Local:
		return []string{Local}, true
	}
	if hosts, ok := p.Groups[on]; ok {
		return hosts, true
	}
	if _, ok := p.Hosts[on]; ok {
		return []string{on}, true
	}
	return nil, false
}

// Places returns where a fence of the cell's step runs. A check on the group
// that the command runs on is taken where the cell's command runs.
func (p *Plan) Places(c *Cell, f *runbook.Fence) []string {
	if f.Body == "" && f.Lang == "" {
		return []string{""}
	}
	if cmd := c.Step.Book.Command; cmd != nil && f.On == cmd.On {
		return []string{c.Target}
	}
	hosts, _ := p.on(f.On, c.Step.Scope)
	return hosts
}
