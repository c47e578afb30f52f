package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/prompt"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// jump goes on at the step under the cursor, once what is left out on the way there
// has been read, and a reason been given.
func (a *app) jump() tea.Cmd {
	if why := a.action(run.VerbJump).Why; why != "" {
		return a.refuse(run.VerbJump, why)
	}
	row, ok := a.tree.Selected()
	if !ok || !a.tree.Away() { // a section stands for its first step
		a.word, a.bad = "move to the step to go on at first: "+a.press(keys.InRun, keys.Down)+" and "+
			a.press(keys.InRun, keys.Up)+", or "+a.press(keys.InRun, keys.Palette), true
		return nil
	}
	to := a.snap.Run.Cell(row.Key)
	if to == nil {
		return a.refuse(run.VerbJump, "there is no step there")
	}
	leap := a.snap.Run.LeapTo(to.Key)
	if leap.Why != "" {
		return a.refuse(run.VerbJump, leap.Why)
	}
	k, seq := a.snap.Current, a.snap.Seq
	title := "Go on at: " + wording.At(a.snap.Run, to)
	body := func(t *theme.Theme, w int) []string { return leftOut(t, a.snap.Run, leap, w) }
	ask := "Why are they left out?"
	if len(leap.Over) == 1 {
		ask = "Why is it left out?"
	}
	reason := func(typed string, body func(*theme.Theme, int) []string) {
		a.open(&textDialog{
			p: a.prompt(prompt.Config{Title: title, Ask: ask, Required: true, Body: body}),
			then: func(a *app, s string) tea.Cmd {
				a.tree.Return() // the run comes to where the cursor is
				return a.do(k, seq, run.VerbJump, run.Jump{To: to.Key, Reason: s, Typed: typed})
			},
		})
	}
	if leap.Phrase == "" {
		reason("", body)
		return nil
	}
	a.open(&textDialog{
		p: a.prompt(prompt.Config{Title: title, Phrase: leap.Phrase, Body: body}),
		then: func(_ *app, typed string) tea.Cmd {
			reason(typed, says(skips(leap)))
			return nil
		},
	})
	return nil
}

// skips says how much is left out.
func skips(l run.Leap) string {
	n, gates := len(l.Over), ""
	switch len(l.Gates) {
	case 0:
	case n:
		gates = ", each of them behind a gate"
	case 1:
		gates = ", 1 of them behind a gate"
	default:
		gates = fmt.Sprintf(", %d of them behind a gate", len(l.Gates))
	}
	switch n {
	case 0:
		return "Nothing is left out."
	case 1:
		if gates != "" {
			gates = ", which stands behind a gate"
		}
		return "1 step is left out" + gates + ". It isn't run, and the run doesn't come back to it."
	}
	return fmt.Sprintf("%d steps are left out%s. None is run, and the run doesn't come back to them.", n, gates)
}

// leftOut lists what is left out, gates marked.
func leftOut(t *theme.Theme, r *run.Run, l run.Leap, w int) []string {
	gated := map[run.Key]bool{}
	for _, c := range l.Gates {
		gated[c.Key] = true
	}
	out := append(wrapped(t.Text, skips(l), w), "")
	for _, c := range l.Over {
		mark, style, note := t.Draw(wording.Mark(c.Status)), t.Text, ""
		if gated[c.Key] {
			mark, style, note = t.Draw(theme.Gate), t.Caution, "gate"
		}
		if c.Plan.Step.Book.Irreversible {
			note = "gate, irreversible"
		}
		for i, part := range pane.Wrap(wording.Among(r, c), max(w-2-len(note)-2, 8)) {
			line := mark + " " + style.Render(part)
			if i > 0 {
				line = "  " + style.Render(part)
			} else if note != "" {
				line = pane.Row(line, t.Caution.Render(note), w, t.Glyph.Ellipsis)
			}
			out = append(out, line)
		}
	}
	return out
}
