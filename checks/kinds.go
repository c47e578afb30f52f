package checks

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/types"
)

// shows are the names that each kind of observation gives a value, with their types.
var shows = func() map[Kind]map[string]types.Type {
	text, whole, list := types.String, types.Int, types.TypeOf([]string{})
	return map[Kind]map[string]types.Type{
		OfVariables: {},
		OfScript:    {"exit": whole, "stdout": text, "stderr": text, "output": text, "lines": list, "errors": list, "json": types.Any},
		OfSQL:       {"exit": whole, "stderr": text, "errors": list, "rows": types.TypeOf([]map[string]any{})},
		OfHTTP: {
			"exit": whole, "stderr": text, "errors": list,
			"status": whole, "headers": types.TypeOf(map[string]string{}), "body": text, "json": types.Any,
		},
		OfTCP:    {"exit": whole, "stdout": text, "stderr": text, "output": text, "lines": list, "errors": list},
		OfSample: {"line": text},
	}
}()

// kindFences say under what a kind of observation is made.
var kindFences = map[Kind]string{
	OfScript: "a command", OfSQL: "a sql fence", OfHTTP: "an http fence", OfTCP: "a tcp fence", OfSample: "a monitor that is read line by line",
}

// observed are the names of any kind of observation.
var observed = func() map[string]bool {
	out := map[string]bool{}
	for _, names := range shows {
		for name := range names {
			out[name] = true
		}
	}
	return out
}()

// shownBy lists the kinds of fences that give an observed name a value.
func shownBy(name string) string {
	var fences []string
	for of := OfScript; of <= OfSample; of++ {
		if shows[of][name] != nil {
			fences = append(fences, kindFences[of])
		}
	}
	if n := len(fences); n > 1 {
		return strings.Join(fences[:n-1], ", ") + " or " + fences[n-1]
	}
	return strings.Join(fences, "")
}

// rowMap is a row of a result set.
type rowMap map[string]any

// headerMap are the headers of an answer; their names are asked for in any case.
type headerMap map[string]string

func (s *scope) observeRows() (any, error) {
	if s.seen.Rows == nil {
		return nil, unknown("the statements gave no rows")
	}
	out := make([]rowMap, len(s.seen.Rows))
	for i, row := range s.seen.Rows {
		out[i] = row
	}
	return out, nil
}

// observeJSON reads what an answer or a command's output holds.
func (s *scope) observeJSON() (any, error) {
	name := "stdout"
	if s.of == OfHTTP {
		name = "body"
	}
	v, _, err := s.variable(name)
	if err != nil {
		return nil, err
	}
	out, err := decode([]byte(v.(string)))
	if err != nil {
		return nil, unknown("%s is no JSON: %v", name, err)
	}
	return out, nil
}

// has tells whether the result set has the columns, each of them once.
func (o *Observation) has(names []string) error {
	if o == nil {
		return unknown("nothing has been run")
	}
	columns := o.Columns
	if columns == nil && len(o.Rows) > 0 {
		columns = keys(o.Rows[0])
	}
	for _, name := range names {
		switch first := slices.Index(columns, name); {
		case first < 0:
			return unknown("there is no column %q (columns: %s)", name, some(columns))
		case slices.Contains(columns[first+1:], name):
			return unknown("there are several columns %q: name one with AS", name)
		}
	}
	return nil
}
