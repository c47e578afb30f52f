package lint

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"stepgate/checks"
	"stepgate/runbook"
)

// values gathers the names that have a value anywhere in the runbook.
func (l *linter) values() {
	l.declared["host"] = true
	declare := func(ps ...runbook.Param) {
		for _, p := range ps {
			l.declared[p.Name] = true
			l.secrets[p.Name] = l.secrets[p.Name] || p.Secret
		}
	}
	declare(l.book.Params...)
	for _, g := range l.book.Groups {
		for _, v := range g.Vars {
			l.declared[v] = true
		}
	}
	each(l.book.Root, func(s *runbook.Section, st *runbook.Step) {
		if s != nil && s.Part != nil {
			declare(s.Part.Params...)
		}
		if repeated := eachOf(s, st); repeated != nil && repeated.Name != "" {
			l.declared[repeated.Name] = true
		}
		if st == nil {
			return
		}
		if st.Question != nil {
			declare(st.Question.Param)
		}
		for _, f := range fencesOf(st) {
			if f.Capture == nil {
				continue
			}
			for _, name := range f.Capture.Names() {
				l.declared[name] = true
				l.secrets[name] = l.secrets[name] || f.Secret
			}
		}
	})
}

// eachOf is what a section or a step is repeated over.
func eachOf(s *runbook.Section, st *runbook.Step) *runbook.Each {
	if s != nil {
		return s.Each
	}
	return st.Each
}

// each calls visit for every section and step below s, in order.
func each(s *runbook.Section, visit func(*runbook.Section, *runbook.Step)) {
	visit(s, nil)
	for _, it := range s.Items {
		switch it := it.(type) {
		case *runbook.Section:
			each(it, visit)
		case *runbook.Step:
			visit(nil, it)
		}
	}
}

// fencesOf are all fences of a step; a nil step has none.
func fencesOf(st *runbook.Step) []*runbook.Fence {
	var out []*runbook.Fence
	if st == nil {
		return nil
	}
	out = append(append(out, st.Done...), st.Before...)
	if st.Command != nil {
		out = append(out, st.Command)
	}
	out = append(append(out, st.After...), st.Monitors...)
	if st.Rollback != nil {
		out = append(out, st.Rollback.Before...)
		if st.Rollback.Command != nil {
			out = append(out, st.Rollback.Command)
		}
		out = append(out, st.Rollback.After...)
	}
	return out
}

var (
	// environmentName is what a login or a service usually finds set.
	environmentName = regexp.MustCompile(`^(HOME|USER|LOGNAME|SHELL|PATH|PWD|OLDPWD|TERM|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|MAIL|EDITOR|HOSTNAME|IFS|PS[0-9]|PPID|UID|EUID|RANDOM|SECONDS|LINENO|OPTARG|OPTIND|OPTERR|REPLY|PIPESTATUS|FUNCNAME|SHLVL|COLUMNS|LINES|DISPLAY|(BASH|XDG|SSH|ZSH|KSH|SUDO|STEPGATE)_?[A-Z_]*)$`)
	// ofOthers are the families of names that come with hosts, walks and parts.
	ofOthers  = regexp.MustCompile(`^(on_|each_)`)
	shellName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// undefined reports variables that nothing in sight gives a value: in a runbook
// with front matter the shell ends at one, perhaps half-way.
func (j *reading) undefined() {
	if !j.book.Annotated || j.open || j.prelude.open {
		return
	}
	syntax.Walk(j.file, func(n syntax.Node) bool {
		p, ok := n.(*syntax.ParamExp)
		if !ok || p.Param == nil || p.Exp != nil && optional(p.Exp.Op) || j.gives(p.Param.Value) {
			return true
		}
		name := p.Param.Value
		remedy := "add [params." + name + "] to the front matter, name it in vars of its group, or write ${" + name + ":-}"
		switch name {
		case "run", "step", "attempt", "sample": // names of text
			remedy = "write \"$STEPGATE_" + strings.ToUpper(name) + "\""
		}
		if did := checks.Did(name, slices.Sorted(maps.Keys(j.declared))); did != "" {
			remedy = "did you mean $" + did + "?"
		}
		j.report(p, nil, "undefined-variable", "nothing gives $"+name+" a value, and the fence ends where it is used", remedy)
		return true
	})
}

// optional reports whether an expansion says what holds without a value.
func optional(op syntax.ParExpOperator) bool {
	switch op {
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull, syntax.DefaultUnset, syntax.DefaultUnsetOrNull,
		syntax.AssignUnset, syntax.AssignUnsetOrNull, syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		return true
	default:
		return false
	}
}

// gives reports whether a shell variable has a value.
func (j *reading) gives(name string) bool {
	if !shellName.MatchString(name) || j.declared[name] || environmentName.MatchString(name) || ofOthers.MatchString(name) {
		return true
	}
	for _, env := range j.fence.Env {
		if env.Name == name {
			return true
		}
	}
	_, here := j.assigned[name]
	_, before := j.prelude.assigned[name]
	return here || before || j.ofPart(name)
}

// ofPart reports whether a name is an included part's capture, as commands
// outside of it see it: $id_NAME.
func (j *reading) ofPart(name string) bool {
	found := false
	each(j.book.Root, func(s *runbook.Section, _ *runbook.Step) {
		if s != nil && s.Part != nil {
			prefix := strings.ReplaceAll(s.ID, "-", "_") + "_"
			found = found || strings.HasPrefix(name, prefix) && j.declared[strings.TrimPrefix(name, prefix)]
		}
	})
	return found
}

var words = regexp.MustCompile(`[\p{L}_][\p{L}\p{N}_-]*`)

// unused reports what the front matter declares and nothing names.
func (l *linter) unused() {
	used := map[string]bool{}
	take := func(texts ...string) {
		for _, t := range texts {
			for _, w := range words.FindAllString(t, -1) {
				used[w] = true
				for _, part := range strings.Split(w, "-") {
					used[part] = true
				}
			}
		}
	}
	filled := func(texts ...string) {
		for _, t := range texts {
			for _, m := range placeholders.FindAllStringSubmatch(t, -1) {
				take(m[1])
			}
		}
	}
	filled(l.book.Title, l.book.Summary, l.book.Confirm)
	for _, text := range l.book.Prelude {
		take(text)
	}
	for _, lang := range l.book.Languages {
		take(lang.Run)
	}
	for _, c := range l.book.Connections {
		filled(c.Host, c.Port, c.User, c.Password, c.Database, c.TLS, c.Via)
		take(c.Hosts, c.Via)
		takeExpr(take, c.Pick)
	}
	each(l.book.Root, func(s *runbook.Section, st *runbook.Step) {
		if s != nil {
			uses(s.Each, take)
			filled(append([]string{s.Title, s.Prose, s.Caution, s.Confirm}, s.Warnings...)...)
			if s.Part != nil {
				for name, with := range s.Part.With {
					take(name, with)
				}
				for _, p := range s.Part.Params {
					take(p.Name)
				}
			}
		}
		if st != nil {
			usesOfStep(st, take, filled)
		}
	})
	l.unnamed(used)
}

func takeExpr(take func(...string), es ...*runbook.Expr) {
	for _, e := range es {
		if e != nil {
			take(e.Text)
		}
	}
}

func uses(e *runbook.Each, take func(...string)) {
	if e != nil {
		take(e.Group, e.Name, e.List)
		takeExpr(take, e.OrderBy)
	}
}

func usesOfStep(st *runbook.Step, take, filled func(...string)) {
	uses(st.Each, take)
	takeExpr(take, st.When)
	filled(append([]string{st.Title, st.Prose, st.Caution, st.Confirm}, st.Warnings...)...)
	if st.Question != nil {
		take(st.Question.Param.Name)
		filled(st.Question.Param.Prompt)
	}
	for _, f := range fencesOf(st) {
		take(f.Body, f.On, f.ExpectText, f.CaptureText)
		take(f.Via)
		filled(f.Dir, f.User)
		takeExpr(take, f.Pick, f.Poll.FailIf)
		for _, env := range f.Env {
			takeExpr(take, env.Value)
		}
		for _, span := range f.Spans {
			filled(span)
		}
		if f.Connection != nil {
			take(f.Connection.Name)
		}
		if f.Language != nil {
			take(f.Language.Name)
		}
	}
}

// unnamed reports what isn't among the used words.
func (l *linter) unnamed(used map[string]bool) {
	for _, p := range l.book.Params {
		if !used[p.Name] {
			l.find(p.Pos, "unused", "nothing uses the parameter "+quote(p.Name), "remove [params."+p.Name+"], or use it")
		}
	}
	for _, g := range l.book.Groups {
		vars := false
		for _, v := range g.Vars {
			vars = vars || used[v]
		}
		if !used[g.Name] && !vars {
			l.find(g.Pos, "unused", "nothing uses the group "+quote(g.Name), "remove [groups."+g.Name+"], or use it")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.book.Languages)) {
		if !used[name] {
			l.find(l.book.Languages[name].Pos, "unused", "nothing uses the language "+quote(name), "remove [languages."+name+"], or use it")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.book.Connections)) {
		if c := l.book.Connections[name]; !used[name] {
			l.find(c.Pos, "unused", "nothing uses the connection "+quote(name), "remove [connections."+name+"], or use it")
		}
	}
}
