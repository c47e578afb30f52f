package inventory

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/conf"
)

// finish makes the inventory of what was read.
func (r *iniReader) finish() {
	for _, name := range r.names {
		g := r.groups[name]
		if at, taken := r.p.hosts[name]; taken {
			r.p.errorAt(g.at, "both", fmt.Sprintf("%s is a group and, on line %d, a host", quote(name), at.Line), "rename one of them: on= and each= could mean either")
		}
		if !g.defined {
			r.p.errorAt(g.at, "unknown-group", "there is no group "+quote(name), r.groupRemedy(name))
		}
		for _, child := range g.children {
			if c := r.groups[child.Key]; c == nil || !c.defined {
				r.p.errorAt(child.At, "unknown-group", "there is no group "+quote(child.Key), r.groupRemedy(child.Key))
			}
		}
	}
	if r.full {
		return
	}
	for _, name := range r.names {
		if !r.deep(r.groups[name]) {
			return
		}
	}
	of := map[string][]*iniGroup{}
	for _, name := range r.names {
		g := r.groups[name]
		members := r.members(g, map[string]bool{}, map[string]bool{})
		if name == "all" {
			members = nil
			for _, h := range r.order {
				members = append(members, h.name)
			}
		}
		for _, host := range members {
			of[host] = append(of[host], g)
		}
		r.p.inv.Groups = append(r.p.inv.Groups, Group{Name: name, Hosts: members})
	}
	for _, h := range r.order {
		r.p.inv.Hosts = append(r.p.inv.Hosts, r.made(h, of[h.name]))
	}
	if runbook.Failed(r.p.diags) {
		return // what is wrong with them has been said of a host
	}
	r.p.readVars(slices.DeleteFunc(slices.Clone(r.groups["all"].vars), func(e conf.Entry) bool { return strings.HasPrefix(e.Key, "ansible_") }))
}

func (r *iniReader) groupRemedy(name string) string {
	var known []string
	for _, other := range r.names {
		if other != name && r.groups[other].defined {
			known = append(known, other)
		}
	}
	if did := checks.Did(name, known); did != "" && len(name) <= 64 {
		return "did you mean " + did + "?"
	}
	return "add a section [" + name + "]"
}

// deep finds how many groups lie below a group in each other; false: it lies
// below itself.
func (r *iniReader) deep(g *iniGroup) bool {
	const being, done = 1, 2
	if g.state == done {
		return true
	}
	g.state = being
	for _, e := range g.children {
		child := r.groups[e.Key]
		switch {
		case child == nil:
			continue
		case child.state == being:
			r.p.errorAt(e.At, "inventory", "the group "+quote(child.name)+" is a child of itself", "take one of the two groups out of the other's children")
			return false
		case !r.deep(child):
			return false
		}
		g.height = max(g.height, child.height+1)
	}
	g.state = done
	return true
}

// members are a group's hosts, its own before those of its children.
func (r *iniReader) members(g *iniGroup, seen, been map[string]bool) []string {
	if been[g.name] {
		return nil
	}
	been[g.name] = true
	var out []string
	for _, name := range g.hosts {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, e := range g.children {
		if child := r.groups[e.Key]; child != nil {
			out = append(out, r.members(child, seen, been)...)
		}
	}
	return out
}

// made is a host with the variables of its groups, those of the widest first.
func (r *iniReader) made(h *iniHost, groups []*iniGroup) Host {
	sort.SliceStable(groups, func(i, j int) bool {
		a, b := groups[i], groups[j]
		if (a.name == "all") != (b.name == "all") {
			return a.name == "all"
		}
		if a.height != b.height {
			return a.height > b.height
		}
		return a.name < b.name
	})
	var vars []conf.Entry
	for _, g := range groups {
		vars = append(vars, g.vars...)
	}
	vars = append(vars, h.vars...)
	last := map[string]int{}
	for i, v := range vars {
		last[v.Key] = i
	}
	host := Host{Name: h.name, Vars: map[string]string{}}
	login := map[string]conf.Entry{}
	for i, v := range vars {
		switch {
		case last[v.Key] != i: // another one wins
		case strings.HasPrefix(v.Key, "ansible_"):
			login[strings.Replace(v.Key, "ansible_ssh_", "ansible_", 1)] = v
		default:
			r.p.variable("host "+quote(host.Name), host.Vars, v)
		}
	}
	host.SSH = r.destination(h, login)
	return host
}

// loginKeys are the variables that say how a host is reached.
var loginKeys = []string{"ansible_host", "ansible_port", "ansible_user", "ansible_connection"}

// destination makes an SSH destination of Ansible's variables. What else Ansible
// would know of the connection is SSH's own configuration to say.
func (r *iniReader) destination(h *iniHost, login map[string]conf.Entry) string {
	for key, v := range login {
		if !slices.Contains(loginKeys, key) && !r.passed[v.Key] {
			r.passed[v.Key] = true
			r.p.diags = append(r.p.diags, runbook.Diagnostic{
				Pos: r.p.pos(v.At), Severity: runbook.Notice, Rule: "inventory", Text: v.Key + " is left out",
				Remedy: "say it in SSH's configuration, or give the variable a name that doesn't begin with ansible_",
			})
		}
	}
	text := func(key, otherwise string) string {
		if v, ok := login[key]; ok {
			return fmt.Sprint(v.Value)
		}
		return otherwise
	}
	if connection := text("ansible_connection", "ssh"); connection == "local" {
		return ""
	} else if connection != "ssh" && connection != "smart" && connection != "paramiko" {
		r.p.errorAt(login["ansible_connection"].At, "ssh", "host "+quote(h.name)+": the connection "+quote(connection)+" is none that is known here", "use ssh or local")
	}
	dest := text("ansible_host", h.name)
	if ip, err := netip.ParseAddr(dest); err == nil && ip.Is6() {
		dest = "[" + dest + "]"
	}
	if user := text("ansible_user", ""); user != "" {
		dest = user + "@" + dest
	}
	if port := text("ansible_port", ""); port != "" {
		dest += ":" + port
	}
	at := h.at
	if v, ok := login["ansible_host"]; ok {
		at = v.At
	}
	return r.p.destination(conf.Entry{Key: "ssh", At: at, Value: dest})
}
