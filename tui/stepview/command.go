package stepview

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// command shows what runs, byte for byte, and where.
func (b *body) command() {
	st := b.c.Plan.Step
	if st.Kind != plan.Run {
		return
	}
	b.gap()
	d, err := b.Snap.Run.Dispatch(b.c, run.RoleCommand)
	wording.Meant(b.Snap.Run, b.c, st.Book.Command, &d)
	if a := b.c.Attempt(run.RoleCommand); a != nil && b.c.Status != run.Pending {
		d, err = a.Intent.Dispatch, nil
	}
	if err != nil {
		b.unready(st.Book.Command, err)
		return
	}
	undo := b.undo()
	if b.c.Status == run.RollingBack && len(undo) > 0 { // what runs comes first
		b.add(undo...)
		b.gap()
		b.add(b.Theme.Muted.Render("it undoes:"))
		undo = nil
	}
	b.add(Dispatch(b.Theme, &d, b.full)...)
	b.behind(&d)
	if len(undo) > 0 {
		b.gap()
		b.add(undo...)
	}
}

// behind says what a command's own text doesn't: what runs before it, the values of
// the variables it names, and which have none yet.
func (b *body) behind(d *run.Dispatch) {
	t := b.Theme
	if lines, says := wording.Prefix(d); len(lines) > 1 && !b.Watch {
		b.say(t.Faint, "  "+says)
	}
	b.values(d)
	has := map[string]bool{}
	for _, v := range d.Env {
		has[v.Name] = true
	}
	b.missing(d.Body, has)
}

// values are those of the variables that a command's own text names.
func (b *body) values(d *run.Dispatch) {
	own := run.Dispatch{Body: d.Body, Env: d.Env}
	var parts []string
	for _, v := range own.Named() {
		parts = append(parts, "$"+wording.Line(v.Name)+" = "+wording.Line(wording.Value(v)))
	}
	for _, l := range pane.Flow(parts, "   ", max(b.w-2, 1)) {
		b.add("  " + b.Theme.Muted.Render(l))
	}
}

// unready shows a command of which it isn't known yet what exactly will run.
func (b *body) unready(f *runbook.Fence, err error) {
	style := b.Theme.Muted
	if b.c.Key == b.Snap.Current {
		style = b.Theme.Warning
	}
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	b.say(style, "not ready yet: "+wording.Line(err.Error()))
	d := run.Dispatch{Where: b.c.Key.Target, Form: wording.Form(f.Form), Interpreter: f.Lang, Body: f.Body, User: f.User, Dir: f.Dir}
	wording.Meant(b.Snap.Run, b.c, f, &d)
	b.add(Dispatch(b.Theme, &d, b.full)...)
	has := map[string]bool{}
	for name := range b.Snap.Run.Names(b.c, b.c.Key.Target) {
		has[name] = true
	}
	b.missing(f.Dir+" "+f.User+" "+f.Body, has)
}

// missing names what a text uses that an earlier step has yet to find.
func (b *body) missing(text string, has map[string]bool) {
	if b.c.Status != run.Pending && b.c.Status != run.Gated {
		return
	}
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		name := m[1] + m[2]
		from := b.Finders[name]
		if from == nil || has[name] || from == b.c.Plan.Step {
			continue
		}
		has[name] = true
		b.say(b.Theme.Muted, "  "+wording.Line(name)+" has no value yet: "+wording.Name(b.Snap.Run, from)+" finds it")
	}
}

// variable is a name in a command, or in a template.
var variable = regexp.MustCompile(`\$\{?([A-Za-z_]\w*)|\{\{\s*([A-Za-z_]\w*)`)

// Finders are the steps that find values, by the name of each: the first of those
// that have it.
type Finders map[string]*plan.Step

// FindersOf are the finders of a plan.
func FindersOf(p *plan.Plan) Finders {
	out := Finders{}
	put := func(name string, s *plan.Step) {
		if out[name] == nil {
			out[name] = s
		}
	}
	for _, s := range p.Steps {
		if q := s.Book.Question; q != nil {
			put(q.Param.Name, s)
		}
		fences := slices.Concat(s.Book.Done, s.Book.Before, s.Book.After)
		if s.Book.Command != nil {
			fences = append(fences, s.Book.Command)
		}
		for _, f := range fences {
			if f.Capture != nil {
				for _, name := range f.Capture.Names() {
					put(name, s)
				}
			}
		}
	}
	return out
}

// undo is the rollback's command, once it has come to that.
func (b *body) undo() []string {
	if b.c.Plan.Step.Book.Rollback == nil || b.c.Status != run.RollingBack && b.c.Attempt(run.RoleRollback) == nil {
		return nil
	}
	d, err := b.Snap.Run.Dispatch(b.c, run.RoleRollback)
	if err != nil {
		return nil
	}
	return append([]string{b.Theme.Muted.Render("rollback:")}, Dispatch(b.Theme, &d, b.full)...)
}

// Dispatch draws a command: its place, and its body line by line.
func Dispatch(t *theme.Theme, d *run.Dispatch, w int) []string {
	return append(Facts(t, wording.Facts(d), w), Body(t, d, w)...)
}

// Facts draws where and how a command runs.
func Facts(t *theme.Theme, facts []string, w int) []string {
	var out []string
	for _, l := range pane.Flow(facts, " "+t.Glyph.Dot+" ", w) {
		out = append(out, t.Muted.Render(l))
	}
	return out
}

// Body draws a command's text, byte for byte.
func Body(t *theme.Theme, d *run.Dispatch, w int) []string {
	var out []string
	sign := "$ "
	if d.Form != "" {
		sign = "> "
	}
	for i, l := range wording.Exact(d.Shown()) {
		lead := "  "
		if i == 0 {
			lead = sign
		}
		for j, part := range strings.Split(ansi.Hardwrap(l, max(w-2, 1), true), "\n") {
			if j > 0 {
				lead = "  "
			}
			out = append(out, t.Faint.Render(lead)+t.Exact(t.Code, part))
		}
	}
	return out
}

// Behind draws what a command's own text doesn't show: how much runs before it,
// and the values of the variables that it or that names.
func Behind(t *theme.Theme, d *run.Dispatch, w int) []string {
	var out []string
	if lines, says := wording.Prefix(d); len(lines) > 0 {
		for _, l := range pane.Wrap(says, max(w-2, 1)) {
			out = append(out, "  "+t.Faint.Render(l))
		}
	}
	for _, v := range d.Named() {
		for _, l := range pane.Wrap("$"+wording.Line(v.Name)+" = "+wording.Line(wording.Value(v)), max(w-2, 1)) {
			out = append(out, "  "+t.Muted.Render(l))
		}
	}
	return out
}
