package plan

import (
	"fmt"
	"regexp"
	"strings"

	"stepgate/runbook"
)

// via reports a way through no host, or through several. hosts are where the
// fence runs, whose variables the template may use.
func (b *builder) via(pos runbook.Pos, via string, s *Scope, hosts []string) {
	if via == "" {
		return
	}
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	for _, where := range hosts {
		name, known := Fill(via, b.p.Names(s, where, nil))
		if !known { // a capture: known when it is reached
			continue
		}
		through, ok := b.p.On(name, s)
		switch {
		case b.p.ambiguous(name, s):
			b.problem(pos, "ambiguous-name", "rename one of them in the inventory", "via=%s names both a group and a host of the inventory", name)
		case !ok || name == "":
			b.problem(pos, "missing-group", fmt.Sprintf("add [hosts.%s] to the inventory, and give it with -i FILE", name),
				"via=%s names neither a host nor a group of the inventory", name)
		case len(through) != 1:
			b.problem(pos, "several-vias", "name one host of it", "via=%s is a group of %d hosts: the way goes through one", name, len(through))
		}
	}
}

// connection reports what the inventory lacks for the connection of a fence.
func (b *builder) connection(f *runbook.Fence, s *Scope, hosts []string) {
	c := f.Connection
	if c.Driver == "" {
		b.problem(f.Pos, "missing-connection", fmt.Sprintf("define it in the including runbook: [connections.%s] driver = \"…\"", c.Name),
			"connection %q is needed here and nowhere defined", c.Name)
		return
	}
	b.via(c.Pos, c.Via, s, hosts)
	b.asks(s, c.Pos, c.Pick)
	if c.Hosts == "" {
		return
	}
	switch candidates, ok := b.p.Group(c.Hosts, s); {
	case !ok:
		b.problem(c.Pos, "missing-group", fmt.Sprintf("add to the inventory: [groups.%s] hosts = [\"…\"]", c.Hosts),
			"connection %q looks for its server in group %q, which the inventory doesn't have", c.Name, c.Hosts)
	case len(candidates) == 0:
		b.problem(c.Pos, "empty-group", "give the group a host", "connection %q looks for its server in group %q, which has no hosts", c.Name, c.Hosts)
	}
}

var hostsCall = regexp.MustCompile("\\bhosts\\(\\s*(?:\"([^\"\\\\\n]*)\"|'([^'\\\\\n]*)'|`([^`\n]*)`)\\s*\\)")

// asks reports groups that expressions ask for and nobody knows.
func (b *builder) asks(s *Scope, pos runbook.Pos, es ...*runbook.Expr) {
	for _, e := range es {
		if e != nil {
			b.asksIn(s, pos, e.Text)
		}
	}
}

func (b *builder) asksIn(s *Scope, pos runbook.Pos, text string) {
	if !strings.Contains(text, "hosts(") {
		return
	}
	for _, m := range hostsCall.FindAllStringSubmatchIndex(text, -1) {
		line := text[strings.LastIndexByte(text[:m[0]], '\n')+1 : m[0]]
		if strings.Count(line, `"`)%2 == 1 || strings.Count(line, "'")%2 == 1 || strings.Contains(line, "//") {
			continue // part of a text
		}
		name := ""
		for i := 2; i < len(m); i += 2 {
			if m[i] >= 0 {
				name = text[m[i]:m[i+1]]
			}
		}
		if _, ok := b.p.Group(name, s); !ok {
			b.problem(pos, "missing-group", fmt.Sprintf("add to the inventory: [groups.%s] hosts = [\"…\"], and give it with -i FILE", name),
				"an expression asks for the hosts of group %q, which the inventory doesn't have", name)
		}
	}
}
