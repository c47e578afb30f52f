package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "stepgate/"

// arrows are the packages of this module that a package may import, tests
// apart. A name that ends in /... covers everything below it; the nearest rule
// counts. Whatever has no rule is refused, so that a new package gets one.
var arrows = map[string][]string{
	"checks":                {"runbook/text"},
	"runbook/text":          {},
	"runbook/text/hostile":  {"runbook/text"},
	"runbook/attrs":         {},
	"runbook/conf":          {},
	"runbook":               {"checks", "runbook/attrs", "runbook/conf", "runbook/text"},
	"runbook/inventory":     {"checks", "runbook", "runbook/conf", "runbook/text"},
	"runbook/plan":          {"checks", "runbook", "runbook/inventory", "runbook/text"},
	"runbook/lint":          {"checks", "runbook", "runbook/inventory", "runbook/plan", "runbook/text"},
	"runbook/run":           {"checks", "runbook", "runbook/inventory", "runbook/plan", "runbook/text"},
	"runbook/report":        {"checks", "runbook", "runbook/inventory", "runbook/plan", "runbook/run", "runbook/text"},
	"state":                 {"runbook/run", "runbook/text"},
	"executor":              {"runbook/text"},
	"executor/executortest": {"executor", "runbook/text"},
	"executor/sshconfig":    {"runbook/text"},
	"engine":                {"checks", "executor", "runbook", "runbook/inventory", "runbook/plan", "runbook/run", "runbook/text"},
	"tui/theme":             {},
	"tui/keys":              {"runbook/run", "runbook/text"},
	"tui/plain":             {"tui", "tui/diff", "tui/matrix", "tui/theme", "tui/wording", "checks", "runbook", "runbook/plan", "runbook/report", "runbook/run", "runbook/text"},
	"tui/...":               {"tui/...", "checks", "runbook", "runbook/plan", "runbook/report", "runbook/run", "runbook/text"},
	"tui":                   {"tui/...", "checks", "runbook", "runbook/plan", "runbook/report", "runbook/run", "runbook/text"},
	"lab":                   {"lab/...", "runbook/text"},
	"lab/...":               {"lab/...", "runbook/text"},
	"runbooks":              {},
	"runbooks/rehearsal":    {"lab"},
	"cmd/torture":           {"cmd/torture/tally"},
	"cmd/torture/tally":     {},
	"cmd/screenshots":       {},
	"cmd/...":               {"checks", "engine", "executor", "executor/sshconfig", "lab/...", "lab", "runbook/...", "runbook", "runbooks/rehearsal", "runbooks", "state", "tui/...", "tui"},
}

// pure packages take bytes and events in and give values out.
var pure = []string{"checks", "runbook", "runbook/..."}

// impure are the packages through which the world is touched.
var impure = []string{"os", "os/...", "net", "net/http/...", "net/http", "io/ioutil", "syscall", "database/sql", "database/sql/...", "golang.org/x/sys/...", "golang.org/x/crypto/ssh", "golang.org/x/crypto/ssh/..."}

// suites are packages of test code that aren't test files: many packages' tests
// use them, and nothing that is shipped may.
var suites = []string{"executor/executortest", "runbook/text/hostile", "cmd/torture/tally", "cmd/torture", "runbooks/rehearsal"}

func TestArrows(t *testing.T) {
	t.Parallel()
	imports, err := importsBelow(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if len(imports["cmd/stepgate"]) == 0 || len(imports["runbook"]) == 0 {
		t.Fatalf("the packages weren't found: %v", slices.Sorted(maps.Keys(imports)))
	}
	for _, v := range violations(imports) {
		t.Error(v)
	}
}

func TestArrowsForbid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pkg, imports, want string }{
		{"checks", "stepgate/runbook/text", ""},
		{"checks", "stepgate/runbook", "checks may not import runbook"},
		{"checks", "os", "checks is pure and may not import os"},
		{"runbook/plan", "net/http/httptest", "runbook/plan is pure and may not import net/http/httptest"},
		{"runbook/plan", "stepgate/runbook/run", "runbook/plan may not import runbook/run"},
		{"runbook/attrs", "stepgate/runbook/text", "runbook/attrs may not import runbook/text"},
		{"executor", "stepgate/checks", "executor may not import checks"},
		{"executor", "os/exec", ""},
		{"state", "stepgate/engine", "state may not import engine"},
		{"state", "stepgate/runbook/plan", "state may not import runbook/plan"},
		{"engine", "stepgate/state", "engine may not import state"},
		{"engine", "stepgate/executor/executortest", "engine may not import executor/executortest|engine ships executor/executortest, which is for tests"},
		{"tui", "stepgate/engine", "tui may not import engine"},
		{"tui/gate", "stepgate/executor", "tui/gate may not import executor"},
		{"tui/gate", "stepgate/tui", "tui/gate may not import tui"},
		{"tui/theme", "stepgate/tui/pane", "tui/theme may not import tui/pane"},
		{"lab/openmldb", "stepgate/executor", "lab/openmldb may not import executor"},
		{"engine", "stepgate/runbooks", "engine may not import runbooks"},
		{"cmd/stepgate", "stepgate/runbooks", ""},
		{"cmd/stepgate", "testing", "cmd/stepgate ships testing, which is for tests"},
		{"executor/executortest", "testing", ""},
		{"utils", "fmt", "utils has no rule: say in arch_test.go what it may import"},
	} {
		got := strings.Join(violations(map[string][]string{c.pkg: {c.imports}}), "|")
		if got != c.want {
			t.Errorf("%s importing %s: got %q, want %q", c.pkg, c.imports, got, c.want)
		}
	}
}

// violations names every import that no rule allows.
func violations(imports map[string][]string) []string {
	var out []string
	for _, pkg := range slices.Sorted(maps.Keys(imports)) {
		allowed, ok := arrowsOf(pkg)
		if !ok {
			out = append(out, pkg+" has no rule: say in arch_test.go what it may import")
			continue
		}
		for _, imp := range imports[pkg] {
			own, ours := strings.CutPrefix(imp, module)
			if ours && !covers(allowed, own) {
				out = append(out, pkg+" may not import "+own)
			}
			if covers(pure, pkg) && covers(impure, imp) {
				out = append(out, pkg+" is pure and may not import "+imp)
			}
			if (imp == "testing" || ours && covers(suites, own)) && !covers(suites, pkg) {
				out = append(out, pkg+" ships "+own+", which is for tests")
			}
		}
	}
	return out
}

// arrowsOf is the rule of the package, or the nearest one above it.
func arrowsOf(pkg string) ([]string, bool) {
	if allowed, ok := arrows[pkg]; ok {
		return allowed, true
	}
	for dir := path.Dir(pkg); dir != "."; dir = path.Dir(dir) {
		if allowed, ok := arrows[dir+"/..."]; ok {
			return allowed, true
		}
	}
	return nil, false
}

func covers(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		dir, below := strings.CutSuffix(p, "/...")
		return p == pkg || below && strings.HasPrefix(pkg, dir+"/")
	})
}

// importsBelow reads the imports of every package below root, without its tests.
func importsBelow(root string) (map[string][]string, error) {
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); rel != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "tools") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(rel))
		for _, i := range f.Imports {
			imp, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if !slices.Contains(imports[pkg], imp) {
				imports[pkg] = append(imports[pkg], imp)
			}
		}
		return nil
	})
	return imports, err
}
