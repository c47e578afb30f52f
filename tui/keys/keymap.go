package keys

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Binding is one line of the keymap.
type Binding struct {
	ID    ID
	Keys  []string // as Bubble Tea names them
	In    []Scope
	Short string // for the footer; empty: not shown there
	Long  string // for the help
	Group string
	Verb  run.Verb // the action it asks for, if any
}

// Map is the keys of every screen. It doesn't change.
type Map struct{ bindings []Binding }

// Default is the map without a configuration.
func Default() Map { return Map{defaults} }

// Bindings are all lines, in the order in which they are shown.
func (m Map) Bindings() []Binding { return m.bindings }

// Lookup returns what a key does in a scope.
func (m Map) Lookup(s Scope, key string) (Binding, bool) {
	for _, b := range m.bindings {
		if slices.Contains(b.In, s) && slices.Contains(b.Keys, key) {
			return b, true
		}
	}
	return Binding{}, false
}

// Bound returns the line of an ID in a scope; zero: it has none there.
func (m Map) Bound(s Scope, id ID) Binding {
	for _, b := range m.bindings {
		if b.ID == id && slices.Contains(b.In, s) {
			return b
		}
	}
	return Binding{}
}

// Name is the key of an ID in a scope as the operator reads it, the first where it
// has several; enter is how Enter is written. Empty: it has none there.
func (m Map) Name(s Scope, id ID, enter string) string {
	if b := m.Bound(s, id); len(b.Keys) > 0 {
		return Name(b.Keys[0], enter)
	}
	return ""
}

// With gives lines other keys, by the names of their IDs. A character stays text
// where text is typed, if the same name has lines elsewhere. It fails, naming all
// that is wrong, on a name it doesn't know, on a key that would mean two things in a
// scope, and on one that could no longer be typed at a gate or into a text.
func (m Map) With(other map[string][]string) (Map, error) {
	out := Map{slices.Clone(m.bindings)}
	var wrong []string
	for _, name := range sorted(other) {
		met := false
		elsewhere := slices.ContainsFunc(out.bindings, func(b Binding) bool { return b.ID.String() == name && !b.types() })
		for i, b := range out.bindings {
			if b.ID.String() != name {
				continue
			}
			met = true
			given := other[name]
			if b.types() && elsewhere {
				if given = slices.DeleteFunc(slices.Clone(given), character); len(given) == 0 && len(other[name]) > 0 {
					continue // it keeps the keys it has
				}
			}
			out.bindings[i].Keys = given
		}
		switch {
		case !met:
			wrong = append(wrong, fmt.Sprintf("no key is called %q", name))
		case len(other[name]) == 0:
			wrong = append(wrong, fmt.Sprintf("%q would have no key at all", name))
		}
	}
	wrong = append(wrong, out.clashes()...)
	if len(wrong) > 0 {
		return m, text.WithHint(fmt.Errorf("read the keys: %s", strings.Join(wrong, "; ")), "their names are in docs/keys.md")
	}
	return out, nil
}

// clashes says which keys mean two things in one scope, or would be taken out of
// what is typed.
func (m Map) clashes() []string {
	type place struct {
		in  Scope
		key string
	}
	var out []string
	taken := map[place]ID{}
	for _, b := range m.bindings {
		for _, in := range b.In {
			for _, k := range b.Keys {
				if other, ok := taken[place{in, k}]; ok {
					out = append(out, fmt.Sprintf("%q means both %q and %q on the %s screen", k, other, b.ID, in))
				}
				if typing[in] && character(k) {
					out = append(out, fmt.Sprintf("%q could no longer be typed on the %s screen", k, in))
				}
				taken[place{in, k}] = b.ID
			}
		}
	}
	return out
}

// typing are the scopes in which text is typed.
var typing = map[Scope]bool{InGate: true, InText: true, InLogin: true, InPalette: true, InForm: true, InCommand: true}

// types reports whether a line is only for scopes in which text is typed.
func (b Binding) types() bool {
	return !slices.ContainsFunc(b.In, func(s Scope) bool { return !typing[s] })
}

// character reports whether a key is part of what can be typed.
func character(key string) bool { return utf8.RuneCountInString(key) == 1 || key == "space" }

func sorted(m map[string][]string) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Name is a key as the operator reads it; enter is how Enter is written.
func Name(k, enter string) string {
	switch k {
	case "enter":
		return enter
	case "pgdown":
		return "pgdn"
	default:
		return k
	}
}

// Table is the keymap as a Markdown table, for the documentation.
func (m Map) Table() string {
	var b strings.Builder
	b.WriteString("| group | key | name | where | what it does |\n|---|---|---|---|---|\n")
	for _, k := range m.bindings {
		var keys, in []string
		for _, n := range k.Keys {
			keys = append(keys, "`"+Name(n, "enter")+"`")
		}
		for _, s := range k.In {
			in = append(in, s.String())
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", k.Group, strings.Join(keys, " "), k.ID, strings.Join(in, ", "), k.Long)
	}
	return b.String()
}
