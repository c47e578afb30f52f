package runbook_test

import (
	"fmt"
	"sort"
	"strings"

	"stepgate/runbook"
)

// dump writes a runbook for golden files: what isn't its zero value, one thing
// a line.
func dump(r *runbook.Runbook) string {
	d := &dumper{}
	d.line(0, "runbook %q annotated=%v", r.Title, r.Annotated)
	d.text(1, "summary", r.Summary)
	d.text(1, "confirm", r.Confirm)
	for _, p := range r.Params {
		d.line(1, "param %s %s default=%q,%v choices=%q pattern=%q required=%v %s", p.Name, p.Type, p.Default, p.HasDef, p.Choices, p.Pattern, p.Required, place(p.Pos))
		d.text(2, "prompt", p.Prompt)
		d.text(2, "help", p.Help)
	}
	for _, g := range r.Groups {
		d.line(1, "group %s vars=%q min=%d max=%d %s", g.Name, g.Vars, g.Min, g.Max, place(g.Pos))
	}
	var languages []string
	for l := range r.Prelude {
		languages = append(languages, l)
	}
	sort.Strings(languages)
	for _, l := range languages {
		d.text(1, "prelude "+l, r.Prelude[l])
	}
	d.section(0, r.Root)
	return d.String()
}

type dumper struct{ strings.Builder }

func place(p runbook.Pos) string { return fmt.Sprintf("@%d:%d", p.Line, p.Col) }

func (d *dumper) line(depth int, format string, args ...any) {
	d.WriteString(strings.Repeat("  ", depth))
	_, _ = fmt.Fprintf(d, format+"\n", args...)
}

func (d *dumper) text(depth int, name, s string) {
	if s != "" {
		d.line(depth, "%s %q", name, s)
	}
}

func (d *dumper) texts(depth int, name string, ss []string) {
	for _, s := range ss {
		d.text(depth, name, s)
	}
}

func (d *dumper) expr(depth int, name string, e *runbook.Expr) {
	if e != nil {
		d.line(depth, "%s %q %s", name, e.Value.Source(), place(e.Pos))
	}
}

func flags(pairs ...any) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == true {
			b.WriteString(" " + pairs[i].(string))
		}
	}
	return b.String()
}

func (d *dumper) section(depth int, s *runbook.Section) {
	d.line(depth, "section %s %q level=%d%s %s", s.ID, s.Title, s.Level, flags("required", s.Required), place(s.Pos))
	d.each(depth+1, s.Each)
	d.text(depth+1, "prose", s.Prose)
	d.texts(depth+1, "warning", s.Warnings)
	d.text(depth+1, "caution", s.Caution)
	d.text(depth+1, "confirm", s.Confirm)
	for _, item := range s.Items {
		switch it := item.(type) {
		case *runbook.Section:
			d.section(depth+1, it)
		case *runbook.Step:
			d.step(depth+1, it)
		}
	}
}

var kinds = map[runbook.StepKind]string{runbook.Manual: "manual", runbook.Check: "check", runbook.Run: "run"}

func (d *dumper) step(depth int, s *runbook.Step) {
	d.line(depth, "%s %s %q%s %s", kinds[s.Kind], s.ID, s.Title,
		flags("required", s.Required, "irreversible", s.Irreversible, "idempotent", s.Idempotent, "gated", s.Gated()), place(s.Pos))
	d.each(depth+1, s.Each)
	d.expr(depth+1, "when", s.When)
	d.text(depth+1, "prose", s.Prose)
	d.texts(depth+1, "warning", s.Warnings)
	d.text(depth+1, "caution", s.Caution)
	d.text(depth+1, "judged", s.Judged)
	d.text(depth+1, "confirm", s.Confirm)
	d.fences(depth+1, "before", s.Before)
	if s.Command != nil {
		d.fence(depth+1, "command", s.Command)
	}
	d.fences(depth+1, "after", s.After)
	if s.Rollback != nil {
		d.fences(depth+1, "rollback before", s.Rollback.Before)
		d.fence(depth+1, "rollback", s.Rollback.Command)
		d.fences(depth+1, "rollback after", s.Rollback.After)
	}
}

func (d *dumper) fences(depth int, name string, fs []*runbook.Fence) {
	for _, f := range fs {
		d.fence(depth, name, f)
	}
}

func (d *dumper) fence(depth int, name string, f *runbook.Fence) {
	d.line(depth, "%s %s %q %s", name, f.Lang, f.Body, place(f.Pos))
	d.text(depth+1, "on", f.On)
	d.text(depth+1, "cwd", f.Dir)
	if f.Timeout > 0 {
		d.line(depth+1, "timeout %s", f.Timeout)
	}
	if f.Poll != (runbook.Poll{}) {
		d.line(depth+1, "poll until=%s every=%s hold=%s", f.Poll.Until, f.Poll.Every, f.Poll.Hold)
	}
	if f.Expect != nil {
		d.line(depth+1, "expect %q", f.ExpectText)
	}
	if f.Capture != nil {
		d.line(depth+1, "capture %q", f.CaptureText)
	}
}

func (d *dumper) each(depth int, e *runbook.Each) {
	if e == nil {
		return
	}
	d.text(depth, "each", e.Group)
	d.expr(depth, "order_by", e.OrderBy)
}
