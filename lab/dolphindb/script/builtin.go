package script

import (
	"strings"
)

// constants are the names that stand for themselves: types, ways to partition,
// what to keep of duplicates.
var constants = map[string]bool{
	"BOOL": true, "CHAR": true, "SHORT": true, "INT": true, "LONG": true, "FLOAT": true, "DOUBLE": true, "STRING": true, "SYMBOL": true,
	"DATE": true, "DATETIME": true, "TIMESTAMP": true, "NANOTIMESTAMP": true, "UUID": true, "ANY": true,
	"VALUE": true, "RANGE": true, "HASH": true, "LIST": true, "COMPO": true, "SEQ": true, "ALL": true, "FIRST": true, "LAST": true,
}

// builtin is a function that needs nothing of the server but rpc's way to it.
type builtin struct {
	least, most int // arguments; most < 0: any number
	do          func(in *interp, args []Value) (Value, error)
}

func (b *builtin) apply(name string) func(in *interp, args []Value) (Value, error) {
	return func(in *interp, args []Value) (Value, error) {
		if len(args) < b.least || b.most >= 0 && len(args) > b.most {
			return nil, wrongCount(name, b.least, max(b.most, b.least), len(args))
		}
		if err := in.step(); err != nil {
			return nil, err
		}
		return b.do(in, args)
	}
}

// builtins is filled by init: its functions look functions up in it.
var builtins map[string]*builtin

func init() {
	builtins = map[string]*builtin{
		"append!":      {2, 2, appendTo},
		"tableInsert":  {2, -1, tableInsert},
		"table":        {1, -1, tableOf},
		"loadTable":    {2, 3, loadTable},
		"login":        {2, 3, login},
		"getNodeAlias": {0, 0, func(in *interp, _ []Value) (Value, error) { return in.env.Alias(), nil }},
		"rpc":          {2, -1, rpc},
		"pnodeRun":     {1, 3, pnodeRun},
		"print":        {1, -1, printAll},
		"undef":        {1, 2, func(*interp, []Value) (Value, error) { return nil, nil }},
		"now":          {0, 1, now},
		"today":        {0, 0, func(in *interp, _ []Value) (Value, error) { return dayOf(in.env.Now()), nil }},
		"each":         {2, 2, each},
		"loop":         {2, 2, each},
		"iif":          {3, 3, iif},
		"schema":       {1, 1, schema},
		"dict":         {2, 3, dict},
		"typestr":      {1, 1, func(_ *interp, a []Value) (Value, error) { return Kind(a[0]), nil }},
	}
	for name, b := range vectorBuiltins {
		builtins[name] = b
	}
	for name, b := range scalarBuiltins {
		builtins[name] = b
	}
}

// special calls look at their arguments before they are evaluated: the labels of
// table(x as name) and the variable that append! changes.
func (in *interp) special(name string, x *call, sc *scope) (v Value, done bool, err error) {
	switch name {
	case "table":
		v, err = in.labelled(x, sc)
		return v, true, err
	case "append!":
		if len(x.args) != 2 || x.args[0].x == nil || x.args[1].x == nil {
			return nil, false, nil
		}
		id, ok := x.args[0].x.(*ident)
		if !ok {
			return nil, false, nil
		}
		list, ok := sc.vars[id.name].([]Value)
		if !ok {
			return nil, false, nil
		}
		w, err := x.args[1].x.eval(in, sc)
		if err != nil {
			return nil, true, err
		}
		more, ok := w.([]Value)
		if !ok {
			more = []Value{w}
		}
		list = append(append([]Value{}, list...), more...)
		sc.vars[id.name] = list
		return list, true, in.room(len(list))
	}
	return nil, false, nil
}

func printAll(in *interp, args []Value) (Value, error) {
	for _, v := range args {
		if t, ok := v.(*Table); ok {
			loaded, err := in.loaded(t)
			if err != nil {
				return nil, err
			}
			v = loaded
		}
		if err := in.out.line(v); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func login(in *interp, args []Value) (Value, error) {
	user, ok1 := args[0].(string)
	password, ok2 := args[1].(string)
	if !ok1 || !ok2 {
		return nil, say("The user's name and the password must be strings.")
	}
	return nil, in.env.Login(user, password)
}

// loadTable looks whether the table is there; its rows are read when they are needed.
func loadTable(in *interp, args []Value) (Value, error) {
	db, ok1 := args[0].(string)
	name, ok2 := args[1].(string)
	if !ok1 || !ok2 {
		return nil, say("The database and the table must be named by strings.")
	}
	t, err := in.env.Table(db, name)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, say("The table [%s] does not exist.", name)
	}
	return &Table{Cols: t.Cols, Types: t.Types, db: db, name: name}, nil
}

func each(in *interp, args []Value) (Value, error) {
	f, ok := args[0].(Func)
	if !ok {
		return nil, say("The first argument must be a function.")
	}
	list, err := in.elements(args[1])
	if err != nil {
		return nil, err
	}
	out := make([]Value, len(list))
	for i, x := range list {
		if out[i], err = f.apply(in, []Value{x}); err != nil {
			return nil, err
		}
	}
	return out, in.room(len(out))
}

func iif(in *interp, args []Value) (Value, error) {
	if list, ok := args[0].([]Value); ok {
		yes, err := spread(args[1], len(list))
		if err != nil {
			return nil, err
		}
		no, err := spread(args[2], len(list))
		if err != nil {
			return nil, err
		}
		i := -1
		return in.each1(args[0], func(v Value) (Value, error) {
			i++
			b, err := truth(v)
			if b {
				return yes[i], err
			}
			return no[i], err
		})
	}
	if !scalar(args[0]) {
		return nil, say("The condition must be a boolean scalar or vector.")
	}
	b, err := truth(args[0])
	if b {
		return args[1], err
	}
	return args[2], err
}

// dict(keys, values) or dict(keyType, valueType).
func dict(in *interp, args []Value) (Value, error) {
	out := map[string]Value{}
	k, ok1 := args[0].([]Value)
	v, ok2 := args[1].([]Value)
	if !ok1 && !ok2 {
		a, _ := args[0].(string)
		b, _ := args[1].(string)
		if constants[a] && constants[b] {
			return out, nil
		}
		k, v, ok1, ok2 = []Value{args[0]}, []Value{args[1]}, true, true
	}
	if !ok1 || !ok2 || len(k) != len(v) {
		return nil, say("Keys and values must have the same length.")
	}
	for i := range k {
		out[display(k[i])] = v[i]
	}
	return out, in.room(len(k))
}

// schema is the part of the description that names the columns.
func schema(_ *interp, args []Value) (Value, error) {
	t, ok := args[0].(*Table)
	if !ok {
		return nil, say("A table is expected.")
	}
	defs := &Table{Cols: []string{"name", "typeString"}, Types: []string{"STRING", "STRING"}}
	for i, c := range t.Cols {
		defs.Rows = append(defs.Rows, []Value{c, t.typeOf(i)})
	}
	return map[string]Value{"colDefs": defs}, nil
}

// typeName is true for a type in table(1:0, names, types).
func typeName(v Value) (string, bool) {
	s, ok := v.(string)
	return s, ok && constants[strings.ToUpper(s)]
}
