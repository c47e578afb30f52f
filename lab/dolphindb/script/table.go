package script

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// labelled is table(x as a, y as b), table(x, y) of variables, or table(1:0, names, types).
func (in *interp) labelled(x *call, sc *scope) (Value, error) {
	out := &Table{}
	var cols []Value
	n, vectors := 1, false
	for i, a := range x.args {
		if a.x == nil || a.named {
			return nil, say("A column is missing.")
		}
		v, err := a.x.eval(in, sc)
		if err != nil {
			return nil, err
		}
		if _, ok := v.(pair); ok && i == 0 {
			return in.emptyTable(v.(pair), x, sc)
		}
		if list, ok := v.([]Value); ok {
			if vectors && len(list) != n {
				return nil, say("All columns must have the same size")
			}
			n, vectors = len(list), true
		}
		label := a.name
		if !a.label {
			if label = columnName(a.x); label == "" {
				label = fmt.Sprintf("C%d", i)
			}
		}
		if out.at(label) >= 0 {
			return nil, say("The column name [%s] is duplicated.", label)
		}
		out.Cols = append(out.Cols, label)
		cols = append(cols, v)
	}
	if len(cols) == 0 {
		return nil, say("A table has at least one column.")
	}
	return out, out.fill(in, cols, n)
}

// emptyTable is table(capacity:size, names, types) with size rows of NULL.
func (in *interp) emptyTable(size pair, x *call, sc *scope) (Value, error) {
	n, ok := size.to.(int64)
	if len(x.args) != 3 || !ok || n < 0 || n > maxSequence {
		return nil, say("table expects capacity:size, the columns' names and their types.")
	}
	var lists [2][]string
	for i := range lists {
		v, err := x.args[i+1].x.eval(in, sc)
		if err != nil {
			return nil, err
		}
		if lists[i], err = names(v); err != nil {
			return nil, err
		}
	}
	if len(lists[0]) != len(lists[1]) || len(lists[0]) == 0 {
		return nil, say("Number of column names must be the same as number of column types.")
	}
	for _, s := range lists[1] {
		if _, ok := typeName(s); !ok {
			return nil, say("Unknown data type %s.", s)
		}
	}
	out := &Table{Cols: lists[0], Types: lists[1]}
	cols := make([]Value, len(out.Cols))
	return out, out.fill(in, cols, int(n))
}

// tableOf is table as a function value, as in each(table, v).
func tableOf(*interp, []Value) (Value, error) {
	return nil, say("table can only be called with its columns.")
}

// tableInsert adds rows and tells how many.
func tableInsert(in *interp, args []Value) (Value, error) {
	t, ok := args[0].(*Table)
	if !ok {
		return nil, say("The first argument of tableInsert must be a table.")
	}
	n, err := in.insert(t, args[1:])
	return int64(n), err
}

func appendTo(in *interp, args []Value) (Value, error) {
	if list, ok := args[0].([]Value); ok {
		more, ok := args[1].([]Value)
		if !ok {
			more = []Value{args[1]}
		}
		return append(append([]Value{}, list...), more...), in.room(len(list) + len(more))
	}
	t, ok := args[0].(*Table)
	if !ok {
		return nil, say("append! expects a table or a vector.")
	}
	_, err := in.insert(t, args[1:])
	return t, err
}

// insert adds a table, a tuple of columns, or a value for each column.
func (in *interp) insert(t *Table, values []Value) (int, error) {
	var rows [][]Value
	if len(values) == 1 {
		switch v := values[0].(type) {
		case *Table:
			src, err := in.loaded(v)
			if err != nil {
				return 0, err
			}
			if len(src.Cols) != len(t.Cols) {
				return 0, say("Number of columns for the original table and the table to insert are different.")
			}
			rows = src.Rows
		case []Value:
			values = v
		case map[string]Value:
			values = make([]Value, len(t.Cols))
			for i, c := range t.Cols {
				values[i] = v[c]
			}
		}
	}
	if rows == nil {
		cols, err := in.columns(t, values)
		if err != nil {
			return 0, err
		}
		rows = cols.Rows
	}
	out := &Table{Cols: t.Cols, Types: t.Types}
	for _, r := range rows {
		row := make([]Value, len(r))
		for c := range r {
			v, err := converted(r[c], t.typeOf(c))
			if err != nil {
				return 0, say("Failed to append data to column '%s' reason: %v", t.Cols[c], err)
			}
			row[c] = v
		}
		out.Rows = append(out.Rows, row)
	}
	if err := in.room(len(rows) * len(t.Cols)); err != nil {
		return 0, err
	}
	if t.name != "" {
		return len(rows), in.env.Append(t.db, t.name, out)
	}
	t.Rows = append(t.Rows, out.Rows...)
	return len(rows), nil
}

// columns makes rows of one value, or vector, for each column.
func (in *interp) columns(t *Table, values []Value) (*Table, error) {
	if len(values) != len(t.Cols) {
		return nil, say("The number of table columns doesn't match the number of columns to append.")
	}
	n, vectors := 1, false
	for _, v := range values {
		if list, ok := v.([]Value); ok {
			if vectors && len(list) != n {
				return nil, say("Inconsistent length of values to insert.")
			}
			n, vectors = len(list), true
		}
	}
	out := &Table{Cols: t.Cols}
	return out, out.fill(in, values, n)
}

// converted is the value as a column of a type holds it.
func converted(v Value, kind string) (Value, error) {
	mismatch := say("data type %s, expect %s", Kind(v), kind)
	if v == nil {
		return nil, nil
	}
	switch strings.ToUpper(kind) {
	case "", "ANY":
		return v, nil
	case "STRING", "SYMBOL", "UUID":
		if s, ok := v.(string); ok {
			return s, nil
		}
	case "BOOL":
		if _, ok := number(v); ok {
			return truth(v)
		}
	case "CHAR", "SHORT", "INT", "LONG":
		if f, ok := v.(float64); ok {
			v = math.Round(f)
		}
		if n, ok := whole(v); ok {
			return n, nil
		}
	case "FLOAT", "DOUBLE":
		if f, ok := number(v); ok {
			return f, nil
		}
	default:
		if t, _, ok := instant(v); ok {
			return asMoment(t, strings.ToUpper(kind)), nil
		}
	}
	return nil, mismatch
}

// asMoment is t in one of the temporal types.
func asMoment(t time.Time, kind string) Value {
	switch kind {
	case "DATE":
		return dayOf(t)
	case "DATETIME":
		return Datetime{face(t).Truncate(time.Second)}
	case "NANOTIMESTAMP":
		return Nanotimestamp{face(t)}
	}
	return face(t).Truncate(time.Millisecond)
}

func dayOf(t time.Time) Date {
	return Date{time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)}
}

func now(in *interp, args []Value) (Value, error) {
	t := face(in.env.Now())
	if len(args) == 1 {
		nano, err := truth(args[0])
		if err != nil {
			return nil, err
		}
		if nano {
			return Nanotimestamp{t}, nil
		}
	}
	return t.Truncate(time.Millisecond), nil
}

func (s *insertion) run(in *interp, sc *scope) (outcome, error) {
	v, err := s.into.eval(in, sc)
	if err != nil {
		return outcome{}, err
	}
	t, ok := v.(*Table)
	if !ok {
		return outcome{}, fail(s.src, say("insert into expects a table."))
	}
	values := make([]Value, len(s.values))
	for i, x := range s.values {
		if values[i], err = x.eval(in, sc); err != nil {
			return outcome{}, err
		}
	}
	if s.cols != nil {
		if values, err = placed(t, s.cols, values); err != nil {
			return outcome{}, fail(s.src, err)
		}
	}
	rows, err := in.columns(t, values)
	if err == nil {
		_, err = in.insert(t, []Value{rows})
	}
	return outcome{}, fail(s.src, err)
}

// placed puts values where their columns are; the other columns are NULL.
func placed(t *Table, cols []string, values []Value) ([]Value, error) {
	if len(cols) != len(values) {
		return nil, say("The number of columns doesn't match the number of values.")
	}
	out := make([]Value, len(t.Cols))
	for i, c := range cols {
		at := t.at(c)
		if at < 0 {
			return nil, say("The column [%s] does not exist.", c)
		}
		out[at] = values[i]
	}
	return out, nil
}
