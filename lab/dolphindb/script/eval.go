package script

import "strings"

// interp evaluates on one node; rpc makes another one for the other node.
type interp struct {
	env   Env
	out   *printer
	left  *int // steps, shared with every other interp of the script
	defs  map[string]Func
	depth int
}

// scope holds variables, and the columns of the table of an SQL expression.
type scope struct {
	vars  map[string]Value
	table *view
}

func (in *interp) step() error {
	if *in.left--; *in.left < 0 {
		return errSteps
	}
	return nil
}

// room accounts for a value of n elements.
func (in *interp) room(n int) error {
	if *in.left -= n; *in.left < 0 {
		return errSteps
	}
	return nil
}

func (in *interp) run(list []statement) error {
	sc := &scope{vars: map[string]Value{}}
	for _, s := range list {
		if _, err := s.run(in, sc); err != nil {
			return err
		}
	}
	return nil
}

type expr interface {
	eval(in *interp, sc *scope) (Value, error)
}

type argument struct {
	x     expr // nil: omitted
	name  string
	named bool // name=x
	label bool // x as name
}

type (
	literal struct{ v Value }
	star    struct{}
	ident   struct {
		name string
		line int
	}
	vector struct{ xs []expr }
	unary  struct {
		op   string
		x    expr
		line int
	}
	binary struct {
		op   string
		x, y expr
		src  string
		line int
	}
	index struct {
		x, i expr
		src  string
		line int
	}
	member struct {
		x    expr
		name string
		src  string
		line int
	}
	partial struct {
		fn   expr
		args []argument
		line int
	}
	call struct {
		fn   expr
		args []argument
		src  string
		line int
	}
)

func (x *literal) eval(*interp, *scope) (Value, error) { return x.v, nil }

func (*star) eval(_ *interp, sc *scope) (Value, error) {
	if sc.table == nil {
		return nil, say("* stands for the rows of a table")
	}
	return everyRow(sc.table.size()), nil
}

// everyRow is the * of count(*).
type everyRow int64

func (x *ident) eval(in *interp, sc *scope) (Value, error) {
	if err := in.step(); err != nil {
		return nil, err
	}
	if sc.table != nil {
		if v, ok := sc.table.column(x.name); ok {
			return v, in.room(sc.table.size())
		}
	}
	if v, ok := sc.vars[x.name]; ok {
		return v, nil
	}
	if constants[x.name] {
		return x.name, nil
	}
	if f, ok := in.functionNamed(x.name); ok {
		return f, nil
	}
	if sc.table != nil {
		return nil, say("Unrecognized column name %s. RefId:S02005", x.name)
	}
	return nil, say("The variable [%s] is not initialized.", x.name)
}

func (x *vector) eval(in *interp, sc *scope) (Value, error) {
	out := make([]Value, len(x.xs))
	for i, e := range x.xs {
		v, err := e.eval(in, sc)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, in.room(len(out))
}

func (x *index) eval(in *interp, sc *scope) (Value, error) {
	v, err := x.x.eval(in, sc)
	if err != nil {
		return nil, err
	}
	i, err := x.i.eval(in, sc)
	if err != nil {
		return nil, err
	}
	v, err = in.at(v, i)
	return v, fail(x.src, err)
}

func (x *member) eval(in *interp, sc *scope) (Value, error) {
	v, err := x.x.eval(in, sc)
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	case *Table, map[string]Value:
		v, err = in.at(v, x.name)
		return v, fail(x.src, err)
	}
	return nil, fail(x.src, say("A table or dictionary is expected before '.'."))
}

// at is v[i].
func (in *interp) at(v, i Value) (Value, error) {
	switch v := v.(type) {
	case []Value:
		return in.element(v, i)
	case pair:
		return in.element([]Value{v.from, v.to}, i)
	case map[string]Value:
		k, ok := i.(string)
		if !ok {
			k = display(i)
		}
		return v[k], nil
	case *Table:
		t, err := in.loaded(v)
		if err != nil {
			return nil, err
		}
		switch i := i.(type) {
		case string:
			c := t.at(i)
			if c < 0 {
				return nil, say("The column [%s] does not exist.", i)
			}
			return t.col(c), in.room(len(t.Rows))
		case int64:
			if i < 0 || i >= int64(len(t.Rows)) {
				return nil, say("The row index is out of range.")
			}
			row := map[string]Value{}
			for c, n := range t.Cols {
				row[n] = t.Rows[i][c]
			}
			return row, nil
		}
	}
	return nil, say("The object can't be indexed in this way.")
}

// element of a vector; outside of it stands NULL.
func (in *interp) element(v []Value, i Value) (Value, error) {
	switch i := i.(type) {
	case int64:
		if i < 0 || i >= int64(len(v)) {
			return nil, nil
		}
		return v[i], nil
	case pair:
		from, ok1 := i.from.(int64)
		to, ok2 := i.to.(int64)
		if !ok1 || !ok2 || from < 0 || to < from || to > int64(len(v)) {
			return nil, say("The index range is invalid.")
		}
		return append([]Value{}, v[from:to]...), in.room(int(to - from))
	}
	return nil, say("The index of a vector must be an integer or a pair.")
}

func (x *partial) eval(in *interp, sc *scope) (Value, error) {
	f, err := x.fn.eval(in, sc)
	if err != nil {
		return nil, err
	}
	fn, ok := f.(Func)
	if !ok {
		return nil, say("A function is expected before '{'.")
	}
	fixed := make([]Value, len(x.args))
	for i, a := range x.args {
		if a.x == nil {
			continue
		}
		if fixed[i], err = a.x.eval(in, sc); err != nil {
			return nil, err
		}
	}
	open := make([]bool, len(fixed))
	for i, a := range x.args {
		open[i] = a.x == nil
	}
	return Func{Name: fn.Name, apply: func(in *interp, args []Value) (Value, error) {
		all := append([]Value{}, fixed...)
		for i := range all {
			if open[i] && len(args) > 0 {
				all[i], args = args[0], args[1:]
			}
		}
		return fn.apply(in, append(all, args...))
	}}, nil
}

func (x *call) eval(in *interp, sc *scope) (Value, error) {
	if err := in.step(); err != nil {
		return nil, err
	}
	if in.depth++; in.depth > maxDepth {
		in.depth--
		return nil, fail(x.src, say("The call stack is too deep."))
	}
	defer func() { in.depth-- }()
	if id, ok := x.fn.(*ident); ok {
		if v, done, err := in.special(id.name, x, sc); done {
			return v, fail(x.src, err)
		}
	}
	f, err := in.callee(x, sc)
	if err != nil {
		return nil, err
	}
	args, err := in.arguments(f, x, sc)
	if err != nil {
		return nil, fail(x.src, err)
	}
	v, err := f.apply(in, args)
	return v, fail(x.src, err)
}

// callee is the function: a column of the same name doesn't hide it.
func (in *interp) callee(x *call, sc *scope) (Func, error) {
	var f Value
	if id, ok := x.fn.(*ident); ok {
		f = sc.vars[id.name]
		if _, ok := f.(Func); !ok {
			f, _ = in.functionNamed(id.name)
		}
	} else {
		v, err := x.fn.eval(in, sc)
		if err != nil {
			return Func{}, err
		}
		f = v
	}
	fn, ok := f.(Func)
	if !ok || fn.apply == nil {
		return Func{}, fail(x.src, say("The object isn't a function."))
	}
	return fn, nil
}

// arguments are evaluated in order; those with a name go to their place.
func (in *interp) arguments(f Func, x *call, sc *scope) ([]Value, error) {
	var out []Value
	for i, a := range x.args {
		if a.label {
			return nil, say("as is for the columns of table(…).")
		}
		var v Value
		if a.x != nil {
			var err error
			if v, err = a.x.eval(in, sc); err != nil {
				return nil, err
			}
		}
		at := i
		if a.named {
			at = parameter(f.Name, a.name)
			if at < 0 {
				return nil, say("The function [%s] doesn't have a parameter named %s.", f.Name, a.name)
			}
		}
		for len(out) <= at {
			out = append(out, nil)
		}
		out[at] = v
	}
	return out, nil
}

// parameter is the place of a named argument.
func parameter(function, name string) int {
	params := serverFunctions[function].params
	for i, p := range params {
		if strings.EqualFold(strings.TrimSuffix(p, "?"), name) {
			return i
		}
	}
	return -1
}
