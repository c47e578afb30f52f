package tui

import (
	"slices"
	"strings"

	"stepgate/tui/keys"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// footers are the keys shown at the bottom of each screen, most wanted first.
var footers = map[keys.Scope][]keys.ID{
	keys.InRun: {
		keys.Go, keys.Stop, keys.Done, keys.Skip, keys.Retry, keys.Auto, keys.Note, keys.NextPane, keys.Whole, keys.Finish,
	},
	keys.InGate:     {keys.PageDown, keys.Enter, keys.Cancel},
	keys.InStop:     {keys.Enter, keys.Cancel, keys.Help},
	keys.InText:     {keys.Enter, keys.Cancel},
	keys.InChoice:   {keys.Enter, keys.Cancel},
	keys.InLogin:    {keys.Enter, keys.Cancel},
	keys.InHelp:     {keys.Cancel},
	keys.InMatrix:   {keys.Enter, keys.Finish, keys.NextPane, keys.Cancel, keys.Help},
	keys.InTimeline: {keys.Enter, keys.Toggle, keys.Filter, keys.Copy, keys.Cancel, keys.Help},
}

// foot is the line of keys that mean something now.
func (a *app) foot() string {
	sc := keys.InRun
	if d := a.top(); d != nil {
		sc = d.scope()
	}
	t := a.theme
	shown := func(ids []keys.ID, room int) (parts []string, used int) {
		for _, id := range ids {
			b := a.keys.Bound(sc, id)
			name, ok := a.shortFor(b, sc)
			k := keys.Name(b.Keys[0], t.Glyph.Enter)
			if n := ansi.StringWidth(k+name) + 4; ok && used+n <= room {
				used += n
				parts = append(parts, t.Key.Render(k)+" "+t.Muted.Render(name))
			}
		}
		return parts, used
	}
	// What leads on from a screen, and out of it, is never squeezed out.
	var last []string
	used := 0
	if sc == keys.InRun {
		last, used = shown([]keys.ID{keys.Help, keys.Leave}, a.layout.w)
	}
	first, _ := shown(footers[sc], a.layout.w-used)
	return pane.Cut(" "+strings.Join(append(first, last...), t.Faint.Render(" "+t.Glyph.Dot+" ")), a.layout.w, "")
}

// shortFor is the word of a key at this moment, and whether it applies.
func (a *app) shortFor(b keys.Binding, sc keys.Scope) (string, bool) {
	if g, ok := a.top().(*gateDialog); ok && b.ID == keys.PageDown {
		return b.Short, !g.d.Ready()
	}
	if d, ok := a.top().(*matrixPage); ok && b.ID == keys.NextPane {
		return b.Short, d.v.Several()
	}
	if sc != keys.InRun {
		return b.Short, b.Short != ""
	}
	wait := a.snap.Wait
	switch b.ID {
	case keys.Go:
		return a.goWord()
	case keys.Whole:
		return b.Short, !a.layout.wide
	case keys.Done:
		return b.Short, wait == run.WaitManual
	case keys.Auto:
		if a.auto {
			return "auto off", wait != run.WaitClosed
		}
		return b.Short, wait != run.WaitClosed
	case keys.Leave:
		if a.layout.wide {
			return "leave (the run stays)", wait != run.WaitClosed
		}
		return b.Short, wait != run.WaitClosed
	default:
	}
	if b.Verb != "" {
		return b.Short, b.Short != "" && a.snap.Action(b.Verb).OK()
	}
	return b.Short, b.Short != ""
}

// goWord says what Enter does now.
func (a *app) goWord() (string, bool) {
	if a.tree.Away() {
		return "back to the run", true
	}
	switch a.snap.Wait {
	case run.WaitGo:
		if c := a.snap.Run.Cell(a.snap.Current); c != nil && (c.Plan.Step.Gated || c.Rerun) {
			return "open the gate", true
		}
		return "run", true
	case run.WaitManual:
		return "tick", true
	case run.WaitPaused:
		return "go on", true
	case run.WaitFailure, run.WaitUnknown:
		return "remedies", true
	case run.WaitAsk:
		return "answer", true
	case run.WaitBatch:
		return "go on?", true
	case run.WaitUndo:
		return "roll back?", true
	case run.WaitClosed:
		return "leave", true
	case run.WaitNothing, run.WaitGate:
	}
	return "", false
}

// helpDialog is the page of keys.
type helpDialog struct {
	page
	scroll pane.Scroll
	total  int
	room   int
}

func (d *helpDialog) scope() keys.Scope   { return keys.InHelp }
func (d *helpDialog) wheel(_ *app, n int) { d.scroll.By(n, d.total, d.room) }

func (d *helpDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, ok := a.keys.Lookup(keys.InHelp, k.String())
	switch {
	case !ok || b.ID == keys.Cancel || b.ID == keys.Interrupt:
		a.shut()
	case b.ID == keys.Up:
		d.scroll.By(-1, d.total, d.room)
	case b.ID == keys.Down:
		d.scroll.By(1, d.total, d.room)
	case b.ID == keys.PageUp:
		d.scroll.By(-d.room, d.total, d.room)
	case b.ID == keys.PageDown:
		d.scroll.By(d.room, d.total, d.room)
	}
	return nil
}

func (d *helpDialog) render(a *app, w, h int) string {
	iw, ih := pane.Inner(w, h)
	lines := helpLines(a.keys, a.theme, iw)
	if a.snap != nil {
		lines = append(lines, "", a.theme.Accent.Render("Not now"))
		for _, av := range a.snap.Actions {
			if !av.OK() {
				lines = append(lines, "  "+pane.Fit(wording.Remedy(av.Verb), 16, "")+a.theme.Muted.Render(wording.Line(av.Why)))
			}
		}
	}
	d.total, d.room = len(lines), ih
	box := pane.Box{Title: "Keys", Right: "esc closes", Focus: true, Scroll: &d.scroll}
	return box.Render(a.theme, d.scroll.Window(lines, ih), w, h)
}

// helpLines is the keymap as text.
func helpLines(m keys.Map, t *theme.Theme, w int) []string {
	var groups []string
	for _, b := range m.Bindings() {
		if !slices.Contains(groups, b.Group) {
			groups = append(groups, b.Group)
		}
	}
	var out []string
	for i, g := range groups {
		if i > 0 {
			out = append(out, "")
		}
		out = append(out, t.Accent.Render(g))
		for _, b := range m.Bindings() {
			if b.Group != g {
				continue
			}
			var names []string
			for _, k := range b.Keys {
				names = append(names, keys.Name(k, "enter"))
			}
			head := "  " + t.Key.Render(pane.Fit(strings.Join(names, " "), 16, ""))
			for j, l := range pane.Wrap(b.Long, max(w-18, 10)) {
				if j > 0 {
					head = strings.Repeat(" ", 18)
				}
				out = append(out, head+t.Text.Render(l))
			}
		}
	}
	return out
}
