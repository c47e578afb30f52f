package plan

import (
	"strings"
	"time"
)

// Names returns what the cell's text, commands and expressions see when they
// run at where: parameters, the variables of the host being walked (outer walks
// first, nearest wins) or else of the host it runs on, `host`, `on.…` and
// `each.…`. Captures are the run's to add.
func (p *Plan) Names(s *Scope, where string) map[string]any {
	m := map[string]any{}
	for _, v := range p.Values {
		if v.Set {
			m[v.Param.Name] = v.Any
		}
	}
	var chain []*Scope
	for c := s; c != nil; c = c.Up {
		chain = append(chain, c)
	}
	walked := false
	for i := len(chain) - 1; i >= 0; i-- {
		if c := chain[i]; c.Host != "" {
			walked = true
			p.hostNames(m, c.Host)
			m["each"] = map[string]any{"index": c.Index, "count": c.Count, "last": c.Index == c.Count-1}
		}
	}
	on := map[string]any{}
	p.hostNames(on, where)
	m["on"] = on
	if !walked && where != "" {
		p.hostNames(m, where)
	}
	return m
}

func (p *Plan) hostNames(m map[string]any, host string) {
	m["host"] = host
	for k, v := range p.Hosts[host].Vars {
		m[k] = v
	}
}

// Text fills {{name}} and {{name.field}} in a template with what the scope
// knows; more answers for what it doesn't (captures), and may be nil. What
// nobody knows stays as it is written.
func (p *Plan) Text(tmpl string, s *Scope, more func(name string) (any, bool)) string {
	if !strings.Contains(tmpl, "{{") {
		return tmpl
	}
	names := p.Names(s, "")
	var b strings.Builder
	for {
		open := strings.Index(tmpl, "{{")
		if open < 0 {
			break
		}
		end := strings.Index(tmpl[open:], "}}")
		if end < 0 {
			break
		}
		b.WriteString(tmpl[:open])
		if v, ok := lookup(names, strings.TrimSpace(tmpl[open+2:open+end]), more); ok {
			b.WriteString(show(v))
		} else {
			b.WriteString(tmpl[open : open+end+2])
		}
		tmpl = tmpl[open+end+2:]
	}
	b.WriteString(tmpl)
	return b.String()
}

func lookup(names map[string]any, path string, more func(string) (any, bool)) (any, bool) {
	if v, ok := names[path]; ok {
		return v, true
	}
	if head, field, ok := strings.Cut(path, "."); ok {
		if m, isMap := names[head].(map[string]any); isMap {
			v, ok := m[field]
			return v, ok
		}
	}
	if more != nil {
		return more(path)
	}
	return nil, false
}

// show is a value as prose has it: a list with commas between.
func show(v any) string {
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = show(e)
		}
		return strings.Join(parts, ", ")
	case time.Duration:
		return v.String()
	}
	s, err := checksText(v)
	if err != nil {
		return "(value too large to show)"
	}
	return s
}
