package checks

import (
	"fmt"
	"maps"
	"reflect"
	"sort"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/expr-lang/expr/vm/runtime"
)

// primitive is a function that rewritten expressions call; args[0] is the scope.
type primitive = func(args ...any) (any, error)

// primitives are the functions behind names, members, operators and helpers.
// The keys are what the rewriter writes.
var primitives = map[string]primitive{
	"__var":      on(1, (*scope).readVariable),
	"__mayvar":   on(1, (*scope).mayVariable),
	"__get":      on(2, func(s *scope, a []any) (any, error) { return s.get(a[0], a[1]) }),
	"__may":      on(2, (*scope).may),
	"__end":      on(1, (*scope).end),
	"__step":     on(1, func(s *scope, a []any) (any, error) { return a[0], s.charge(0) }),
	"__charge":   on(1, func(s *scope, a []any) (any, error) { return a[0], s.charge(size(a[0])) }),
	"__compare":  on(3, (*scope).compareOp),
	"__in":       on(2, (*scope).in),
	"__text":     on(3, (*scope).textOp),
	"__add":      on(2, (*scope).add),
	"__need":     on(2, (*scope).need),
	"__keyed":    on(2, (*scope).keyed),
	"__table":    on(1, (*scope).table),
	"__regex":    on(2, (*scope).regex),
	"__number":   on(1, (*scope).number),
	"__quantity": on(1, (*scope).quantity),
	"__version":  on(1, (*scope).version),
	"__hosts":    on(1, (*scope).hosts),
	"__ran":      on(1, (*scope).ran),
	"__ok":       on(1, (*scope).ok),
	"__monitor":  on(1, (*scope).monitor),
	"__diff":     on(4, (*scope).diff),
	"__fromJSON": on(1, (*scope).fromJSON),
	"__replace":  on(3, (*scope).replace),
	"__join":     on(1, (*scope).join),
	"__repeat":   on(2, (*scope).repeat),
	"__duration": on(1, (*scope).duration),
	"__keys":     on(1, (*scope).keys),
}

// on adapts f, which wants at least n arguments beside the scope.
func on(n int, f func(*scope, []any) (any, error)) primitive {
	return func(args ...any) (any, error) {
		s, ok := args[0].(*scope)
		if !ok || len(args) < n+1 {
			return nil, unknown("too few arguments")
		}
		return f(s, args[1:])
	}
}

// size is roughly what going over v costs, in steps.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) >> 10
	case nil:
		return 0
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice || r.Kind() == reflect.Map {
		return r.Len() >> 3
	}
	return 0
}

func (s *scope) readVariable(a []any) (any, error) {
	name := a[0].(string)
	v, present, err := s.variable(name)
	if err == nil && !present {
		err = unknown("%s has no value yet (write %s ?? … where it may be unset)", name, name)
	}
	return v, err
}

func (s *scope) mayVariable(a []any) (any, error) {
	v, _, err := s.variable(a[0].(string))
	return v, err
}

func (s *scope) end(a []any) (any, error) {
	if a[0] == any(absent) {
		return nil, nil
	}
	return a[0], nil
}

func (s *scope) may(a []any) (any, error) {
	if a[0] == nil || a[0] == any(absent) {
		return absent, nil
	}
	v, found, err := lookup(a[0], a[1])
	if err == nil && !found {
		v = absent
	}
	return v, err
}

// get reads a member that has to be there.
func (s *scope) get(base, key any) (any, error) {
	if base == any(absent) {
		return absent, nil
	}
	if err := s.charge(0); err != nil {
		return nil, err
	}
	if base == nil {
		return nil, unknown("there is nothing to read %s from", keyText(key))
	}
	v, found, err := lookup(base, key)
	if err == nil && !found {
		err = missing(base, key)
	}
	return v, err
}

// lookup reads base[key]; an error means that base has no such kind of members.
func lookup(base, key any) (v any, found bool, err error) {
	name, isName := key.(string)
	switch b := base.(type) {
	case map[string]any:
		if isName {
			v, found = b[name]
			return v, found, nil
		}
	case map[string]string:
		if isName {
			v, found := b[name]
			return v, found, nil
		}
	case headerMap:
		if isName {
			v, found := b[strings.ToLower(name)]
			return v, found, nil
		}
	}
	r := reflect.ValueOf(base)
	switch r.Kind() {
	case reflect.Map:
		k := reflect.ValueOf(key)
		if key == nil || !k.Type().AssignableTo(r.Type().Key()) {
			break
		}
		if v := r.MapIndex(k); v.IsValid() {
			return v.Interface(), true, nil
		}
		return nil, false, nil
	case reflect.Slice, reflect.Array:
		i, whole := wholeNumber(key)
		if !whole {
			break
		}
		if i < 0 {
			i += r.Len()
		}
		if i < 0 || i >= r.Len() {
			return nil, false, nil
		}
		return r.Index(i).Interface(), true, nil
	}
	return nil, false, unknown("wrong type: %s has no %s", kindName(base), keyText(key))
}

func keyText(key any) string {
	if s, ok := key.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("[%v]", key)
}

// missing says what base has instead of key.
func missing(base, key any) error {
	switch b := base.(type) {
	case map[string]string:
		return unknown("there is no column %s (columns: %s)", keyText(key), some(keys(b)))
	case rowMap:
		return unknown("there is no column %s (columns: %s)", keyText(key), some(keys(b)))
	case headerMap:
		return unknown("there is no header %s (headers: %s)", keyText(key), some(keys(b)))
	case map[string]any:
		if host, ok := b["host"].(string); ok {
			return unknown("host %s has no %s", host, keyText(key))
		}
		return unknown("there is no key %s (keys: %s)", keyText(key), some(keys(b)))
	}
	if r := reflect.ValueOf(base); r.Kind() == reflect.Slice {
		return unknown("there is no item %s (the list holds %d)", keyText(key), r.Len())
	}
	return unknown("there is no key %s", keyText(key))
}

// some lists the first names of many.
func some(names []string) string {
	const most = 12
	if len(names) == 0 {
		return "none"
	}
	if len(names) > most {
		names = append(names[:most:most], "…")
	}
	return strings.Join(names, " ")
}

func (s *scope) regex(a []any) (any, error) {
	subject, ok1 := a[0].(string)
	pattern, ok2 := a[1].(string)
	if !ok1 || !ok2 {
		return nil, unknown("wrong type: regex(%s, %s)", kindName(a[0]), kindName(a[1]))
	}
	re, err := s.regexp(pattern)
	if err != nil {
		return nil, err
	}
	if err := s.charge(size(subject)); err != nil {
		return nil, err
	}
	m := re.FindStringSubmatchIndex(subject)
	if m == nil {
		return nil, unknown("nothing matches %s", ansi.Truncate(pattern, 60, "…"))
	}
	group := m[:2]
	if len(m) > 2 {
		group = m[2:4]
	}
	if group[0] < 0 {
		return nil, unknown("the first group of %s matches nothing", ansi.Truncate(pattern, 60, "…"))
	}
	return subject[group[0]:group[1]], nil
}

func (s *scope) number(a []any) (any, error) {
	if isNumber(a[0]) {
		return a[0], nil
	}
	text, ok := a[0].(string)
	if !ok {
		return nil, unknown("wrong type: number() of %s", kindName(a[0]))
	}
	v, err := parseNumber(text)
	if err != nil {
		return nil, unknown("%v", err)
	}
	return v, nil
}

func (s *scope) quantity(a []any) (any, error) {
	if isNumber(a[0]) {
		return a[0], nil
	}
	text, ok := a[0].(string)
	if !ok {
		return nil, unknown("wrong type: quantity() of %s", kindName(a[0]))
	}
	v, err := parseQuantity(text)
	if err != nil {
		return nil, unknown("%v", err)
	}
	return v, nil
}

func (s *scope) version(a []any) (any, error) {
	switch v := a[0].(type) {
	case Version:
		return v, nil
	case string:
		out, err := ParseVersion(v)
		if err != nil {
			return nil, unknown("%v", err)
		}
		return out, nil
	}
	return nil, unknown("wrong type: version() of %s", kindName(a[0]))
}

func (s *scope) hosts(a []any) (any, error) {
	group, ok := a[0].(string)
	if !ok {
		return nil, unknown("wrong type: hosts() of %s", kindName(a[0]))
	}
	if s.world == nil {
		return nil, unknown("hosts() isn't known here")
	}
	hosts, ok := s.world.Hosts(group)
	if !ok {
		return nil, unknown("there is no group %q", group)
	}
	out := make([]map[string]any, len(hosts))
	for i, h := range hosts {
		out[i] = maps.Clone(h)
		maps.DeleteFunc(out[i], func(_ string, v any) bool { return v == nil }) // without a value yet
	}
	return out, s.charge(len(out))
}

func (s *scope) ran(a []any) (any, error) {
	id, ok := a[0].(string)
	if s.world == nil || !ok {
		return nil, unknown("ran() isn't known here")
	}
	return s.world.Ran(id), nil
}

func (s *scope) ok(a []any) (any, error) {
	id, ok := a[0].(string)
	if s.world == nil || !ok {
		return nil, unknown("ok() isn't known here")
	}
	return s.world.OK(id), nil
}

func (s *scope) fromJSON(a []any) (any, error) {
	text, ok := a[0].(string)
	if !ok {
		return nil, unknown("wrong type: fromJSON() of %s", kindName(a[0]))
	}
	if err := s.charge(size(text) << 3); err != nil {
		return nil, err
	}
	v, err := decode([]byte(text))
	if err != nil {
		return nil, unknown("not JSON: %v", err)
	}
	return v, nil
}

// keys are in order, so that the same data give the same value.
func (s *scope) keys(a []any) (any, error) {
	r := reflect.ValueOf(a[0])
	if r.Kind() != reflect.Map || r.Type().Key().Kind() != reflect.String {
		return nil, unknown("wrong type: keys() of %s", kindName(a[0]))
	}
	out := make([]any, 0, r.Len())
	for _, k := range r.MapKeys() {
		out = append(out, k.String())
	}
	sort.Slice(out, func(i, j int) bool { return out[i].(string) < out[j].(string) })
	return out, s.charge(len(out))
}

// add joins texts and adds numbers and durations.
func (s *scope) add(a []any) (any, error) {
	l, ok1 := a[0].(string)
	r, ok2 := a[1].(string)
	if ok1 && ok2 {
		if err := s.text(len(l) + len(r)); err != nil {
			return nil, err
		}
		return l + r, nil
	}
	if ok1 || ok2 || a[0] == nil || a[1] == nil {
		return nil, unknown("wrong type: %s + %s", kindName(a[0]), kindName(a[1]))
	}
	return runtime.Add(a[0], a[1]), nil
}
