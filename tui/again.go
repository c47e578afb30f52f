package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/prompt"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// again does the step under the cursor once more, though it is settled.
func (a *app) again() tea.Cmd {
	if why := a.action(run.VerbAgain).Why; why != "" {
		return a.refuse(run.VerbAgain, why)
	}
	c := a.underCursor()
	if c == nil {
		return a.refuse(run.VerbAgain, "there is no step under the cursor")
	}
	av := a.snap.Run.Repeatable(c)
	if av.Why != "" {
		return a.refuse(run.VerbAgain, wording.At(a.snap.Run, c)+": "+av.Why)
	}
	phrase := av.Phrase
	if phrase == "" {
		phrase = "y"
	}
	return a.ask(prompt.Config{
		Title: "Run again: " + wording.At(a.snap.Run, c), Phrase: phrase,
		Body: func(t *theme.Theme, w int) []string {
			was := "It is " + wording.Status(c.Status)
			if !c.Ended.IsZero() {
				was += ", since " + c.Ended.Format(time.TimeOnly)
			}
			out := wrapped(t.Text, was+". This would "+wording.Line(av.Says)+".", w)
			if av.Phrase == "" {
				return out
			}
			warn := "What it did is not undone first. It is not safe to repeat: look at what it would find now."
			if c.Plan.Step.Book.Idempotent {
				warn = "What it did is not undone first. The runbook says that it is safe to repeat."
			}
			return append(out, wrapped(t.Caution, warn, w)...)
		},
	}, run.VerbAgain, func(typed string) run.Action {
		if av.Phrase == "" {
			typed = ""
		}
		a.tree.Return() // the run comes to where the cursor is
		return run.Again{Cell: c.Key, Typed: typed}
	})
}

// underCursor is the cell of the row under the cursor; nil: it is no step.
func (a *app) underCursor() *run.Cell {
	row, ok := a.tree.Selected()
	if !ok || row.Step == nil {
		return nil
	}
	return a.snap.Run.Cell(row.Key)
}
