package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/menu"
	"stepgate/tui/pane"
	"stepgate/tui/stepview"
	"stepgate/tui/wording"
)

// stopDialog puts a failed, unknown or rolled back cell before the operator.
type stopDialog struct {
	at       offer
	appeared time.Time
	m        menu.Menu
	ids      map[string]keyID
	scroll   pane.Scroll
	total    int
	room     int
}

// remedies are the actions of the failure dialog, in the order of the menu.
var remedies = []keyID{keyRetry, keyRollBack, keyDone, keySkip, keyProbe, keyFailed, keyPause, keyNote, keyAbort}

func newStop(a *app, at offer) *stopDialog {
	d := &stopDialog{at: at, appeared: a.now, ids: map[string]keyID{}}
	for _, id := range remedies {
		b := bound(inStop, id)
		av := a.snap.Action(b.Verb)
		d.m.Entries = append(d.m.Entries, menu.Entry{
			Key: b.Keys[0], Name: wording.Remedy(b.Verb), Says: wording.Line(av.Says), Why: wording.Line(av.Why),
		})
		d.ids[b.Keys[0]] = id
	}
	return d
}

func (d *stopDialog) scope() scope       { return inStop }
func (d *stopDialog) fit(*app)           {}
func (d *stopDialog) paste(tea.PasteMsg) {}

func (d *stopDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	if !graceOver(d.appeared, a.now) {
		return nil
	}
	if e, ok := d.m.Find(k.String()); ok {
		return a.act(d.ids[e.Key])
	}
	b, _ := lookup(inStop, k.String())
	switch b.ID {
	case keyUp:
		d.m.Move(-1)
	case keyDown:
		d.m.Move(1)
	case keyPageUp:
		d.scroll.By(-max(d.room-1, 1), d.total, d.room)
	case keyPageDown:
		d.scroll.By(max(d.room-1, 1), d.total, d.room)
	case keyEnter:
		if e, ok := d.m.Selected(); ok {
			return a.act(d.ids[e.Key])
		}
	case keyCancel:
		a.shut()
	case keyHelp, keyInterrupt:
		return a.act(b.ID)
	default:
	}
	return nil
}

func (d *stopDialog) render(a *app, w, h int) string {
	c := a.snap.Run.Cell(d.at.key)
	if c == nil {
		return ""
	}
	t := a.theme
	iw, ih := pane.Inner(w, h)
	lines := d.what(a, c, iw)
	m := d.m.Lines(t, iw, max(min(len(d.m.Entries), ih-min(len(lines), 5)-1), 3))
	d.total, d.room = len(lines), max(ih-len(m)-1, 0)
	d.scroll.By(0, d.total, d.room)
	shown := d.scroll.Window(lines, d.room)
	all := append([]string{}, shown...)
	for len(all) < d.room {
		all = append(all, "")
	}
	all = append(all, t.Border.Render(strings.Repeat(t.Glyph.Rule, iw)))
	all = append(all, m...)
	mark := wording.Mark(c.Status)
	box := pane.Box{
		Title: t.Glyph.Mark(mark) + " " + wording.Status(c.Status) + ": " + wording.Name(a.snap.Run, c.Plan.Step),
		Right: wording.Place(c.Key.Target), Focus: true, Scroll: &d.scroll,
	}
	return box.Render(t, all, w, h)
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

// leaveDialog asks what to do with what is going on.
func leaveDialog(a *app) *choiceDialog {
	d := &choiceDialog{
		title: "Something is running", whileBusy: true,
		says: []string{wording.Waiting(a.snap, a.now), "What shall happen with it?"},
		then: map[string]func(*app) tea.Cmd{
			"w": nil,
			"l": func(a *app) tea.Cmd { return a.quit() },
			"x": func(a *app) tea.Cmd { return a.act(keyStop) },
		},
	}
	stop := a.snap.Action(run.VerbStopNow)
	d.m.Entries = []menu.Entry{
		{Key: "w", Name: "wait", Says: "stay here; so does Enter"},
		{Key: "l", Name: "leave", Says: "the command goes on by itself; the run can be resumed"},
		{Key: "x", Name: "stop", Says: "stop it now", Why: stop.Why},
	}
	return d
}

func (d *choiceDialog) render(a *app, w, h int) string {
	w = min(w, 84)
	iw, ih := pane.Inner(w, h)
	var lines []string
	for _, s := range d.says {
		lines = append(lines, pane.Wrap(s, iw)...)
	}
	lines = append(lines, "")
	lines = append(lines, d.m.Lines(a.theme, iw, max(ih-len(lines), 1))...)
	return pane.Box{Title: d.title, Focus: true}.Render(a.theme, lines, w, min(h, len(lines)+2))
}
