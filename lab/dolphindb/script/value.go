package script

import (
	"math"
	"sort"
	"time"
)

// Value is a value of the language: nil (NULL, and what a command returns), bool,
// int64, float64, string (also SYMBOL, and names such as VALUE or TIMESTAMP),
// time.Time (TIMESTAMP), [Date], [Datetime], [Nanotimestamp], []Value (a vector or
// tuple), map[string]Value (a dictionary), *[Table] or [Func].
type Value = any

// Table is a table in memory. Types holds the columns' types where they are
// known (INT, SYMBOL, …); it may be nil.
type Table struct {
	Cols  []string
	Types []string
	Rows  [][]Value

	db, name string // where loadTable found it: rows are read when they are needed
}

// Func is a function as a value, as in pnodeRun(version).
type Func struct {
	Name  string
	apply func(in *interp, args []Value) (Value, error)
}

// A Date is a DATE: a day without a clock.
type Date struct{ time.Time }

// A Datetime is a DATETIME: it counts in seconds.
type Datetime struct{ time.Time }

// A Nanotimestamp counts in nanoseconds.
type Nanotimestamp struct{ time.Time }

// pair is FROM:TO, as in table(1:0, …) and x between a:b.
type pair struct{ from, to Value }

// face is the same reading of the clock without a time zone: DolphinDB's times
// have none.
func face(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant reads any of the temporal types; unit is what its integers count.
func instant(v Value) (t time.Time, unit time.Duration, ok bool) {
	switch v := v.(type) {
	case time.Time:
		return v, time.Millisecond, true
	case Date:
		return v.Time, 24 * time.Hour, true
	case Datetime:
		return v.Time, time.Second, true
	case Nanotimestamp:
		return v.Time, time.Nanosecond, true
	}
	return time.Time{}, 0, false
}

// moved is v, delta of its units later.
func moved(v Value, delta int64) Value {
	t, unit, _ := instant(v)
	if unit == 24*time.Hour {
		if delta > math.MaxInt32 || delta < math.MinInt32 {
			return nil
		}
		return Date{t.AddDate(0, 0, int(delta))}
	}
	if delta > math.MaxInt64/int64(unit) || delta < math.MinInt64/int64(unit) {
		return nil
	}
	t = t.Add(time.Duration(delta) * unit)
	switch v.(type) {
	case Datetime:
		return Datetime{t}
	case Nanotimestamp:
		return Nanotimestamp{t}
	}
	return t
}

// taken makes a value of the language out of what an Env returned.
func taken(v Value) (Value, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, Date, Datetime, Nanotimestamp, Func:
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case time.Time:
		return face(v), nil
	case []string:
		out := make([]Value, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out, nil
	case []Value:
		out := make([]Value, len(v))
		for i := range v {
			x, err := taken(v[i])
			if err != nil {
				return nil, err
			}
			out[i] = x
		}
		return out, nil
	case map[string]Value:
		out := make(map[string]Value, len(v))
		for k := range v {
			x, err := taken(v[k])
			if err != nil {
				return nil, err
			}
			out[k] = x
		}
		return out, nil
	case *Table:
		return v.taken()
	}
	return nil, say("a %T isn't a value of the language", v)
}

func (t *Table) taken() (Value, error) {
	if t == nil {
		return nil, nil
	}
	out := &Table{Cols: t.Cols, Types: t.Types, db: t.db, name: t.name, Rows: make([][]Value, len(t.Rows))}
	for i, r := range t.Rows {
		if len(r) != len(t.Cols) {
			return nil, say("row %d has %d values for %d columns", i, len(r), len(t.Cols))
		}
		row, err := taken(r)
		if err != nil {
			return nil, err
		}
		out.Rows[i] = row.([]Value)
	}
	return out, nil
}

// Kind is the name of a value's type, as typestr tells it.
func Kind(v Value) string {
	switch v := v.(type) {
	case nil:
		return "VOID"
	case bool:
		return "BOOL"
	case int64:
		return "LONG"
	case float64:
		return "DOUBLE"
	case string:
		return "STRING"
	case time.Time:
		return "TIMESTAMP"
	case Date:
		return "DATE"
	case Datetime:
		return "DATETIME"
	case Nanotimestamp:
		return "NANOTIMESTAMP"
	case map[string]Value:
		return "DICTIONARY"
	case *Table:
		return "TABLE"
	case Func:
		return "FUNCTIONDEF"
	case pair:
		return "PAIR"
	case []Value:
		if uniform(v) && len(v) > 0 {
			for _, x := range v {
				if x != nil {
					return Kind(x) + " VECTOR"
				}
			}
		}
		return "ANY VECTOR"
	}
	return "ANY"
}

func scalar(v Value) bool {
	switch v.(type) {
	case []Value, map[string]Value, *Table, Func, pair:
		return false
	}
	return true
}

// uniform vectors hold scalars of one type, or NULL.
func uniform(v []Value) bool {
	kind := ""
	for _, x := range v {
		if x == nil {
			continue
		}
		if !scalar(x) {
			return false
		}
		if kind == "" {
			kind = Kind(x)
		}
		if Kind(x) != kind {
			return false
		}
	}
	return true
}

// compare orders two scalars, NULL first; it is false when they can't be compared.
func compare(a, b Value) (int, bool) {
	switch {
	case a == nil && b == nil:
		return 0, true
	case a == nil:
		return -1, scalar(b)
	case b == nil:
		return 1, scalar(a)
	}
	if x, ok := a.(string); ok {
		y, ok := b.(string)
		return order(x, y), ok
	}
	if x, _, ok := instant(a); ok {
		y, _, ok := instant(b)
		return x.Compare(y), ok
	}
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			return order(x, y), true
		}
	}
	x, ok := number(a)
	if !ok {
		return 0, false
	}
	y, ok := number(b)
	return order(x, y), ok
}

func order[T int64 | float64 | string](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// number reads BOOL, LONG and DOUBLE.
func number(v Value) (float64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// whole reads BOOL and LONG, and a DOUBLE towards zero.
func whole(v Value) (int64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return v, true
	case float64:
		if math.IsNaN(v) || math.Abs(v) >= math.MaxInt64 {
			return 0, false
		}
		return int64(v), true
	}
	return 0, false
}

// key tells scalars apart in a map.
func key(v Value) string { return Kind(v) + " " + display(v) }

func sortedKeys(m map[string]Value) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
