package pane

import "strings"

// Spark draws values, the latest at its end, as a line of at most w glyphs from the
// lowest to the highest of them; values that are all the same are drawn low.
func Spark(levels []string, values []float64, w int) string {
	values = values[max(0, len(values)-max(w, 0)):]
	if len(values) == 0 || len(levels) == 0 {
		return ""
	}
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	var b strings.Builder
	for _, v := range values {
		at := 0
		if half := high/2 - low/2; half > 0 { // halves, so that the whole range is a number
			at = int((v/2 - low/2) / half * float64(len(levels)-1))
		}
		b.WriteString(levels[max(0, min(at, len(levels)-1))])
	}
	return b.String()
}
