package pane

import (
	"math"
	"testing"
)

func TestSpark(t *testing.T) {
	t.Parallel()
	levels := []string{"1", "2", "3", "4"}
	for _, tt := range []struct {
		name   string
		values []float64
		w      int
		want   string
	}{
		{"nothing", nil, 5, ""},
		{"one", []float64{7}, 5, "1"},
		{"all the same", []float64{7, 7}, 5, "11"},
		{"down to nothing", []float64{30, 20, 10, 0}, 5, "4321"},
		{"the latest", []float64{9, 9, 0, 3}, 2, "14"},
		{"no room", []float64{1, 2}, 0, ""},
		{"below zero", []float64{-3, 0}, 5, "14"},
		{"as far apart as can be", []float64{-math.MaxFloat64, 0, math.MaxFloat64}, 5, "124"},
	} {
		if got := Spark(levels, tt.values, tt.w); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
