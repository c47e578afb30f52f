package plan

import (
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook/text"
)

// Text fills {{name}} and {{name.field}} in a template with what the scope
// knows; more answers for what it doesn't (captures), and may be nil. What
// nobody knows stays as it is written, and a secret is masked.
func (p *Plan) Text(tmpl string, s *Scope, more func(name string) (any, bool)) string {
	if !strings.Contains(tmpl, "{{") {
		return tmpl
	}
	names, secret := p.Names(s, "", nil), p.Secrets(s)
	if more != nil {
		if each, ok := more("each"); ok { // the plan doesn't know in which order a walk goes
			names["each"] = each
		}
	}
	out, _ := fill(tmpl, func(path string) (any, bool) {
		if secret[path] {
			return text.Masked, true
		}
		if v, ok := lookup(names, path); ok || more == nil {
			return v, ok
		}
		if v, ok := more(path); ok {
			return v, true
		}
		head, field, _ := strings.Cut(path, ".")
		of, _ := more(head)
		m, _ := of.(map[string]any)
		v, ok := m[field]
		return v, ok
	})
	return out
}

// Fill fills a template with names as [Plan.Names] gives them, secrets too. ok
// is false when one of its names has no value.
func Fill(tmpl string, names map[string]any) (out string, ok bool) {
	return fill(tmpl, func(path string) (any, bool) { return lookup(names, path) })
}

// fill replaces every {{path}} that find knows; ok is false when it doesn't know
// one.
func fill(tmpl string, find func(path string) (any, bool)) (out string, ok bool) {
	var b strings.Builder
	ok = true
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
		if v, found := find(strings.TrimSpace(tmpl[open+2 : open+end])); found {
			b.WriteString(show(v))
		} else {
			b.WriteString(tmpl[open : open+end+2])
			ok = false
		}
		tmpl = tmpl[open+end+2:]
	}
	b.WriteString(tmpl)
	return b.String(), ok
}

// lookup finds name or name.field.
func lookup(names map[string]any, path string) (any, bool) {
	if path == partIDs {
		return nil, false
	}
	if v, ok := names[path]; ok {
		return v, true
	}
	head, field, ok := strings.Cut(path, ".")
	if !ok {
		return nil, false
	}
	m, ok := names[head].(map[string]any)
	if !ok {
		return nil, false
	}
	v, ok := m[field]
	return v, ok
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
	s, err := checks.EnvText(v)
	if err != nil {
		return "(value too large to show)"
	}
	return s
}
