package plan

import (
	"slices"
	"sort"
	"strings"

	"stepgate/checks"
	"stepgate/runbook"
)

// Prefix is what stands before a fence's own text in the program that runs:
// options that make a shell stop at the first error, and the runbook's prelude;
// nothing for statements, requests and languages of the runbook.
func (p *Plan) Prefix(f *runbook.Fence) string {
	if f.Language != nil || f.Form != runbook.Script && f.Form != runbook.Variables {
		return ""
	}
	var b strings.Builder
	set := "set -eu"
	if !p.Book.Annotated {
		set = "set -e"
	}
	switch f.Lang {
	case "sh":
		b.WriteString(set + "\n")
	case "bash", "zsh":
		b.WriteString(set + "o pipefail\n")
	}
	if pre := p.Book.Prelude[f.Lang]; pre != "" {
		b.WriteString(strings.TrimRight(pre, "\n") + "\n")
	}
	return b.String()
}

// Var is an environment variable.
type Var struct{ Name, Value string }

// Env turns names into environment variables, sorted by name: `on` as on_NAME,
// what the part id captured as id_NAME, nothing for the names that only text and
// expressions have. A value too large for a command is an error.
func Env(names map[string]any) ([]Var, error) {
	var vars []Var
	add := func(name string, v any) error {
		s, err := checks.EnvText(v)
		if err == nil {
			vars = append(vars, Var{name, s})
		}
		return err
	}
	fields := func(name string, of any) error {
		m, _ := of.(map[string]any)
		for field, v := range m {
			if err := add(name+"_"+field, v); err != nil {
				return err
			}
		}
		return nil
	}
	parts := partNames(names)
	for name, v := range names {
		var err error
		switch {
		case name == partIDs || name == "each" || name == "run" || name == "step" || name == "attempt" || name == "sample":
			// commands have STEPGATE_RUN and its like
		case name == "on":
			err = fields(name, v)
		case slices.Contains(parts, name):
			if name == identifier(name) {
				err = fields(name, v)
			}
		default:
			err = add(name, v)
		}
		if err != nil {
			return nil, err
		}
	}
	sort.Slice(vars, func(i, j int) bool { return vars[i].Name < vars[j].Name })
	return vars, nil
}

// partNames are the names that stand for what a part captured.
func partNames(names map[string]any) []string {
	ids, _ := names[partIDs].([]string)
	var out []string
	for _, id := range ids {
		out = append(out, id, identifier(id))
	}
	return out
}
