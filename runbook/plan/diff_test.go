package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stepgate/runbook"
	"stepgate/runbook/plan"
)

// steps is a plan of steps by id, each with a command.
func steps(t fataler, ids []string, body func(id string) string) *plan.Plan {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, "- [ ] %s {#%s}\n\n  ```sh\n  %s\n  ```\n", id, id, body(id))
	}
	book, ds := runbook.Parse("book.md", []byte(b.String()), nil)
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	p, ds := plan.New(book, nil, nil)
	if ds != nil {
		t.Fatal(ds)
	}
	return p
}

type fataler interface{ Fatal(args ...any) }

func differences(a, b *plan.Plan) (out []string) {
	for _, d := range plan.Diff(a, b) {
		out = append(out, strings.TrimSpace(d.Step+" "+d.How+" "+strings.Join(d.What, ",")))
	}
	return out
}

func TestDiff(t *testing.T) {
	t.Parallel()
	echo := func(id string) string { return "echo " + id }
	for _, tt := range []struct{ before, after, want string }{
		{"a b c", "a b c", ""},
		{"a b c", "c a b", "c moved"},
		{"a b c d", "b c d a", "a moved"},
		{"a b c", "a x c", "x added|b removed"},
		{"a b", "", "a removed|b removed"},
		{"", "a", "a added"},
	} {
		got := strings.Join(differences(steps(t, strings.Fields(tt.before), echo), steps(t, strings.Fields(tt.after), echo)), "|")
		if got != tt.want {
			t.Errorf("from %q to %q: %q, want %q", tt.before, tt.after, got, tt.want)
		}
	}
}

// A difference is told exactly when there is one, and what stays keeps its order.
func TestDiffTellsAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		some := func(what string) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}), 0, 6, func(s string) string { return s }).Draw(t, what)
		}
		before, after := some("before"), some("after")
		touched := some("touched")
		p := steps(t, before, func(id string) string { return "echo " + id })
		q := steps(t, after, func(id string) string {
			if slices.Contains(touched, id) {
				return "echo other " + id
			}
			return "echo " + id
		})
		how := map[string]map[string]bool{}
		for _, d := range plan.Diff(p, q) {
			if how[d.Step] == nil {
				how[d.Step] = map[string]bool{}
			}
			how[d.Step][d.How] = true
		}
		var stayed []int
		for _, id := range after {
			at := slices.Index(before, id)
			if how[id]["added"] != (at < 0) || how[id]["changed"] != (at >= 0 && slices.Contains(touched, id)) {
				t.Fatalf("%s of %v is told as %v", id, after, how[id])
			}
			if at >= 0 && !how[id]["moved"] {
				stayed = append(stayed, at)
			}
		}
		for _, id := range before {
			if how[id]["removed"] != !slices.Contains(after, id) {
				t.Fatalf("%s of %v is told as %v", id, before, how[id])
			}
		}
		if !slices.IsSorted(stayed) {
			t.Fatalf("from %v to %v those that stayed are at %v", before, after, stayed)
		}
	})
}
