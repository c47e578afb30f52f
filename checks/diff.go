package checks

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"

	plaintext "stepgate/runbook/text"
)

// declareDiff makes diff() known to the type checker, which refuses two values that
// are known to be of different kinds.
func declareDiff(cfg *conf.Config) {
	declare(cfg, "diff")
	cfg.Functions["diff"].Validate = func(args []reflect.Type) (reflect.Type, error) {
		if len(args) != 2 {
			return nil, errors.New("diff() wants two values, the one before and the one after")
		}
		l, r := staticKind(args[0]), staticKind(args[1])
		if l != r && l != kindOther && r != kindOther {
			return nil, fmt.Errorf("diff() wants two values of one kind, not %s and %s", l, r)
		}
		return reflect.TypeFor[string](), nil
	}
}

// staticKind is the kind of a type's values, kindOther where it isn't known.
func staticKind(t reflect.Type) kind {
	if t == nil {
		return kindOther
	}
	switch t {
	case reflect.TypeFor[Version]():
		return kindVersion
	case reflect.TypeFor[time.Duration]():
		return kindDuration
	}
	switch t.Kind() {
	case reflect.String:
		return kindText
	case reflect.Bool:
		return kindBool
	case reflect.Int, reflect.Int64, reflect.Float64:
		return kindNumber
	case reflect.Slice, reflect.Array:
		return kindList
	case reflect.Map:
		return kindMap
	default:
		return kindOther
	}
}

// named is an expression as a difference names it.
func named(n ast.Node) string { return ansi.Truncate(oneLine(n.String()), 60, "…") }

// isDiff reports whether n calls diff().
func isDiff(n ast.Node) bool {
	c, ok := n.(*ast.CallNode)
	if !ok {
		return false
	}
	id, ok := c.Callee.(*ast.IdentifierNode)
	return ok && id.Value == "diff"
}

// diff is the unified difference of a[0] and a[1], which a[2] and a[3] name; empty
// when they are alike. It is whole, however long: what an assertion looks for in it
// may stand anywhere.
func (s *scope) diff(a []any) (any, error) {
	l, r := kindOf(a[0]), kindOf(a[1])
	if l != r || l == kindOther {
		return nil, unknown("wrong type: diff() of %s and %s", l, r)
	}
	out, err := s.unified(a[2].(string), a[3].(string), a[0], a[1])
	if err != nil {
		return nil, err
	}
	return out, nil
}

// unified is the difference of two values of one kind by their lines: those of a text,
// the elements of a list, the entries of a map.
func (s *scope) unified(wasName, isName string, was, is any) (string, error) {
	single := kindOf(was) != kindList && kindOf(was) != kindMap
	if single {
		if same, err := s.equal(was, is); same || err != nil {
			return "", err
		}
	}
	l, r, err := s.written(was, is, false)
	if err == nil && l == r && !single { // 1 and "1" look alike
		l, r, err = s.written(was, is, true)
	}
	if err != nil {
		return "", err
	}
	key := diffKey{wasName, isName, l, r}
	if d, ok := s.diffs[key]; ok {
		return d, nil
	}
	if err := s.charge((strings.Count(l, "\n") + strings.Count(r, "\n")) * lineSteps); err != nil {
		return "", err
	}
	l, r = ended(l, r)
	s.diffs[key] = plaintext.Unified(wasName, isName, l, r)
	return s.diffs[key], nil
}

// What a difference costs, in steps.
const (
	lineSteps  = 8 // a line of either text
	valueSteps = 7 // a value within a list or map
)

// ended gives two texts of which neither ends its last line that end: it is nothing in
// which they differ.
func ended(l, r string) (string, string) {
	if strings.HasSuffix(l, "\n") || strings.HasSuffix(r, "\n") {
		return l, r
	}
	end := func(s string) string {
		if s == "" {
			return ""
		}
		return s + "\n"
	}
	return end(l), end(r)
}

// written are two values as lines. exactly quotes every text of a list or map, so that
// no two values look alike.
func (s *scope) written(was, is any, exactly bool) (l, r string, err error) {
	if l, err = s.lines(was, exactly); err == nil {
		r, err = s.lines(is, exactly)
	}
	return l, r, err
}

// lines is a value in lines that can be compared: a text as it is, a list with an
// element a line, a map with an entry a line.
func (s *scope) lines(v any, exactly bool) (string, error) {
	if t, ok := v.(string); ok {
		return t, s.text(len(t))
	}
	w := writer{s: s, exactly: exactly}
	switch r := reflect.ValueOf(v); kindOf(v) {
	case kindList:
		for i := range r.Len() {
			w.element(r.Index(i).Interface())
			w.b.WriteByte('\n')
		}
	case kindMap:
		for _, e := range entries(r) {
			w.text(e.key, " =")
			w.b.WriteString(" = ")
			w.value(e.value, "")
			w.b.WriteByte('\n')
		}
	default:
		w.value(v, "")
		w.b.WriteByte('\n')
	}
	return w.b.String(), w.err
}

// writer writes values as parts of a line.
type writer struct {
	s       *scope
	exactly bool
	b       strings.Builder
	err     error // the budget is spent
}

// element is an element of a list: a record as key=value, in the order of the keys.
func (w *writer) element(v any) {
	if kindOf(v) == kindMap {
		w.record(v)
	} else {
		w.value(v, "")
	}
}

func (w *writer) record(v any) {
	for i, e := range entries(reflect.ValueOf(v)) {
		if i > 0 {
			w.b.WriteByte(' ')
		}
		w.text(e.key, recordSyntax)
		w.b.WriteByte('=')
		w.value(e.value, recordSyntax)
	}
}

// recordSyntax are the characters for which a text in a record is quoted.
const recordSyntax = ` "'=[]{}`

// value writes any value. Texts that hold one of the characters of syntax are quoted.
func (w *writer) value(v any, syntax string) {
	if w.err != nil {
		return
	}
	if w.err = w.s.charge(valueSteps); w.err == nil && w.b.Len() > maxText {
		w.err = w.s.text(w.b.Len())
	}
	switch r := reflect.ValueOf(v); kindOf(v) {
	case kindText:
		w.text(v.(string), syntax)
	case kindNumber:
		w.b.WriteString(numberText(v))
	case kindList:
		w.b.WriteByte('[')
		for i := range r.Len() {
			if i > 0 {
				w.b.WriteByte(' ')
			}
			w.value(r.Index(i).Interface(), recordSyntax)
		}
		w.b.WriteByte(']')
	case kindMap:
		w.b.WriteByte('{')
		w.record(v)
		w.b.WriteByte('}')
	case kindNil:
		w.b.WriteString("nil")
	case kindBool, kindVersion, kindDuration, kindOther:
		w.text(fmt.Sprint(v), "")
	}
}

// text quotes what would be taken for something else, or wouldn't stay on its line.
func (w *writer) text(t, syntax string) {
	quote := w.exactly || strings.ContainsAny(t, syntax) || strings.ContainsFunc(t, unicode.IsControl)
	if syntax != "" {
		quote = quote || t == "" || t == "nil" || t == "true" || t == "false"
	}
	if quote {
		t = strconv.Quote(t)
	}
	w.b.WriteString(t)
}

// numberText is the same for equal numbers.
func numberText(v any) string {
	r := rational(v)
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

type entry struct {
	key   string
	value any
}

// entries are those of a map, in the order of their keys.
func entries(m reflect.Value) []entry {
	values := map[string]any{}
	for _, k := range m.MapKeys() {
		name, _ := scalarText(storable(k.Interface()))
		values[name] = m.MapIndex(k).Interface()
	}
	out := make([]entry, 0, len(values))
	for _, k := range keys(values) {
		out = append(out, entry{k, values[k]})
	}
	return out
}
