package tui

import (
	"slices"
	"strings"

	"stepgate/tui/keys"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/prompt"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// footers are the keys shown at the bottom of each screen, most wanted first.
var footers = map[keys.Scope][]keys.ID{
	keys.InRun: {
		keys.Go, keys.Stop, keys.Done, keys.Skip, keys.Retry, keys.Auto, keys.Note, keys.Matrix, keys.NextPane, keys.Monitors, keys.AdHoc, keys.Whole, keys.Finish, keys.Timeline,
	},
	keys.InGate:     {keys.PageDown, keys.Enter, keys.Cancel},
	keys.InStop:     {keys.Enter, keys.Cancel, keys.Help},
	keys.InText:     {keys.Enter, keys.Cancel},
	keys.InChoice:   {keys.Enter, keys.Cancel},
	keys.InLogin:    {keys.Enter, keys.Cancel},
	keys.InHelp:     {keys.Filter, keys.Cancel},
	keys.InPalette:  {keys.Enter, keys.Cancel},
	keys.InCommand:  {keys.Enter, keys.NextPane, keys.Cancel},
	keys.InDiff:     {keys.Yes, keys.Edit, keys.Cancel},
	keys.InMonitors: {keys.Acknowledge, keys.Zoom, keys.Left, keys.NextPane, keys.Cancel, keys.Enter, keys.Help},
	keys.InMatrix:   {keys.Enter, keys.Finish, keys.NextPane, keys.Cancel, keys.Help},
	keys.InPage:     {keys.Search, keys.Next, keys.Cancel, keys.Help, keys.Streams, keys.Wrap, keys.Pager, keys.Copy, keys.NextPlace},
	keys.InTimeline: {keys.Enter, keys.Toggle, keys.Filter, keys.Copy, keys.Cancel, keys.Help},
}

// foot is the line of keys that mean something now.
func (a *app) foot() string {
	var parts []string
	for _, f := range a.footKeys() {
		parts = append(parts, f.text)
	}
	return pane.Cut(" "+strings.Join(parts, a.theme.Faint.Render(a.footGap())), a.layout.w, "")
}

// footKeys are the keys of the footer.
func (a *app) footKeys() []footKey {
	sc, t := a.inFront(), a.theme
	shown := func(ids []keys.ID, room int) (fs []footKey, used int) {
		for _, id := range ids {
			b := a.keys.Bound(sc, id)
			name, ok := a.shortFor(b, sc)
			k := keys.Name(b.Keys[0], t.Glyph.Enter)
			if n := ansi.StringWidth(k+name) + 4; ok && used+n <= room {
				used += n
				fs = append(fs, footKey{id, b.Keys[0], t.Key.Render(k) + " " + t.Muted.Render(name)})
			}
		}
		return fs, used
	}
	// What leads on from a screen, and out of it, is never squeezed out.
	var last []footKey
	used := 0
	if sc == keys.InRun {
		last, used = shown([]keys.ID{keys.Help, keys.Leave}, a.layout.w)
	}
	ids := footers[sc]
	if sc == keys.InRun && a.focus == paneOut && !a.out.Empty() {
		ids = outputFoot
	}
	first, _ := shown(ids, a.layout.w-used)
	return append(first, last...)
}

// shortFor is the word of a key at this moment, and whether it applies.
func (a *app) shortFor(b keys.Binding, sc keys.Scope) (string, bool) {
	if g, ok := a.top().(*gateDialog); ok && b.ID == keys.PageDown {
		return b.Short, !g.d.Ready()
	}
	if d, ok := a.top().(*matrixPage); ok && b.ID == keys.NextPane {
		return b.Short, d.v.Several()
	}
	if _, ok := a.top().(*monitorPage); ok {
		switch b.ID {
		case keys.NextPane:
			return b.Short, len(a.board.All()) > 1
		case keys.Acknowledge:
			return b.Short, !a.bars(b.ID) && a.action(b.Verb).OK()
		default:
		}
	}
	if d, ok := a.top().(*commandDialog); ok && d.pick != nil {
		switch {
		case b.ID == keys.NextPane:
			return "the command", !d.shell
		case b.ID == keys.Enter && !d.shell:
			return "choose", true
		case b.ID == keys.Enter:
			return "open it", true
		}
	}
	if sc != keys.InRun {
		return b.Short, b.Short != "" && !(sc == keys.InMatrix && a.bars(b.ID))
	}
	if a.bars(b.ID) {
		return "", false
	}
	wait := a.snap.Wait
	switch b.ID {
	case keys.Go:
		return a.goWord()
	case keys.Whole:
		return b.Short, !a.layout.wide
	case keys.Monitors:
		return b.Short, len(a.board.All()) > 0
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
		if c := a.snap.Run.Cell(a.snap.Current); c != nil && c.NeedsGate() {
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
	case run.WaitMonitor:
		return "acknowledge?", true
	case run.WaitClosed:
		return "leave", true
	case run.WaitNothing, run.WaitGate:
	}
	return "", false
}

// helpDialog is the page of keys: those of the screen it was opened from first.
type helpDialog struct {
	page
	from   keys.Scope
	words  *prompt.Prompt // what is searched for; nil: nothing
	typing bool           // words are being typed
	scroll pane.Scroll
	total  int
	room   int
}

func (d *helpDialog) scope() keys.Scope {
	if d.typing {
		return keys.InText
	}
	return keys.InHelp
}

func (d *helpDialog) wheel(_ *app, n int) { d.scroll.By(n, d.total, d.room) }

func (d *helpDialog) paste(_ *app, m tea.PasteMsg) {
	if d.typing {
		d.words.Paste(m)
	}
}

func (d *helpDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, _ := a.keys.Lookup(d.scope(), k.String())
	switch {
	case b.ID == keys.Interrupt:
		a.shut()
	case b.ID == keys.Cancel && d.words != nil:
		d.words, d.typing = nil, false
	case b.ID == keys.Cancel:
		a.shut()
	case d.typing && b.ID == keys.Enter:
		d.typing = false
		if d.words.Value() == "" {
			d.words = nil
		}
	case d.typing && b.ID == 0:
		d.words.Key(k)
		d.scroll.Top = 0
	case b.ID == keys.Filter:
		if d.words == nil {
			d.words = a.prompt(prompt.Config{})
		}
		d.typing = true
	default:
		scrolled(&d.scroll, b.ID, d.total, d.room)
	}
	return nil
}

func (d *helpDialog) render(a *app, w, h int) string {
	t := a.theme
	iw, ih := pane.Inner(w, h)
	box := pane.Box{Title: "Keys", Focus: true, Scroll: &d.scroll}
	box.Right = a.press(keys.InHelp, keys.Filter) + " searches, " + a.press(keys.InHelp, keys.Cancel) + " closes"
	var top []string
	if d.words != nil {
		line := t.Key.Render("/ ") + wording.Line(d.words.Value())
		if d.typing {
			line = t.Key.Render("/ ") + d.words.Draw(t, max(iw-2, 1))
		}
		top = []string{line, ""}
	}
	lines := d.lines(a, iw)
	d.total, d.room = len(lines), max(ih-len(top), 0)
	return box.Render(t, append(top, d.scroll.Window(lines, d.room)...), w, h)
}

// lines are the keys of the screen it was opened from, what doesn't apply there, and
// all the others.
func (d *helpDialog) lines(a *app, w int) []string {
	t := a.theme
	words := ""
	if d.words != nil {
		words = d.words.Value()
	}
	var out []string
	section := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		if len(out) > 0 {
			out = append(out, "")
		}
		out = append(append(out, t.Accent.Render(title)), lines...)
	}
	here, groups, elsewhere := []string(nil), []string(nil), map[string][]string{}
	for _, b := range a.keys.Bindings() {
		var places []string
		for _, s := range b.In {
			places = append(places, s.String())
		}
		switch in := slices.Contains(b.In, d.from); {
		case !has(strings.Join(slices.Concat(places, b.Keys, []string{b.Group, b.ID.String(), b.Long}), " "), words):
		case in:
			here = append(here, keyLines(t, b, b.Long, w)...)
		default:
			if elsewhere[b.Group] == nil {
				groups = append(groups, b.Group)
			}
			elsewhere[b.Group] = append(elsewhere[b.Group], keyLines(t, b, b.Long+" ("+strings.Join(places, ", ")+")", w)...)
		}
	}
	section("Here: "+d.from.String(), here)
	if a.snap != nil {
		var not []string
		for _, av := range a.snap.Actions {
			if name, why := wording.Remedy(av.Verb), wording.Line(av.Why); why != "" && has(name+" "+why, words) {
				not = append(not, "  "+pane.Fit(name, 16, "")+t.Muted.Render(pane.Cut(why, w-18, t.Glyph.Ellipsis)))
			}
		}
		section("Not now", not)
	}
	for _, g := range groups {
		section("Elsewhere: "+g, elsewhere[g])
	}
	if len(out) == 0 {
		out = wrapped(t.Muted, "No key has these words.", w)
	}
	return out
}

// keyLines is a key and what it does, in lines of at most w cells.
func keyLines(t *theme.Theme, b keys.Binding, long string, w int) []string {
	var names []string
	for _, k := range b.Keys {
		names = append(names, keys.Name(k, "enter"))
	}
	head := "  " + t.Key.Render(pane.Fit(strings.Join(names, " "), 16, ""))
	var out []string
	for _, l := range pane.Wrap(long, max(w-18, 10)) {
		out = append(out, head+t.Text.Render(l))
		head = strings.Repeat(" ", 18)
	}
	return out
}

// inFront is the scope of what has the keys.
func (a *app) inFront() keys.Scope {
	if d := a.top(); d != nil {
		return d.scope()
	}
	return keys.InRun
}

// press is a key as the operator reads it.
func (a *app) press(sc keys.Scope, id keys.ID) string { return a.keys.Name(sc, id, "enter") }
