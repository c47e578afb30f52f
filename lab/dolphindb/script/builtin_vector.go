package script

import (
	"slices"
	"strings"
)

// vectorBuiltins take a vector as a whole.
var vectorBuiltins = map[string]*builtin{
	"count":    {1, 1, count},
	"size":     {1, 1, size},
	"rows":     {1, 1, size},
	"cols":     {1, 1, columnCount},
	"min":      {1, 1, extreme(-1)},
	"max":      {1, 1, extreme(1)},
	"sum":      {1, 1, sum},
	"avg":      {1, 1, avg},
	"mean":     {1, 1, avg},
	"first":    {1, 1, func(in *interp, a []Value) (Value, error) { return end1(in, a[0], true) }},
	"last":     {1, 1, func(in *interp, a []Value) (Value, error) { return end1(in, a[0], false) }},
	"nunique":  {1, 1, nunique},
	"distinct": {1, 1, distinct},
	"deltas":   {1, 1, deltas},
	"prev":     {1, 1, prev},
	"sort":     {1, 2, sorted},
	"keys":     {1, 1, keys},
	"values":   {1, 1, valuesOf},
	"concat":   {1, 2, concat},
	"all":      {1, 1, all},
	"any":      {1, 1, any1},
	"take":     {2, 2, take},
}

// list is the vector that an aggregate goes over; a scalar is a vector of one.
func (in *interp) list(v Value) ([]Value, error) {
	switch v := v.(type) {
	case []Value:
		return v, in.room(len(v))
	case everyRow:
		return nil, say("* can only be counted.")
	}
	if !scalar(v) {
		return nil, say("A vector is expected, not a %s.", strings.ToLower(Kind(v)))
	}
	return []Value{v}, nil
}

// count leaves NULL out; that of a table is its rows.
func count(in *interp, args []Value) (Value, error) {
	if n, ok := args[0].(everyRow); ok {
		return int64(n), nil
	}
	if _, ok := args[0].(*Table); ok {
		return size(in, args)
	}
	list, err := in.list(args[0])
	n := int64(0)
	for _, v := range list {
		if v != nil {
			n++
		}
	}
	return n, err
}

func size(in *interp, args []Value) (Value, error) {
	switch v := args[0].(type) {
	case []Value:
		return int64(len(v)), nil
	case map[string]Value:
		return int64(len(v)), nil
	case *Table:
		t, err := in.loaded(v)
		if err != nil {
			return nil, err
		}
		return int64(len(t.Rows)), nil
	case pair:
		return int64(2), nil
	}
	return int64(1), nil
}

func columnCount(_ *interp, args []Value) (Value, error) {
	if t, ok := args[0].(*Table); ok {
		return int64(len(t.Cols)), nil
	}
	return int64(1), nil
}

func extreme(sign int) func(in *interp, args []Value) (Value, error) {
	return func(in *interp, args []Value) (Value, error) {
		list, err := in.list(args[0])
		if err != nil {
			return nil, err
		}
		var best Value
		for _, v := range list {
			if v == nil {
				continue
			}
			c, ok := compare(v, best)
			if !ok {
				return nil, say("%s can't be compared with %s.", Kind(v), Kind(best))
			}
			if best == nil || c*sign > 0 {
				best = v
			}
		}
		return best, nil
	}
}

func sum(in *interp, args []Value) (Value, error) {
	list, err := in.list(args[0])
	if err != nil {
		return nil, err
	}
	var total Value
	for _, v := range list {
		if _, ok := number(v); v != nil && !ok {
			return nil, say("sum isn't defined for %s.", Kind(v))
		}
		switch {
		case v == nil:
		case total == nil:
			total = v
			if b, ok := v.(bool); ok {
				total, _ = whole(b)
			}
		default:
			if total, err = arithmetic("+", total, v); err != nil {
				return nil, err
			}
		}
	}
	return total, nil
}

func avg(in *interp, args []Value) (Value, error) {
	list, err := in.list(args[0])
	if err != nil {
		return nil, err
	}
	total, n := 0.0, 0
	for _, v := range list {
		f, ok := number(v)
		if v != nil && !ok {
			return nil, say("avg isn't defined for %s.", Kind(v))
		}
		if v != nil {
			total, n = total+f, n+1
		}
	}
	if n == 0 {
		return nil, nil
	}
	return total / float64(n), nil
}

func end1(in *interp, v Value, first bool) (Value, error) {
	if t, ok := v.(*Table); ok {
		t, err := in.loaded(t)
		if err != nil || len(t.Rows) == 0 {
			return nil, err
		}
		at := int64(0)
		if !first {
			at = int64(len(t.Rows) - 1)
		}
		return in.at(t, at)
	}
	list, err := in.list(v)
	switch {
	case err != nil || len(list) == 0:
		return nil, err
	case first:
		return list[0], nil
	}
	return list[len(list)-1], nil
}

func distinct(in *interp, args []Value) (Value, error) {
	list, err := in.list(args[0])
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	out := []Value{}
	for _, v := range list {
		if k := sameKey(v); !seen[k] {
			seen[k] = true
			out = append(out, v)
		}
	}
	return out, nil
}

func nunique(in *interp, args []Value) (Value, error) {
	v, err := distinct(in, args)
	if err != nil {
		return nil, err
	}
	return count(in, []Value{v})
}

// deltas are the differences to the element before; the first is NULL.
func deltas(in *interp, args []Value) (Value, error) {
	list, err := in.list(args[0])
	if err != nil {
		return nil, err
	}
	out := make([]Value, len(list))
	for i := 1; i < len(list); i++ {
		if out[i], err = scalarOp("-", list[i], list[i-1]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func prev(in *interp, args []Value) (Value, error) {
	list, err := in.list(args[0])
	if err != nil || len(list) == 0 {
		return []Value{}, err
	}
	return append([]Value{nil}, list[:len(list)-1]...), nil
}

func sorted(in *interp, args []Value) (Value, error) {
	list, err := in.list(args[0])
	if err != nil {
		return nil, err
	}
	up := true
	if len(args) == 2 {
		if up, err = truth(args[1]); err != nil {
			return nil, err
		}
	}
	out, ok := slices.Clone(list), true
	slices.SortStableFunc(out, func(a, b Value) int {
		c, fine := compare(a, b)
		ok = ok && fine
		if !up {
			c = -c
		}
		return c
	})
	if !ok {
		return nil, say("The elements of the vector can't be compared.")
	}
	return out, in.room(len(out) * 4)
}

func keys(_ *interp, args []Value) (Value, error) {
	out := []Value{}
	switch v := args[0].(type) {
	case map[string]Value:
		for _, k := range sortedKeys(v) {
			out = append(out, k)
		}
		return out, nil
	case *Table:
		for _, c := range v.Cols {
			out = append(out, c)
		}
		return out, nil
	}
	return nil, say("keys expects a dictionary or a table.")
}

func valuesOf(in *interp, args []Value) (Value, error) {
	out := []Value{}
	m, ok := args[0].(map[string]Value)
	if !ok {
		return nil, say("values expects a dictionary.")
	}
	for _, k := range sortedKeys(m) {
		out = append(out, m[k])
	}
	return out, in.room(len(out))
}

// concat joins strings, with what stands between them.
func concat(in *interp, args []Value) (Value, error) {
	list, err := in.list(args[0])
	if err != nil {
		return nil, err
	}
	between := ""
	if len(args) == 2 {
		s, ok := args[1].(string)
		if !ok {
			return nil, say("The separator must be a string.")
		}
		between = s
	}
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = display(v)
		if err := in.room((len(parts[i]) + len(between)) / 64); err != nil {
			return nil, err
		}
	}
	return strings.Join(parts, between), nil
}

func all(in *interp, args []Value) (Value, error) {
	list, err := in.list(args[0])
	for _, v := range list {
		if b, err := truth(v); err != nil || !b {
			return false, err
		}
	}
	return true, err
}

func any1(in *interp, args []Value) (Value, error) {
	list, err := in.list(args[0])
	for _, v := range list {
		if b, err := truth(v); err != nil || b {
			return b, err
		}
	}
	return false, err
}

// take repeats a vector until it has n elements.
func take(in *interp, args []Value) (Value, error) {
	list, err := in.list(args[0])
	if err != nil {
		return nil, err
	}
	n, ok := args[1].(int64)
	if !ok || n < 0 || n > maxSequence {
		return nil, say("The count must be an integer.")
	}
	if err := in.room(int(n)); err != nil {
		return nil, err
	}
	out := make([]Value, n)
	for i := range out {
		if len(list) > 0 {
			out[i] = list[i%len(list)]
		}
	}
	return out, nil
}
