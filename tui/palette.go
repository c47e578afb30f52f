package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/sahilm/fuzzy"

	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/prompt"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// paletteDialog finds by its words what a key does where it was opened, and the steps
// of the run.
type paletteDialog struct {
	box
	from   dialog // what had the keys; nil: the run screen
	p      *prompt.Prompt
	keys   []entry
	steps  []entry // made when the first word is typed
	shown  []entry
	at     int
	rows   int
	scroll pane.Scroll
}

// entry is a line of the palette.
type entry struct {
	name, says string
	key        string  // that does the same; empty: none
	why        string  // it doesn't apply now; empty: it does
	visit      run.Key // a step to look at; zero: press the key
}

// palette opens the palette of what has the keys.
func (a *app) palette() tea.Cmd {
	d := &paletteDialog{from: a.top(), rows: 10}
	in := []keys.Scope{keys.InRun}
	if d.from != nil {
		in = []keys.Scope{d.from.scope()}
	} else if a.focus == paneOut {
		in = []keys.Scope{keys.InOutput, keys.InRun}
	}
	d.keys = a.commands(in, d.from)
	d.p = a.prompt(prompt.Config{
		Title: "Commands and steps", In: keys.InPalette,
		Ask:  "Words, or a step's number or title:",
		Body: func(t *theme.Theme, w int) []string { return d.list(t, w) },
	})
	d.narrow(a)
	a.open(d)
	return nil
}

// commands are the keys of some scopes: those that apply first.
func (a *app) commands(in []keys.Scope, from dialog) []entry {
	var can, not []entry
	met := map[string]bool{}
	for _, sc := range in {
		for _, b := range a.keys.Bindings() {
			if !slices.Contains(b.In, sc) || b.ID == keys.Palette || met[b.Keys[0]] || !means(b, from) {
				continue
			}
			met[b.Keys[0]] = true
			e := entry{name: strings.ReplaceAll(b.ID.String(), "-", " "), says: b.Long, key: b.Keys[0], why: a.whyNot(b, sc)}
			if e.why == "" {
				can = append(can, e)
			} else {
				not = append(not, e)
			}
		}
	}
	return append(can, not...)
}

// means reports whether a key of a dialog means something at what it is about.
func means(b keys.Binding, from dialog) bool {
	d, ok := from.(*stopDialog)
	if !ok || b.Verb == "" {
		return true
	}
	_, listed := d.m.Find(b.Keys[0])
	return listed
}

// whyNot says why a key does nothing now, or "".
func (a *app) whyNot(b keys.Binding, sc keys.Scope) string {
	switch {
	case sc == keys.InRun && b.ID == keys.Go:
		if _, ok := a.goWord(); !ok {
			return wording.Line(a.action(b.Verb).Why)
		}
		return ""
	case sc == keys.InRun && b.ID == keys.Menu && !stopped(a.snap.Wait):
		return "nothing has failed here"
	case b.ID == keys.Monitors && len(a.board.All()) == 0:
		return "no monitor of this run has begun"
	case sc == keys.InRun && b.ID == keys.Whole && a.layout.wide:
		return "there is room for the whole tree"
	case (b.ID == keys.Edit || b.ID == keys.Pager) && a.o.Outside == nil:
		return "there is no program for it here"
	case b.Verb != "":
		return wording.Line(a.action(b.Verb).Why)
	}
	return ""
}

// goTo are the steps of the run, and what was run beside them.
func (a *app) goTo() []entry {
	for _, d := range a.dialogs {
		switch d.(type) {
		case *gateDialog, *questionDialog, *loginDialog:
			return nil // it stays in front
		}
	}
	r := a.snap.Run
	var out []entry
	for _, c := range slices.Concat(r.Cells, r.OffBook) {
		out = append(out, entry{name: "go to " + wording.Among(r, c), says: wording.Line(c.Plan.Step.ID), visit: c.Key})
	}
	return out
}

// narrow keeps what has the words, the best match first.
func (d *paletteDialog) narrow(a *app) {
	d.at = 0
	words := strings.TrimSpace(d.p.Value())
	if words == "" {
		d.shown = d.keys
		return
	}
	if d.steps == nil {
		d.steps = a.goTo()
	}
	all := lines(slices.Concat(d.keys, d.steps))
	var alike []entry // have the characters, not the words
	d.shown = nil
	for _, m := range fuzzy.FindFrom(words, all) {
		if has(all.String(m.Index), words) {
			d.shown = append(d.shown, all[m.Index])
		} else {
			alike = append(alike, all[m.Index])
		}
	}
	d.shown = append(d.shown, alike...)
}

// has reports whether a text has all of some words, whatever their case.
func has(text, words string) bool {
	text = strings.ToLower(text)
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(words)), func(w string) bool { return !strings.Contains(text, w) })
}

// lines are entries as they are searched.
type lines []entry

func (l lines) String(i int) string { return l[i].name + "  " + l[i].says }
func (l lines) Len() int            { return len(l) }

func (d *paletteDialog) scope() keys.Scope   { return keys.InPalette }
func (d *paletteDialog) wheel(_ *app, n int) { d.move(n) }
func (d *paletteDialog) move(n int)          { d.at = max(min(d.at+n, len(d.shown)-1), 0) }
func (d *paletteDialog) paste(a *app, m tea.PasteMsg) {
	d.p.Paste(m)
	d.narrow(a)
}

func (d *paletteDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, _ := a.keys.Lookup(keys.InPalette, k.String())
	switch b.ID {
	case keys.Cancel, keys.Interrupt:
		a.shut()
	case keys.Up:
		d.move(-1)
	case keys.Down:
		d.move(1)
	case keys.PageUp:
		d.move(-d.rows)
	case keys.PageDown:
		d.move(d.rows)
	case keys.Enter:
		if d.at < len(d.shown) {
			return d.choose(a, d.shown[d.at])
		}
	default:
		d.p.Key(k)
		d.narrow(a)
	}
	return nil
}

// choose does what an entry says: exactly what its key would do where the palette was
// opened, unless something else has come up there.
func (d *paletteDialog) choose(a *app, e entry) tea.Cmd {
	if e.why != "" {
		d.p.Say("not now: " + e.why)
		return nil
	}
	a.dialogs = a.dialogs[:len(a.dialogs)-1]
	if a.top() != d.from {
		a.revealed()
		a.word, a.bad = "something has come up meanwhile; nothing was done", true
		return nil
	}
	if e.visit == (run.Key{}) {
		return a.key(tea.KeyPressMsg{Text: e.key})
	}
	return a.visit(e.visit)
}

func (d *paletteDialog) render(a *app, w, h int) string {
	d.rows = max(min(h-8, 16), 3)
	return d.p.Render(a.theme, min(w, 100), h)
}

// list draws the entries around the one under the cursor.
func (d *paletteDialog) list(t *theme.Theme, w int) []string {
	if len(d.shown) == 0 {
		return []string{t.Muted.Render("nothing has these words")}
	}
	wide := 0
	for _, e := range d.shown {
		if e.visit == (run.Key{}) {
			wide = max(wide, ansi.StringWidth(e.name))
		}
	}
	out := make([]string, len(d.shown))
	d.scroll.Show(d.at, len(d.shown), d.rows)
	for i := d.scroll.Top; i < min(d.scroll.Top+d.rows, len(out)); i++ {
		out[i] = d.shown[i].line(t, wide, w, i == d.at)
	}
	shown := d.scroll.Window(out, d.rows)
	for len(shown) < d.rows {
		shown = append(shown, "")
	}
	return shown
}

func (e entry) line(t *theme.Theme, wide, w int, selected bool) string {
	name, says := pane.Fit(e.name, wide, ""), e.says
	if e.visit != (run.Key{}) {
		name = e.name
	}
	if e.why != "" {
		says = "not now: " + e.why
	}
	key := keys.Name(e.key, "enter")
	switch {
	case selected:
		return t.Selected.Render(pane.Row(t.Glyph.Cursor+" "+name+"  "+says, key, w, t.Glyph.Ellipsis))
	case e.why != "":
		return t.Faint.Render(pane.Row("  "+name+"  "+says, key, w, t.Glyph.Ellipsis))
	}
	return pane.Row("  "+t.Strong.Render(name)+"  "+t.Muted.Render(says), t.Key.Render(key), w, t.Glyph.Ellipsis)
}
