package checks

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

const textCells = 48 // room of one text within a row

// deepest is how far show goes into nested values.
const deepest = 3

// show writes a value for people: short, on one line.
func show(v any) string { return showAt(v, 0) }

func showAt(v any, depth int) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		if len(v) > 16*textCells {
			v = strings.ToValidUTF8(v[:16*textCells], "") + "…"
		}
		return ansi.Truncate(strconv.Quote(plain(v)), textCells, `…"`)
	case fmt.Stringer:
		return oneLine(v.String())
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Slice, reflect.Array:
		return showList(r, depth+1)
	case reflect.Map:
		return showMap(r, depth+1)
	default:
		return oneLine(fmt.Sprint(v))
	}
}

func showList(r reflect.Value, depth int) string {
	if depth > deepest {
		return fmt.Sprintf("a list of %d", r.Len())
	}
	var parts []string
	for i := range min(r.Len(), mostElements) {
		parts = append(parts, showAt(r.Index(i).Interface(), depth))
	}
	if r.Len() > mostElements {
		return fmt.Sprintf("[%s, … %d in all]", strings.Join(parts, ", "), r.Len())
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func showMap(r reflect.Value, depth int) string {
	if depth > deepest || r.Type().Key().Kind() != reflect.String {
		return fmt.Sprintf("a map of %d", r.Len())
	}
	names := map[string]any{}
	for _, k := range r.MapKeys() {
		names[k.String()] = r.MapIndex(k).Interface()
	}
	var parts []string
	for _, k := range keys(names) {
		if len(parts) == mostElements {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, oneLine(k)+": "+showAt(names[k], depth))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// element names one element of a list and shows the members the predicate read.
func (q *quantifier) element(s *scope, i int, v any) string {
	name, key := nameOf(s, v)
	if name == "" {
		name = fmt.Sprintf("[%d]", i)
	}
	var parts []string
	for _, path := range q.fields {
		if len(path) == 1 && path[0] == key {
			continue
		}
		if member, ok := follow(v, path); ok {
			parts = append(parts, oneLine(strings.Join(path, "."))+" "+show(member))
		}
	}
	switch {
	case len(parts) > 0:
		return name + " " + strings.Join(parts, " ")
	case kindOf(v) == kindMap:
		return name
	default:
		return show(v)
	}
}

// follow reads members of members.
func follow(v any, path []string) (any, bool) {
	for _, key := range path {
		member, found, err := lookup(v, key)
		if err != nil || !found {
			return nil, false
		}
		v = member
	}
	return v, true
}

// nameOf is what people call an element: its host, its name, or what stands in
// the first column of its table. key is the member it was taken from.
func nameOf(s *scope, v any) (name, key string) {
	for _, key := range []string{"host", "name"} {
		if n, found, err := lookup(v, key); err == nil && found && n != "" && kindOf(n) == kindText {
			return oneLine(n.(string)), key
		}
	}
	switch row := v.(type) {
	case map[string]any:
		if meta, ok := row["metadata"].(map[string]any); ok {
			if n, ok := meta["name"].(string); ok {
				return oneLine(n), ""
			}
		}
	case rowMap:
		if s.seen != nil && len(s.seen.Columns) > 0 {
			first := s.seen.Columns[0]
			if name := row[first]; name != nil && kindOf(name) == kindText && name != "" {
				return oneLine(name.(string)), first
			}
		}
	case map[string]string:
		if first := s.firstColumn(row); row[first] != "" {
			return oneLine(row[first]), first
		}
	}
	return "", ""
}

// firstColumn finds the table that holds the row.
func (s *scope) firstColumn(row map[string]string) string {
	at := reflect.ValueOf(row).Pointer()
	for _, r := range s.tables {
		if r.err != nil {
			continue
		}
		for _, other := range r.table.rows {
			if reflect.ValueOf(other).Pointer() == at {
				return r.table.first()
			}
		}
	}
	return ""
}
