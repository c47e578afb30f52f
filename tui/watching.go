package tui

import (
	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/wording"
)

// A run may be driven elsewhere and only be looked at here ([Options.Watching]). Then
// no gate, remedy, question or wish opens by itself, and what acts is barred; a note,
// and the wishes that the run pause or be aborted, go through the controller.

// bars reports whether a key would act on a run that is only watched.
func (a *app) bars(id keys.ID) bool {
	if !a.o.Watching {
		return false
	}
	switch id {
	case keys.Note, keys.Pause, keys.Abort:
		return false
	case keys.Auto, keys.Menu, keys.UndoRetry:
		return true
	case keys.Go:
		return !a.tree.Away() && a.snap.Wait != run.WaitClosed
	default:
		return a.keys.Bound(keys.InRun, id).Verb != "" || a.keys.Bound(keys.InStop, id).Verb != ""
	}
}

// barred says so, and why.
func (a *app) barred(id keys.ID) bool {
	if !a.bars(id) {
		return false
	}
	a.word, a.bad = wording.Line(a.snap.Action(run.VerbGo).Why), false
	return true
}

// watched says in the header that the run is only looked at, or that nobody drives it.
func watched(r *run.Run) string {
	if r.Holder == "" && r.Closed == "" {
		return "nobody drives it"
	}
	return "watching"
}
