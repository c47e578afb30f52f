package inventory

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"stepgate/runbook/conf"
)

// iniReader reads an inventory in Ansible's INI form:
//
//	[web]
//	web[01:03] ansible_host=10.0.0.1 port=80
//	[web:vars]
//	ansible_user=ops
//	[prod:children]
//	web
//
// Hosts that several lines name are one host. Variables of a host win over those
// of its groups, those of a group over those of the groups it is a child of, and
// all of these over those of [all:vars].
type iniReader struct {
	p      *parser
	hosts  map[string]*iniHost
	order  []*iniHost
	groups map[string]*iniGroup
	names  []string        // of groups, in the order met
	full   bool            // too many groups were reported
	passed map[string]bool // variables that were reported as left out
}

type iniHost struct {
	name string
	at   conf.Place
	vars []conf.Entry
}

type iniGroup struct {
	name     string
	at       conf.Place
	defined  bool // has a section of its own, not only one of variables
	hosts    []string
	children []conf.Entry
	vars     []conf.Entry
	height   int // longest way down to a group without children
	state    int // while heights are taken: 1 being looked at, 2 done
}

var (
	iniHeader = regexp.MustCompile(`^\[([^\]:]+)(?::([a-z]+))?\](.*)$`)
	iniRange  = regexp.MustCompile(`\[([0-9]+|[A-Za-z]):([0-9]+|[A-Za-z])(?::([0-9]+))?\]`)
	tomlTable = regexp.MustCompile(`^(groups|hosts|vars)(\.|$)`)
)

// looksINI tells by the first line that says so whether a text is an INI
// inventory.
func looksINI(src string) bool {
	for line := range strings.Lines(src) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if m := iniHeader.FindStringSubmatch(line); m != nil {
			return !tomlTable.MatchString(strings.Trim(m[1], " \"'"))
		}
		key, _, pair := strings.Cut(line, "=")
		return !pair || strings.Contains(strings.TrimSpace(key), " ")
	}
	return false
}

func (p *parser) readINI(src string) {
	r := &iniReader{p: p, hosts: map[string]*iniHost{}, groups: map[string]*iniGroup{}, passed: map[string]bool{}}
	kind, group := "", r.group("all", conf.Place{Line: 1, Col: 1})
	group.defined = true
	number := 0
	for line := range strings.Lines(src) {
		number++
		text := strings.TrimRight(line, "\r\n")
		at := conf.Place{Line: number, Col: 1 + len(text) - len(strings.TrimLeft(text, " \t"))}
		text = strings.TrimSpace(text)
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
		case text[0] == '[' && iniHeader.MatchString(text):
			kind, group = r.header(iniHeader.FindStringSubmatch(text), at)
		case group == nil: // of a header that was refused
		case kind == "vars":
			r.groupVariable(group, text, at)
		case kind == "children":
			group.children = append(group.children, conf.Entry{Key: withoutComment(text), At: at})
		case !r.host(group, text, at):
			return
		}
	}
	r.finish()
}

// group returns the group of that name, new when it is met for the first time.
func (r *iniReader) group(name string, at conf.Place) *iniGroup {
	g := r.groups[name]
	if g == nil {
		g = &iniGroup{name: name, at: at}
		r.groups[name] = g
		r.names = append(r.names, name)
	}
	return g
}

func (r *iniReader) header(m []string, at conf.Place) (kind string, g *iniGroup) {
	name, kind := strings.TrimSpace(m[1]), m[2]
	rest := withoutComment(strings.TrimSpace(m[3]))
	switch {
	case kind != "" && kind != "vars" && kind != "children":
		r.p.errorAt(at, "inventory", "the section ["+name+":"+kind+"] is none of an inventory", "write ["+name+"], ["+name+":vars] or ["+name+":children]")
		return "", nil
	case rest != "" && !strings.HasPrefix(rest, "#"):
		r.p.errorAt(at, "inventory", "unexpected "+quote(rest)+" behind the section's name", "put it on a line of its own")
		return "", nil
	case !r.p.name(conf.Entry{Key: name, At: at}, "group"):
		return "", nil
	}
	if r.groups[name] == nil && len(r.names) >= maxGroups {
		if !r.full {
			r.full = true
			r.p.errorAt(at, "too-large", fmt.Sprintf("the inventory has more than %d groups", maxGroups), "leave out groups that aren't needed")
		}
		return "", nil
	}
	g = r.group(name, at)
	if kind != "vars" && !g.defined {
		g.defined, g.at = true, at
	}
	return kind, g
}

// groupVariable reads a line of [group:vars]: everything behind the = is the
// value.
func (r *iniReader) groupVariable(g *iniGroup, text string, at conf.Place) {
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		r.p.errorAt(at, "inventory", quote(text)+" is no variable", "write name=value")
		return
	}
	value = strings.TrimSpace(value)
	if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && strings.IndexByte(value[1:], value[0]) == n-2 {
		value = value[1 : n-1]
	} else {
		value = withoutComment(value)
	}
	g.vars = append(g.vars, conf.Entry{Key: strings.TrimSpace(key), At: at, Value: value})
}

// withoutComment cuts off what stands behind a blank and a #.
func withoutComment(s string) string {
	for i := 1; i < len(s); i++ {
		if s[i] == '#' && (s[i-1] == ' ' || s[i-1] == '\t') {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

// host reads a line that names a host, or a range of hosts, with variables.
// false: there are too many hosts to go on.
func (r *iniReader) host(g *iniGroup, text string, at conf.Place) bool {
	words, bad := iniWords(text)
	if bad != "" {
		r.p.errorAt(at, "inventory", bad, "close the quote on its line")
		return true
	}
	pattern, port := words[0].text, ""
	if i := strings.LastIndexByte(pattern, ':'); i > strings.LastIndexByte(pattern, ']') {
		pattern, port = pattern[:i], pattern[i+1:]
	}
	names, why := iniNames(pattern, MaxHosts+1)
	if why != "" {
		r.p.errorAt(at, "inventory", "the host "+quote(pattern)+" "+why, "write a range such as web[01:03] or db-[a:c]")
		return true
	}
	var vars []conf.Entry
	if port != "" {
		vars = append(vars, conf.Entry{Key: "ansible_port", At: at, Value: port})
	}
	for _, w := range words[1:] {
		key, value, ok := strings.Cut(w.text, "=")
		place := conf.Place{Line: at.Line, Col: at.Col + w.at}
		if !ok {
			r.p.errorAt(place, "inventory", quote(w.text)+" behind a host is no variable", "write name=value, with quotes around a value that holds blanks")
			continue
		}
		vars = append(vars, conf.Entry{Key: key, At: place, Value: value})
	}
	for _, name := range names {
		if !r.add(g, name, at, vars) {
			return false
		}
	}
	return true
}

func (r *iniReader) add(g *iniGroup, name string, at conf.Place, vars []conf.Entry) bool {
	h := r.hosts[name]
	if h == nil {
		if !r.p.name(conf.Entry{Key: name, At: at}, "host") {
			return true
		}
		if len(r.order) >= MaxHosts {
			r.p.errorAt(at, "too-large", fmt.Sprintf("the inventory has more than %d hosts", MaxHosts), "leave out hosts that aren't needed")
			return false
		}
		h = &iniHost{name: name, at: at}
		r.hosts[name], r.p.hosts[name] = h, r.p.pos(at)
		r.order = append(r.order, h)
	}
	h.vars = append(h.vars, vars...)
	if !slices.Contains(g.hosts, name) {
		g.hosts = append(g.hosts, name)
	}
	return true
}

// iniWord is a word of a host's line; at counts from the line's first word.
type iniWord struct {
	text string
	at   int
}

// iniWords splits a line at blanks outside quotes, up to a comment.
func iniWords(s string) (words []iniWord, bad string) {
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' {
			i++
			continue
		}
		if s[i] == '#' && i > 0 {
			break
		}
		start := i
		var b strings.Builder
		for i < len(s) && s[i] != ' ' && s[i] != '\t' {
			if q := s[i]; q == '"' || q == '\'' {
				end := strings.IndexByte(s[i+1:], q)
				if end < 0 {
					return nil, "a quote is never closed"
				}
				b.WriteString(s[i+1 : i+1+end])
				i += end + 2
				continue
			}
			b.WriteByte(s[i])
			i++
		}
		words = append(words, iniWord{b.String(), start})
	}
	return words, ""
}

// iniNames writes out the ranges of a host's name, at most limit names.
func iniNames(pattern string, limit int) (names []string, why string) {
	m := iniRange.FindStringSubmatchIndex(pattern)
	if m == nil {
		if strings.ContainsAny(pattern, "[]") {
			return nil, "holds brackets that are no range"
		}
		return []string{pattern}, ""
	}
	part := func(n int) string {
		if m[n] < 0 {
			return "1"
		}
		return pattern[m[n]:m[n+1]]
	}
	steps, why := iniSteps(part(2), part(4), part(6), limit)
	if why != "" {
		return nil, why
	}
	rest, why := iniNames(pattern[m[1]:], limit)
	for _, step := range steps {
		for _, tail := range rest {
			if names = append(names, pattern[:m[0]]+step+tail); len(names) >= limit {
				return names, why
			}
		}
	}
	return names, why
}
