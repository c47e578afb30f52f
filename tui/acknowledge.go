package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/keys"
	"stepgate/tui/prompt"
	"stepgate/tui/stepview"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// reds is how often the monitors that hold the run were red; 0: nothing holds it.
func (a *app) reds() int {
	if a.snap.Wait != run.WaitMonitor {
		return 0
	}
	return a.board.Reds()
}

// held tells of the monitors that hold the run what each has shown, and what would go on.
func (a *app) held(c *run.Cell, w int) []string {
	t := a.theme
	out := wrapped(t.Text, "Before "+wording.At(a.snap.Run, c)+", a person has to say that the run goes on all the same.", w)
	for _, m := range a.snap.Run.Held() {
		out = append(out, "")
		out = append(out, a.heldBy(m, w)...)
	}
	return out
}

// heldBy tells when a monitor was red, and what the samples that decided have seen.
func (a *app) heldBy(m *run.Monitor, w int) []string {
	t, zone := a.theme, a.now.Location()
	mark, state := theme.Failed, "is red"
	if !m.Red() {
		mark, state = theme.Done, "is good again"
	}
	out := wrapped(t.Style(mark), t.Glyph.Mark(mark)+" "+wording.Monitor(m.Watch)+" "+state, w)
	open := 0
	for i := range m.Episodes {
		if m.Episodes[i].Reason == "" {
			open++
		}
	}
	for i := range m.Episodes {
		e := &m.Episodes[i]
		if e.Reason != "" {
			continue
		}
		if open--; open >= episodesShown {
			continue
		}
		said := wording.Episode(e, zone)
		if since := e.Turned.Since; !since.IsZero() {
			said += ", the last good sample before it at " + since.In(zone).Format(time.TimeOnly)
		}
		out = append(out, wrapped(t.Text, said, w)...)
		out = append(out, a.decided(m, e, w)...)
	}
	if s := a.board.Of(m.Watch); s != nil {
		if g := s.Sum().Longest; g.Length > 0 {
			out = append(out, wrapped(t.Text, "longest gap "+text.Duration(g.Length)+", "+a.board.During(g), w)...)
		}
		out = append(out, a.board.Small(t, s, min(w, textWidth), heldRows, a.now)...)
	}
	return out
}

// heldRows is how high the numbers of a monitor are drawn that holds the run.
const heldRows = 3

// episodesShown is of how many of a monitor's episodes it is told what was seen.
const episodesShown = 3

// decided is what the sample has seen that made a monitor red.
func (a *app) decided(m *run.Monitor, e *run.Episode, w int) []string {
	t := a.theme
	var out []string
	for _, r := range e.Turned.Rows {
		if r.Verdict != checks.Pass {
			what, saw := wording.Row(r)
			out = append(out, stepview.CheckLine(t, "saw", "", wording.Verdict(r.Verdict), "", what, saw, w)...)
		}
	}
	if e.Turned.Cause != "" {
		out = append(out, stepview.CheckLine(t, "saw", "", theme.Unknown, "", "no result", wording.Line(e.Turned.Cause), w)...)
	}
	if len(out) == 0 {
		out = append(out, stepview.CheckLine(t, "saw", "", theme.Failed, "", wording.Asserts(m.Fence, 0)[0], "it does not hold", w)...)
	}
	return out
}

// acknowledge asks why the run goes on. The reason is for what the monitors had shown
// when it was asked for: what turns red while it is typed has to be looked at first.
func (a *app) acknowledge() tea.Cmd {
	if av := a.action(run.VerbAcknowledge); !av.OK() {
		return a.refuse(run.VerbAcknowledge, av.Why)
	}
	at, reds := a.here(), a.snap.Run.Unacknowledged()
	a.open(&textDialog{
		p: a.prompt(prompt.Config{
			Title: "Acknowledge: " + wording.Reds(a.snap.Run), Ask: "Why does the run go on all the same?", Required: true,
		}),
		then: func(a *app, reason string) tea.Cmd {
			if a.here() != at {
				a.word, a.bad = "not acknowledged: the monitors have shown something else meanwhile; "+a.press(keys.InRun, keys.Menu)+" shows it", true
				return nil
			}
			return a.do(at.key, at.seq, run.VerbAcknowledge, run.Acknowledge{Reason: reason, Episodes: reds})
		},
	})
	return nil
}
