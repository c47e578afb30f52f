package inventory

import (
	"fmt"
	"strconv"
	"strings"
)

// iniSteps are the values of a range: numbers as wide as the first one is
// written, or letters.
func iniSteps(from, to, by string, limit int) (steps []string, why string) {
	step, err := strconv.Atoi(by)
	if err != nil || step < 1 {
		return nil, "has a range whose step is " + by
	}
	first, err := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	letters := err != nil && err2 != nil && len(from) == 1 && len(to) == 1
	switch {
	case letters:
		first, last = int(from[0]), int(to[0])
	case err != nil || err2 != nil:
		return nil, "has a range from " + from + " to " + to + ", which are not of one kind"
	case len(from) > 9 || len(to) > 9:
		return nil, "has a range of too large numbers"
	}
	if first > last {
		return nil, "has a range that ends before it begins"
	}
	for n := first; n <= last && len(steps) < limit; n += step {
		switch {
		case letters:
			steps = append(steps, string(rune(n)))
		case strings.HasPrefix(from, "0"):
			steps = append(steps, fmt.Sprintf("%0*d", len(from), n))
		default:
			steps = append(steps, strconv.Itoa(n))
		}
	}
	return steps, ""
}
