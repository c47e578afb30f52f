package tui

import (
	"fmt"
	"strings"
	"time"

	"stepgate/tui/keys"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/diff"
	"stepgate/tui/menu"
	"stepgate/tui/pane"
	"stepgate/tui/stepview"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// stopDialog puts what the run has stopped at before the operator: a failed,
// unknown or rolled back cell, a canary that is through, monitors that were red, or the
// next rollback.
type stopDialog struct {
	page
	at       offer
	appeared time.Time
	m        menu.Menu
	ids      map[string]keys.ID
	scroll   pane.Scroll
	total    int
	room     int
	width    int  // that was read in
	read     int  // lines that have been on the screen, from the top
	all      bool // it has been read to its end
	note     string
}

func newStop(a *app, at offer) *stopDialog {
	d := &stopDialog{at: at, appeared: a.now}
	d.refresh(a)
	return d
}

// refresh says anew what applies: behind a canary that changes with the clock.
func (d *stopDialog) refresh(a *app) { d.m.Entries, d.ids = a.entries(d.at) }

func (d *stopDialog) scope() keys.Scope { return keys.InStop }
func (d *stopDialog) fit(a *app)        { d.layout(a, a.layout.body.w, a.layout.body.h) }

func (d *stopDialog) wheel(a *app, n int) {
	if a.turn() {
		d.scroll.By(n, d.total, d.room)
		d.look()
	}
}

// click puts the cursor on a remedy; one more does it.
func (d *stopDialog) click(a *app, _, y int) tea.Cmd {
	if !graceOver(d.appeared, a.now) {
		return nil
	}
	d.note = ""
	if e, again := d.m.Click(y - 2 - d.room); again {
		return d.choose(a, e)
	}
	return nil
}

func (d *stopDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	if !graceOver(d.appeared, a.now) {
		return nil
	}
	d.note = ""
	d.refresh(a)
	if e, ok := d.m.Find(k.String()); ok {
		return d.choose(a, e)
	}
	b, _ := a.keys.Lookup(keys.InStop, k.String())
	switch b.ID {
	case keys.Up:
		d.m.Move(-1)
	case keys.Down:
		d.m.Move(1)
	case keys.PageUp:
		d.scroll.By(-max(d.room-1, 1), d.total, d.room)
	case keys.PageDown:
		d.scroll.By(max(d.room-1, 1), d.total, d.room)
		d.look()
	case keys.Enter:
		if e, ok := d.m.Selected(); ok {
			return d.choose(a, e)
		}
	case keys.Cancel:
		a.shut()
	case keys.Help, keys.Interrupt, keys.Matrix, keys.Monitors, keys.Timeline, keys.Palette:
		return a.act(b.ID)
	default:
	}
	return nil
}

// choose does what an entry says. Of a rollback, everything that runs has to
// have been on the screen.
func (d *stopDialog) choose(a *app, e menu.Entry) tea.Cmd {
	id := d.ids[e.Key]
	if id == keys.Yes && !d.all {
		d.note = "read on to the end first: " + a.keys.Name(keys.InStop, keys.PageDown, a.theme.Glyph.Enter)
		return nil
	}
	if a.sent {
		return nil // one action at a time
	}
	return a.act(id)
}

// layout draws what there is to read, and the menu below it, for a dialog of w by
// h cells, and notes what is on the screen.
func (d *stopDialog) layout(a *app, w, h int) (lines, m []string) {
	c := a.snap.Run.Cell(d.at.key)
	if c == nil {
		return nil, nil
	}
	d.refresh(a)
	iw, ih := pane.Inner(w, h)
	lines = d.says(a, c, iw)
	room := ih - len(lines) - 1 // for the remedies, once everything can be read
	if least := d.m.Least(); room < least {
		room = max(min(least, ih-min(len(lines), readable(ih))-1), 3)
	}
	m = d.m.Lines(a.theme, iw, room)
	d.total, d.room = len(lines), max(ih-len(m)-1, 0)
	d.scroll.By(0, d.total, d.room)
	if iw != d.width {
		d.width, d.read = iw, 0
	}
	d.look()
	return lines, m
}

// readable is how many lines are kept for what there is to read, of all in a dialog;
// the remedies have the others.
func readable(h int) int { return max(h*9/20, 5) }

func (d *stopDialog) render(a *app, w, h int) string {
	c := a.snap.Run.Cell(d.at.key)
	if c == nil {
		return ""
	}
	t := a.theme
	iw, _ := pane.Inner(w, h)
	lines, m := d.layout(a, w, h)
	shown := d.scroll.Window(lines, d.room)
	all := append([]string{}, shown...)
	for len(all) < d.room {
		all = append(all, "")
	}
	rule := t.Border.Render(strings.Repeat(t.Glyph.Rule, iw))
	if d.note != "" {
		rule = t.Warning.Render(d.note)
	}
	all = append(all, rule)
	all = append(all, m...)
	title, right := d.title(a, c)
	box := pane.Box{Title: title, Right: right, Focus: true, Scroll: &d.scroll}
	return box.Render(t, all, w, h)
}

// look notes what is on the screen.
func (d *stopDialog) look() {
	if d.scroll.Top <= d.read {
		d.read = max(d.read, d.scroll.Top+d.room)
	}
	d.all = d.all || d.room > 0 && d.read >= d.total
}

// title names what the run has stopped at, and where.
func (d *stopDialog) title(a *app, c *run.Cell) (title, right string) {
	t := a.theme
	switch d.at.wait {
	case run.WaitBatch:
		return t.Glyph.Mark(theme.Gate) + " The canary is through", ""
	case run.WaitMonitor:
		return t.Glyph.Mark(theme.Failed) + " " + wording.Reds(a.snap.Run), ""
	case run.WaitUndo:
		return t.Glyph.Mark(theme.Undone) + " Roll back: " + wording.Name(a.snap.Run, c.Plan.Step), wording.Instance(c)
	default:
	}
	mark := wording.Mark(c.Status)
	return t.Glyph.Mark(mark) + " " + wording.Status(c.Status) + ": " + wording.Name(a.snap.Run, c.Plan.Step), wording.Instance(c)
}

// says is what there is to read before a decision.
func (d *stopDialog) says(a *app, c *run.Cell, w int) []string {
	switch d.at.wait {
	case run.WaitBatch:
		return a.canary(w)
	case run.WaitMonitor:
		return a.held(c, w)
	case run.WaitUndo:
		return a.preview(c, w)
	default:
		return d.what(a, c, w)
	}
}

// what says what failed: the verdict that decided, what it saw, what was printed last,
// what ran, and how often.
func (d *stopDialog) what(a *app, c *run.Cell, w int) []string {
	t := a.theme
	mark := wording.Mark(c.Status)
	why := wording.Stopped(c)
	if why == "" {
		why = "what comes next here could not be decided"
	}
	out := wrapped(t.Style(mark), why, w)
	for _, j := range wording.Decisive(c) {
		what, saw := wording.Row(j.Row)
		out = append(out, stepview.CheckLine(t, "saw", j.Where, wording.Verdict(j.Row.Verdict), "", what, saw, w)...)
		out = append(out, differed(t, j.Row.Diff, w)...)
	}
	if c.Latest() != nil { // else the output below is the checks'
		out = append(out, against(t, c, w)...)
	}
	host := a.snap.Hosts[c.Key.Target]
	out = append(out, stepview.Host(t, c.Key.Target, host, w)...)
	if c.Hint != "" && c.Hint != host.Hint {
		out = append(out, wrapped(t.Muted, wording.Block(c.Hint), w)...)
	}
	if a.snap.Notice != "" {
		out = append(out, wrapped(t.Muted, wording.Line(a.snap.Notice), w)...)
	}
	for _, s := range wording.Known(a.snap.Run, c) {
		out = append(out, wrapped(t.Text, s, w)...)
	}
	if e, at := wording.Looked(c); e != nil {
		out = append(out, t.Muted.Render("What held at "+at.Format(time.TimeOnly)+", after it had ended:"))
		for _, res := range e.Checks {
			out = append(out, stepview.Result(t, wording.Label(c.Plan.Step, run.Evidence), "", c.Fences(run.Evidence), res, w)...)
		}
	}
	if tail := a.out.Tail(t, w-2, lastLines); len(tail) > 0 {
		out = append(out, t.Muted.Render("It printed at last:"))
		out = append(out, pane.Indent(tail, t.Border.Render(t.Glyph.Quote)+" ")...)
	}
	return append(out, ran(t, c, w)...)
}

// checkLines is how much is shown of what a check printed.
const checkLines = 6

// against shows what the checks printed that made a cell fail or unknown: an error
// of theirs is seldom one of the step.
func against(t *theme.Theme, c *run.Cell, w int) []string {
	var out []string
	for _, res := range wording.Against(c) {
		printed := strings.TrimSpace(wording.Block(ended(res.Stdout) + res.Stderr))
		if printed == "" {
			continue
		}
		lines := quoted(t, printed, max(w-2, 1))
		out = append(out, t.Muted.Render("The check on "+wording.Place(res.Where)+" printed at last:"))
		out = append(out, pane.Indent(lines[max(len(lines)-checkLines, 0):], t.Border.Render(t.Glyph.Quote)+" ")...)
	}
	return out
}

// quoted wraps what was printed. Differences are drawn as such.
func quoted(t *theme.Theme, printed string, w int) []string {
	lines := strings.Split(printed, "\n")
	styles := diff.Styles(t, lines)
	if styles == nil {
		return pane.Wrap(printed, w)
	}
	var out []string
	for i, l := range lines {
		for part := range strings.SplitSeq(ansi.Hardwrap(l, w, true), "\n") {
			out = append(out, styles[i].Render(part))
		}
	}
	return out
}

// diffLines is how much is shown of how what a check compared differs.
const diffLines = 40

// differed draws the difference that decided.
func differed(t *theme.Theme, d string, w int) []string {
	lines := stepview.Difference(t, d, w)
	if left := len(lines) - diffLines; left > 0 {
		lines = append(lines[:diffLines:diffLines], t.Faint.Render(fmt.Sprintf("(%d lines left out here; the step's pane has them)", left)))
	}
	return lines
}

// lastLines is how much of what was printed is shown.
const lastLines = 20

// ran says what was sent last, and how the attempts before it ended.
func ran(t *theme.Theme, c *run.Cell, w int) []string {
	l := c.Latest()
	if l == nil {
		return nil
	}
	head := fmt.Sprintf("What ran (attempt %d, begun %s):", l.Intent.No, l.At.Format(time.TimeOnly))
	if l.Intent.Role == run.RoleRollback {
		head = fmt.Sprintf("What ran, to undo it (attempt %d, begun %s):", l.Intent.No, l.At.Format(time.TimeOnly))
	}
	out := append([]string{t.Muted.Render(head)}, stepview.Dispatch(t, &l.Intent.Dispatch, w)...)
	if len(c.Attempts) > 1 {
		out = append(out, t.Muted.Render(fmt.Sprintf("It has been sent %d times:", len(c.Attempts))))
		for _, a := range c.Attempts {
			out = append(out, t.Muted.Render(pane.Cut("  "+wording.Attempt(a), w, t.Glyph.Ellipsis)))
		}
	}
	return out
}
