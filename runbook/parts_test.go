package runbook_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"stepgate/runbook"
)

// archive is a runbook with its parts, in one file: the first is the runbook.
func archive(ar *txtar.Archive) (name string, src []byte, open runbook.Opener) {
	files := map[string][]byte{}
	for _, f := range ar.Files {
		files[f.Name] = f.Data
	}
	return ar.Files[0].Name, ar.Files[0].Data, func(name string) ([]byte, error) {
		if src, ok := files[name]; ok && name != "want" {
			return src, nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
}

// TestParts compares every testdata/parts/*.txtar with the model or the
// diagnostics that its last file holds.
func TestParts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/parts/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			last := &ar.Files[len(ar.Files)-1]
			if last.Name != "want" {
				t.Fatalf("the last file is %q, not want", last.Name)
			}
			got := report(runbook.Parse(archive(ar)))
			if *update {
				last.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if strings.Contains(got, "WITHOUT A REMEDY") {
				t.Error("a diagnostic says nothing of what to do")
			}
			if got != string(last.Data) {
				t.Errorf("got\n%s\nwant\n%s", got, last.Data)
			}
		})
	}
}

// TestSources: the closure holds each file once, as it was read.
func TestSources(t *testing.T) {
	t.Parallel()
	opened := map[string]int{}
	parts := map[string]string{
		"parts/a.md": "- [ ] [B](b.md) {#b .include}\n", "parts/b.md": "\ufeff- [ ] Tick\r\n",
	}
	src := "+++\n+++\n# A\n\n- [ ] [A](parts/a.md) {#a .include}\n- [ ] [Again](./parts/x/../a.md) {#again .include}\n- [ ] [B](parts/b.md) {#b .include}\n"
	r, ds := runbook.Parse("dir/book.md", []byte(src), func(name string) ([]byte, error) {
		opened[name]++
		if text, ok := parts[name]; ok {
			return []byte(text), nil
		}
		return nil, errors.New("no such file")
	})
	if r == nil || len(ds) > 0 {
		t.Fatal(ds)
	}
	var got []string
	for _, s := range r.Sources {
		got = append(got, s.Name)
		if want, ok := parts[s.Name]; ok && string(s.Text) != want {
			t.Errorf("%s holds %q", s.Name, s.Text)
		}
	}
	if want := "[dir/book.md parts/a.md parts/b.md]"; fmt.Sprint(got) != want {
		t.Errorf("sources %v, want %v", got, want)
	}
	for name, n := range opened {
		if n != 1 {
			t.Errorf("%s was opened %d times", name, n)
		}
	}
}

// TestHostileParts: inclusion that multiplies ends at its limits, and no name
// leads out of the directory.
func TestHostileParts(t *testing.T) {
	t.Parallel()
	fan := strings.Repeat("- [ ] [N](LEVEL.md) {.include}\n", 30)
	_, ds := runbook.Parse("book.md", []byte("+++\n+++\n"+strings.ReplaceAll(withIDs(fan), "LEVEL", "1")), func(name string) ([]byte, error) {
		level := name[0] - '0'
		return []byte(strings.ReplaceAll(withIDs(fan), "LEVEL", string(rune('1'+level)))), nil
	})
	if !runbook.Failed(ds) || len(ds) > 20_000 {
		t.Errorf("%d diagnostics", len(ds))
	}
	for _, target := range []string{"../x.md", "/etc/passwd", "a/../../x.md", "..", "%2e%2e/x.md", "%2Fetc%2Fpasswd", "http://x/y.md", "a\\..\\x.md", "a%00.md"} {
		_, ds := runbook.Parse("book.md", []byte("+++\n+++\n- [ ] [X]("+target+") {.include}\n"), func(name string) ([]byte, error) {
			t.Errorf("%q opened %q", target, name)
			return nil, errors.New("no")
		})
		if !runbook.Failed(ds) {
			t.Errorf("%q was followed", target)
		}
	}
}

// withIDs gives every line's step an id of its own.
func withIDs(s string) string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(s) {
		n++
		b.WriteString(strings.Replace(line, "{.include}", fmt.Sprintf("{#s%d .include}", n), 1))
	}
	return b.String()
}
