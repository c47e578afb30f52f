package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/gate"
	"stepgate/tui/keys"
	"stepgate/tui/prompt"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// answering is a question of a login being answered. It takes keys only once none has
// come for a while: whoever was typing when it appeared meant something else, and sees
// that nothing was taken.
type answering struct {
	asks  run.Prompt
	p     *prompt.Prompt
	quiet pause
	last  time.Time // of the last character
	sent  bool
}

func newAnswering(asks run.Prompt, m keys.Map, now time.Time) *answering {
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
	a := &answering{asks: asks, quiet: pause{now}, p: prompt.New(prompt.Config{
		Title: "Login: " + wording.Line(asks.Host), Body: body, Ask: wording.Asks(&asks),
		Phrase: asks.Must, Secret: !asks.Echo, Exact: !asks.Echo, Leaves: "declines", In: keys.InLogin,
	})}
	a.p.Keys = m
	return a
}

func (d *answering) render(t *theme.Theme, w, h int) string { return d.p.Render(t, min(w, 84), h) }

func (d *answering) paste(m tea.PasteMsg, now time.Time) {
	if d.quiet.over(now) && !d.sent {
		d.p.Paste(m)
	}
}

// key takes a key, and returns the answer once there is one.
func (d *answering) key(m keys.Map, k tea.KeyPressMsg, now time.Time) (run.Respond, bool) {
	if d.sent {
		return run.Respond{}, false
	}
	if !d.quiet.over(now) {
		d.p.Say("what is typed is taken once the keys have paused for a moment")
		return run.Respond{}, false
	}
	answer := run.Respond{Prompt: d.asks.ID}
	b, _ := m.Lookup(keys.InLogin, k.String())
	switch b.ID {
	case keys.Cancel, keys.Interrupt:
		answer.Decline = true
		return d.answered(answer)
	case keys.Enter:
		switch {
		case d.asks.Must != "" && gate.Burst(d.last, now):
			d.p.Say(gate.TooFast)
		case d.asks.Must == "" && d.p.Value() == "" && !wording.MayBeEmpty(&d.asks):
			d.p.Say("nothing was typed; " + m.Name(keys.InLogin, keys.Cancel, "enter") + " declines")
		case d.p.Enter():
			answer.Text = d.p.Value()
			return d.answered(answer)
		}
	default:
		d.p.Key(k)
		d.last = now
	}
	return run.Respond{}, false
}

func (d *answering) answered(a run.Respond) (run.Respond, bool) {
	d.sent = true
	d.p.Say("sent")
	return a, true
}

// refused says why an answer wasn't taken.
func (d *answering) refused(why string) {
	d.sent = false
	d.p.Say(why)
}
