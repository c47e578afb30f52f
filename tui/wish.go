package tui

import (
	tea "charm.land/bubbletea/v2"
	"stepgate/tui/keys"

	"stepgate/runbook/run"
	"stepgate/tui/wording"
)

// wish tells the operator of what somebody who doesn't drive the run asks for.
// A pause happens by itself; whether the run is aborted is the operator's to
// decide, so that is put as a question, once, behind what is being typed.
func (a *app) wish() {
	if a.o.Watching {
		return
	}
	var latest *run.Record
	for i := range a.snap.Run.Wishes {
		latest = &a.snap.Run.Wishes[i]
	}
	a.drop(func(d dialog) bool {
		c, ok := d.(*choiceDialog)
		return ok && c.wish != 0 && (latest == nil || c.wish != latest.Seq)
	})
	if latest == nil || latest.Seq <= a.wished {
		return
	}
	a.wished = latest.Seq
	if _, abort := latest.Event.(run.AbortRequested); !abort {
		return
	}
	d := &choiceDialog{
		title: "A request", says: []string{wording.Wish(latest), "The run stays as it is until you decide."},
		then: map[string]func(*app) tea.Cmd{}, appeared: a.now, wish: latest.Seq,
	}
	d.add("l", "look around", "decide later; so does "+a.press(keys.InChoice, keys.Enter), "", nil)
	d.add("c", "go on", "leave the request aside", "", func(a *app) tea.Cmd {
		if !a.snap.Action(run.VerbContinue).OK() {
			return nil
		}
		return a.do(a.snap.Current, a.snap.Seq, run.VerbContinue, run.Continue{})
	})
	d.add("a", "abort", "close the run as it stands; asks for a word to be typed", "", func(a *app) tea.Cmd { return a.settle(keys.Abort) })
	a.behind(d)
}
