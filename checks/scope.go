package checks

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Bounds of one expression's evaluation. They are counted, not timed, so that
// the same observation gives the same verdict everywhere.
const (
	maxSteps = 4_000_000 // predicate calls, member reads and KiB of text gone over
	maxText  = 32 << 20  // bytes of a text made by an expression
)

// unknownError says why an expression has no value.
type unknownError struct{ cause string }

func (e *unknownError) Error() string { return e.cause }

func unknown(format string, args ...any) error {
	return &unknownError{fmt.Sprintf(format, args...)}
}

// result is a value or the reason there is none.
type result struct {
	value any
	err   error
}

// scope is what the expressions of one fence are evaluated in. It is used by
// one goroutine and thrown away.
type scope struct {
	names  Names
	of     Kind
	values Values
	world  World
	host   string
	seen   *Observation // nil: no observation

	cache   map[string]result // observed names and variables as expressions see them
	bound   map[string]result // let lines and earlier captures
	tables  map[tableKey]*tableResult
	regexps map[string]*regexp.Regexp
	diffs   map[diffKey]string
	steps   int
}

type diffKey struct{ wasName, isName, was, is string }

type tableKey struct{ text, first string }

type tableResult struct {
	table *table
	err   error
}

func newScope(n Names, of Kind, o *Observation, v Values, w World) *scope {
	s := &scope{
		names: n, of: of, values: v, world: w, seen: o,
		cache: map[string]result{}, bound: map[string]result{}, tables: map[tableKey]*tableResult{}, regexps: map[string]*regexp.Regexp{},
		diffs: map[diffKey]string{},
	}
	if o != nil {
		s.host = o.Host
	}
	return s
}

// run evaluates an expression with a fresh budget. Every error means unknown.
func (s *scope) run(e *expression) (any, error) {
	s.steps = 0
	made := e.linked()
	if made.err != nil {
		return nil, unknown("it can't be evaluated: %s", firstLine(made.err.Error()))
	}
	return s.look(made.program)
}

// look evaluates a program within the budget that is left.
func (s *scope) look(p *vm.Program) (any, error) {
	v, err := vm.Run(p, map[string]any{scopeName: s})
	if err != nil {
		return nil, unknown("%s", causeOf(err))
	}
	return v, nil
}

var (
	converted = regexp.MustCompile(`^interface conversion: .*? is (.+?), not (\S+)`)
	missedNil = regexp.MustCompile(`^interface conversion: interface(?: \{\})? is nil`)
)

// causeOf words an error of the virtual machine in one line.
func causeOf(err error) string {
	var u *unknownError
	if errors.As(err, &u) {
		return oneLine(u.cause)
	}
	text := firstLine(err.Error())
	var f *file.Error
	if errors.As(err, &f) {
		text = firstLine(f.Message)
	}
	if missedNil.MatchString(text) {
		return "wrong type: a value is nil"
	}
	if m := converted.FindStringSubmatch(text); m != nil {
		return "wrong type: " + kinds.Replace(m[1]) + " where " + kinds.Replace(m[2]) + " is needed"
	}
	if strings.Contains(text, "memory budget exceeded") {
		return "the expression handles too many values"
	}
	return oneLine(text)
}

// charge counts work, so that nested loops over long outputs end.
func (s *scope) charge(n int) error {
	s.steps += 1 + n
	if s.steps > maxSteps {
		return unknown("the expression takes too many steps")
	}
	return nil
}

// variable returns a name's value. present is false when the name is known but
// has no value yet.
func (s *scope) variable(name string) (v any, present bool, err error) {
	if r, ok := s.bound[name]; ok {
		return r.value, r.err == nil, r.err
	}
	r, ok := s.cache[name]
	if !ok {
		r.value, r.err = s.compute(name)
		s.cache[name] = r
	}
	return r.value, r.value != absent, r.err
}

// absent is the value of what may be missing and is. It never leaves a chain of
// accesses.
var absent = &struct{ name string }{"absent"}

func (s *scope) compute(name string) (any, error) {
	if name == "host" {
		if v, ok := s.values["host"]; ok && v != nil {
			return v, nil
		}
		if s.host == "" {
			return absent, nil
		}
		return s.host, nil
	}
	if observed[name] && s.seen != nil {
		return s.observe(name)
	}
	v, ok := s.values[name]
	if !ok || v == nil {
		return absent, nil
	}
	v, err := coerce(v, s.names[name])
	if err != nil {
		return nil, unknown("%s: %v", name, err)
	}
	return v, nil
}

func (s *scope) observe(name string) (any, error) {
	switch name {
	case "exit":
		return s.seen.Exit, nil
	case "stdout":
		return plain(s.seen.Stdout), nil
	case "stderr":
		return plain(s.seen.Stderr), nil
	case "output":
		return plain(s.seen.Output), nil
	case "lines", "errors":
		stream := map[string]string{"lines": "stdout", "errors": "stderr"}[name]
		v, _, err := s.variable(stream)
		if err != nil {
			return nil, err
		}
		return splitLines(v.(string)), nil
	case "json":
		return s.observeJSON()
	case "rows":
		return s.observeRows()
	case "status":
		return s.seen.Status, nil
	case "headers":
		return headerMap(s.seen.Headers), nil
	case "body":
		return plain(s.seen.Body), nil
	case "line":
		return strings.TrimSuffix(plain(s.seen.Line), "\n"), nil
	}
	return nil, unknown("%s isn't known here", name)
}

// readTable parses a table once per text.
func (s *scope) readTable(text, first string) (*table, error) {
	key := tableKey{text, first}
	r, ok := s.tables[key]
	if !ok {
		r = &tableResult{}
		r.table, r.err = parseTable(text, first)
		s.tables[key] = r
	}
	return r.table, r.err
}

// regexp compiles a pattern once.
func (s *scope) regexp(pattern string) (*regexp.Regexp, error) {
	re, ok := s.regexps[pattern]
	if ok {
		return re, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, unknown("%s", firstLine(err.Error()))
	}
	if len(s.regexps) >= 1000 {
		clear(s.regexps)
	}
	s.regexps[pattern] = re
	return re, s.charge(len(pattern))
}
