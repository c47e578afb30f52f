package checks

import (
	"cmp"
	"reflect"
	"strings"
)

// need passes list on when the table its elements come from, or the rows, have the
// columns.
func (s *scope) need(a []any) (any, error) {
	columns := strings.Split(a[1].(string), columnGlue)
	if len(a) == 2 {
		return a[0], s.seen.has(columns)
	}
	t, err := s.tableOf(a[2:])
	if err != nil {
		return nil, err
	}
	return a[0], t.has(columns)
}

// keyed passes a list of maps on when each key is in one of them at least.
func (s *scope) keyed(a []any) (any, error) {
	list := reflect.ValueOf(a[0])
	if kindOf(a[0]) != kindList || list.Len() == 0 {
		return a[0], nil
	}
	for _, key := range strings.Split(a[1].(string), columnGlue) {
		var first error
		for i := range list.Len() {
			item := list.Index(i).Interface()
			_, found, err := lookup(item, key)
			if found || err != nil { // what is no map is told where it's read
				first = nil
				break
			}
			if first == nil {
				first = missing(item, key)
			}
		}
		if err := s.charge(list.Len() >> 3); err != nil || first != nil {
			return nil, cmp.Or(first, err)
		}
	}
	return a[0], nil
}

func (s *scope) tableOf(a []any) (*table, error) {
	text, ok := a[0].(string)
	if !ok {
		return nil, unknown("wrong type: table() of %s", kindName(a[0]))
	}
	first := ""
	if len(a) > 1 {
		if first, ok = a[1].(string); !ok {
			return nil, unknown("wrong type: the first column of table() is %s", kindName(a[1]))
		}
	}
	if err := s.charge(size(text)); err != nil {
		return nil, err
	}
	return s.readTable(text, first)
}

func (s *scope) table(a []any) (any, error) {
	t, err := s.tableOf(a)
	if err != nil {
		return nil, err
	}
	return t.rows, nil
}
