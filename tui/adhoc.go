package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/prompt"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// asideState is what is kept of commands that aren't in the runbook.
type asideState struct {
	typed []string // in this session, the latest last
	seen  int      // how many the run has had
	shown run.Key  // the one that the cursor was put on by itself
	begun bool     // those that it had before are known
}

// commandDialog asks for a command that isn't in the runbook, or for a shell, and for
// the place where it runs.
type commandDialog struct {
	box
	shell  bool
	where  string
	p      *prompt.Prompt // the command; nil: of a shell
	pick   *prompt.Prompt // words that the places have; nil: no place is being chosen
	places []string
	shown  []string // those that have the words
	at     int      // the one under the cursor
	scroll pane.Scroll
	back   int // how far back in what was typed; 0: not
	cell   run.Key
	seq    uint64
}

// adHoc asks for a command, or for the place of a shell.
func (a *app) adHoc(shell bool) tea.Cmd {
	if why := a.action(run.VerbAdHoc).Why; why != "" {
		return a.refuse(run.VerbAdHoc, why)
	}
	d := &commandDialog{shell: shell, places: a.snap.Run.AdHocPlaces(), cell: a.snap.Current, seq: a.snap.Seq}
	d.where = d.places[0]
	if c := a.selected(); c != nil && slices.Contains(d.places, c.Key.Target) {
		d.where = c.Key.Target
	}
	if shell {
		d.choose(a)
	} else {
		d.p = a.prompt(prompt.Config{
			Title: "A command that is not in the runbook", Ask: "Which command?", Required: true, Exact: true, In: keys.InCommand, Takes: "runs it",
			Body: func(t *theme.Theme, w int) []string { return d.says(a, t, w) },
			Validate: func(s string) error {
				_, err := a.snap.Run.AdHocAsked(run.AdHoc{Where: d.where, Body: s})
				return err
			},
		})
	}
	a.open(d)
	return nil
}

// prompt begins to ask, with the operator's keys.
func (a *app) prompt(c prompt.Config) *prompt.Prompt {
	c.Keys = a.keys
	return prompt.New(c)
}

// says is what will run, and where.
func (d *commandDialog) says(a *app, t *theme.Theme, w int) []string {
	out := []string{t.Muted.Render("on ") + t.Strong.Render(wording.Place(d.where)) +
		t.Muted.Render("  "+t.Glyph.Dash+" "+a.press(keys.InCommand, keys.NextPane)+": another place")}
	out = append(out, wrapped(t.Muted, "In sh, with the values and shared functions that a step has there. It is recorded as off-book.", w)...)
	body := d.p.Value()
	if strings.TrimSpace(body) == "" {
		return out
	}
	ask, err := a.snap.Run.AdHocAsked(run.AdHoc{Where: d.where, Body: body})
	out = append(out, "", t.Strong.Render("This runs on "+wording.Place(d.where)+":"))
	for _, l := range wording.Exact(ask.Body) {
		for part := range strings.SplitSeq(ansi.Hardwrap(l, max(w-2, 1), true), "\n") {
			out = append(out, t.Faint.Render("  ")+t.Exact(t.Code, part))
		}
	}
	switch {
	case err != nil:
	case ask.Judged != "":
		out = append(out, wrapped(t.Caution, "This looks destructive: "+wording.Line(ask.Judged)+". A gate comes first.", w)...)
	default:
		out = append(out, wrapped(t.Muted, "It runs at once: no gate comes first.", w)...)
	}
	return out
}

// choose begins to choose a place.
func (d *commandDialog) choose(a *app) {
	title, takes := "Where does it run?", ""
	if d.shell {
		title, takes = "A shell: where?", "opens it"
	}
	d.pick = a.prompt(prompt.Config{
		Title: title, Ask: "Words of its name:", In: keys.InCommand, Takes: takes,
		Body: func(t *theme.Theme, w int) []string { return d.list(a, t, w) },
	})
	d.narrow()
	d.at = max(slices.Index(d.shown, d.where), 0)
}

// narrow keeps the places that have the words.
func (d *commandDialog) narrow() {
	d.shown = slices.DeleteFunc(slices.Clone(d.places), func(p string) bool { return !has(wording.Place(p), d.pick.Value()) })
	d.at = min(d.at, max(len(d.shown)-1, 0))
}

// placeRows is how many places are in sight.
const placeRows = 9

// list draws the places.
func (d *commandDialog) list(a *app, t *theme.Theme, w int) []string {
	var out []string
	if d.shell {
		out = append(wrapped(t.Text, "You get this terminal until the shell ends. That it was open is recorded; what you type there is not.", w), "")
	}
	if len(d.shown) == 0 {
		return append(out, t.Muted.Render("no place has these words"))
	}
	lines := make([]string, len(d.shown))
	for i, p := range d.shown {
		lead, state := "  ", a.snap.Hosts[p].State
		line := pane.Row(wording.Place(p), t.Muted.Render(wording.Line(state)), max(w-2, 1), t.Glyph.Ellipsis)
		if i == d.at {
			lead = t.Glyph.Cursor + " "
			line = t.Selected.Render(pane.Row(wording.Place(p), wording.Line(state), max(w-2, 1), t.Glyph.Ellipsis))
		}
		lines[i] = lead + line
	}
	d.scroll.Show(d.at, len(lines), placeRows)
	shown := d.scroll.Window(lines, placeRows)
	if more := len(lines) - len(shown); more > 0 {
		shown = append(shown, t.Faint.Render("  "+wording.More(more)))
	}
	return append(out, shown...)
}

func (d *commandDialog) scope() keys.Scope { return keys.InCommand }

func (d *commandDialog) paste(_ *app, m tea.PasteMsg) {
	if d.pick != nil {
		d.pick.Paste(m)
		d.narrow()
		return
	}
	d.p.Paste(m)
}

func (d *commandDialog) wheel(_ *app, n int) {
	if d.pick != nil {
		d.move(n)
		return
	}
	d.p.Scroll(n)
}

func (d *commandDialog) move(n int) { d.at = max(min(d.at+n, len(d.shown)-1), 0) }

func (d *commandDialog) render(a *app, w, h int) string {
	if d.pick != nil {
		return d.pick.Render(a.theme, min(w, 72), h)
	}
	return d.p.Render(a.theme, min(w, 96), h)
}

func (d *commandDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, _ := a.keys.Lookup(keys.InCommand, k.String())
	if d.pick != nil {
		return d.pickKey(a, k, b.ID)
	}
	switch b.ID {
	case keys.Cancel, keys.Interrupt:
		a.shut()
	case keys.Enter:
		if !a.sent && d.p.Enter() {
			return d.send(a, run.AdHoc{Where: d.where, Body: d.p.Value()})
		}
	case keys.NextPane:
		d.choose(a)
	case keys.Up:
		d.recall(a, 1)
	case keys.Down:
		d.recall(a, -1)
	default:
		d.p.Key(k)
	}
	return nil
}

// pickKey is a key while a place is being chosen.
func (d *commandDialog) pickKey(a *app, k tea.KeyPressMsg, id keys.ID) tea.Cmd {
	switch id {
	case keys.Cancel, keys.Interrupt, keys.NextPane:
		switch {
		case !d.shell:
			d.pick = nil
		case id != keys.NextPane:
			a.shut()
		}
	case keys.Up:
		d.move(-1)
	case keys.Down:
		d.move(1)
	case keys.PageUp:
		d.move(-placeRows)
	case keys.PageDown:
		d.move(placeRows)
	case keys.Enter:
		if d.at >= len(d.shown) || a.sent {
			return nil
		}
		d.where = d.shown[d.at]
		if d.shell {
			return d.send(a, run.AdHoc{Where: d.where, TTY: true})
		}
		d.pick = nil
		d.p.Key(tea.KeyPressMsg{}) // another place may refuse what was typed
	default:
		d.pick.Key(k)
		d.narrow()
	}
	return nil
}

// recall proposes what was typed before, n commands further back.
func (d *commandDialog) recall(a *app, n int) {
	typed := a.aside.typed
	d.back = max(min(d.back+n, len(typed)), 0)
	if d.back == 0 {
		d.p.Set("")
		return
	}
	d.p.Set(typed[len(typed)-d.back])
}

func (d *commandDialog) send(a *app, act run.AdHoc) tea.Cmd {
	if typed := a.aside.typed; act.Body != "" && (len(typed) == 0 || typed[len(typed)-1] != act.Body) {
		a.aside.typed = append(typed, act.Body)
	}
	if _, err := a.snap.Run.AdHocAsked(act); err != nil {
		a.say(err)
		return nil
	}
	a.shut()
	return a.do(d.cell, d.seq, run.VerbAdHoc, act)
}

// showAside puts the cursor on a command that isn't in the runbook once it has ended:
// its output is what the operator wants to see.
func (a *app) showAside() {
	cells := a.snap.Run.OffBook
	if !a.aside.begun {
		a.aside.begun, a.aside.seen = true, len(cells)
	}
	if len(cells) <= a.aside.seen {
		return
	}
	last := cells[len(cells)-1]
	if a.snap.Current == last.Key || !last.Status.Settled() && last.Status != run.Failed {
		return // the cursor follows the run there
	}
	a.aside.seen = len(cells)
	if row, _ := a.tree.Selected(); !a.tree.Away() || row.Key == a.aside.shown && row.Step != nil {
		a.aside.shown = last.Key
		a.tree.Visit(last.Key)
	}
}
