package report

import (
	"fmt"
	"strings"
)

// difference writes how what a line of a check compared differs, below the line.
func difference(b *strings.Builder, d string) {
	if d == "" {
		return
	}
	for l := range strings.SplitSeq(strings.TrimSuffix(block(d), "\n"), "\n") {
		fmt.Fprintf(b, "      %s\n", l)
	}
}
