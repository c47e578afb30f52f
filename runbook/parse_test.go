package runbook_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/runbook"
)

var update = flag.Bool("update", false, "write the golden files anew")

// report is the outcome of a parse as golden files hold it.
func report(r *runbook.Runbook, ds []runbook.Diagnostic) string {
	var b strings.Builder
	for _, d := range ds {
		if d.Remedy == "" {
			b.WriteString("WITHOUT A REMEDY: ")
		}
		fmt.Fprintln(&b, d)
	}
	if r != nil {
		b.WriteString(dump(r))
	}
	return b.String()
}

// TestParse compares every testdata/*.md with the model or the diagnostics that
// stand beside it.
func TestParse(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".md"), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := report(runbook.Parse(filepath.Base(file), src, nil))
			golden := strings.TrimSuffix(file, ".md") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v\nwrite it with: go test ./runbook -run TestParse -update", err)
			}
			if strings.Contains(got, "WITHOUT A REMEDY") {
				t.Error("a diagnostic says nothing of what to do")
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
