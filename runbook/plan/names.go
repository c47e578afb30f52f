package plan

import (
	"maps"
	"strings"

	"stepgate/runbook"
)

// partIDs is the key under which names say which of them are the captures of
// included parts. It is no identifier, so that nothing can be called so.
const partIDs = "."

// Names returns what text, commands and expressions of a scope see when they run
// at where: parameters; the variables of the hosts being walked, outer walks
// first, or else of the host it runs on; `host`; the values being walked;
// `on.…` and `each.…`; and captures. The nearest wins. A part hides the
// parameters and captures around it. captured returns what is captured under a
// path of [Scope.Owner], and may be nil: then nothing is captured yet. What it
// returns for "" may have `run`, the run's id, and for an instance `each`, as
// [Each] makes it when the walk was ordered; parts see these, too.
func (p *Plan) Names(s *Scope, where string, captured func(path string) map[string]any) map[string]any {
	if captured == nil {
		captured = func(string) map[string]any { return nil }
	}
	v := view{p: p, where: where, host: s.InnerHost(), captured: captured, names: map[string]any{}, kept: map[string]any{}}
	v.walked = v.host != ""
	if !v.walked {
		v.host = where
	}
	for _, sc := range p.chain(s) {
		v.enter(sc)
	}
	if where != "" {
		on := map[string]any{}
		p.hostNames(on, where)
		v.names["on"] = on
	}
	return v.names
}

// chain returns the scopes around and with s, the run's first.
func (p *Plan) chain(s *Scope) []*Scope {
	if s == nil {
		if s = new(Scope); p.Root != nil {
			s = p.Root.Scope
		}
	}
	var chain []*Scope
	for c := s; c != nil; c = c.Up {
		chain = append(chain, c)
	}
	for i, j := 0, len(chain)-1; i < j; i, j = i+1, j-1 {
		chain[i], chain[j] = chain[j], chain[i]
	}
	return chain
}

// view collects the names of a scope, going inwards.
type view struct {
	p        *Plan
	where    string
	host     string // whose own captures are seen: the one walked, else where
	walked   bool
	inside   bool // an instance was entered
	captured func(path string) map[string]any
	names    map[string]any
	kept     map[string]any // of them, what a part doesn't hide: hosts and values being walked
}

func (v *view) enter(s *Scope) {
	if s.Up == nil {
		for _, val := range v.p.Values {
			if val.Set && !s.asked[val.Param.Name] {
				v.names[val.Param.Name] = val.Any
			}
		}
		if !v.walked && v.where != "" {
			v.keep(func(m map[string]any) { v.p.hostNames(m, v.where) })
		}
	}
	if s.Count > 0 {
		v.inside = true
		v.keep(func(m map[string]any) {
			if s.Host != "" {
				v.p.hostNames(m, s.Host)
			}
			if s.Name != "" {
				m[s.Name] = s.Value
			}
			m["each"] = Each(s.Index, s.Count)
		})
	}
	if s.Part != nil {
		v.part(s)
	}
	maps.Copy(v.names, v.captured(s.Path))
	if id, ok := v.names["run"]; ok && s.Up == nil {
		v.kept["run"] = id
	}
	if s.Count > 0 {
		v.kept["each"] = v.names["each"]
	}
	if !v.inside && v.host != "" {
		maps.Copy(v.names, v.captured(s.Owner(true, v.host)))
	}
	for _, in := range s.parts {
		v.inner(in)
	}
}

// Each is what `each` stands for in the instance that is walked at this place, from 0,
// of so many.
func Each(index, count int) map[string]any {
	return map[string]any{"index": index, "count": count, "last": index == count-1}
}

func (v *view) keep(add func(map[string]any)) {
	add(v.names)
	add(v.kept)
}

// part leaves of the names around only what a part may see, and adds its
// parameters.
func (v *view) part(s *Scope) {
	own := map[string]any{}
	for _, param := range s.Part.Params {
		if val, ok := partValue(param, s.Part, v.names); ok && !s.asked[param.Name] {
			own[param.Name] = val
		}
	}
	if !s.Part.Own {
		v.names = maps.Clone(v.kept)
	}
	maps.Copy(v.names, own)
}

// partValue is a part's parameter: its with.NAME, the outer name of the same
// name, or the default. Without a value, or with one that isn't of the type, it
// has none.
func partValue(param runbook.Param, part *runbook.Part, outer map[string]any) (any, bool) {
	var val any
	if tmpl, ok := part.With[param.Name]; ok {
		if name, alone := placeholder(tmpl); alone {
			if val, ok = lookup(outer, name); !ok {
				return nil, false
			}
		} else if val, ok = Fill(tmpl, outer); !ok {
			return nil, false
		}
	} else if val, ok = outer[param.Name]; !ok {
		if !param.HasDef {
			return nil, false
		}
		val = param.Default
	}
	if list, ok := val.([]any); ok && param.Type == runbook.TypeList {
		return list, true
	}
	typed, err := Type(param, show(val))
	return typed, err == nil
}

// placeholder returns the name in a template that is nothing but {{name}}.
func placeholder(tmpl string) (string, bool) {
	inner, ok := strings.CutPrefix(strings.TrimSpace(tmpl), "{{")
	if !ok {
		return "", false
	}
	inner, ok = strings.CutSuffix(inner, "}}")
	return strings.TrimSpace(inner), ok && !strings.Contains(inner, "{{")
}

// inner adds what an included part has captured, as id.NAME.
func (v *view) inner(in part) {
	m := map[string]any{}
	maps.Copy(m, v.captured(in.scope.Path))
	if !v.inside && v.host != "" {
		maps.Copy(m, v.captured(in.scope.Owner(true, v.host)))
	}
	if len(m) == 0 {
		return
	}
	v.names[in.id] = m
	v.names[identifier(in.id)] = m
	ids, _ := v.names[partIDs].([]string)
	v.names[partIDs] = append(ids[:len(ids):len(ids)], in.id)
}

// identifier is an id as a command's variable, or an expression, can have it.
func identifier(id string) string { return strings.ReplaceAll(id, "-", "_") }

func (p *Plan) hostNames(m map[string]any, host string) {
	m["host"] = host
	for k, v := range p.Hosts[host].Vars {
		m[k] = v
	}
}

// Secrets returns which names of a scope are secret, as text and expressions
// (id.NAME) and as commands (id_NAME) have them. A part's parameter that is
// filled with a secret is one.
func (p *Plan) Secrets(s *Scope) map[string]bool {
	secret := map[string]bool{}
	if !p.secrets {
		return secret
	}
	for _, sc := range p.chain(s) {
		if sc.Up == nil {
			for _, v := range p.Values {
				if v.Param.Secret {
					secret[v.Param.Name] = true
				}
			}
		}
		if sc.Part != nil {
			secret = partSecrets(sc.Part, secret)
		}
		for _, name := range sc.secrets {
			secret[name] = true
		}
		for _, in := range sc.parts {
			for _, name := range in.scope.secrets {
				for _, id := range []string{in.id + ".", identifier(in.id) + ".", identifier(in.id) + "_"} {
					secret[id+name] = true
				}
			}
		}
	}
	return secret
}

func partSecrets(part *runbook.Part, outer map[string]bool) map[string]bool {
	secret := map[string]bool{}
	if part.Own {
		secret = maps.Clone(outer)
	}
	for _, param := range part.Params {
		is := param.Secret || outer[param.Name]
		if tmpl, ok := part.With[param.Name]; ok {
			is = param.Secret
			fill(tmpl, func(path string) (any, bool) {
				is = is || outer[path]
				return nil, false
			})
		}
		if delete(secret, param.Name); is {
			secret[param.Name] = true
		}
	}
	return secret
}
