package plan

import (
	"fmt"
	"slices"

	"stepgate/runbook"
)

// Tool is a program that a runbook names in its front matter, and where it must be.
type Tool struct {
	*runbook.Tool
	Hosts []string // in the inventory's order; Local: this machine
}

// tools finds where the runbook's tools must be.
func (b *builder) tools() {
	for _, t := range b.p.Book.Tools {
		tool := Tool{Tool: t, Hosts: []string{Local}}
		if t.On != "" {
			var ok bool
			if tool.Hosts, ok = b.p.On(t.On, nil); !ok {
				b.problem(t.Pos, "missing-group", fmt.Sprintf("add to the inventory: [groups.%s] hosts = [\"…\"], and give it with -i FILE", t.On),
					"the tool %q is needed on %q, which is neither a group nor a host of the inventory", t.Name, t.On)
			}
		}
		b.p.Tools = append(b.p.Tools, tool)
	}
}

// Fences are all fences of a step that are sent or taken somewhere.
func (c *Cell) Fences() []*runbook.Fence {
	s := c.Step.Book
	all := slices.Concat(s.Done, s.Before, s.After)
	if s.Command != nil {
		all = append(all, s.Command)
	}
	if rb := s.Rollback; rb != nil {
		all = slices.Concat(all, rb.Before, rb.After)
		if rb.Command != nil {
			all = append(all, rb.Command)
		}
	}
	return all
}

// Reaches returns the hosts, [Local] among them, that a fence of the cell needs to be
// reached, as far as they are known before anything has run: where a script runs, the
// ends of a copy, what statements and requests go through.
func (p *Plan) Reaches(c *Cell, f *runbook.Fence) []string {
	var reached []string
	add := func(hosts []string) {
		for _, h := range hosts {
			if h != "" && !slices.Contains(reached, h) {
				reached = append(reached, h)
			}
		}
	}
	scope := c.Step.Scope
	for _, where := range p.Candidates(c, f) {
		switch f.Form {
		case runbook.Script:
			add([]string{where})
		case runbook.Copy:
			add([]string{Local})
			for _, name := range p.ends(f, scope, where) {
				hosts, _ := p.On(name, scope)
				add(hosts)
			}
		case runbook.SQL, runbook.HTTP, runbook.TCP:
			via := f.Via
			if via == "" && f.Connection != nil {
				via = f.Connection.Via
			}
			if name, ok := Fill(via, p.Names(scope, where, nil)); ok && name != "" {
				hosts, _ := p.On(name, scope)
				add(hosts)
			}
		case runbook.Variables:
		}
	}
	return reached
}
