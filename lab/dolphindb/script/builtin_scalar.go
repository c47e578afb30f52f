package script

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// scalarBuiltins take one value, or each element of a vector.
var scalarBuiltins = map[string]*builtin{
	"string":    each1of(func(v Value) (Value, error) { return display(v), nil }),
	"symbol":    each1of(func(v Value) (Value, error) { return display(v), nil }),
	"int":       each1of(toWhole),
	"long":      each1of(toWhole),
	"double":    each1of(toDouble),
	"bool":      each1of(toBool),
	"date":      each1of(func(v Value) (Value, error) { return toMoment(v, "DATE") }),
	"datetime":  each1of(func(v Value) (Value, error) { return toMoment(v, "DATETIME") }),
	"timestamp": each1of(func(v Value) (Value, error) { return toMoment(v, "TIMESTAMP") }),
	"isNull": {1, 1, func(in *interp, a []Value) (Value, error) {
		return in.each1(a[0], func(v Value) (Value, error) { return v == nil, nil })
	}},
	"isValid": {1, 1, func(in *interp, a []Value) (Value, error) {
		return in.each1(a[0], func(v Value) (Value, error) { return v != nil, nil })
	}},
	"nullFill":   {2, 2, nullFill},
	"abs":        each1of(absolute),
	"strlen":     texts(func(s string) Value { return int64(len(s)) }),
	"upper":      texts(func(s string) Value { return strings.ToUpper(s) }),
	"lower":      texts(func(s string) Value { return strings.ToLower(s) }),
	"trim":       texts(func(s string) Value { return strings.TrimSpace(s) }),
	"startsWith": pairs(func(s, t string) Value { return strings.HasPrefix(s, t) }),
	"endsWith":   pairs(func(s, t string) Value { return strings.HasSuffix(s, t) }),
	"strpos":     pairs(func(s, t string) Value { return int64(strings.Index(s, t)) }),
	"split":      {2, 2, split},
	"substr":     {2, 3, substr},
}

func each1of(f func(Value) (Value, error)) *builtin {
	return &builtin{1, 1, func(in *interp, args []Value) (Value, error) {
		return in.each1(args[0], func(v Value) (Value, error) {
			if v == nil {
				return nil, nil
			}
			return f(v)
		})
	}}
}

func texts(f func(string) Value) *builtin {
	return each1of(func(v Value) (Value, error) {
		s, ok := v.(string)
		if !ok {
			return nil, say("A string is expected, not a %s.", Kind(v))
		}
		return f(s), nil
	})
}

func pairs(f func(s, t string) Value) *builtin {
	return &builtin{2, 2, func(in *interp, args []Value) (Value, error) {
		return in.each2(args[0], args[1], func(a, b Value) (Value, error) {
			s, ok1 := a.(string)
			t, ok2 := b.(string)
			if !ok1 || !ok2 {
				return nil, say("Two strings are expected.")
			}
			return f(s, t), nil
		})
	}}
}

func toWhole(v Value) (Value, error) {
	if s, ok := v.(string); ok {
		m := numberForm.FindStringSubmatch(strings.TrimPrefix(s, "-"))
		if m == nil {
			return nil, nil
		}
		n, err := numberValue(m)
		if err != nil {
			return nil, nil
		}
		w, ok := whole(n)
		if !ok {
			return nil, nil
		}
		if strings.HasPrefix(s, "-") {
			w = -w
		}
		return w, nil
	}
	if t, unit, ok := instant(v); ok {
		return units(t, unit), nil
	}
	if f, ok := v.(float64); ok {
		v = math.Round(f)
	}
	n, ok := whole(v)
	if !ok {
		return nil, nil
	}
	return n, nil
}

func toDouble(v Value) (Value, error) {
	if s, ok := v.(string); ok {
		var f float64
		if _, err := fmt.Sscanf(s, "%g", &f); err != nil {
			return nil, nil
		}
		return f, nil
	}
	f, ok := number(v)
	if !ok {
		return nil, say("%s can't be converted to DOUBLE.", Kind(v))
	}
	return f, nil
}

func toBool(v Value) (Value, error) {
	if s, ok := v.(string); ok {
		switch strings.ToLower(s) {
		case "true", "1":
			return true, nil
		case "false", "0":
			return false, nil
		}
		return nil, nil
	}
	return truth(v)
}

func toMoment(v Value, kind string) (Value, error) {
	if s, ok := v.(string); ok {
		m, ok := moment(s)
		if !ok {
			return nil, nil
		}
		v = m
	}
	t, _, ok := instant(v)
	if !ok {
		n, ok := v.(int64)
		if !ok {
			return nil, say("%s can't be converted to %s.", Kind(v), kind)
		}
		epoch := time.Unix(0, 0).UTC()
		v := moved(asMoment(epoch, kind), n)
		return v, nil
	}
	return asMoment(t, kind), nil
}

func absolute(v Value) (Value, error) {
	switch v := v.(type) {
	case int64:
		return max(v, -v), nil
	case float64:
		return math.Abs(v), nil
	}
	return nil, say("abs isn't defined for %s.", Kind(v))
}

func nullFill(in *interp, args []Value) (Value, error) {
	return in.each1(args[0], func(v Value) (Value, error) {
		if v == nil {
			return args[1], nil
		}
		return v, nil
	})
}

func split(in *interp, args []Value) (Value, error) {
	s, ok1 := args[0].(string)
	by, ok2 := args[1].(string)
	if !ok1 || !ok2 || by == "" {
		return nil, say("split expects a string and a delimiter.")
	}
	parts := strings.Split(s, by)
	out := make([]Value, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out, in.room(len(out))
}

func substr(in *interp, args []Value) (Value, error) {
	from, ok := args[1].(int64)
	length := int64(math.MaxInt32)
	if len(args) == 3 {
		var ok2 bool
		length, ok2 = args[2].(int64)
		ok = ok && ok2
	}
	if !ok || from < 0 || length < 0 {
		return nil, say("substr expects an offset and a length.")
	}
	return in.each1(args[0], func(v Value) (Value, error) {
		s, text := v.(string)
		if !text {
			return nil, say("A string is expected.")
		}
		from := min(from, int64(len(s)))
		return strings.ToValidUTF8(s[from:min(from+length, int64(len(s)))], ""), nil
	})
}
