package lint_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/lint"
)

// TestInventory holds the long runbooks against their own inventories, which
// lack nothing, and against an empty one, which lacks every group; their values
// aren't known to the linter.
func TestInventory(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/long/*.md")
	if err != nil || len(files) < 3 {
		t.Fatalf("no runbooks: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			book, stock := load(t, file)
			for _, d := range lint.Inventory(book, stock) {
				t.Error(d)
			}
			var rules []string
			for _, d := range lint.Inventory(book, &inventory.Inventory{}) {
				rules = append(rules, d.Rule)
			}
			if !slices.Contains(rules, "missing-group") {
				t.Errorf("an empty inventory lacks: %q", rules)
			}
		})
	}
}

func load(t *testing.T, file string) (*runbook.Runbook, *inventory.Inventory) {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	book, ds := runbook.Parse(filepath.Base(file), src, func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(filepath.Dir(file), name))
	})
	if book == nil {
		t.Fatal(ds)
	}
	name := strings.TrimSuffix(file, ".md") + ".toml"
	if src, err = os.ReadFile(name); err != nil {
		t.Fatal(err)
	}
	stock, ds := inventory.Parse(name, src)
	if stock == nil {
		t.Fatal(ds)
	}
	return book, stock
}
