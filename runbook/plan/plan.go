package plan

import (
	"stepgate/runbook"
	"stepgate/runbook/inventory"
)

// Local is the target of what runs on this machine.
const Local = "local"

// Plan is a runbook bound to values and hosts.
type Plan struct {
	Book   *runbook.Runbook
	Title  string
	Values Values // parameters
	Hosts  map[string]inventory.Host
	Groups map[string][]string
	Root   *Section
	Steps  []*Step // in the runbook's order, walks in the inventory's
	Cells  []*Cell // likewise
	Walks  []*Walk
	Tools  []Tool // that the runbook names; not in the digest: they don't change what runs
	Digest string // SHA-256, hex
	// Earlier is the version of the runbook in whose place this one was adopted in
	// the middle of a run; nil: the run began with this one.
	Earlier *Plan

	cells   map[cellKey]*Cell
	walks   map[string]*Walk
	secrets bool // a parameter or a capture is secret
}

// Versions are the plans that a run has had up to this one, the first first.
func (p *Plan) Versions() []*Plan {
	if p.Earlier == nil {
		return []*Plan{p}
	}
	return append(p.Earlier.Versions(), p)
}

type cellKey struct{ step, target string }

// Node is a *Section, a *Walk or a *Step.
type Node interface{ node() }

// Section is an instance of a runbook's section. Of a section that stands for an
// include, Scope is that of the including place, which its title and its gate
// speak of; its children have the part's.
type Section struct {
	Book     *runbook.Section
	ID       string // path; "" for the root
	Number   string // 3.2, for people
	Title    string // template: see [Plan.Text]
	Scope    *Scope
	Children []Node
}

// Walk is an `each`: one instance per host, or per value.
type Walk struct {
	ID        string // path without an instance
	Number    string
	Title     string // template of the instances' title
	Each      *runbook.Each
	Batch     int      // instances at a time, from 1
	Keys      []string // hosts, or values; in the inventory's or the list's order
	Instances []Node   // parallel to Keys: each a *Section, or a *Step, of one shape unless they hold walks
	Scope     *Scope   // outside the walk
}

// Step is an instance of a runbook's step.
type Step struct {
	Book   *runbook.Step
	Kind   Kind
	ID     string
	Number string
	Title  string // template
	Scope  *Scope
	Gated  bool
	Cells  []*Cell // at least one
	// Enter is the section that a step of kind Enter opens.
	Enter *Section
}

// Kind says what a step does: what a runbook's step does, or entering a gated
// section.
type Kind uint8

const (
	Manual Kind = iota + 1
	Check
	Run
	Enter
	Ask
	Watch
)

// Cell is a step at the place it runs: the unit of state.
type Cell struct {
	Index int // in Plan.Cells
	Step  *Step
	// Target is a host (of sql, http and tcp: whose variables it sees) or Local; ""
	// for what a person does, for checks of several places and for a command whose
	// host is picked when it is reached.
	Target string
}

// Scope is an instance of a walk, an included part, or the run itself when Up
// is nil. It binds the names a step sees, and owns what is captured in it.
type Scope struct {
	Up    *Scope
	Path  string        // of the instance: tablets[tablet-2]; of the part: its section's; "" for the run
	Host  string        // bound by an instance of a walk over hosts
	Group string        // that is walked, or whose variable is
	Name  string        // bound by an instance of a walk over values
	Value string        // of Name
	Hosts []string      // the hosts that have this value: the group Name inside; nil of a list's element
	Part  *runbook.Part // it hides the outer parameters and captures
	Index int           // of an instance, in the order of Walk.Keys, from 0
	Count int           // instances; 0: the scope is no instance
	Walk  string        // of an instance: the id of its walk

	parts   []part          // included directly in the scope: their captures are seen as id.NAME
	secrets []string        // captures that are secret
	asked   map[string]bool // parameters, of the run or the part, that have no value until a step has asked for them
}

// part is an include as the names around it see it.
type part struct {
	id    string
	scope *Scope
}

// InnerHost returns the host of the innermost walk, or "".
func (s *Scope) InnerHost() string {
	for ; s != nil; s = s.Up {
		if s.Host != "" {
			return s.Host
		}
	}
	return ""
}

// Owner returns the path that a value captured in the scope belongs to: the
// instance or the part; outside of instances, when the step has several places,
// that place's in it.
func (s *Scope) Owner(several bool, where string) string {
	path := ""
	if s != nil {
		path = s.Path
	}
	if !several || s.inInstance() {
		return path
	}
	return path + "@" + where
}

// inInstance reports whether the scope is, or stands in, an instance of a walk.
func (s *Scope) inInstance() bool {
	for ; s != nil; s = s.Up {
		if s.Count > 0 {
			return true
		}
	}
	return false
}

func (*Section) node() {}
func (*Walk) node()    {}
func (*Step) node()    {}

// ScopeOf returns the scope that a node stands in: of a walk's instance, the
// instance's own.
func ScopeOf(n Node) *Scope {
	switch n := n.(type) {
	case *Section:
		return n.Scope
	case *Walk:
		return n.Scope
	case *Step:
		return n.Scope
	}
	return nil
}

// Cell returns the cell of a step at a target.
func (p *Plan) Cell(step, target string) (*Cell, bool) {
	c, ok := p.cells[cellKey{step, target}]
	return c, ok
}

// Walk returns the walk of that path.
func (p *Plan) Walk(id string) (*Walk, bool) {
	w, ok := p.walks[id]
	return w, ok
}
