package text_test

import (
	"math"
	"testing"

	"stepgate/runbook/text"
)

func TestFigure(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0: "0", 0.1 + 0.2: "0.3", 12.3456: "12.35", 999.96: "1000", -1234.5: "-1235", 123456789.4: "123456789",
		0.00001234567: "1.235e-05", math.MaxFloat64 / 1e300: "179769313",
	} {
		if got := text.Figure(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
	if got := text.Significant(math.MaxFloat64, 2); got != math.MaxFloat64 {
		t.Errorf("the greatest number becomes %v", got)
	}
}
