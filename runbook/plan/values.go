package plan

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"stepgate/runbook"
	"stepgate/runbook/text"
)

// Value is a parameter with what it was bound to.
type Value struct {
	Param runbook.Param
	Text  string // as given
	Any   any    // typed: string, int, float64, bool, time.Duration or []any
	Set   bool   // false: not required and not given; expressions see nil, commands see no variable
}

// Show is the value as people read it: a list with commas between its items, a
// secret masked.
func (v Value) Show() string {
	switch {
	case !v.Set:
		return ""
	case v.Param.Secret:
		return text.Masked
	}
	return show(v.Any)
}

// Values are bound parameters, in the runbook's order.
type Values []Value

// Lookup returns the value of that name.
func (vs Values) Lookup(name string) (Value, bool) {
	for _, v := range vs {
		if v.Param.Name == name {
			return v, true
		}
	}
	return Value{}, false
}

// Given returns the texts of all values that are set and no secrets, by name.
func (vs Values) Given() map[string]string {
	m := map[string]string{}
	for _, v := range vs {
		if v.Set && !v.Param.Secret {
			m[v.Param.Name] = v.Text
		}
	}
	return m
}

// Bind types the given texts as the runbook's parameters say. missing are the
// required parameters that have neither a text nor a default; they are to be
// asked for. Texts for parameters that the runbook doesn't have, and texts of
// the wrong type, are errors.
func Bind(book *runbook.Runbook, given map[string]string) (vs Values, missing []runbook.Param, errs []error) {
	known := map[string]bool{}
	for _, p := range book.Params {
		known[p.Name] = true
		v := Value{Param: p}
		v.Text, v.Set = given[p.Name]
		if !v.Set && p.HasDef {
			v.Text, v.Set = p.Default, true
		}
		switch {
		case v.Set:
			a, err := Type(p, v.Text)
			if err != nil {
				errs = append(errs, err)
			}
			v.Any = a
		case p.Required:
			missing = append(missing, p)
		}
		vs = append(vs, v)
	}
	var extra []string
	for name := range given {
		if !known[name] {
			extra = append(extra, name)
		}
	}
	slices.Sort(extra)
	for _, name := range extra {
		errs = append(errs, text.WithHint(
			fmt.Errorf("bind value %q: the runbook has no parameter of that name", name),
			"its parameters are: "+strings.Join(paramNames(book), ", ")))
	}
	return vs, missing, errs
}

func paramNames(book *runbook.Runbook) []string {
	var names []string
	for _, p := range book.Params {
		names = append(names, p.Name)
	}
	return names
}

// hidden shows the first character of s that a reader would not see, or "".
func hidden(s string) string {
	if i, r := text.FindHidden(s); i >= 0 {
		return text.Token(r)
	}
	return ""
}

// maxValue bounds a parameter's text, in bytes.
const maxValue = 4096

// Type checks a text against a parameter and returns its value. The error says
// what was expected.
func Type(p runbook.Param, s string) (any, error) {
	bad := func(want string) error {
		if p.Secret {
			return text.WithHint(fmt.Errorf("bind value %q: the secret is not %s", p.Name, want),
				fmt.Sprintf("give it when asked, or as the environment variable STEPGATE_VAR_%s", p.Name))
		}
		return text.WithHint(fmt.Errorf("bind value %q: %q is not %s", p.Name, text.Line(text.Untrusted(s)), want),
			fmt.Sprintf("give it as -e %s=VALUE", p.Name))
	}
	switch {
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return nil, bad("valid text")
	case hidden(s) != "":
		return nil, bad("free of the invisible character " + hidden(s))
	case len(s) > maxValue:
		return nil, bad(fmt.Sprintf("at most %d bytes long", maxValue))
	case p.Type != runbook.TypeList && strings.HasPrefix(s, "-") && p.Type != runbook.TypeInt && p.Type != runbook.TypeNumber:
		return nil, bad("free of a leading dash (a command could take it for an option)")
	case len(p.Choices) > 0 && !slices.Contains(p.Choices, s):
		return nil, bad("one of " + strings.Join(p.Choices, ", "))
	}
	if p.Pattern != "" {
		re, err := regexp.Compile(`^(?:` + p.Pattern + `)$`)
		if err != nil || !re.MatchString(s) {
			return nil, bad("matched by " + p.Pattern)
		}
	}
	switch p.Type {
	case runbook.TypeInt:
		if n, err := strconv.Atoi(s); err == nil {
			return n, nil
		}
		return nil, bad("a whole number")
	case runbook.TypeNumber:
		if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
		return nil, bad("a number")
	case runbook.TypeBool:
		if b, err := strconv.ParseBool(s); err == nil {
			return b, nil
		}
		return nil, bad("true or false")
	case runbook.TypeDuration:
		if d, err := time.ParseDuration(s); err == nil {
			return d, nil
		}
		return nil, bad("a duration like 90s or 10m")
	case runbook.TypeList:
		var l []any
		for _, e := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '\n' }) {
			l = append(l, strings.TrimSpace(e))
		}
		return l, nil
	case runbook.TypeString, runbook.TypeChoice, runbook.TypePath, runbook.TypeHost:
	}
	if s == "" && p.Required {
		return nil, bad("given (it is empty)")
	}
	return s, nil
}
