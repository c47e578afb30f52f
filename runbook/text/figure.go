package text

import (
	"math"
	"strconv"
)

// Figure is a measured number as people read it: from 1000 on whole, below in four
// significant digits.
func Figure(v float64) string {
	if math.Abs(v) >= 1000 {
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	}
	return strconv.FormatFloat(Significant(v, 4), 'g', -1, 64)
}

// Significant is a number rounded to so many significant digits.
func Significant(v float64, digits int) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil { // of the greatest numbers, rounded up beyond all
		return v
	}
	return short
}
