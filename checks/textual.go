package checks

import (
	"reflect"
	"strings"
	"time"
)

// text charges for a text of n bytes that is about to be made.
func (s *scope) text(n int) error {
	if n > maxText {
		return unknown("the expression makes a text of more than %d MiB", maxText>>20)
	}
	return s.charge(n >> 10)
}

// textOp is contains, startsWith, endsWith and matches. On anything but texts
// it is unknown, where expr-lang would say false.
func (s *scope) textOp(a []any) (any, error) {
	op := a[0].(string)
	l, ok1 := a[1].(string)
	r, ok2 := a[2].(string)
	if !ok1 || !ok2 {
		return nil, unknown("wrong type: %s %s %s", kindName(a[1]), op, kindName(a[2]))
	}
	if err := s.charge(size(l)); err != nil {
		return nil, err
	}
	switch op {
	case "contains":
		return strings.Contains(l, r), nil
	case "startsWith":
		return strings.HasPrefix(l, r), nil
	case "endsWith":
		return strings.HasSuffix(l, r), nil
	}
	re, err := s.regexp(r)
	if err != nil {
		return nil, err
	}
	return re.MatchString(l), nil
}

func textArgs(name string, a ...any) ([]string, error) {
	out := make([]string, len(a))
	for i, v := range a {
		t, ok := v.(string)
		if !ok {
			return nil, unknown("wrong type: %s() of %s", name, kindName(v))
		}
		out[i] = t
	}
	return out, nil
}

func (s *scope) replace(a []any) (any, error) {
	t, err := textArgs("replace", a[:3]...)
	if err != nil {
		return nil, err
	}
	n := -1
	if len(a) > 3 {
		whole, ok := wholeNumber(a[3])
		if !ok {
			return nil, unknown("wrong type: replace() %s times", kindName(a[3]))
		}
		n = whole
	}
	count := strings.Count(t[0], t[1])
	if n >= 0 {
		count = min(count, n)
	}
	if err := s.text(len(t[0]) + count*max(0, len(t[2])-len(t[1]))); err != nil {
		return nil, err
	}
	return strings.Replace(t[0], t[1], t[2], n), nil
}

func (s *scope) join(a []any) (any, error) {
	glue := ""
	if len(a) > 1 {
		t, err := textArgs("join", a[1])
		if err != nil {
			return nil, err
		}
		glue = t[0]
	}
	list := reflect.ValueOf(a[0])
	if list.Kind() != reflect.Slice {
		return nil, unknown("wrong type: join() of %s", kindName(a[0]))
	}
	parts, total := make([]string, list.Len()), 0
	for i := range parts {
		t, err := textArgs("join", list.Index(i).Interface())
		if err != nil {
			return nil, err
		}
		parts[i] = t[0]
		total += len(t[0]) + len(glue)
	}
	if err := s.text(total); err != nil {
		return nil, err
	}
	return strings.Join(parts, glue), nil
}

func (s *scope) repeat(a []any) (any, error) {
	t, err := textArgs("repeat", a[0])
	if err != nil {
		return nil, err
	}
	n, ok := wholeNumber(a[1])
	if !ok || n < 0 || n > maxText {
		return nil, unknown("repeat() %s times", show(a[1]))
	}
	if err := s.text(len(t[0]) * n); err != nil {
		return nil, err
	}
	return strings.Repeat(t[0], n), nil
}

func (s *scope) duration(a []any) (any, error) {
	if d, ok := a[0].(time.Duration); ok {
		return d, nil
	}
	t, err := textArgs("duration", a[0])
	if err != nil {
		return nil, err
	}
	d, err := time.ParseDuration(t[0])
	if err != nil {
		return nil, unknown("%q is no duration", t[0])
	}
	return d, nil
}
