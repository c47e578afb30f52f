package plan

import (
	"slices"

	"stepgate/runbook"
)

// On returns the hosts that a name in `on` means within a scope: the group of a
// value being walked, a group or a host of the inventory, or this machine; none
// named, the host being walked, else this machine. false: nothing is called so.
func (p *Plan) On(on string, s *Scope) ([]string, bool) {
	switch {
	case on == "":
		if h := s.InnerHost(); h != "" {
			return []string{h}, true
		}
		return []string{Local}, true
	case on == Local:
		return []string{Local}, true
	}
	if hosts, ok := p.Group(on, s); ok {
		return hosts, true
	}
	if _, ok := p.Hosts[on]; ok {
		return []string{on}, true
	}
	return nil, false
}

// Group returns the hosts of a group as a scope sees it: the hosts of a value
// being walked come before the inventory's groups.
func (p *Plan) Group(name string, s *Scope) ([]string, bool) {
	for ; s != nil; s = s.Up {
		if s.Name == name && s.Hosts != nil {
			return s.Hosts, true
		}
	}
	hosts, ok := p.Groups[name]
	return hosts, ok
}

// ambiguous reports whether a name is both a group and a host.
func (p *Plan) ambiguous(name string, s *Scope) bool {
	for ; s != nil; s = s.Up {
		if s.Name == name && s.Hosts != nil {
			return false
		}
	}
	_, group := p.Groups[name]
	_, host := p.Hosts[name]
	return group && host
}

// Places returns where a fence of the cell's step runs. A check on the group
// that the command runs on is taken where the cell's command runs. "" is
// nowhere, for a fence over variables, and a host that is still to be picked:
// the cell's for what goes where its command goes, else one of [Plan.Candidates].
func (p *Plan) Places(c *Cell, f *runbook.Fence) []string {
	if f.Body == "" && f.Lang == "" {
		return []string{""}
	}
	if cmd := c.Step.Book.Command; cmd != nil && f.On == cmd.On {
		return []string{c.Target}
	}
	if f.Pick != nil {
		return []string{""}
	}
	hosts, _ := p.On(f.On, c.Step.Scope)
	return hosts
}

// Candidates returns the hosts that a fence of the cell's step may run on: its
// places, and of a fence whose host is picked all that may be.
func (p *Plan) Candidates(c *Cell, f *runbook.Fence) []string {
	places := p.Places(c, f)
	if f.Body == "" && f.Lang == "" || !slices.Equal(places, []string{""}) {
		return places
	}
	hosts, _ := p.On(f.On, c.Step.Scope)
	return hosts
}
