package tui

import (
	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/prompt"
	"stepgate/tui/stepview"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// secondWind is a retry that the operator has asked for together with the rollback
// that comes first.
type secondWind struct {
	key   run.Key // zero: none
	typed string
	seq   uint64 // the cell's when it was asked for
}

// canUndoRetry says whether the step can be undone and then run once more.
func (a *app) canUndoRetry() run.Availability {
	av := run.Availability{Verb: run.VerbRollBack, Says: "undo this step, then run it once more through a gate"}
	c := a.snap.Run.Cell(a.snap.Current)
	if c == nil {
		av.Why = "the run stands at no step"
		return av
	}
	if all := a.action(run.VerbRollBack); all.Why != "" {
		av.Why = all.Why
		return av
	}
	if own := a.snap.Run.RollBacks(c)[0]; own.Why != "" {
		av.Why = own.Why
		return av
	}
	av.Phrase = c.RerunPhrase()
	return av
}

// undoAndRetry shows the rollback's exact command and asks for both at once.
func (a *app) undoAndRetry() tea.Cmd {
	av := a.canUndoRetry()
	if !av.OK() {
		a.word, a.bad = "roll back and retry does not apply: "+wording.Line(av.Why), true
		return nil
	}
	c, k, seq := a.snap.Run.Cell(a.snap.Current), a.snap.Current, a.snap.Seq
	d, err := a.snap.Run.Dispatch(c, run.RoleRollback)
	if err != nil {
		a.say(err)
		return nil
	}
	body := func(t *theme.Theme, w int) []string {
		out := append([]string{t.Strong.Render("This runs first:")}, stepview.Dispatch(t, &d, w)...)
		out = append(out, stepview.Behind(t, &d, w)...)
		return append(out, wrapped(t.Text, "Once it has succeeded, the step runs once more, through a gate that shows it.", w)...)
	}
	a.open(&textDialog{
		p: prompt.New(prompt.Config{Title: "Roll back and retry: " + wording.Here(a.snap), Phrase: av.Phrase, Body: body, Keys: a.keys}),
		then: func(a *app, typed string) tea.Cmd {
			a.undone = secondWind{k, typed, seq}
			return a.do(k, seq, run.VerbRollBack, run.RollBack{Scope: run.RollbackStep})
		},
	})
	return nil
}

// retryUndone goes on with the retry once its rollback has succeeded. Anything else
// that becomes of the step drops it: a person decides anew.
func (a *app) retryUndone() tea.Cmd {
	w := a.undone
	if w.key == (run.Key{}) || a.sent {
		return nil
	}
	c := a.snap.Run.Cell(w.key)
	switch {
	case c != nil && (c.Seq == w.seq || c.Status == run.RollingBack):
		return nil // it is under way
	case c == nil || c.Status != run.RolledBack || a.snap.Current != w.key || !a.snap.Action(run.VerbRetry).OK():
		a.undone = secondWind{}
		return nil
	}
	a.undone = secondWind{}
	return a.do(w.key, a.snap.Seq, run.VerbRetry, run.Retry{Typed: w.typed})
}
