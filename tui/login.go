package tui

import (
	"time"

	"stepgate/tui/keys"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/gate"
	"stepgate/tui/prompt"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// loginDialog puts what a login needs in front of everything else. It takes
// keys only once none has come for a while: whoever was typing when it appeared
// meant something else, and sees that nothing was taken.
type loginDialog struct {
	box
	asks  run.Prompt
	p     *prompt.Prompt
	quiet pause
	last  time.Time // of the last character
	sent  bool
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

func newLogin(asks run.Prompt, now time.Time) *loginDialog {
	body := func(t *theme.Theme, w int) []string {
		var out []string
		if asks.Again != "" {
			out = append(wrapped(t.Bad, wording.Line(asks.Again), w), "")
		}
		for _, d := range asks.Detail {
			out = append(out, wrapped(t.Text, wording.Line(d), w)...)
		}
		return out
	}
	return &loginDialog{asks: asks, quiet: pause{now}, p: prompt.New(prompt.Config{
		Title: "Login: " + wording.Line(asks.Host), Body: body, Ask: wording.Asks(&asks),
		Phrase: asks.Must, Secret: !asks.Echo, Exact: !asks.Echo, Leaves: "declines", In: keys.InLogin,
	})}
}

func (d *loginDialog) scope() keys.Scope { return keys.InLogin }

func (d *loginDialog) paste(a *app, m tea.PasteMsg) {
	if d.quiet.over(a.now) && !d.sent {
		d.p.Paste(m)
	}
}

func (d *loginDialog) render(a *app, w, h int) string { return d.p.Render(a.theme, min(w, 84), h) }

func (d *loginDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	if d.sent {
		return nil
	}
	if !d.quiet.over(a.now) {
		d.p.Say("what is typed is taken once the keys have paused for a moment")
		return nil
	}
	b, _ := a.keys.Lookup(keys.InLogin, k.String())
	switch b.ID {
	case keys.Cancel, keys.Interrupt:
		return d.send(a, run.Respond{Prompt: d.asks.ID, Decline: true})
	case keys.Enter:
		switch {
		case d.asks.Must != "" && gate.Burst(d.last, a.now):
			d.p.Say(gate.TooFast)
		case d.asks.Must == "" && d.p.Value() == "" && !wording.MayBeEmpty(&d.asks):
			d.p.Say("nothing was typed; " + a.press(keys.InLogin, keys.Cancel) + " declines")
		case d.p.Enter():
			return d.send(a, run.Respond{Prompt: d.asks.ID, Text: d.p.Value()})
		}
	default:
		d.p.Key(k)
		d.last = a.now
	}
	return nil
}

// send answers. Actions that are on their way don't hold it up: they may be
// waiting for this very login.
func (d *loginDialog) send(a *app, r run.Respond) tea.Cmd {
	d.sent = true
	d.p.Say("sent")
	ctl, ctx, k, seq := a.ctl, a.ctx, a.snap.Current, a.snap.Seq
	return func() tea.Msg { return respondedMsg{r.Prompt, ctl.Do(ctx, k, seq, r)} }
}

// responded says what came of an answer. One that was taken closes the dialog
// when the run says so.
func (a *app) responded(m respondedMsg) {
	if m.err == nil {
		return
	}
	a.say(m.err)
	if d, ok := a.top().(*loginDialog); ok && d.asks.ID == m.prompt {
		d.sent = false
		d.p.Say(a.word)
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
		d := newLogin(*asks, a.now)
		d.p.Keys = a.keys
		a.open(d)
	}
}

// hushed reports whether a key was meant for a login that has gone.
func (a *app) hushed(key string) bool {
	_, login := a.top().(*loginDialog)
	b, _ := a.keys.Lookup(keys.InRun, key)
	return !login && b.ID != keys.Interrupt && !a.hush.over(a.now)
}
