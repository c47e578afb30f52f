package tui

import (
	"fmt"
	"strings"
	"time"

	"stepgate/tui/keys"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/menu"
	"stepgate/tui/pane"
	"stepgate/tui/stepview"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// stopDialog puts what the run has stopped at before the operator: a failed,
// unknown or rolled back cell, a canary that is through, or the next rollback.
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

// remedies are the actions of the failure dialog, in the order of the menu.
var remedies = []keys.ID{
	keys.Call, keys.Retry, keys.RollBack, keys.Done, keys.Skip, keys.Exclude, keys.Postpone, keys.Include, keys.Probe, keys.Failed, keys.Pause, keys.Note, keys.Abort,
}

// menus are what can be done, by what the run waits for.
var menus = map[run.Wait][]keys.ID{
	run.WaitFailure: remedies,
	run.WaitUnknown: remedies,
	run.WaitBatch:   {keys.Onward, keys.Call, keys.Include, keys.Pause, keys.Note, keys.Abort},
	run.WaitUndo:    {keys.Yes, keys.Skip, keys.Call, keys.Pause, keys.Note, keys.Abort},
}

func newStop(a *app, at offer) *stopDialog {
	d := &stopDialog{at: at, appeared: a.now, ids: map[string]keys.ID{}}
	for _, id := range menus[at.wait] {
		if a.beside(id, at.key) {
			continue
		}
		b := a.keys.Bound(keys.InStop, id)
		d.m.Entries = append(d.m.Entries, menu.Entry{Key: b.Keys[0], Name: a.remedy(id)})
		d.ids[b.Keys[0]] = id
	}
	d.refresh(a)
	return d
}

// refresh says anew what applies: behind a canary that changes with the clock.
func (d *stopDialog) refresh(a *app) {
	for i, e := range d.m.Entries {
		id := d.ids[e.Key]
		av := a.action(a.keys.Bound(keys.InStop, id).Verb)
		d.m.Entries[i].Says, d.m.Entries[i].Why = wording.Line(av.Says), wording.Line(av.Why)
		if id == keys.Call {
			d.m.Entries[i].Says = a.offers()
		}
	}
}

// action says whether an action applies now.
func (a *app) action(v run.Verb) run.Availability {
	if a.snap.Wait != run.WaitBatch {
		return a.snap.Action(v)
	}
	ask, ok := run.Next(a.snap.Run).(run.Ask)
	if !ok {
		return a.snap.Action(v)
	}
	now := *a.snap
	now.Actions = now.Run.Offers(ask, now.Busy != nil, a.now)
	return now.Action(v)
}

// beside reports an action that has no meaning for what the run stands at, and
// isn't worth a line that says so.
func (a *app) beside(id keys.ID, k run.Key) bool {
	c := a.snap.Run.Cell(k)
	switch id {
	case keys.Call:
		return len(a.snap.Always) == 0
	case keys.Include:
		return len(a.snap.Run.Includable()) == 0
	case keys.Exclude, keys.Postpone:
		w, _ := a.snap.Run.Instance(c)
		return w == nil
	default:
		return false
	}
}

// remedy names an action where the run stands.
func (a *app) remedy(id keys.ID) string {
	switch {
	case id == keys.Yes:
		return "roll back"
	case id == keys.Onward:
		return "go on"
	case id == keys.Skip && a.snap.Wait == run.WaitUndo:
		return "leave it"
	}
	return wording.Remedy(a.keys.Bound(keys.InStop, id).Verb)
}

// offers names the steps that may be run out of their place.
func (a *app) offers() string {
	var names []string
	for _, k := range a.snap.Always {
		if c := a.snap.Run.Cell(k); c != nil {
			names = append(names, wording.Among(a.snap.Run, c))
		}
	}
	return strings.Join(names, "; ")
}

func (d *stopDialog) scope() keys.Scope   { return keys.InStop }
func (d *stopDialog) fit(a *app)          { d.layout(a, a.layout.body.w, a.layout.body.h) }
func (d *stopDialog) wheel(_ *app, n int) { d.scroll.By(n, d.total, d.room) }

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
	case keys.Help, keys.Interrupt:
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
		d.note = "read on to the end first: " + a.press(keys.InStop, keys.PageDown)
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
	m = d.m.Lines(a.theme, iw, max(min(len(d.m.Entries), ih-min(len(lines), 5)-1), 3))
	d.total, d.room = len(lines), max(ih-len(m)-1, 0)
	d.scroll.By(0, d.total, d.room)
	if iw != d.width {
		d.width, d.read = iw, 0
	}
	d.look()
	return lines, m
}

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
	case run.WaitUndo:
		return a.preview(c, w)
	default:
		return d.what(a, c, w)
	}
}

// what says what failed, with the values that decided and the last output.
func (d *stopDialog) what(a *app, c *run.Cell, w int) []string {
	t := a.theme
	mark := wording.Mark(c.Status)
	why := wording.Stopped(c)
	if why == "" {
		why = "what comes next here could not be decided"
	}
	out := wrapped(t.Style(mark), why, w)
	out = append(out, stepview.Host(t, c.Key.Target, a.snap.Hosts[c.Key.Target], w)...)
	if c.Hint != "" && c.Hint != a.snap.Hosts[c.Key.Target].Hint {
		for _, l := range pane.Wrap(wording.Block(c.Hint), w) {
			out = append(out, t.Muted.Render(l))
		}
	}
	if a.snap.Notice != "" {
		for _, l := range pane.Wrap(wording.Line(a.snap.Notice), w) {
			out = append(out, t.Muted.Render(l))
		}
	}
	label := "saw"
	for _, j := range wording.Decisive(c) {
		what, saw := wording.Row(j.Row)
		out = append(out, stepview.CheckLine(t, label, j.Where, wording.Verdict(j.Row.Verdict), "", what, saw, w)...)
	}
	if e, at := wording.Looked(c); e != nil {
		out = append(out, t.Muted.Render("What held at "+at.Format(time.TimeOnly)+", after it had ended:"))
		for _, res := range e.Checks {
			out = append(out, stepview.Result(t, wording.Label(c.Plan.Step, run.Evidence), "", c.Fences(run.Evidence), res, w)...)
		}
	}
	if tail := a.out.Tail(t, w-2, 12); len(tail) > 0 {
		out = append(out, t.Muted.Render("It printed at last:"))
		out = append(out, pane.Indent(tail, t.Border.Render(t.Glyph.Quote)+" ")...)
	}
	if l := c.Latest(); l != nil {
		when := fmt.Sprintf("What ran (attempt %d, begun %s):", l.Intent.No, l.At.Format(time.TimeOnly))
		out = append(out, t.Muted.Render(when))
		out = append(out, stepview.Dispatch(t, &l.Intent.Dispatch, w)...)
	}
	return out
}
