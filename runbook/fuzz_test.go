package runbook_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/runbook"
)

// FuzzParse: no input panics, a Runbook comes with no error and only then, and
// every diagnostic has a place in the file.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.md")
	if err != nil || len(files) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, s := range []string{
		"", "+++\n+++", "+++\n[params.a]\n+++\n# {{a}}\n", "---\ntitle: x\n---\n# A\r\n\r\n```sh\r\nx\r\n```\r\n",
		"```sh {.check until=1s}\n! x\n```\n```expect\nexit == 0\n```", "- [ ] a\n  - [ ] b\n\n    ```sh\n    x\n    ```\n",
		"> [!CAUTION]\n> ```sh\n> x\n> ```\n", "1. a\n\t```sh\n\tx\n\t```\n", "- ```sh\n  x", "Setext {#a}\n===\n", "# {#a}\n#\n## {.b\n",
		"- [ ]\n- [x]\n- [ ] {#a}\n", "```console\n$ a \\\n> b\n```", "\xef\xbb\xbf# A\n", "- - - - [ ] x\n", "<!-- `a` --> `<!--`", "```sh\n$(((((((`\n```",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		r, ds := runbook.Parse("f.md", src, nil)
		if (r == nil) != runbook.Failed(ds) {
			t.Fatalf("runbook %v with %v", r != nil, ds)
		}
		lines := strings.Split(strings.TrimPrefix(string(src), "\ufeff"), "\n")
		for _, d := range ds {
			inside(t, lines, d.Pos)
			if d.Rule == "" || d.Text == "" || d.Remedy == "" {
				t.Fatalf("diagnostic %+v", d)
			}
		}
		again, ds2 := runbook.Parse("f.md", src, nil)
		if !slices.Equal(ds, ds2) || (r == nil) != (again == nil) || r != nil && dump(r) != dump(again) {
			t.Fatalf("read twice, it is not the same: %v, %v", ds, ds2)
		}
		if r != nil {
			whole(t, r.Root)
		}
	})
}

// inside checks that a place lies in the file: at a byte of its line, or behind
// the last.
func inside(t *testing.T, lines []string, at runbook.Pos) {
	t.Helper()
	if at.File != "f.md" || at.Line < 1 || at.Line > len(lines) || at.Col < 1 || at.Col > len(lines[at.Line-1])+1 {
		t.Fatalf("%+v is not in a file of %d lines", at, len(lines))
	}
}

// whole checks what every consumer of a Runbook relies on.
func whole(t *testing.T, s *runbook.Section) {
	t.Helper()
	seen := map[string]bool{}
	for _, item := range s.Items {
		var id string
		switch it := item.(type) {
		case *runbook.Section:
			id = it.ID
			if it.Caution != "" && it.Confirm == "" {
				t.Fatalf("section %q is gated without a phrase", id)
			}
			whole(t, it)
		case *runbook.Step:
			id = it.ID
			if it.Title == "" || (it.Kind == runbook.Run) != (it.Command != nil) || it.Kind == 0 {
				t.Fatalf("step %q: %+v", id, it)
			}
			if it.Kind == runbook.Check && len(it.Before) == 0 || (it.Kind == runbook.Ask) != (it.Question != nil) || it.Kind != runbook.Run && (len(it.After) > 0 || it.Rollback != nil) {
				t.Fatalf("step %q has fences that its kind doesn't have: %+v", id, it)
			}
			if it.Gated() && it.Confirm == "" && (it.Rollback == nil || it.Irreversible) {
				t.Fatalf("step %q is gated without a phrase", id)
			}
			if it.Command != nil && ((it.Command.Lang == "") != (it.Command.Form != runbook.Script) || strings.TrimSpace(it.Command.Body) == "") {
				t.Fatalf("step %q runs nothing", id)
			}
		}
		if id == "" || seen[id] {
			t.Fatalf("id %q in %q is empty or taken", id, s.ID)
		}
		seen[id] = true
	}
}

// TestHostileInput: inputs that are quadratic or recursive for careless readers.
// Each would take minutes, or the stack, if it were; the bound is generous.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	const n = 200_000
	for name, src := range map[string]string{
		"quotes":            strings.Repeat(">", n),
		"lists":             strings.Repeat("- ", n),
		"numbers":           strings.Repeat("1. ", n),
		"indented lists":    indented(2000),
		"backticks":         strings.Repeat("`", n) + "\n" + strings.Repeat("` `` ```", n/8),
		"headings":          strings.Repeat("# a\n", n/4),
		"attribute opens":   "# " + strings.Repeat("{#a ", n/4) + "}",
		"attribute quotes":  "# " + strings.Repeat(`{a="`, n/4) + "}",
		"comments":          strings.Repeat("a <!-- ", n/7),
		"braces":            "+++\n+++\n" + strings.Repeat("{{a", n/3),
		"templates":         "+++\n+++\n" + strings.Repeat("{{a}} ", 2000),
		"fences":            strings.Repeat("```sh\nx\n```\n", 10_000),
		"open fences":       strings.Repeat("```sh {.check}\n", n/15),
		"carried over":      strings.Repeat("```sh\ncd a\nexport X=1\n```\n", 4000),
		"tasks":             strings.Repeat("- [ ] a\n", 4000),
		"captures":          "+++\n+++\n" + captures(900),
		"shell brackets":    "```sh\n" + strings.Repeat("(", n) + "\n```\n",
		"shell substitutes": "```sh\n" + strings.Repeat("$(", n/2) + "\n```\n",
		"shell braces":      "```sh\n" + strings.Repeat("{ ", n/2) + "\n```\n",
		"shell ifs":         "```sh\n" + strings.Repeat("if ", n/3) + "\n```\n",
		"shell backquotes":  "```sh\n" + strings.Repeat("`", n) + "\n```\n",
		"shell quotes":      "```sh\n" + strings.Repeat("\"$(", n/3) + "\n```\n",
		"shell not":         "```sh\n" + strings.Repeat("! ", n/2) + "\n```\n",
		"shell arithmetic":  "```bash\n(( " + strings.Repeat("- ", n/2) + "1 ))\n```\n",
		"shell conditions":  "```bash\n[[ " + strings.Repeat("! ", n/2) + "a ]]\n```\n",
		"shell pipes":       "```bash\n" + strings.Repeat("a | ", n/4) + "a\n```\n",
		"shell ternary":     "```bash\n(( " + strings.Repeat("1 ? ", n/4) + "1 ))\n```\n",
		"shell in shell":    "```bash\n" + strings.Repeat("eval ", n/5) + "x\n```\n",
		"expressions":       "```expect\n" + strings.Repeat("(", 60_000) + "\n```\n",
		"expression nots":   "```expect\n" + strings.Repeat("not ", 15_000) + "true\n```\n",
		"ids":               strings.Repeat("# a\n", 4000),
		"too many lines":    strings.Repeat("\n", 1_000_000),
		"long title":        "# " + strings.Repeat("*a_", n/3),
		"blank lines":       indented(20) + strings.Repeat("\n", runbook.MaxLines-100),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			go func() {
				defer close(done)
				r, ds := runbook.Parse("f.md", []byte(src), nil)
				if (r == nil) != runbook.Failed(ds) {
					t.Errorf("runbook %v with %d diagnostics", r != nil, len(ds))
				}
			}()
			select {
			case <-done:
			case <-time.After(2 * time.Minute):
				t.Fatal("not done after two minutes")
			}
		})
	}
}

func indented(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	return b.String()
}

func captures(n int) string {
	var b strings.Builder
	for i := range n {
		name := strings.Repeat("x", 1+i%7) + "_" + string(rune('a'+i%26)) + strings.Repeat("y", i/26)
		b.WriteString("- [ ] s" + name + "\n\n  ```sh {.check}\n  true\n  ```\n  ```capture\n  " + name + " = stdout\n  ```\n  ```expect\n  " + name + " == \"\"\n  ```\n")
	}
	return b.String()
}
