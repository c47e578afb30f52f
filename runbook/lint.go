package runbook

import "mvdan.cc/sh/v3/syntax"

// lintStep applies the rules that need a whole step. Rules that need the whole
// runbook belong beside it.
func (p *parser) lintStep(st *Step) {
	if st.Irreversible && st.Kind == Run && len(st.Before) == 0 && len(st.After) == 0 && st.Command.Expect == nil {
		p.report(st.Pos, Warning, "irreversible-unchecked", "the irreversible step has no check before or behind it",
			"add a {.check} fence that says when it may run, or that it worked")
	}
}

// lintCheck refuses a check whose statement is negated: it passes when its tool
// is missing.
func (p *parser) lintCheck(b *block, f *syntax.File) {
	for _, stmt := range f.Stmts {
		if stmt.Negated {
			p.errorAt(p.inBody(b, int(stmt.Pos().Offset())), "negated-check", "a check that begins with ! passes when its command is missing or fails for another reason",
				"run the command plainly and write an expect, such as exit == 1 or len(lines) == 0")
			return
		}
	}
}
