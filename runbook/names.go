package runbook

import (
	"fmt"
	"maps"
	"slices"

	"stepgate/checks"
)

// naming knows which names have values, and where.
type naming struct {
	groups  map[string]*Group
	asked   map[string]Param // parameters that a step asks for: they have no value before
	total   int
	version int // grows with every name
	cache   map[visibility]*sight
	last    visibility
	latest  *sight       // what was seen from last
	ever    checks.Names // every name there is anywhere; Any where types differ
	refs    []reference
}

func newNaming() naming {
	return naming{groups: map[string]*Group{}, asked: map[string]Param{}, cache: map[visibility]*sight{}, ever: checks.Names{}}
}

type visibility struct {
	scope   *scope
	on      string
	version int
}

// captured is a name that a step gives a value.
type captured struct {
	typ    checks.Type
	at     Pos
	secret bool
	when   string // of the step; empty: it has a value whenever the step was passed
}

// scope is the run, an instance of a walk, or an included part: what is captured
// in it is its own.
type scope struct {
	parent   *scope
	group    string                 // whose hosts are walked
	name     string                 // value that is walked
	of       string                 // with name: the group whose hosts' variable it is; empty: of a list
	values   map[string]checks.Type // parameters of the run or of a part
	secrets  map[string]bool        // of values
	part     bool
	own      bool // a part that sees the names around it
	captures map[string]captured
	// byHost are captures of steps on a group, outside any walk: they belong to
	// its hosts.
	byHost map[string]map[string]captured
	parts  map[string]*scope // included here and done, by their id as a name
	nodes  []*outline        // what stands in it
	later  map[string]bool   // what is captured in nodes; nil: not looked for yet
}

func newScope(parent *scope) *scope {
	return &scope{
		parent: parent, captures: map[string]captured{}, byHost: map[string]map[string]captured{},
		parts: map[string]*scope{}, secrets: map[string]bool{},
	}
}

func (s *scope) walk() bool { return s.group != "" || s.name != "" }

// walks reports whether s stands inside a walk.
func (s *scope) walks() bool {
	for ; s != nil; s = s.parent {
		if s.walk() {
			return true
		}
	}
	return false
}

// walksHosts reports whether a host is walked around s.
func (s *scope) walksHosts() bool {
	for ; s != nil; s = s.parent {
		if s.group != "" {
			return true
		}
	}
	return false
}

// owner is the run or the part that s stands in.
func (s *scope) owner() *scope {
	for s.parent != nil && !s.part {
		s = s.parent
	}
	return s
}

// sight is what is seen from one place.
type sight struct {
	types  checks.Names
	secret map[string]bool
	when   map[string]string // of what may have no value: the condition under which it was captured
	parts  map[string]*scope
	// captured are those of types that get their value in the run.
	captured map[string]bool
	// machine is the group of the host it runs on; nil: it isn't known, or has none.
	machine *Group
	// sampled: it is the text of a monitor, which knows the number of its sample.
	sampled bool
}

// capture adds a name that a step gives its value.
func (v *sight) capture(name string, c captured) {
	v.add(name, c.typ, c.secret, c.when)
	v.captured[name] = true
}

func (v *sight) add(name string, t checks.Type, secret bool, when string) {
	v.types[name] = t
	delete(v.captured, name)
	delete(v.secret, name)
	delete(v.when, name)
	delete(v.parts, name)
	if secret {
		v.secret[name] = true
	}
	if when != "" {
		v.when[name] = when
	}
}

// everywhere are names that always have a value.
var everywhere = checks.Names{"run": checks.String, "step": checks.String, "attempt": checks.Int}

// sight returns what a fence in s that runs on on sees. The nearest wins. A part
// hides the parameters and captures around it, not what is walked.
func (p *parser) sight(s *scope, on string) *sight {
	key := visibility{s, on, p.names.version}
	if p.names.last == key && p.names.latest != nil { // most look from where they looked last
		return p.names.latest
	}
	if seen, ok := p.names.cache[key]; ok {
		p.names.last, p.names.latest = key, seen
		return seen
	}
	all, kept := newSight(), newSight()
	for _, sc := range chain(s) {
		p.enterScope(sc, s, on, &all, kept)
	}
	if on != "" {
		all.machine = p.group(on, s)
	} else {
		all.machine = p.group(p.hostsOf(s, on), s)
	}
	if len(p.names.cache) > 64 {
		clear(p.names.cache)
	}
	p.names.cache[key], p.names.last, p.names.latest = all, key, all
	return all
}

func newSight() *sight {
	v := &sight{types: checks.Names{}, secret: map[string]bool{}, when: map[string]string{}, parts: map[string]*scope{}, captured: map[string]bool{}}
	maps.Copy(v.types, everywhere)
	v.types["on"] = checks.Any
	return v
}

func (v *sight) clone() *sight {
	return &sight{types: maps.Clone(v.types), secret: maps.Clone(v.secret), when: maps.Clone(v.when), parts: maps.Clone(v.parts), captured: maps.Clone(v.captured), machine: v.machine}
}

func chain(s *scope) []*scope {
	var out []*scope
	for ; s != nil; s = s.parent {
		out = append(out, s)
	}
	slices.Reverse(out)
	return out
}

// enterScope adds to all what sc holds, and to kept what parts within see too.
// from is the scope that is looked from.
func (p *parser) enterScope(sc, from *scope, on string, all **sight, kept *sight) {
	walked := from.walksHosts()
	inside := sc.walks()
	if sc.part && !sc.own {
		*all = kept.clone()
	}
	v := *all
	for name, t := range sc.values {
		v.add(name, t, sc.secrets[name], "")
	}
	if sc.parent == nil && !walked {
		p.hostVars(on, from, v, kept)
	}
	if sc.group != "" {
		p.hostVars(sc.group, sc.parent, v, kept)
	}
	if sc.name != "" {
		v.add(sc.name, checks.String, false, "")
		kept.add(sc.name, checks.String, false, "")
	}
	if sc.walk() {
		v.add("each", checks.Any, false, "")
		kept.add("each", checks.Any, false, "")
	}
	for name, c := range sc.captures {
		v.capture(name, c)
	}
	if !inside {
		for name, c := range sc.byHost[p.hostsOf(from, on)] {
			v.capture(name, c)
		}
	}
	for id, part := range sc.parts {
		v.capture(id, captured{})
		v.parts[id] = part
	}
}

// hostsOf is the group whose hosts' own captures are seen: of the host that is
// walked, else of where it runs.
func (p *parser) hostsOf(s *scope, on string) string {
	for up := s; up != nil; up = up.parent {
		if up.group != "" {
			on, s = up.group, up.parent
			break
		}
	}
	if g := p.group(on, s); g != nil {
		return g.Name
	}
	return on
}

// hostVars adds the variables of a group's hosts.
func (p *parser) hostVars(group string, s *scope, into ...*sight) {
	g := p.group(group, s)
	if g == nil {
		return
	}
	for _, name := range g.Vars {
		for _, v := range into {
			v.add(name, checks.String, false, "")
		}
	}
}

// group finds what is known of a group: of a value that is walked, the group
// whose hosts have it.
func (p *parser) group(name string, s *scope) *Group {
	for ; s != nil; s = s.parent {
		if s.name == name && s.of != "" {
			return p.group(s.of, s.parent)
		}
	}
	return p.names.groups[name]
}

// groupNames are the groups that a place knows.
func (p *parser) groupNames(s *scope) []string {
	names := keys(p.names.groups)
	for ; s != nil; s = s.parent {
		if s.of != "" {
			names = append(names, s.name)
		}
	}
	return names
}

// declare records a name that a step gives a value, and reports one that is
// taken.
func (p *parser) declare(s *scope, on, name string, c captured) {
	if why, bad := checks.Reserved(name); bad {
		p.report(c.at, Error, "reserved", "the capture can't be called "+quote(name)+": "+why, "choose another name")
		return
	}
	if _, ok := s.owner().values[name]; ok {
		p.report(c.at, Error, "name-taken", quote(name)+" is a parameter already", "choose another name for the capture")
		return
	}
	if p.names.total++; p.names.total > maxNames {
		p.excess(c.at, fmt.Sprintf("%d names", maxNames))
		return
	}
	into := s.captures
	if g := p.group(on, s); g != nil && !s.walks() && g.Max != 1 {
		if s.byHost[g.Name] == nil {
			s.byHost[g.Name] = map[string]captured{}
		}
		into = s.byHost[g.Name]
	}
	if first, ok := into[name]; ok {
		p.report(c.at, Error, "captured-twice", fmt.Sprintf("%s is captured on line %d already", quote(name), first.at.Line), "choose another name")
		return
	}
	into[name] = c
	p.known(name, c.typ)
	p.names.version++
}

// known notes that a name exists somewhere.
func (p *parser) known(name string, t checks.Type) {
	if before, ok := p.names.ever[name]; ok && before != t {
		t = checks.Any
	}
	p.names.ever[name] = t
}

// captured reports whether the part captures the name anywhere outside a walk.
func (s *scope) captured(name string) bool { return slices.Contains(s.capturedNames(), name) }

func (s *scope) capturedNames() []string {
	names := keys(s.captures)
	for _, m := range s.byHost {
		names = append(names, keys(m)...)
	}
	return names
}

func (s *scope) secretCapture(name string) bool {
	for _, m := range s.byHost {
		if m[name].secret {
			return true
		}
	}
	return s.captures[name].secret
}
