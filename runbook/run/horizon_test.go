package run

import (
	"slices"
	"testing"

	"stepgate/checks"
)

// What a gate says will be closed is what is closed once its command has been sent,
// and the wall that is named ahead of a step is the one that closes its rollback.
func TestHorizon(t *testing.T) {
	t.Parallel()
	zones := "## Z {#z each=\"zone of trio\"}\n\n" + undoableStep("drain") +
		"### S {#s each=zone}\n\n" + undoableStep("stop") + finalStep("drop")
	for name, c := range map[string]struct {
		book   string
		ran    []string
		ahead  map[string]string // of a step that is to run: the wall ahead, "" none
		closes map[string][]string
	}{
		"on the run": {
			groups + undoableStep("one") + finalStep("two") + undoableStep("three") + finalStep("four"),
			[]string{"one", "two", "three", "four"},
			map[string]string{"one": "two", "three": "four"},
			map[string][]string{"two": {"one"}, "four": {"three"}},
		},
		"in instances": {
			groups + undoableStep("top") + "## W {#w each=trio}\n\n" + undoableStep("one") + finalStep("two"),
			[]string{"top", "w[a]/one", "w[a]/two", "w[b]/one", "w[b]/two", "w[c]/one", "w[c]/two"},
			map[string]string{"top": "w[a]/two", "w[b]/one": "w[b]/two"},
			map[string][]string{"w[a]/two": {"top", "w[a]/one"}, "w[b]/two": {"w[b]/one"}},
		},
		"in a zone's hosts": {
			groups + zones,
			[]string{"z[z1]/drain", "z[z1]/s[a]/stop", "z[z1]/s[a]/drop", "z[z1]/s[c]/stop", "z[z1]/s[c]/drop", "z[z2]/drain", "z[z2]/s[b]/stop", "z[z2]/s[b]/drop"},
			map[string]string{"z[z1]/drain": "z[z1]/s[a]/drop", "z[z1]/s[c]/stop": "z[z1]/s[c]/drop"},
			map[string][]string{"z[z1]/s[a]/drop": {"z[z1]/drain", "z[z1]/s[a]/stop"}, "z[z1]/s[c]/drop": {"z[z1]/s[c]/stop"}},
		},
		"no wall": {
			groups + undoableStep("one") + undoableStep("two"),
			[]string{"one", "two"},
			map[string]string{"one": "", "two": ""},
			map[string][]string{"one": nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := parsed(t, c.book, nil)
			w.follow(t)
			open := func() (out []string) {
				for _, o := range w.r.inOrder() {
					if o.undoable() == "" && w.r.wall(o) == nil {
						out = append(out, o.Key.Step)
					}
				}
				return out
			}
			for _, path := range c.ran {
				cell := w.cell(t, path)
				ahead := ""
				if next := w.r.WallAhead(cell); next != nil {
					ahead = next.Key.Step
				}
				if want, told := c.ahead[path]; told && ahead != want {
					t.Errorf("ahead of %s stands %q, want %q", path, ahead, want)
				}
				var closes []string
				for _, o := range w.r.Closes(cell) {
					closes = append(closes, o.Key.Step)
				}
				if want, told := c.closes[path]; told && !slices.Equal(closes, want) {
					t.Errorf("%s closes %q, want %q", path, closes, want)
				}
				before := open()
				w.runs(t, checks.Pass, path)
				after := open()
				var gone []string
				for _, o := range before {
					if !slices.Contains(after, o) {
						gone = append(gone, o)
					}
				}
				if !slices.Equal(gone, closes) {
					t.Errorf("%s was to close %q, and closed %q", path, closes, gone)
				}
			}
		})
	}
}
