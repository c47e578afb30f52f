package lint_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/lint"
)

// FuzzBook: whatever parses can be judged, twice alike; each place lies in the
// file, each rule is listed, and a plain document has no error.
func FuzzBook(f *testing.F) {
	for _, r := range lint.Rules {
		if len(r.Bad) < 10_000 {
			f.Add([]byte(r.Bad))
			f.Add([]byte(r.Good))
		}
	}
	files, err := filepath.Glob("../testdata/*.md")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		b, _ := runbook.Parse("a.md", src, nil)
		if b == nil {
			return
		}
		found := lint.Book(b)
		lines := strings.Split(strings.TrimPrefix(string(src), "\ufeff"), "\n")
		for _, d := range found {
			if d.Pos.File != "a.md" || d.Pos.Line < 1 || d.Pos.Line > len(lines) || d.Pos.Col < 1 || d.Pos.Col > len(lines[d.Pos.Line-1])+1 {
				t.Errorf("the place isn't in the file: %v", d)
			}
			if _, ok := lint.Lookup(d.Rule); !ok || d.Text == "" || d.Remedy == "" {
				t.Errorf("not a whole finding: %v", d)
			}
			if !b.Annotated && d.Severity == runbook.Error {
				t.Errorf("an error in a plain document: %v", d)
			}
		}
		if again := lint.Book(b); !reflect.DeepEqual(again, found) {
			t.Errorf("judged again: %v, before: %v", again, found)
		}
	})
}
