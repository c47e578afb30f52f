package checks

import (
	"cmp"
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"strings"
	"time"
)

// compareOp is the six comparisons. Equal and unequal are defined for values of
// one kind and for nil with anything; the order for numbers, texts, versions and
// durations. Everything else is unknown.
func (s *scope) compareOp(a []any) (any, error) {
	op, l, r := a[0].(string), a[1], a[2]
	if err := s.charge(size(l)); err != nil {
		return nil, err
	}
	if op == "==" || op == "!=" {
		same, err := s.equal(l, r)
		return same == (op == "=="), err
	}
	c, err := order(l, r)
	if err != nil {
		return nil, err
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	}
	return c >= 0, nil
}

// kind groups Go types by what they can be compared with.
type kind string

const (
	kindNil      kind = "nil"
	kindBool     kind = "a truth value"
	kindNumber   kind = "a number"
	kindText     kind = "text"
	kindVersion  kind = "a version"
	kindDuration kind = "a duration"
	kindList     kind = "a list"
	kindMap      kind = "a map"
	kindOther    kind = "a value of another kind"
)

func kindOf(v any) kind {
	switch v := v.(type) {
	case nil:
		return kindNil
	case bool:
		return kindBool
	case string:
		return kindText
	case Version:
		return kindVersion
	case time.Duration:
		return kindDuration
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return kindOther
		}
		return kindNumber
	case int, json.Number:
		return kindNumber
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt() || r.CanUint() || r.CanFloat():
		return kindNumber
	case r.Kind() == reflect.Slice || r.Kind() == reflect.Array:
		return kindList
	case r.Kind() == reflect.Map:
		return kindMap
	}
	return kindOther
}

func kindName(v any) string { return string(kindOf(v)) }

func isNumber(v any) bool { return kindOf(v) == kindNumber }

// equal reports whether two values of one kind are. Lists may share their parts, so that
// there are many more of them than memory holds: each one looked at is charged.
func (s *scope) equal(l, r any) (bool, error) {
	kl, kr := kindOf(l), kindOf(r)
	switch {
	case kl == kindNil || kr == kindNil:
		return kl == kr, nil
	case kl != kr:
		return false, unknown("wrong type: %s %s is compared with %s %s", kl, show(l), kr, show(r))
	}
	switch kl {
	case kindBool, kindText:
		return l == r, nil
	case kindNumber, kindVersion, kindDuration:
		c, err := order(l, r)
		return c == 0, err
	case kindList:
		return s.equalLists(reflect.ValueOf(l), reflect.ValueOf(r))
	case kindMap:
		return s.equalMaps(reflect.ValueOf(l), reflect.ValueOf(r))
	case kindNil, kindOther:
	}
	return false, unknown("wrong type: %s can't be compared", kl)
}

func (s *scope) equalLists(l, r reflect.Value) (bool, error) {
	if l.Len() != r.Len() {
		return false, nil
	}
	for i := range l.Len() {
		if err := s.charge(0); err != nil {
			return false, err
		}
		if same, err := s.equal(l.Index(i).Interface(), r.Index(i).Interface()); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func (s *scope) equalMaps(l, r reflect.Value) (bool, error) {
	if l.Type().Key() != r.Type().Key() {
		return false, unknown("wrong type: the keys of two maps differ in kind")
	}
	if l.Len() != r.Len() {
		return false, nil
	}
	for _, k := range l.MapKeys() {
		if err := s.charge(0); err != nil {
			return false, err
		}
		v := r.MapIndex(k)
		if !v.IsValid() {
			return false, nil
		}
		if same, err := s.equal(l.MapIndex(k).Interface(), v.Interface()); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// order compares two values of one ordered kind.
func order(l, r any) (int, error) {
	kl, kr := kindOf(l), kindOf(r)
	if kl == kr {
		switch kl {
		case kindNumber:
			return orderNumbers(l, r), nil
		case kindText:
			return strings.Compare(l.(string), r.(string)), nil
		case kindVersion:
			return l.(Version).Compare(r.(Version)), nil
		case kindDuration:
			return cmp.Compare(l.(time.Duration), r.(time.Duration)), nil
		case kindNil, kindBool, kindList, kindMap, kindOther:
		}
	}
	return 0, unknown("wrong type: %s %s has no order with %s %s", kl, show(l), kr, show(r))
}

func orderNumbers(l, r any) int {
	if a, ok := l.(int); ok {
		if b, ok := r.(int); ok {
			return cmp.Compare(a, b)
		}
	}
	return rational(l).Cmp(rational(r))
}

// rational is a number's exact value, so that large integers stay apart.
func rational(v any) *big.Rat {
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return new(big.Rat).SetInt64(r.Int())
	case r.CanUint():
		return new(big.Rat).SetUint64(r.Uint())
	case r.CanFloat():
		return new(big.Rat).SetFloat64(r.Float())
	}
	n, _ := new(big.Rat).SetString(string(v.(json.Number)))
	return n
}

// in looks for l among the items of a list or the keys of a map. A list whose
// items are all of another kind doesn't answer.
func (s *scope) in(a []any) (any, error) {
	l, list := a[0], reflect.ValueOf(a[1])
	switch kindOf(a[1]) {
	case kindMap:
		_, found, err := lookup(a[1], l)
		return found, err
	case kindList:
	default:
		return nil, unknown("wrong type: in %s", kindName(a[1]))
	}
	if err := s.charge(list.Len() >> 2); err != nil {
		return nil, err
	}
	var mismatch error
	comparable := false
	for i := range list.Len() {
		same, err := s.equal(l, list.Index(i).Interface())
		switch {
		case same && err == nil:
			return true, nil
		case err == nil:
			comparable = true
		case mismatch == nil:
			mismatch = err
		}
	}
	if comparable {
		return false, nil
	}
	return false, mismatch
}

// wholeNumber reads v as an index.
func wholeNumber(v any) (int, bool) {
	if !isNumber(v) {
		return 0, false
	}
	r := rational(v)
	if !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	return int(r.Num().Int64()), true
}
