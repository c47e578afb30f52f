package engine

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"

	"stepgate/checks"
	"stepgate/runbook/run"
)

// trends are the numbers that the tries of a poll would capture, by name. What it
// hands out never changes.
type trends []run.Trend

// add takes in what a try showed.
func (ts trends) add(shown map[string]json.RawMessage) trends {
	next := slices.Clone(ts)
	for name, raw := range shown {
		v, ok := number(raw)
		if !ok {
			continue
		}
		i := slices.IndexFunc(next, func(t run.Trend) bool { return t.Name == name })
		if i < 0 {
			next, i = append(next, run.Trend{Name: name}), len(next)
		}
		old := next[i].Values
		old = old[max(0, len(old)-run.MaxTrend+1):]
		next[i].Values = append(slices.Clone(old), v)
	}
	slices.SortFunc(next, func(a, b run.Trend) int { return cmp.Compare(a.Name, b.Name) })
	return next
}

// number is a stored value as a number, where it is a finite one.
func number(raw json.RawMessage) (float64, bool) {
	v, err := checks.Decode(raw)
	if err != nil {
		return 0, false
	}
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, !math.IsInf(v, 0) && !math.IsNaN(v)
	}
	return 0, false
}
