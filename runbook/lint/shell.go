package lint

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"stepgate/runbook"
)

// script is a shell text as it was read.
type script struct {
	file      *syntax.File
	assigned  map[string][]*syntax.Word // variables → what they are set to; nil: something unknown
	functions map[string]*syntax.FuncDecl
	open      bool // it reads other files, or evaluates text: it may set anything
}

// read gathers what a shell text defines.
func read(f *syntax.File) script {
	s := script{file: f, assigned: map[string][]*syntax.Word{}, functions: map[string]*syntax.FuncDecl{}}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign:
			if n.Name != nil {
				s.sets(n.Name.Value, n.Value)
			}
		case *syntax.WordIter:
			for _, item := range n.Items {
				s.sets(n.Name.Value, item)
			}
			s.sets(n.Name.Value, nil)
		case *syntax.FuncDecl:
			if n.Name != nil {
				s.functions[n.Name.Value] = n
			}
		case *syntax.ParamExp:
			if n.Param != nil && n.Exp != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull) {
				s.sets(n.Param.Value, nil)
			}
		case *syntax.BinaryArithm:
			if strings.HasSuffix(n.Op.String(), "=") && !comparison[n.Op] {
				s.counts(n.X)
			}
		case *syntax.UnaryArithm:
			if n.Op == syntax.Inc || n.Op == syntax.Dec {
				s.counts(n.X)
			}
		case *syntax.CallExpr:
			s.builtin(n)
		}
		return true
	})
	return s
}

func (s *script) sets(name string, value *syntax.Word) {
	s.assigned[name] = append(s.assigned[name], value)
}

var comparison = map[syntax.BinAritOperator]bool{syntax.Eql: true, syntax.Neq: true, syntax.Leq: true, syntax.Geq: true}

// counts notes a variable that arithmetic sets, which makes it a number.
func (s *script) counts(x syntax.ArithmExpr) {
	if w, ok := x.(*syntax.Word); ok && w.Lit() != "" {
		s.sets(w.Lit(), &syntax.Word{Parts: []syntax.WordPart{&syntax.ArithmExp{}}})
	}
}

// builtin notes what commands of the shell give values to.
func (s *script) builtin(n *syntax.CallExpr) {
	if len(n.Args) == 0 {
		return
	}
	rest := n.Args[1:]
	switch n.Args[0].Lit() {
	case ".", "source", "eval":
		s.open = true
	case "export", "readonly", "local": // in sh they are commands like others
		for _, w := range rest {
			if name, _, ok := strings.Cut(s.shown(w, 0), "="); ok {
				s.sets(name, nil)
			}
		}
	case "read", "mapfile", "readarray", "unset":
		for _, w := range rest {
			if name := w.Lit(); name != "" && name[0] != '-' {
				s.sets(name, nil)
			}
		}
	case "getopts":
		if len(rest) > 1 {
			s.sets(rest[1].Lit(), nil)
		}
		s.sets("OPTARG", nil)
	case "printf", "wait":
		if len(rest) > 1 && (rest[0].Lit() == "-v" || rest[0].Lit() == "-p") {
			s.sets(rest[1].Lit(), nil)
		}
	}
}

// shown is a word's text with quotes removed; a variable that is set once is
// replaced by its value, any other expansion stands as it is written.
func (s script) shown(w *syntax.Word, depth int) string {
	var b strings.Builder
	if w != nil {
		s.parts(&b, w.Parts, depth)
	}
	return b.String()
}

func (s script) parts(b *strings.Builder, ps []syntax.WordPart, depth int) {
	for _, part := range ps {
		switch part := part.(type) {
		case *syntax.Lit:
			b.WriteString(strings.ReplaceAll(part.Value, "\\", ""))
		case *syntax.SglQuoted:
			b.WriteString(part.Value)
		case *syntax.DblQuoted:
			s.parts(b, part.Parts, depth)
		case *syntax.ParamExp:
			if part.Param == nil {
				b.WriteString("${}")
				continue
			}
			set := s.assigned[part.Param.Value]
			if len(set) == 1 && set[0] != nil && depth > 0 && part.Exp == nil && part.Slice == nil && part.Repl == nil && !part.Length {
				b.WriteString(s.shown(set[0], depth-1))
				continue
			}
			b.WriteString("$" + part.Param.Value)
		default:
			b.WriteString("$()")
		}
	}
}

// maxResolved bounds how deep variables that hold variables are followed.
const maxResolved = 5

func (s script) words(ws []*syntax.Word) []string {
	out := make([]string, len(ws))
	for i, w := range ws {
		out[i] = s.shown(w, maxResolved)
	}
	return out
}

// shell judges a fence of shell language.
func (l *linter) shell(f *runbook.Fence, as role, around surroundings) {
	if strings.TrimSpace(f.Body) == "" {
		return
	}
	file, at, err := runbook.ParseShell(f.Lang, f.Body)
	if err != nil {
		remedy := "correct it; what can't be read can't be judged"
		if _, _, other := runbook.ParseShell("bash", f.Body); other == nil {
			remedy = "this is bash: write ```bash"
		}
		l.find(f.At(min(max(at, 0), len(f.Body))), "shell-syntax", "not "+f.Lang+": "+err.Error(), remedy)
		return
	}
	j := &reading{linter: l, fence: f, role: as, around: around, script: read(file), prelude: l.preludes[f.Lang]}
	if as == look {
		j.negated()
	}
	if as == undo {
		return
	}
	j.commands(file, nil)
	j.unquoted()
	j.undefined()
	j.lost()
	j.endless()
	j.detached()
}

// reading is a fence while it is judged.
type reading struct {
	*linter
	script
	fence   *runbook.Fence
	role    role
	around  surroundings
	prelude script
	depth   int
}

// report gives a finding the place of a node of the fence; inside text that
// another shell runs, that of the word which holds it.
func (j *reading) report(n syntax.Node, holder syntax.Node, id, text, remedy string) {
	if holder != nil {
		n = holder
	}
	offset := int(n.Pos().Offset())
	line := strings.Count(j.fence.Body[:min(offset, len(j.fence.Body))], "\n")
	if line < len(j.fence.Lines) && j.fence.Lines[line] == j.fence.Pos {
		return // it carries over from a fence above, where it was judged
	}
	j.find(j.fence.At(offset), id, text, remedy)
}

// negated refuses a check whose statement is negated: it passes when its tool
// is missing.
func (j *reading) negated() {
	for _, stmt := range j.file.Stmts {
		for {
			both, ok := stmt.Cmd.(*syntax.BinaryCmd)
			if stmt.Negated || !ok || both.Op != syntax.AndStmt && both.Op != syntax.OrStmt {
				break
			}
			stmt = both.X
		}
		if stmt.Negated {
			j.report(stmt, nil, "negated-check", "a check that begins with ! passes when its command is missing or fails for another reason",
				"run the command plainly and write an expect, such as exit == 1 or len(lines) == 0")
			return
		}
	}
}

// lost reports a directory or a variable that ends with its fence.
func (j *reading) lost() {
	if !j.book.Annotated || len(j.file.Stmts) == 0 || j.role != command {
		return
	}
	last := j.file.Stmts[len(j.file.Stmts)-1]
	what, instead := "", ""
	switch cmd := last.Cmd.(type) {
	case *syntax.CallExpr:
		if len(cmd.Args) > 0 {
			what = cmd.Args[0].Lit()
		}
	case *syntax.DeclClause: // of bash
		what = cmd.Variant.Value
	}
	switch what {
	case "cd":
		instead = "write cwd= on the steps that work there"
	case "export":
		instead = "write env.NAME= on the steps that need it, or capture the value"
	}
	if instead != "" {
		j.report(last, nil, "lost-at-end", "the fence ends in "+what+", which ends with it: nothing carries over to the next", instead)
	}
}
