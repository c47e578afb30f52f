package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// told are the packages whose strings come from outside: a runbook, a host, a
// journal, a person.
var told = []string{"checks", "executor", "runbook", "runbook/inventory", "runbook/plan", "runbook/run", "state"}

// sinks put text before people: functions and methods, by name.
var sinks = []string{"printf", "Printf", "Fprintf", "Fprint", "Fprintln", "WriteString", "Render", "Wrap", "wrapped"}

// through are functions that pass their arguments on as they are.
var through = []string{"fmt.Sprintf", "fmt.Sprint", "strings.TrimSpace", "strings.TrimRight", "strings.Join", "strings.ToUpper", "strings.ReplaceAll", "pane.Cut", "pane.Fit", "cmp.Or"}

// fit are fields that hold only what this program itself makes: ids of its own, and
// texts that are checked where they are set.
var fit = []string{"run.Run.ID", "state.Info.ID", "state.Verification.RunID", "run.Finding.ID", "run.Record.RunID", "plan.Section.Number", "plan.Walk.Number", "plan.Step.Number"}

// What a person is shown goes through the sanitizer: in the user interface and the
// command line no string that came from outside is printed as it is.
func TestNothingRawIsPrinted(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	exports := exported(t, root)
	rawPrintsAreFound(t, exports)
	seen := 0
	for pkg := range exports {
		own, ours := strings.CutPrefix(pkg, module)
		if !ours || own != "cmd/stepgate" && own != "tui" && !strings.HasPrefix(own, "tui/") {
			continue
		}
		seen++
		for _, raw := range printedRaw(t, filepath.Join(root, own), pkg, exports) {
			t.Error(raw)
		}
	}
	if seen < 10 {
		t.Errorf("%d packages were looked at: the user interface wasn't found", seen)
	}
}

// rawPrintsAreFound shows that the test finds what it is for.
func rawPrintsAreFound(t *testing.T, exports map[string]string) {
	t.Helper()
	for line, want := range map[string]int{
		`fmt.Fprintf(w, "%s\n", s.Notice)`:                              1,
		`fmt.Fprintln(w, "note: "+fmt.Sprint(s.Notice, s.Prompt.Host))`: 2,
		`fmt.Fprintf(w, "%s\n", wording.Line(s.Notice))`:                0,
		`fmt.Fprintf(w, "%s %d\n", s.Run.ID, s.Seq)`:                    0,
		`io.WriteString(w, s.ReadOnly)`:                                 1,
		`fmt.Fprintf(w, "%s\n", strings.Join(s.Finish, ", "))`:          1,
	} {
		dir := t.TempDir()
		src := "package p\n\nimport (\n\t\"fmt\"\n\t\"io\"\n\t\"strings\"\n\n\t\"stepgate/runbook/run\"\n\t\"stepgate/tui/wording\"\n)\n\n" +
			"var _, _, _ = fmt.Sprint, strings.Join, wording.Line\n\nfunc f(w io.Writer, s *run.Snapshot) {\n\t_, _ = " + line + "\n}\n"
		if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := printedRaw(t, dir, "p", exports); len(got) != want {
			t.Errorf("%s: found %q, want %d", line, got, want)
		}
	}
}

// exported are the export files of the user interface and what it is built from.
func exported(t *testing.T, root string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", "./cmd/stepgate", "./tui/...")
	cmd.Dir = root
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, errs.String())
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		pkg, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[pkg] = file
	}
	return files
}

// printedRaw names the strings from outside that the package in dir prints as they
// are.
func printedRaw(t *testing.T, dir, pkg string, exports map[string]string) (found []string) {
	t.Helper()
	fset := token.NewFileSet()
	parsed, err := parser.ParseDir(fset, dir, func(f os.FileInfo) bool { //nolint:staticcheck // build tags play no part here
		return !strings.HasSuffix(f.Name(), "_test.go") && !strings.HasSuffix(f.Name(), "_bsd.go") && !strings.HasSuffix(f.Name(), "_darwin.go")
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, p := range parsed {
		for _, f := range p.Files {
			files = append(files, f)
		}
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, errors.New("no export file of " + path)
		}
		return os.Open(exports[path])
	})}
	info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}, Types: map[ast.Expr]types.TypeAndValue{}}
	if _, err := conf.Check(pkg, fset, files, info); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !slices.Contains(sinks, called(call)) {
				return true
			}
			for _, arg := range call.Args {
				for _, field := range rawFields(info, arg) {
					found = append(found, fmt.Sprintf("%s: %s is printed as it is; pass it through wording.Line, wording.Block or text.Line", fset.Position(call.Pos()), field))
				}
			}
			return true
		})
	}
	return found
}

// called is the name of a called function or method.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// rawFields are the fields from outside whose text an expression passes on.
func rawFields(info *types.Info, e ast.Expr) (fields []string) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return rawFields(info, e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return append(rawFields(info, e.X), rawFields(info, e.Y)...)
		}
	case *ast.IndexExpr:
		return rawFields(info, e.X)
	case *ast.CallExpr:
		name := called(e)
		if sel, ok := e.Fun.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				name = x.Name + "." + name
			}
		}
		if slices.Contains(through, name) || slices.Contains(sinks, called(e)) {
			for _, a := range e.Args {
				fields = append(fields, rawFields(info, a)...)
			}
		}
	case *ast.SelectorExpr:
		if f := outside(info, e); f != "" {
			return []string{f}
		}
	}
	return fields
}

// outside names a field of text that comes from outside, or "".
func outside(info *types.Info, e *ast.SelectorExpr) string {
	sel := info.Selections[e]
	if sel == nil || sel.Kind() != types.FieldVal {
		return ""
	}
	own, ours := strings.CutPrefix(sel.Obj().Pkg().Path(), module)
	if !ours || !slices.Contains(told, own) {
		return ""
	}
	text := sel.Type()
	if s, ok := text.Underlying().(*types.Slice); ok {
		text = s.Elem()
	}
	if b, ok := text.(*types.Basic); !ok || b.Kind() != types.String {
		return ""
	}
	of := sel.Recv()
	if p, ok := of.Underlying().(*types.Pointer); ok {
		of = p.Elem()
	}
	name := strings.TrimPrefix(types.TypeString(of, (*types.Package).Name), "*") + "." + e.Sel.Name
	if slices.Contains(fit, name) {
		return ""
	}
	return name
}
