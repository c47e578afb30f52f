package plan_test

import (
	"os"
	"path/filepath"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
)

// FuzzPlan plans what parses: ids are unique, cells are found under theirs, and
// the digest is the runbook's alone.
func FuzzPlan(f *testing.F) {
	f.Add([]byte(source))
	for _, pattern := range []string{"testdata/*.md", "testdata/parts/*.md", "../testdata/*.md", "../../runbooks/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	part, err := os.ReadFile("testdata/parts/quiet.md")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		b, _ := runbook.Parse("fuzz.md", src, func(string) ([]byte, error) { return part, nil })
		if b == nil {
			return
		}
		given := map[string]string{}
		_, missing, _ := plan.Bind(b, given)
		for _, m := range missing {
			given[m.Name] = "1"
		}
		vs, _, _ := plan.Bind(b, given)
		inv := zones()
		for _, h := range inv.Hosts {
			for _, g := range b.Groups {
				for _, name := range g.Vars {
					h.Vars[name] = h.Name
				}
			}
		}
		for _, g := range b.Groups {
			if _, ok := inv.Group(g.Name); !ok {
				inv.Groups = append(inv.Groups, inv.Groups[1])
				inv.Groups[len(inv.Groups)-1].Name = g.Name
			}
		}
		p, ds := plan.New(b, vs, inv)
		if p == nil {
			if len(ds) == 0 {
				t.Fatal("neither a plan nor a problem")
			}
			return
		}
		same(t, p, b, vs, inv)
	})
}

func same(t *testing.T, p *plan.Plan, b *runbook.Runbook, vs plan.Values, inv *inventory.Inventory) {
	t.Helper()
	if again, _ := plan.New(b, vs, inv); again == nil || again.Digest != p.Digest {
		t.Fatal("the same runbook has another plan")
	}
	seen := map[string]bool{}
	for _, s := range p.Steps {
		if seen[s.ID] || len(s.Cells) == 0 {
			t.Fatalf("step %q: twice, or without cells", s.ID)
		}
		seen[s.ID] = true
		for _, c := range s.Cells {
			if found, ok := p.Cell(s.ID, c.Target); !ok || found != c || p.Cells[c.Index] != c {
				t.Fatalf("the cell of %q at %q isn't found", s.ID, c.Target)
			}
			if _, err := plan.Env(p.Names(s.Scope, c.Target, nil)); err != nil {
				t.Fatalf("the names of %q: %v", s.ID, err)
			}
		}
	}
}
