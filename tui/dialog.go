package tui

import (
	"slices"
	"time"

	"stepgate/tui/keys"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/gate"
	"stepgate/tui/menu"
	"stepgate/tui/prompt"
)

// dialog is something in front of the run screen that has the keys.
type dialog interface {
	scope() keys.Scope
	whole() bool // it has the whole body, not a box in its middle
	fit(a *app)  // the screen's size has changed
	key(a *app, k tea.KeyPressMsg) tea.Cmd
	paste(a *app, m tea.PasteMsg)
	wheel(a *app, n int)            // the wheel was turned over it, by n lines
	click(a *app, x, y int) tea.Cmd // in cells from its upper left corner
	render(a *app, w, h int) string
}

// box is what a dialog in the middle of the screen does by itself; page is one
// that has the whole body.
type (
	box  struct{}
	page struct{ box }
)

func (box) whole() bool                  { return false }
func (page) whole() bool                 { return true }
func (box) fit(*app)                     {}
func (box) paste(*app, tea.PasteMsg)     {}
func (box) wheel(*app, int)              {}
func (box) click(*app, int, int) tea.Cmd { return nil }

func (a *app) top() dialog {
	if len(a.dialogs) == 0 {
		return nil
	}
	return a.dialogs[len(a.dialogs)-1]
}

func (a *app) open(d dialog) {
	a.dialogs = append(a.dialogs, d)
	d.fit(a)
}

// shut closes the top dialog. What comes to light behind it has just appeared.
func (a *app) shut() {
	if len(a.dialogs) > 0 {
		a.dialogs = a.dialogs[:len(a.dialogs)-1]
	}
	a.revealed()
}

// revealed says of the top dialog that it has just appeared.
func (a *app) revealed() {
	switch d := a.top().(type) {
	case *gateDialog:
		d.d.Appear(a.now)
		d.fit(a)
	case *stopDialog:
		d.appeared = a.now
	case *questionDialog:
		d.appeared = a.now
	case *choiceDialog:
		if d.wish != 0 {
			d.appeared = a.now
		}
	}
}

// stopped reports whether the run waits for a decision that has a menu.
func stopped(w run.Wait) bool {
	return w == run.WaitFailure || w == run.WaitUnknown || w == run.WaitBatch || w == run.WaitUndo || w == run.WaitMonitor
}

// drop closes every dialog that is no longer wanted.
func (a *app) drop(unwanted func(dialog) bool) {
	before := a.top()
	a.dialogs = slices.DeleteFunc(a.dialogs, unwanted)
	if a.top() != before {
		a.revealed()
	}
}

// behind opens a dialog by itself: what the operator is typing into stays in
// front.
func (a *app) behind(d dialog) {
	a.comes(d)
	a.dialogs = slices.Insert(a.dialogs, 0, d)
	d.fit(a)
}

// dialogsFollow opens and closes the dialogs that belong to the run's state.
func (a *app) dialogsFollow() {
	if a.o.Watching {
		return
	}
	s := a.snap
	c := s.Run.Cell(s.Current)
	gated := s.Wait == run.WaitGate && c != nil && c.Gate != nil && c.Grant == nil
	stopped := stopped(s.Wait)
	asked := s.Wait == run.WaitAsk && c != nil
	here := a.here()
	a.drop(func(d dialog) bool {
		switch d := d.(type) {
		case *gateDialog:
			if !gated || d.d.Gate() != c.Gate.Gate {
				return true
			}
			d.d.Follow(a.theme, s, c, a.now)
		case *stopDialog:
			return !stopped || d.at != here
		case *questionDialog:
			return !asked || d.at != here
		case *choiceDialog:
			return d.whileBusy && s.Busy == nil
		}
		return false
	})
	open := len(a.dialogs) > 0 && slices.ContainsFunc(a.dialogs, func(d dialog) bool {
		switch d.(type) {
		case *gateDialog, *stopDialog, *questionDialog:
			return true
		}
		return false
	})
	switch {
	case open:
	case gated:
		a.tree.Return()
		a.behind(&gateDialog{d: gate.New(s, c, a.keys, a.now)})
	case stopped && a.offered != here:
		a.offered = here
		a.tree.Return()
		a.behind(newStop(a, here))
	case asked && a.offered != here:
		a.offered = here
		a.tree.Return()
		a.behind(newQuestion(a, here))
	}
}

// gateDialog is the gate the run stands at.
type gateDialog struct {
	page
	d *gate.Dialog
}

func (g *gateDialog) scope() keys.Scope { return keys.InGate }
func (g *gateDialog) fit(a *app)        { g.d.Layout(a.theme, a.layout.body.w, a.layout.body.h, a.now) }

func (g *gateDialog) paste(*app, tea.PasteMsg) {
	g.d.Paste()
}
func (g *gateDialog) wheel(a *app, n int) { g.d.Scroll(n, a.now) }

// stood notes what of a gate has been on the screen until now.
func (a *app) stood() {
	if g, ok := a.top().(*gateDialog); ok && !a.layout.small {
		g.d.Stood(a.now)
	}
}

// lit says of every gate whether it is on the screen.
func (a *app) lit() {
	for _, d := range a.dialogs {
		if g, ok := d.(*gateDialog); ok {
			g.d.Visible(d == a.top() && !a.layout.small, a.now)
		}
	}
}

func (g *gateDialog) render(a *app, w, h int) string { return g.d.Render(a.theme, w, h, a.now) }

func (g *gateDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, ok := a.keys.Lookup(keys.InGate, k.String())
	if !ok {
		if k.Text != "" {
			g.d.Type(k.Text, a.now)
		}
		return nil
	}
	switch b.ID {
	case keys.Up:
		g.d.Scroll(-1, a.now)
	case keys.Down:
		g.d.Scroll(1, a.now)
	case keys.PageUp:
		g.d.Scroll(-g.d.Page(), a.now)
	case keys.PageDown:
		g.d.Scroll(g.d.Page(), a.now)
	case keys.Erase:
		g.d.Backspace(a.now)
	case keys.Unfold:
		g.d.Unfold(a.theme, a.now)
	case keys.Enter:
		return g.answer(a, g.d.Enter(a.now))
	case keys.Cancel, keys.Interrupt:
		return g.answer(a, g.d.Decline(a.now))
	default:
	}
	return nil
}

func (g *gateDialog) answer(a *app, ans gate.Answer) tea.Cmd {
	typed := ""
	switch ans {
	case gate.None:
		return nil
	case gate.Granted:
		typed = g.d.Typed()
	case gate.Declined:
	}
	return a.do(g.d.Key(), a.snap.Seq, run.VerbAnswer, run.Answer{Gate: g.d.Gate(), Typed: typed})
}

// textDialog asks for a text and does something with it.
type textDialog struct {
	box
	p    *prompt.Prompt
	then func(a *app, text string) tea.Cmd
}

func (d *textDialog) scope() keys.Scope            { return keys.InText }
func (d *textDialog) paste(_ *app, m tea.PasteMsg) { d.p.Paste(m) }
func (d *textDialog) wheel(a *app, n int)          { scrollPrompt(a, d.p, n) }

// scrollPrompt moves what there is to read above an input, not faster than it is drawn.
func scrollPrompt(a *app, p *prompt.Prompt, n int) {
	if a.turn() {
		p.Scroll(n)
	}
}

func (d *textDialog) render(a *app, w, h int) string {
	return d.p.Render(a.theme, min(w, 96), h)
}

func (d *textDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, _ := a.keys.Lookup(keys.InText, k.String())
	switch b.ID {
	case keys.Cancel, keys.Interrupt:
		a.shut()
	case keys.Enter:
		if d.p.Enter() {
			a.shut()
			return d.then(a, d.p.Value())
		}
	default:
		d.p.Key(k)
	}
	return nil
}

// choiceDialog offers a few answers, one key each.
type choiceDialog struct {
	box
	title     string
	says      []string
	m         menu.Menu
	then      map[string]func(a *app) tea.Cmd
	below     []below   // what the choices stand for
	menuAt    int       // the line of the first answer
	whileBusy bool      // it is pointless once nothing is going on
	wish      uint64    // of a guest, by the number of its event; 0: none
	appeared  time.Time // by itself; zero: a key has opened it
}

// add adds an answer; why says why it can't be chosen.
func (d *choiceDialog) add(key, name, says, why string, then func(*app) tea.Cmd) {
	d.m.Entries = append(d.m.Entries, menu.Entry{Key: key, Name: name, Says: says, Why: why})
	d.then[key] = then
}

func (d *choiceDialog) scope() keys.Scope { return keys.InChoice }

func (d *choiceDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	if !graceOver(d.appeared, a.now) {
		return nil
	}
	if e, ok := d.m.Find(k.String()); ok && e.Why == "" {
		return d.choose(a, e.Key)
	}
	b, _ := a.keys.Lookup(keys.InChoice, k.String())
	switch b.ID {
	case keys.Up:
		d.m.Move(-1)
	case keys.Down:
		d.m.Move(1)
	case keys.Enter:
		if e, ok := d.m.Selected(); ok {
			return d.choose(a, e.Key)
		}
		a.shut()
	case keys.Cancel, keys.Interrupt:
		a.shut()
	default:
	}
	return nil
}

// click puts the cursor on an answer; one more gives it.
func (d *choiceDialog) click(a *app, _, y int) tea.Cmd {
	if !graceOver(d.appeared, a.now) {
		return nil
	}
	if e, again := d.m.Click(y - 1 - d.menuAt); again {
		return d.choose(a, e.Key)
	}
	return nil
}

func (d *choiceDialog) choose(a *app, key string) tea.Cmd {
	a.shut()
	if f := d.then[key]; f != nil {
		return f(a)
	}
	return nil
}

// graceOver reports whether keys are meant for what appeared then.
func graceOver(appeared, now time.Time) bool { return now.Sub(appeared) >= gate.Grace }
