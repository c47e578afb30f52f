package plan

import (
	"fmt"
	"slices"
	"strings"

	"stepgate/runbook"
)

// each builds one node, or a walk with one node per instance. at.path becomes
// the node's own path before build is called.
func (b *builder) each(each *runbook.Each, id, title string, pos runbook.Pos, at place, build func(place) Node) []Node {
	path := at.join(id)
	if each == nil {
		if n := build(place{path, at.number, at.scope}); n != nil {
			return []Node{n}
		}
		return nil
	}
	instances, ok := b.walked(each, pos, at.scope)
	if !ok {
		return nil
	}
	w := &Walk{ID: path, Number: at.number, Title: title, Each: each, Batch: batch(each, len(instances)), Scope: at.scope}
	b.p.walks[path] = w
	b.p.Walks = append(b.p.Walks, w)
	for i, sc := range instances {
		key := sc.Host
		if each.Name != "" {
			key = sc.Value
		}
		sc.Up, sc.Path, sc.Index, sc.Count = at.scope, fmt.Sprintf("%s[%s]", path, escape(key)), i, len(instances)
		sc.Walk = path
		if b.instances++; b.instances > MaxSteps && !b.full {
			b.tooMany(pos, "too-many-steps", "instances", MaxSteps)
		}
		if b.full {
			return nil
		}
		n := build(place{sc.Path, at.number, sc})
		if n == nil {
			return nil
		}
		w.Keys = append(w.Keys, key)
		w.Instances = append(w.Instances, n)
	}
	return []Node{w}
}

// batch is how many of n instances go at a time.
func batch(each *runbook.Each, n int) int {
	size := each.Batch
	switch {
	case each.Percent:
		size = n * each.Batch / 100
	case size == 0:
		size = n
	}
	return max(1, min(size, n))
}

// escape keeps a key from ending an instance in a path.
func escape(s string) string {
	return strings.NewReplacer("%", "%25", "/", "%2F", "[", "%5B", "]", "%5D", "@", "%40").Replace(s)
}

// walked returns a scope for each instance, with what it binds.
func (b *builder) walked(each *runbook.Each, pos runbook.Pos, outer *Scope) ([]*Scope, bool) {
	if each.List != "" {
		return b.elements(each, pos, outer)
	}
	hosts, ok := b.p.Group(each.Group, outer)
	if !ok {
		b.problem(pos, "missing-group", fmt.Sprintf("add to the inventory: [groups.%s] hosts = [\"…\"]", each.Group),
			"each walks group %q, which the inventory doesn't have", each.Group)
		return nil, false
	}
	if each.Name != "" {
		return b.distinct(each, pos, hosts)
	}
	var out []*Scope
	for _, h := range hosts {
		out = append(out, &Scope{Host: h, Group: each.Group})
	}
	return out, true
}

// distinct walks the values of a host variable, each with its hosts.
func (b *builder) distinct(each *runbook.Each, pos runbook.Pos, hosts []string) ([]*Scope, bool) {
	var out []*Scope
	ok := true
	for _, h := range hosts {
		value, has := b.p.Hosts[h].Vars[each.Name]
		switch i := slices.IndexFunc(out, func(s *Scope) bool { return s.Value == value }); {
		case !has || value == "":
			b.problem(pos, "missing-host-variable", fmt.Sprintf("add to the inventory: [hosts.%s] %s = \"…\"", h, each.Name),
				"each walks the values of %q, which host %q of group %q doesn't have", each.Name, h, each.Group)
			ok = false
		case i < 0:
			out = append(out, &Scope{Name: each.Name, Value: value, Group: each.Group, Hosts: []string{h}})
		default:
			out[i].Hosts = append(out[i].Hosts, h)
		}
	}
	return out, ok
}

// elements walks a list parameter. What isn't known yet can't be walked: nothing
// found at run time adds steps.
func (b *builder) elements(each *runbook.Each, pos runbook.Pos, outer *Scope) ([]*Scope, bool) {
	v, known := b.p.Names(outer, "", nil)[each.List]
	list, isList := v.([]any)
	switch {
	case known && !isList:
		b.problem(pos, "no-list", fmt.Sprintf("give the parameter %s the type list", each.List),
			"each walks %q, which is no list", each.List)
		return nil, false
	case !known && !b.p.optional(each.List, outer):
		b.problem(pos, "missing-value", fmt.Sprintf("walk a parameter, and give it: -e %s=VALUE,VALUE", each.List),
			"each walks the list %q, which has no value before the run", each.List)
		return nil, false
	}
	seen := map[string]bool{}
	var out []*Scope
	for _, e := range list {
		value := show(e)
		if value == "" || seen[value] {
			b.problem(pos, "repeated-value", fmt.Sprintf("give each element once: -e %s=VALUE,VALUE", each.List),
				"each walks the list %q, which has %q twice or empty", each.List, value)
			return nil, false
		}
		seen[value] = true
		out = append(out, &Scope{Name: each.Name, Value: value})
	}
	return out, true
}

// optional reports whether a name is a parameter that needn't be given.
func (p *Plan) optional(name string, s *Scope) bool {
	for ; s != nil; s = s.Up {
		if s.asked[name] {
			return false
		}
		if s.Part == nil {
			continue
		}
		for _, param := range s.Part.Params {
			if _, with := s.Part.With[name]; param.Name == name {
				return !param.Required && !with
			}
		}
		if !s.Part.Own {
			return false
		}
	}
	v, ok := p.Values.Lookup(name)
	return ok && !v.Set
}
