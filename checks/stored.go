package checks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
)

const (
	maxEnvironment = 96 << 10 // bytes of one variable given to a command
	maxStored      = 8 << 20  // bytes of one captured value as JSON
)

// EnvText is the text of a value in a command's environment: a scalar as it is,
// a list of scalars one item a line, anything else JSON. Values over 96 KiB,
// values with a NUL, and list items that hold a line break are errors.
func EnvText(v any) (string, error) {
	s, err := envText(v)
	if err != nil {
		return "", fmt.Errorf("make an environment variable: %w", err)
	}
	if len(s) > maxEnvironment {
		return "", fmt.Errorf("make an environment variable: the value has %d KiB, more than %d", len(s)>>10, maxEnvironment>>10)
	}
	if strings.ContainsRune(s, 0) {
		return "", errors.New("make an environment variable: the value holds a NUL")
	}
	return s, nil
}

func envText(v any) (string, error) {
	v = storable(v)
	if s, ok := scalarText(v); ok {
		return s, nil
	}
	if list, ok := v.([]any); ok {
		lines := make([]string, 0, len(list))
		for i, item := range list {
			s, scalar := scalarText(item)
			if !scalar {
				return jsonText(v)
			}
			if strings.Contains(s, "\n") {
				return "", fmt.Errorf("item %d of the list holds a line break", i+1)
			}
			lines = append(lines, s)
		}
		return strings.Join(lines, "\n"), nil
	}
	return jsonText(v)
}

func jsonText(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// storable reduces a value to what JSON has: nil, bool, int, float64,
// json.Number for integers that don't fit, string, []any and map[string]any.
// Versions and durations become their text.
func storable(v any) any {
	switch v := v.(type) {
	case nil, bool, int, float64, string, json.Number:
		return v
	case Version:
		return v.String()
	case time.Duration:
		return v.String()
	}
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return int(r.Int())
	case r.CanUint():
		return wholeValue(strconv.FormatUint(r.Uint(), 10))
	case r.CanFloat():
		return r.Float()
	case r.Kind() == reflect.String:
		return r.String()
	case r.Kind() == reflect.Bool:
		return r.Bool()
	case r.Kind() == reflect.Slice || r.Kind() == reflect.Array:
		out := make([]any, r.Len())
		for i := range out {
			out[i] = storable(r.Index(i).Interface())
		}
		return out
	case r.Kind() == reflect.Map:
		out := make(map[string]any, r.Len())
		for _, k := range r.MapKeys() {
			name, _ := scalarText(storable(k.Interface()))
			out[name] = storable(r.MapIndex(k).Interface())
		}
		return out
	}
	return fmt.Sprint(v)
}

// Decode reads a stored value. Integers stay exact ints.
func Decode(raw json.RawMessage) (any, error) {
	v, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("read a stored value: %w", err)
	}
	return v, nil
}

// decode reads exactly one JSON value.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it is empty")
		}
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the first value")
	}
	return exact(v)
}

// exact replaces every json.Number by an int or float64 where it fits.
func exact(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		n, err := parseNumber(string(v))
		if err != nil {
			return nil, fmt.Errorf("the number %s is out of range", oneLine(string(v)))
		}
		return n, nil
	case []any:
		for i := range v {
			if v[i], err = exact(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if v[k], err = exact(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// coerce gives a variable's value the type it was declared with. Stored values
// come back as JSON has them, parameters may come as text.
func coerce(v any, t Type) (any, error) {
	text, isText := v.(string)
	switch t {
	case Duration:
		if d, ok := v.(time.Duration); ok {
			return d, nil
		}
		if isText {
			d, err := time.ParseDuration(text)
			if err == nil {
				return d, nil
			}
		}
	case Int, Number:
		if isText {
			n, err := parseNumber(text)
			if err != nil {
				return nil, err
			}
			v = n
		}
		if _, whole := wholeNumber(v); isNumber(v) && (t == Number || whole) {
			return v, nil
		}
	case Bool:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		if isText {
			if b, err := strconv.ParseBool(text); err == nil {
				return b, nil
			}
		}
	case String:
		if isText {
			return v, nil
		}
		if s, ok := scalarText(storable(v)); ok {
			return s, nil
		}
	case List:
		if kindOf(v) == kindList {
			return v, nil
		}
	case Any:
		return v, nil
	}
	return nil, fmt.Errorf("%s is no %s", show(v), t)
}
