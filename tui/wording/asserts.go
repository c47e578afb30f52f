package wording

import (
	"fmt"
	"strings"

	"stepgate/checks"
	"stepgate/runbook"
)

// Asserts returns what a check asserts, a line each, by its label where it has
// one; a check without an expect is named by its command.
func Asserts(f *runbook.Fence, i int) []string {
	if f.Expect != nil {
		var out []string
		for _, r := range f.Expect.Eval(checks.Observation{}, nil, nil) {
			what, _ := Row(r)
			out = append(out, what)
		}
		if len(out) > 0 {
			return out
		}
	}
	for l := range strings.Lines(f.Body) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			return []string{Line(l)}
		}
	}
	return []string{fmt.Sprintf("check %d", i+1)}
}
