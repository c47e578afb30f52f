package checks

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Capture is a compiled capture fence. It is immutable.
type Capture struct {
	source string
	names  Names
	of     Kind
	lines  []captureLine
}

type captureLine struct {
	*expression
	let bool
}

// Captured is one value taken from an observation. Value holds what JSON has:
// nil, bool, int, float64, json.Number, string, []any, map[string]any; durations
// and versions are their text.
type Captured struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Type  Type   `json:"type"`
}

// CompileCapture compiles the lines "name = expression" of a capture fence. A
// line may use the names above it. All problems are reported; with any, the
// Capture is nil.
func CompileCapture(src string, n Names, of Kind) (*Capture, []Problem) {
	c := newCompiler(n, of)
	out := &Capture{source: src, names: n, of: of}
	list, problems := statements(src)
	c.problems = problems
	for _, s := range list {
		var line *expression
		let := letLine.MatchString(s.src) && !s.sequence
		if let {
			line, _ = c.letOr(s)
		} else {
			line = c.define(s)
		}
		if line != nil {
			out.lines = append(out.lines, captureLine{line, let})
		}
	}
	if len(c.problems) == 0 && len(out.Names()) == 0 {
		c.problems = append(c.problems, Problem{1, 1, "the fence captures nothing", "write name = expression, or remove the fence"})
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return out, nil
}

func (c *compiler) define(s statement) *expression {
	m := nameLine.FindStringSubmatchIndex(s.src)
	if m == nil {
		c.problem(s, 0, "a line of a capture fence is name = expression", "write a name and = before the expression")
		return nil
	}
	name := s.src[m[2]:m[3]]
	origin := s
	s = s.cut(m[4])
	s.name = name
	return c.bind(s, origin, "capture")
}

// Source is the fence's text.
func (c *Capture) Source() string { return c.source }

// Names are the captured names in the fence's order.
func (c *Capture) Names() []string {
	var out []string
	for _, l := range c.lines {
		if !l.let {
			out = append(out, l.name)
		}
	}
	return out
}

// Types are the captured names with what is known of their values.
func (c *Capture) Types() Names {
	out := Names{}
	for _, l := range c.lines {
		if !l.let {
			out[l.name] = typeOf(l.typ)
		}
	}
	return out
}

// Uses are the variables the fence reads, in order.
func (c *Capture) Uses() []string {
	all := map[string]bool{}
	for _, l := range c.lines {
		for name := range l.uses {
			all[name] = true
		}
	}
	return variables(all)
}

// References are the hosts, steps and monitors that the fence names, in order.
func (c *Capture) References() []Reference {
	var out []Reference
	for _, l := range c.lines {
		out = append(out, l.refs...)
	}
	return out
}

// Eval takes all values, or none: the error names every capture that has no
// value, and why.
func (c *Capture) Eval(o Observation, v Values, w World) ([]Captured, error) {
	if cause := o.obscured(); cause != "" {
		return nil, fmt.Errorf("capture %s: %s", strings.Join(c.Names(), ", "), cause)
	}
	s := newScope(c.names, c.of, &o, v, w)
	var out []Captured
	var failed []error
	for _, l := range c.lines {
		value, err := s.run(l.expression)
		s.bound[l.name] = result{value, err}
		if l.let {
			continue
		}
		stored := storable(value)
		if err == nil {
			err = fits(stored)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("capture %q: %w", l.name, err))
			continue
		}
		out = append(out, Captured{l.name, stored, typeOf(l.typ)})
	}
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	return out, nil
}

// fits tells whether a value can be kept as JSON.
func fits(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("the value can't be stored: %w", err)
	}
	if len(raw) > maxStored {
		return fmt.Errorf("the value has more than %d MiB", maxStored>>20)
	}
	return nil
}
