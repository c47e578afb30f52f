package script

import (
	"math"
	"regexp"
	"strings"
	"time"
)

func (x *unary) eval(in *interp, sc *scope) (Value, error) {
	v, err := x.x.eval(in, sc)
	if err != nil {
		return nil, err
	}
	return in.each1(v, func(v Value) (Value, error) {
		if v == nil {
			return nil, nil
		}
		if x.op != "-" {
			b, err := truth(v)
			return !b, err
		}
		switch v := v.(type) {
		case int64:
			return -v, nil
		case float64:
			return -v, nil
		}
		return nil, say("The operator - isn't defined for %s.", Kind(v))
	})
}

func (x *binary) eval(in *interp, sc *scope) (Value, error) {
	if err := in.step(); err != nil {
		return nil, err
	}
	a, err := x.x.eval(in, sc)
	if err != nil {
		return nil, err
	}
	if x.op == "&&" || x.op == "and" || x.op == "||" || x.op == "or" {
		if b, ok := a.(bool); ok && b == (x.op == "||" || x.op == "or") {
			return b, nil
		}
	}
	b, err := x.y.eval(in, sc)
	if err != nil {
		return nil, err
	}
	var v Value
	switch x.op {
	case ":":
		return pair{a, b}, nil
	case "..":
		v, err = in.sequence(a, b)
	case "in":
		v, err = in.contained(a, b)
	case "between":
		p, ok := b.(pair)
		if !ok {
			return nil, fail(x.src, say("between expects a pair a:b."))
		}
		v, err = in.each1(a, func(v Value) (Value, error) {
			from, ok1 := compare(v, p.from)
			to, ok2 := compare(v, p.to)
			if !ok1 || !ok2 {
				return nil, say("%s can't be compared with %s.", Kind(v), Kind(p.from))
			}
			return from >= 0 && to <= 0, nil
		})
	default:
		v, err = in.each2(a, b, func(a, b Value) (Value, error) {
			v, err := scalarOp(x.op, a, b)
			if s, ok := v.(string); ok && err == nil {
				err = in.room(len(s) / 64)
			}
			return v, err
		})
	}
	return v, fail(x.src, err)
}

// each1 applies f to a scalar, or to every element of a vector.
func (in *interp) each1(v Value, f func(Value) (Value, error)) (Value, error) {
	list, ok := v.([]Value)
	if !ok {
		if !scalar(v) {
			return nil, say("A scalar or a vector is expected, not a %s.", strings.ToLower(Kind(v)))
		}
		return f(v)
	}
	if err := in.room(len(list)); err != nil {
		return nil, err
	}
	out := make([]Value, len(list))
	for i, x := range list {
		var err error
		if out[i], err = in.nested(x, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (in *interp) nested(v Value, f func(Value) (Value, error)) (Value, error) {
	if in.depth++; in.depth > maxDepth {
		return nil, say("The call stack is too deep.")
	}
	defer func() { in.depth-- }()
	return in.each1(v, f)
}

// each2 pairs vectors of one length, and a scalar with every element.
func (in *interp) each2(a, b Value, f func(a, b Value) (Value, error)) (Value, error) {
	x, xs := a.([]Value)
	y, ys := b.([]Value)
	switch {
	case xs && ys:
		if len(x) != len(y) {
			return nil, say("Incompatible vector size")
		}
		i := -1
		return in.each1(a, func(v Value) (Value, error) { i++; return f(v, y[min(i, len(y)-1)]) })
	case xs:
		return in.each1(a, func(v Value) (Value, error) { return f(v, b) })
	case ys:
		return in.each1(b, func(v Value) (Value, error) { return f(a, v) })
	}
	if !scalar(a) || !scalar(b) {
		return nil, say("The operator isn't defined for %s and %s.", Kind(a), Kind(b))
	}
	return f(a, b)
}

func scalarOp(op string, a, b Value) (Value, error) {
	if !scalar(a) || !scalar(b) {
		return nil, say("The operator %s isn't defined for %s and %s.", op, Kind(a), Kind(b))
	}
	switch op {
	case "&&", "and", "||", "or":
		x, err := truth(a)
		if err != nil {
			return nil, err
		}
		y, err := truth(b)
		if op == "&&" || op == "and" {
			return x && y, err
		}
		return x || y, err
	case "like":
		return like(a, b)
	case "==", "=", "!=", "<>", "<", ">", "<=", ">=":
		return comparison(op, a, b)
	}
	return arithmetic(op, a, b)
}

func comparison(op string, a, b Value) (Value, error) {
	c, ok := compare(a, b)
	if !ok {
		return nil, say("Can't compare %s with %s.", Kind(a), Kind(b))
	}
	switch op {
	case "==", "=":
		return c == 0, nil
	case "!=", "<>":
		return c != 0, nil
	case "<":
		return c < 0, nil
	case ">":
		return c > 0, nil
	case "<=":
		return c <= 0, nil
	}
	return c >= 0, nil
}

func truth(v Value) (bool, error) {
	if v == nil {
		return false, nil
	}
	n, ok := number(v)
	if !ok {
		return false, say("A boolean is expected, not %s.", Kind(v))
	}
	return n != 0, nil
}

// like matches % with any text and ? with one character.
func like(a, b Value) (Value, error) {
	s, ok1 := a.(string)
	form, ok2 := b.(string)
	if a == nil {
		return false, nil
	}
	if !ok1 || !ok2 {
		return nil, say("like expects two strings.")
	}
	re := strings.NewReplacer("%", ".*", `\?`, ".").Replace(regexp.QuoteMeta(form))
	compiled, err := regexp.Compile("(?s)^" + re + "$")
	if err != nil {
		return nil, say("The pattern of like is invalid.")
	}
	return compiled.MatchString(s), nil
}

// methods are the functions behind the operators.
var methods = map[string]string{"-": "sub", "*": "mul", "/": "div", "\\": "ratio", "%": "mod"}

func arithmetic(op string, a, b Value) (Value, error) {
	undefined := misused("The operator %s isn't defined for %s and %s.", op, Kind(a), Kind(b))
	if a == nil || b == nil {
		return nil, nil
	}
	_, text1 := a.(string)
	_, text2 := b.(string)
	if op == "+" && (text1 || text2) {
		return display(a) + display(b), nil
	}
	if text1 || text2 {
		return nil, misused("Arguments for %s method can not be string.", methods[op])
	}
	if _, _, ok := instant(a); ok {
		return temporal(op, a, b, undefined)
	}
	if _, _, ok := instant(b); ok {
		if op != "+" {
			return nil, undefined
		}
		return temporal(op, b, a, undefined)
	}
	x, ok1 := whole(a)
	y, ok2 := whole(b)
	_, float1 := a.(float64)
	_, float2 := b.(float64)
	if ok1 && ok2 && !float1 && !float2 && op != "\\" {
		return integers(op, x, y)
	}
	f, ok1 := number(a)
	g, ok2 := number(b)
	if !ok1 || !ok2 {
		return nil, undefined
	}
	return doubles(op, f, g)
}

// ring is x op y for the operators that are the same for integers and doubles.
func ring[T int64 | float64](op string, x, y T) (v Value, ok bool) {
	switch op {
	case "+":
		return x + y, true
	case "-":
		return x - y, true
	case "*":
		return x * y, true
	}
	return nil, false
}

func integers(op string, x, y int64) (Value, error) {
	if v, ok := ring(op, x, y); ok {
		return v, nil
	}
	if y == 0 || x == math.MinInt64 && y == -1 {
		return nil, nil
	}
	// Both round down, as DolphinDB does: -7/2 is -4, -7%2 is 1.
	q, r := x/y, x%y
	if r != 0 && (r < 0) != (y < 0) {
		q, r = q-1, r+y
	}
	if op == "%" {
		return r, nil
	}
	return q, nil
}

func doubles(op string, x, y float64) (Value, error) {
	if v, ok := ring(op, x, y); ok {
		return v, nil
	}
	if op == "%" {
		return nil, say("The operator %s is defined for integers only.", op)
	}
	if y == 0 {
		return nil, nil
	}
	return x / y, nil
}

// temporal adds units to a moment, or counts them between two moments.
func temporal(op string, a, b Value, undefined error) (Value, error) {
	t, unit, _ := instant(a)
	if n, ok := b.(int64); ok {
		switch op {
		case "+":
			return moved(a, n), nil
		case "-":
			return moved(a, -n), nil
		}
		return nil, undefined
	}
	u, other, ok := instant(b)
	if !ok || op != "-" || unit != other {
		return nil, undefined
	}
	return units(t, unit) - units(u, unit), nil
}

// units is how far a moment is from 1970, in its type's unit.
func units(t time.Time, unit time.Duration) int64 {
	switch {
	case unit == 24*time.Hour:
		return floorDiv(t.Unix(), 86400)
	case unit == time.Second:
		return t.Unix()
	case unit == time.Millisecond:
		return t.UnixMilli()
	}
	return t.UnixNano()
}

func floorDiv(x, y int64) int64 {
	if x < 0 && x%y != 0 {
		return x/y - 1
	}
	return x / y
}

const maxSequence = 1_000_000

// sequence is a..b, of integers or of days.
func (in *interp) sequence(a, b Value) (Value, error) {
	x, ok1 := a.(int64)
	y, ok2 := b.(int64)
	from, days1 := a.(Date)
	to, days2 := b.(Date)
	if days1 && days2 {
		x, y = 0, units(to.Time, 24*time.Hour)-units(from.Time, 24*time.Hour)
	} else if !ok1 || !ok2 {
		return nil, say("Both ends of a sequence must be integers or dates.")
	}
	step := int64(1)
	if y < x {
		step = -1
	}
	if d := float64(y) - float64(x); math.Abs(d) >= maxSequence {
		return nil, say("The sequence is too long.")
	}
	n := (y-x)*step + 1
	if err := in.room(int(n)); err != nil {
		return nil, err
	}
	out := make([]Value, n)
	for i := range out {
		if days1 {
			out[i] = moved(a, x+int64(i)*step)
		} else {
			out[i] = x + int64(i)*step
		}
	}
	return out, nil
}

// contained is a in b.
func (in *interp) contained(a, b Value) (Value, error) {
	var list []Value
	switch b := b.(type) {
	case []Value:
		list = b
	case map[string]Value:
		for k := range b {
			list = append(list, k)
		}
	default:
		if !scalar(b) {
			return nil, say("in expects a vector or a dictionary.")
		}
		list = []Value{b}
	}
	if err := in.room(len(list)); err != nil {
		return nil, err
	}
	set := make(map[string]bool, len(list))
	for _, v := range list {
		set[sameKey(v)] = true
	}
	return in.each1(a, func(v Value) (Value, error) { return set[sameKey(v)], nil })
}

// sameKey is one text for values that are equal, whatever their types.
func sameKey(v Value) string {
	if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		v = int64(f)
	}
	if t, _, ok := instant(v); ok {
		return t.Format(time.RFC3339Nano)
	}
	return key(v)
}
