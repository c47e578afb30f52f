package lint_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/lint"
)

var update = flag.Bool("update", false, "write the golden file and the page of rules anew")

// all is what reading, judging and the inventory find in a runbook.
func all(t *testing.T, r lint.Rule, src string) []runbook.Diagnostic {
	t.Helper()
	open := func(name string) ([]byte, error) {
		if text, ok := r.Files[name]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}
	b, ds := runbook.Parse("runbook.md", []byte(src), open)
	if b == nil {
		return ds
	}
	ds = append(ds, lint.Book(b)...)
	for _, d := range b.Later {
		if r.ID != "not-yet" { // what a rule is about may not be there yet
			break
		}
		d.Severity = runbook.Notice
		ds = append(ds, d)
	}
	if r.Stock != "" {
		inv, more := inventory.Parse("inventory.toml", []byte(r.Stock))
		if inv == nil {
			t.Fatalf("the inventory: %v", more)
		}
		ds = append(ds, lint.Inventory(b, inv)...)
	}
	return ds
}

// TestExamples: what breaks a rule breaks that one and no other, what keeps it
// breaks none, and the messages are those of the golden file.
func TestExamples(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, r := range lint.Rules {
		fmt.Fprintf(&got, "== %s\n", r.ID)
		found := all(t, r, r.Bad)
		if len(found) == 0 {
			t.Errorf("%s: the example that breaks it has no finding", r.ID)
		}
		for _, d := range found {
			fmt.Fprintln(&got, d)
			if d.Rule != r.ID || d.Severity != r.Severity {
				t.Errorf("%s (%s): the example that breaks it gives %v", r.ID, r.Severity, d)
			}
			if d.Remedy == "" || d.Text == "" {
				t.Errorf("%s: a finding without a text or a remedy", r.ID)
			}
		}
		if found := all(t, r, r.Good); len(found) > 0 || r.Good == "" {
			t.Errorf("%s: the example that keeps it gives %v", r.ID, found)
		}
		if r.Summary == "" || r.Why == "" || r.Remedy == "" || strings.HasSuffix(r.Summary, ".") {
			t.Errorf("%s isn't explained: %q %q %q", r.ID, r.Summary, r.Why, r.Remedy)
		}
	}
	fresh(t, "testdata/messages.golden", got.String())
}

func firstDifference(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return fmt.Sprintf("line %d is %q, should be %q", i+1, left[i], right[i])
		}
	}
	return fmt.Sprintf("it has %d lines, should have %d", len(left), len(right))
}

// fresh compares a file that is made from the rules.
func fresh(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil { //nolint:gosec // documentation
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s isn't what the rules give; write it anew with: go test ./runbook/lint -update\n%s", file, firstDifference(string(got), want))
	}
}

func TestPageIsFresh(t *testing.T) {
	t.Parallel()
	fresh(t, "../../docs/lint.md", lint.Page())
}

// reporters are the functions of the readers to which a rule's id is given.
var reporters = map[string]bool{"report": true, "errorAt": true, "warnAt": true, "problem": true, "tooMany": true, "find": true}

// TestEveryRuleIsListed: each id that reading a runbook can report has a rule.
func TestEveryRuleIsListed(t *testing.T) {
	t.Parallel()
	ids := map[string]string{}
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for _, dir := range []string{"..", "."} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no sources: %v", err)
		}
		for _, file := range files {
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !reporters[called(call)] {
					return true
				}
				for _, arg := range call.Args {
					lit, ok := arg.(*ast.BasicLit)
					if !ok || lit.Kind != token.STRING {
						continue
					}
					if s, err := strconv.Unquote(lit.Value); err == nil && kebab.MatchString(s) {
						ids[s] = set.Position(lit.Pos()).String()
						break
					}
				}
				return true
			})
		}
	}
	if len(ids) < 40 {
		t.Fatalf("only %d ids were found", len(ids))
	}
	for id, at := range ids {
		if _, ok := lint.Lookup(id); !ok {
			t.Errorf("%s: the rule %q isn't listed in package lint", at, id)
		}
	}
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

func TestRulesAreSorted(t *testing.T) {
	t.Parallel()
	for i, r := range lint.Rules {
		if i > 0 && lint.Rules[i-1].ID >= r.ID {
			t.Errorf("%s stands behind %s", r.ID, lint.Rules[i-1].ID)
		}
	}
}
