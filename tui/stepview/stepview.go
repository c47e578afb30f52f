package stepview

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/markdown"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// View is what is needed to draw a cell.
type View struct {
	Theme *theme.Theme
	Snap  *run.Snapshot
	Now   time.Time
	Spin  string // the spinner's frame
	// Watch puts what happens before what there is to read.
	Watch bool
}

// Lines draws a cell in lines of at most w cells.
func (v View) Lines(c *run.Cell, w int) []string {
	if w < 1 {
		return nil
	}
	b := &body{View: v, c: c, w: w}
	b.status()
	b.copying()
	b.host()
	if v.Watch {
		b.places()
	}
	if !v.Watch {
		b.prose()
		b.places()
	}
	b.question()
	b.command()
	b.checks()
	b.history()
	if v.Watch {
		b.prose()
	}
	return b.lines
}

// body collects the lines of one cell.
type body struct {
	View
	c     *run.Cell
	w     int
	lines []string
}

func (b *body) add(lines ...string) {
	for _, l := range lines {
		b.lines = append(b.lines, pane.Cut(l, b.w, b.Theme.Glyph.Ellipsis))
	}
}

// gap separates two blocks by one empty line.
func (b *body) gap() {
	if n := len(b.lines); n > 0 && b.lines[n-1] != "" {
		b.lines = append(b.lines, "")
	}
}

func (b *body) busy() *run.Activity { return wording.Busy(b.Snap, b.c.Key) }

// status is the first line: glyph, word, class.
func (b *body) status() {
	t, st := b.Theme, b.c.Plan.Step
	mark, word := wording.Mark(b.c.Status), wording.Status(b.c.Status)
	if b.c.Status == run.Pending && (st.Gated || b.c.Rerun) {
		mark, word = theme.Gate, "gate ahead"
	}
	glyph := t.Glyph.Mark(mark)
	if a := b.busy(); a != nil {
		mark, word, glyph = theme.Running, wording.Activity(b.c, a, b.Now), b.Spin
		if glyph == "" {
			glyph = t.Glyph.Mark(mark)
		}
	}
	facts := wording.Classes(st)
	if st.Kind != plan.Run {
		facts = append([]string{wording.Kind(st.Kind)}, facts...)
	}
	left := t.Style(mark).Render(glyph + " " + word)
	if took := wording.Took(b.c); took > 0 && b.c.Status.Settled() {
		left += t.Muted.Render(" in " + text.Duration(took))
	}
	right := t.Muted.Render(strings.Join(facts, " "+t.Glyph.Dot+" "))
	if ansi.StringWidth(left)+ansi.StringWidth(right)+2 > b.w {
		b.add(left, right)
	} else {
		b.add(pane.Row(left, right, b.w, t.Glyph.Ellipsis))
	}
	if why := wording.Stopped(b.c); why != "" {
		for _, l := range pane.Wrap(why, b.w) {
			b.add(t.Style(mark).Render(l))
		}
	}
	b.settled()
}

// settled tells how a cell was settled without a result of its own.
func (b *body) settled() {
	c := b.c
	say := func(s string) {
		for _, l := range pane.Wrap(s, b.w) {
			b.add(b.Theme.Muted.Render(l))
		}
	}
	if c.Skip != "" && c.Status == run.Skipped {
		say("skipped by " + wording.Line(c.By) + ": " + wording.Line(c.Skip))
	}
	if r := c.Resolved; r != nil && c.Status == run.Succeeded {
		switch r.Method {
		case run.ByOperator:
			say("marked done by " + wording.Line(c.By) + ": " + wording.Line(r.Reason))
		case run.ByCheck, run.ByProbe:
			say("settled by " + string(r.Method) + ": " + wording.Line(r.Reason))
		}
	}
	if c.Evidence != "" {
		say("evidence: " + wording.Line(c.Evidence))
	}
	if c.Status == run.Pending && c.Detail != "" {
		say(wording.Line(c.Detail))
	}
	if c.When != nil && !c.When.Applies {
		say("does not apply here:")
		for _, r := range c.When.Rows {
			b.row("when", "", r)
		}
	}
}

// host says when the connection to the cell's host isn't there.
func (b *body) host() {
	b.add(Host(b.Theme, b.c.Key.Target, b.Snap.Hosts[b.c.Key.Target], b.w)...)
}

// Host draws the state of a host's connection, unless it is there or was never
// needed.
func Host(t *theme.Theme, name string, h run.HostState, w int) []string {
	if h.State == "" || h.State == "connected" {
		return nil
	}
	var out []string
	style := t.Live
	if h.State == "lost" || h.Error != "" {
		style = t.Bad
	}
	text := wording.Place(name) + ": " + wording.Line(h.State)
	if h.Error != "" {
		text += ": " + wording.Line(h.Error)
	}
	for _, l := range pane.Wrap(text, w) {
		out = append(out, style.Render(l))
	}
	if h.Hint != "" {
		for _, l := range pane.Wrap(wording.Block(h.Hint), w) {
			out = append(out, t.Muted.Render(l))
		}
	}
	return out
}

func (b *body) prose() {
	bk, t := b.c.Plan.Step.Book, b.Theme
	text := func(s string) string { return b.Snap.Run.Text(b.c, s) }
	if bk.Prose != "" {
		b.gap()
		b.add(markdown.Render(t, text(bk.Prose), b.w)...)
	}
	for _, w := range bk.Warnings {
		b.alert(theme.Gate, "WARNING", text(w))
	}
	if bk.Caution != "" {
		b.alert(theme.Failed, "CAUTION", text(bk.Caution))
	}
	if bk.Judged != "" {
		b.alert(theme.Gate, "GATE", "This looks destructive: "+bk.Judged)
	}
}

// alert draws a warning with a bar at its left.
func (b *body) alert(m theme.Mark, word, source string) {
	b.gap()
	b.add(Alert(b.Theme, m, word, source, b.w)...)
}

// Alert draws a WARNING or CAUTION text with a bar at its left.
func Alert(t *theme.Theme, m theme.Mark, word, source string, w int) []string {
	style := t.Style(m)
	bar := style.Render(t.Glyph.Quote) + " "
	out := []string{bar + style.Bold(true).Render(word)}
	return append(out, pane.Indent(markdown.Render(t, source, w-2), bar)...)
}

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
		b.add(b.Theme.Bad.Render(wording.Line(err.Error())))
		return
	}
	undo := b.undo()
	if b.c.Status == run.RollingBack && len(undo) > 0 { // what runs comes first
		b.add(undo...)
		b.gap()
		b.add(b.Theme.Muted.Render("it undoes:"))
		undo = nil
	}
	b.add(Dispatch(b.Theme, &d, b.w)...)
	if len(undo) > 0 {
		b.gap()
		b.add(undo...)
	}
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
	return append([]string{b.Theme.Muted.Render("rollback:")}, Dispatch(b.Theme, &d, b.w)...)
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
	for i, l := range wording.Exact(d.Body) {
		lead := "  "
		if i == 0 {
			lead = sign
		}
		for j, part := range strings.Split(ansi.Hardwrap(l, max(w-2, 1), true), "\n") {
			if j > 0 {
				lead = "  "
			}
			out = append(out, t.Faint.Render(lead)+t.Code.Render(part))
		}
	}
	return out
}

// Behind draws what a command's own text doesn't show: how much runs before it,
// and the values of the variables that it or that names.
func Behind(t *theme.Theme, d *run.Dispatch, w int) []string {
	var out []string
	if lines, name := wording.Prefix(d); len(lines) > 0 {
		for _, l := range pane.Wrap("before it: "+name, max(w-2, 1)) {
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

// history lists the attempts, when there was more than one.
func (b *body) history() {
	if len(b.c.Attempts) < 2 {
		return
	}
	b.gap()
	t := b.Theme
	for _, a := range b.c.Attempts {
		s := fmt.Sprintf("attempt %d  %s  %s", a.Intent.No, a.At.Format(time.TimeOnly), a.Intent.Role)
		switch {
		case a.Outcome != nil:
			s += fmt.Sprintf("  exit %d after %s", a.Outcome.Exit, text.Duration(time.Duration(a.Outcome.TookMS)*time.Millisecond))
		case a.Fate != "":
			s += "  " + wording.Line(a.Fate)
		case a.Why != "":
			s += "  " + wording.Line(a.Why)
		}
		b.add(t.Muted.Render(s))
	}
}
