package tui

import (
	"time"

	"stepgate/tui/keys"

	tea "charm.land/bubbletea/v2"

	"stepgate/tui/wording"
)

// loginDialog puts what a login needs in front of everything else.
type loginDialog struct {
	box
	*answering
}

// pause swallows keys until none has come for [gate.Grace].
type pause struct{ since time.Time }

// over reports whether a key at that moment is to be taken. The zero pause is over.
func (p *pause) over(now time.Time) bool {
	if p.since.IsZero() || graceOver(p.since, now) {
		p.since = time.Time{}
		return true
	}
	p.since = now
	return false
}

func (d *loginDialog) scope() keys.Scope            { return keys.InLogin }
func (d *loginDialog) paste(a *app, m tea.PasteMsg) { d.answering.paste(m, a.now) }
func (d *loginDialog) wheel(a *app, n int)          { scrollPrompt(a, d.p, n) }

func (d *loginDialog) render(a *app, w, h int) string { return d.answering.render(a.theme, w, h) }

// key takes a key. Actions that are on their way don't hold an answer up: they may be
// waiting for this very login.
func (d *loginDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	r, ok := d.answering.key(a.keys, k, a.now)
	if !ok {
		return nil
	}
	ctl, ctx, at, seq := a.ctl, a.ctx, a.snap.Current, a.snap.Seq
	return func() tea.Msg { return respondedMsg{r.Prompt, ctl.Do(ctx, at, seq, r)} }
}

// responded says what came of an answer. One that was taken closes the dialog
// when the run says so.
func (a *app) responded(m respondedMsg) {
	if m.err == nil {
		return
	}
	a.say(m.err)
	if d, ok := a.top().(*loginDialog); ok && d.asks.ID == m.prompt {
		d.refused(a.word)
	}
}

// login opens the dialog of what a login needs, and closes it when that is no
// longer asked for. What is typed on into a dialog that has gone is swallowed.
func (a *app) login() {
	asks := a.snap.Prompt
	d, open := a.top().(*loginDialog)
	if open && (asks == nil || asks.ID != d.asks.ID) {
		if !d.sent {
			a.word, a.bad = wording.Line(d.asks.Host)+" does not ask any more", false
		}
		a.shut()
		a.hush.since = a.now
		open = false
	}
	if asks != nil && !open {
		a.open(&loginDialog{answering: newAnswering(*asks, a.keys, a.now)})
	}
}

// hushed reports whether a key was meant for a login that has gone.
func (a *app) hushed(key string) bool {
	_, login := a.top().(*loginDialog)
	b, _ := a.keys.Lookup(keys.InRun, key)
	return !login && b.ID != keys.Interrupt && !a.hush.over(a.now)
}
