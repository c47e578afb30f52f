package cluster

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepgate/lab/dolphindb/script"
)

// Kinds of partitioning that the simulation has.
const (
	valuePartition = "VALUE"
	rangePartition = "RANGE"
	hashPartition  = "HASH"
)

const day = "20060102" // as it stands in a chunk's path

// moment reads any of the temporal types.
func moment(v script.Value) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case script.Date:
		return v.Time, true
	case script.Datetime:
		return v.Time, true
	case script.Nanotimestamp:
		return v.Time, true
	}
	return time.Time{}, false
}

// keyOf is a value as partitions name it: the day of a time.
func keyOf(v script.Value) (string, bool) {
	if t, ok := moment(v); ok {
		return t.Format(day), true
	}
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}

// scheme reads the third argument of database().
func scheme(kind string, v script.Value) ([]string, error) {
	values, ok := v.([]script.Value)
	if !ok {
		return nil, failf("Invalid partition scheme.")
	}
	if kind == hashPartition {
		if len(values) == 2 {
			if n, ok := values[1].(int64); ok && n > 0 && n <= 1000 {
				return []string{strconv.FormatInt(n, 10)}, nil
			}
		}
		return nil, failf("Invalid partition scheme.")
	}
	var out []string
	for _, x := range values {
		k, ok := keyOf(x)
		if !ok || slices.Contains(out, k) {
			return nil, failf("Invalid partition scheme.")
		}
		out = append(out, k)
	}
	return out, nil
}

// partition is where a value belongs; false when there is no partition for it.
func (d *database) partition(v script.Value) (string, bool) {
	k, ok := keyOf(v)
	if !ok {
		return "", false
	}
	switch d.Kind {
	case hashPartition:
		n, err := strconv.Atoi(d.Values[0])
		if err != nil {
			return "", false
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(k)) // never fails
		return "Key" + strconv.Itoa(int(h.Sum32()%uint32(n))), true
	case rangePartition:
		for i := 1; i < len(d.Values); i++ {
			if compareKeys(d.Values[i-1], k) <= 0 && compareKeys(k, d.Values[i]) < 0 {
				return d.Values[i-1] + "_" + d.Values[i], true
			}
		}
		return "", false
	}
	return k, slices.Contains(d.Values, k)
}

func compareKeys(a, b string) int {
	x, err1 := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	if err1 != nil || err2 != nil {
		return strings.Compare(a, b)
	}
	return cmp.Compare(x, y)
}

// cast makes a value one of a column's type.
func cast(v script.Value, typ string) (script.Value, bool) {
	if v == nil {
		return nil, true
	}
	if t, ok := moment(v); ok {
		switch typ {
		case "TIMESTAMP":
			return t.Truncate(time.Millisecond), true
		case "DATE":
			return script.Date{Time: t.Truncate(24 * time.Hour)}, true
		case "DATETIME":
			return script.Datetime{Time: t.Truncate(time.Second)}, true
		case "NANOTIMESTAMP":
			return script.Nanotimestamp{Time: t}, true
		}
		return nil, false
	}
	switch typ {
	case "SYMBOL", "STRING":
		s, ok := v.(string)
		return s, ok
	case "BOOL":
		b, ok := v.(bool)
		return b, ok
	case "INT", "LONG", "SHORT", "CHAR":
		switch v := v.(type) {
		case int64:
			return v, true
		case float64:
			return int64(math.Round(v)), true
		}
	case "DOUBLE", "FLOAT":
		switch v := v.(type) {
		case int64:
			return float64(v), true
		case float64:
			return v, true
		}
	}
	return nil, false
}
