package runbook_test

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

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
		d.line(1, "param %s %s default=%q,%v choices=%q pattern=%q required=%v%s %s", p.Name, p.Type, p.Default, p.HasDef, p.Choices, p.Pattern, p.Required, flags("secret", p.Secret), place(p.Pos))
		d.text(2, "prompt", p.Prompt)
		d.text(2, "help", p.Help)
	}
	for _, g := range r.Groups {
		d.line(1, "group %s vars=%q min=%d max=%d %s", g.Name, g.Vars, g.Min, g.Max, place(g.Pos))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Languages)) {
		d.line(1, "language %s run=%q literal=%s", name, r.Languages[name].Run, r.Languages[name].Literal)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Connections)) {
		c := r.Connections[name]
		d.line(1, "connection %s %s %q port=%q user=%q password=%q database=%q tls=%q via=%q hosts=%q", name, c.Driver, c.Host, c.Port, c.User, c.Password, c.Database, c.TLS, c.Via, c.Hosts)
		d.expr(2, "pick", c.Pick)
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
	for _, later := range r.Later {
		d.line(0, "later %s: %s", place(later.Pos), later.Text)
	}
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
	if s.Part != nil {
		d.line(depth+1, "part %q params=%q with=%q own=%v", s.Part.File, names(s.Part.Params), s.Part.With, s.Part.Own)
	}
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

var kinds = map[runbook.StepKind]string{runbook.Manual: "manual", runbook.Check: "check", runbook.Run: "run", runbook.Ask: "ask", runbook.Watch: "watch"}

func (d *dumper) step(depth int, s *runbook.Step) {
	d.line(depth, "%s %s %q%s %s", kinds[s.Kind], s.ID, s.Title,
		flags("required", s.Required, "irreversible", s.Irreversible, "idempotent", s.Idempotent, "gated", s.Gated(), "always", s.Always), place(s.Pos))
	d.each(depth+1, s.Each)
	d.expr(depth+1, "when", s.When)
	d.text(depth+1, "prose", s.Prose)
	d.texts(depth+1, "warning", s.Warnings)
	d.text(depth+1, "caution", s.Caution)
	d.text(depth+1, "judged", s.Judged)
	d.text(depth+1, "confirm", s.Confirm)
	if s.Approvers > 0 {
		d.line(depth+1, "approvers %d", s.Approvers)
	}
	if q := s.Question; q != nil {
		d.line(depth+1, "asks %s %s default=%q,%v choices=%q given=%v per-host=%v", q.Param.Name, q.Param.Type, q.Param.Default, q.Param.HasDef, q.Param.Choices, q.Given, q.PerHost)
	}
	d.fences(depth+1, "done", s.Done)
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
	d.fences(depth+1, "monitor", s.Monitors)
}

func (d *dumper) fences(depth int, name string, fs []*runbook.Fence) {
	for _, f := range fs {
		d.fence(depth, name, f)
	}
}

var forms = map[runbook.Form]string{runbook.SQL: "sql", runbook.HTTP: "http", runbook.TCP: "tcp", runbook.Copy: "copy"}

func (d *dumper) fence(depth int, name string, f *runbook.Fence) {
	d.line(depth, "%s %s %q%s %s", name, f.Lang+forms[f.Form], f.Body,
		flags("language", f.Language != nil, "login", f.Login, "direct", f.Direct, "secret", f.Secret, "tty", f.TTY, "background", f.Background,
			"monitored", f.Monitor, "reboot", f.Reboot), place(f.Pos))
	if f.Connection != nil {
		d.text(depth+1, "db", f.Connection.Name)
	}
	d.text(depth+1, "id", f.ID)
	d.text(depth+1, "on", f.On)
	d.expr(depth+1, "pick", f.Pick)
	if f.Parallel > 0 {
		d.line(depth+1, "parallel %d", f.Parallel)
	}
	d.text(depth+1, "via", f.Via)
	d.text(depth+1, "cwd", f.Dir)
	d.text(depth+1, "user", f.User)
	for _, v := range f.Env {
		d.expr(depth+1, "env "+v.Name, v.Value)
	}
	for _, key := range slices.Sorted(maps.Keys(f.Spans)) {
		d.line(depth+1, "%s from %q", key, f.Spans[key])
	}
	for _, one := range []struct {
		what   string
		length time.Duration
	}{{"timeout", f.Timeout}, {"grace", f.Grace}, {"reconnect", f.Reconnect}} {
		if one.length > 0 {
			d.line(depth+1, "%s %s", one.what, one.length)
		}
	}
	if f.Poll != (runbook.Poll{}) {
		d.line(depth+1, "poll until=%s every=%s hold=%s", f.Poll.Until, f.Poll.Every, f.Poll.Hold)
		d.expr(depth+2, "fail_if", f.Poll.FailIf)
	}
	if f.Expect != nil {
		d.line(depth+1, "expect %q", f.ExpectText)
	}
	if f.Capture != nil {
		d.line(depth+1, "capture %q", f.CaptureText)
	}
}

func names(params []runbook.Param) []string {
	var out []string
	for _, p := range params {
		out = append(out, p.Name)
	}
	return out
}

func (d *dumper) each(depth int, e *runbook.Each) {
	if e == nil {
		return
	}
	walked := e.Group
	switch {
	case e.List != "":
		walked = e.Name + " in " + e.List
	case e.Name != "":
		walked = e.Name + " of " + e.Group
	}
	d.text(depth, "each", walked)
	if e.Batch != 1 || e.Percent || e.Canary+e.MaxFailures > 0 || e.Soak > 0 {
		d.line(depth+1, "batch=%d percent=%v canary=%d soak=%s max_failures=%d", e.Batch, e.Percent, e.Canary, e.Soak, e.MaxFailures)
	}
	d.expr(depth, "order_by", e.OrderBy)
}
