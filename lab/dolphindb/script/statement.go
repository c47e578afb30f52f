package script

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// way is how a statement ended.
type way int

const (
	onward way = iota
	broken
	continued
	returned
)

type statement interface {
	run(in *interp, sc *scope) (outcome, error)
}

// outcome carries what return gives back.
type outcome struct {
	way way
	v   Value
}

type (
	block  struct{ list []statement }
	branch struct {
		cond            expr
		then, otherwise *block
		line            int
	}
	// loop runs over a value, or while a condition holds when name is "".
	loop struct {
		name string
		over expr
		body *block
		line int
	}
	attempt struct {
		body, handler *block
		name          string
	}
	jump struct { // return, throw, break, continue
		word string
		x    expr
		line int
	}
	evaluate struct {
		x    expr
		line int
	}
	assign struct {
		name string
		at   expr // x[at] = …
		op   string
		x    expr
		src  string
		line int
	}
	define    struct{ d *definition }
	insertion struct {
		into   *ident
		cols   []string
		values []expr
		src    string
		line   int
	}
)

func (s *block) run(in *interp, sc *scope) (outcome, error) {
	for _, x := range s.list {
		if o, err := x.run(in, sc); err != nil || o.way != onward {
			return o, err
		}
	}
	return outcome{}, nil
}

func (s *branch) run(in *interp, sc *scope) (outcome, error) {
	yes, err := in.condition(s.cond, sc)
	switch {
	case err != nil:
		return outcome{}, err
	case yes:
		return s.then.run(in, sc)
	case s.otherwise != nil:
		return s.otherwise.run(in, sc)
	}
	return outcome{}, nil
}

func (in *interp) condition(x expr, sc *scope) (bool, error) {
	v, err := x.eval(in, sc)
	if err != nil {
		return false, err
	}
	if !scalar(v) {
		return false, say("A scalar is expected as the condition, not a %s.", Kind(v))
	}
	return truth(v)
}

func (s *loop) run(in *interp, sc *scope) (outcome, error) {
	if s.name == "" {
		for {
			yes, err := in.condition(s.over, sc)
			if err != nil || !yes {
				return outcome{}, err
			}
			if o, stop, err := s.once(in, sc); stop || err != nil {
				return o, err
			}
		}
	}
	v, err := s.over.eval(in, sc)
	if err != nil {
		return outcome{}, err
	}
	list, err := in.elements(v)
	if err != nil {
		return outcome{}, err
	}
	for _, x := range list {
		sc.vars[s.name] = x
		if o, stop, err := s.once(in, sc); stop || err != nil {
			return o, err
		}
	}
	return outcome{}, nil
}

func (s *loop) once(in *interp, sc *scope) (o outcome, stop bool, err error) {
	if err := in.step(); err != nil {
		return outcome{}, true, err
	}
	o, err = s.body.run(in, sc)
	switch {
	case err != nil || o.way == returned:
		return o, true, err
	case o.way == broken:
		return outcome{}, true, nil
	}
	return outcome{}, false, nil
}

// elements are what a loop goes over: a vector's, a table's rows as
// dictionaries, the integers of a pair without its greater end.
func (in *interp) elements(v Value) ([]Value, error) {
	switch v := v.(type) {
	case []Value:
		return v, nil
	case pair:
		from, ok1 := v.from.(int64)
		to, ok2 := v.to.(int64)
		switch {
		case !ok1 || !ok2:
			return nil, say("Both ends of a pair must be integers.")
		case from == to:
			return nil, nil
		case from < to:
			to--
		default:
			from--
		}
		w, err := in.sequence(from, to)
		list, _ := w.([]Value)
		return list, err
	case *Table:
		t, err := in.loaded(v)
		if err != nil {
			return nil, err
		}
		out := make([]Value, len(t.Rows))
		for i := range t.Rows {
			if out[i], err = in.at(t, int64(i)); err != nil {
				return nil, err
			}
		}
		return out, in.room(len(out))
	}
	return nil, say("A vector, a pair or a table is expected, not a %s.", strings.ToLower(Kind(v)))
}

func (s *attempt) run(in *interp, sc *scope) (outcome, error) {
	o, err := s.body.run(in, sc)
	if err == nil || errors.Is(err, errSteps) {
		return o, err
	}
	if err := in.room(50); err != nil {
		return outcome{}, err
	}
	// What is caught is the pair of its kind and its message.
	word := "SYSTEM_Runtime"
	var t *thrown
	var o2 *misuse
	switch {
	case errors.As(err, &t):
		word = "USER"
	case errors.As(err, &o2):
		word = "SYSTEM_Operator"
	}
	sc.vars[s.name] = pair{word, err.Error()}
	return s.handler.run(in, sc)
}

// thrown is the error of a throw statement.
type thrown struct{ message string }

func (t *thrown) Error() string { return t.message }

func (s *jump) run(in *interp, sc *scope) (outcome, error) {
	switch s.word {
	case "break":
		return outcome{way: broken}, nil
	case "continue":
		return outcome{way: continued}, nil
	}
	var v Value
	if s.x != nil {
		var err error
		if v, err = s.x.eval(in, sc); err != nil {
			return outcome{}, err
		}
	}
	if s.word == "throw" {
		return outcome{}, &thrown{display(v)}
	}
	return outcome{way: returned, v: v}, nil
}

// run prints what the expression gives, unless it is a command without a result.
func (s *evaluate) run(in *interp, sc *scope) (outcome, error) {
	if err := in.step(); err != nil {
		return outcome{}, err
	}
	v, err := s.x.eval(in, sc)
	if err != nil {
		return outcome{}, err
	}
	switch x := s.x.(type) {
	case *call:
		id, ok := x.fn.(*ident)
		if ok && silent[id.name] || v == nil && (!ok || builtins[id.name] == nil || remote[id.name]) {
			return outcome{}, nil
		}
	case *literal:
		if v == nil {
			v = "NULL"
		}
	}
	if t, ok := v.(*Table); ok {
		if v, err = in.loaded(t); err != nil {
			return outcome{}, err
		}
	}
	return outcome{}, in.out.line(v)
}

// silent functions print nothing of their own.
var silent = map[string]bool{"append!": true, "login": true, "print": true, "undef": true}

// remote functions return what another function does, or nothing where that is a
// command.
var remote = map[string]bool{"rpc": true, "pnodeRun": true}

func (s *assign) run(in *interp, sc *scope) (outcome, error) {
	if err := in.step(); err != nil {
		return outcome{}, err
	}
	v, err := s.x.eval(in, sc)
	if err != nil {
		return outcome{}, err
	}
	if s.at != nil {
		return outcome{}, fail(s.src, s.element(in, sc, v))
	}
	if s.op != "" {
		old := sc.vars[s.name]
		v, err = in.each2(old, v, func(a, b Value) (Value, error) { return scalarOp(s.op, a, b) })
		if err != nil {
			return outcome{}, fail(s.src, err)
		}
	}
	if text, ok := v.(string); ok && len(text) > maxSource {
		return outcome{}, fail(s.src, say("The string is too long."))
	}
	sc.vars[s.name] = v
	return outcome{}, nil
}

// element sets x[at]; other variables that hold the same vector keep theirs.
func (s *assign) element(in *interp, sc *scope, v Value) error {
	at, err := s.at.eval(in, sc)
	if err != nil {
		return err
	}
	if s.op != "" {
		return say("An element can only be assigned with =.")
	}
	switch x := sc.vars[s.name].(type) {
	case []Value:
		i, ok := at.(int64)
		if !ok || i < 0 || i >= int64(len(x)) {
			return say("The index is out of range.")
		}
		if err := in.room(len(x)); err != nil {
			return err
		}
		x = slices.Clone(x)
		x[i] = v
		sc.vars[s.name] = x
		return nil
	case map[string]Value:
		if err := in.room(len(x)); err != nil {
			return err
		}
		k, ok := at.(string)
		if !ok {
			k = display(at)
		}
		x = maps.Clone(x)
		x[k] = v
		sc.vars[s.name] = x
		return nil
	}
	return say("Only the elements of a vector or a dictionary can be assigned.")
}

// definition is def name(params){ … }.
type definition struct {
	name   string
	params []string
	body   *block
	line   int
}

func (s *define) run(in *interp, _ *scope) (outcome, error) {
	in.defs[s.d.name] = Func{Name: s.d.name, apply: s.d.apply}
	return outcome{}, nil
}

func (d *definition) apply(in *interp, args []Value) (Value, error) {
	if len(args) != len(d.params) {
		return nil, wrongCount(d.name, len(d.params), len(d.params), len(args))
	}
	sc := &scope{vars: map[string]Value{}}
	for i, p := range d.params {
		sc.vars[p] = args[i]
	}
	o, err := d.body.run(in, sc)
	return o.v, err
}
