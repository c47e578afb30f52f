package tui

import (
	tea "charm.land/bubbletea/v2"
	"stepgate/tui/keys"

	"stepgate/runbook/run"
	"stepgate/tui/prompt"
	"stepgate/tui/stepview"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// act does what a key asks for, whatever screen it was pressed on.
func (a *app) act(id keys.ID) tea.Cmd {
	if a.barred(id) {
		return nil
	}
	switch id {
	case keys.Help:
		a.open(&helpDialog{from: a.inFront()})
		return nil
	case keys.Leave, keys.Interrupt:
		return a.leave()
	case keys.Auto:
		a.auto = !a.auto
		a.autoAt, a.autoSeq = run.Key{}, 0
		if a.auto && a.declined() {
			a.word, a.bad = "auto goes on after this gate; open it yourself", false
		}
		return a.goOn()
	case keys.Timeline:
		return a.showTimeline()
	case keys.Matrix:
		a.showMatrix()
		return nil
	case keys.Monitors:
		a.showMonitors(run.Watch{})
		return nil
	case keys.Menu:
		return a.menu()
	case keys.Go:
		return a.next()
	case keys.Stop:
		return a.stop()
	case keys.Finish:
		return a.finish()
	case keys.UndoRetry:
		return a.undoAndRetry()
	case keys.Call:
		return a.call()
	case keys.Include:
		return a.include()
	case keys.Palette:
		return a.palette()
	case keys.Edit:
		return a.edit()
	case keys.AdHoc, keys.Shell:
		return a.adHoc(id == keys.Shell)
	case keys.Jump:
		return a.jump()
	case keys.Again:
		return a.again()
	case keys.Acknowledge:
		return a.acknowledge()
	case keys.Note:
		return a.ask(prompt.Config{Title: "Note", Ask: "What should stand on the timeline?", Required: true}, run.VerbNote,
			func(s string) run.Action { return run.AddNote{Text: s} })
	default:
		return a.settle(id)
	}
}

// settle asks what an action on the current cell needs, and sends it.
func (a *app) settle(id keys.ID) tea.Cmd {
	b := a.keys.Bound(keys.InStop, id)
	av := a.action(b.Verb)
	if !a.sent {
		a.word, a.bad = "", false // it was about another key
	}
	if !av.OK() {
		a.word, a.bad = wording.Remedy(b.Verb)+" does not apply: "+wording.Line(av.Why), true
		return nil
	}
	if id == keys.Skip && a.snap.Wait == run.WaitUndo {
		return a.do(a.snap.Current, a.snap.Seq, b.Verb, run.Skip{Reason: "left as it is"})
	}
	title := wording.Remedy(b.Verb) + ": " + wording.Here(a.snap)
	switch b.Verb {
	case run.VerbRetry:
		if av.Phrase == "" {
			return a.do(a.snap.Current, a.snap.Seq, b.Verb, run.Retry{})
		}
		return a.ask(prompt.Config{Title: title, Phrase: av.Phrase, Body: says(av.Says)}, b.Verb,
			func(s string) run.Action { return run.Retry{Typed: s} })
	case run.VerbSkip:
		return a.ask(prompt.Config{Title: title, Ask: "Why is it left out?", Required: true}, b.Verb,
			func(s string) run.Action { return run.Skip{Reason: s} })
	case run.VerbMarkDone:
		manual := a.snap.Wait == run.WaitManual
		return a.ask(prompt.Config{Title: title, Ask: "What shows that it is done?", Required: !manual}, b.Verb,
			func(s string) run.Action { return run.MarkDone{Evidence: s} })
	case run.VerbMarkFailed:
		return a.ask(prompt.Config{Title: title, Ask: "Why does it count as failed?", Required: true}, b.Verb,
			func(s string) run.Action { return run.MarkFailed{Reason: s} })
	case run.VerbRollBack:
		return a.rollBack(title)
	case run.VerbExclude:
		return a.ask(prompt.Config{Title: title, Ask: "Why is it taken out?", Required: true, Body: says(av.Says)}, b.Verb,
			func(s string) run.Action { return run.Exclude{Reason: s} })
	case run.VerbPostpone:
		return a.ask(prompt.Config{Title: title, Ask: "Why does it go to the end?", Body: says(av.Says)}, b.Verb,
			func(s string) run.Action { return run.Postpone{Why: s} })
	case run.VerbGo:
		return a.do(a.snap.Current, a.snap.Seq, b.Verb, run.Go{})
	case run.VerbAbort:
		return a.ask(prompt.Config{Title: "Abort the run", Phrase: av.Phrase, Body: says(av.Says)}, b.Verb,
			func(string) run.Action { return run.Abort{Why: "at " + a.snap.Current.String()} })
	case run.VerbProbe:
		return a.do(a.snap.Current, a.snap.Seq, b.Verb, run.Probe{})
	case run.VerbPause:
		return a.do(a.snap.Current, a.snap.Seq, b.Verb, run.Pause{})
	default:
		return nil
	}
}

func says(s string) func(*theme.Theme, int) []string {
	return func(t *theme.Theme, w int) []string { return wrapped(t.Muted, wording.Line(s), w) }
}

// ask opens a prompt whose answer is an action on what the run stands at now,
// not on where it will stand when the answer comes.
func (a *app) ask(c prompt.Config, v run.Verb, act func(string) run.Action) tea.Cmd {
	k, seq := a.snap.Current, a.snap.Seq
	a.open(&textDialog{p: a.prompt(c), then: func(a *app, s string) tea.Cmd { return a.do(k, seq, v, act(s)) }})
	return nil
}

// rollBack asks how far, where there is a choice.
func (a *app) rollBack(title string) tea.Cmd {
	if reaches := a.snap.Run.RollBacks(a.snap.Run.Cell(a.snap.Current)); wording.Choice(reaches) {
		return a.undoScope(title, reaches)
	}
	return a.undoStep(title)
}

// undoStep shows the rollback's exact command before it asks.
func (a *app) undoStep(title string) tea.Cmd {
	c := a.snap.Run.Cell(a.snap.Current)
	d, err := a.snap.Run.Dispatch(c, run.RoleRollback)
	if err != nil {
		a.say(err)
		return nil
	}
	body := func(t *theme.Theme, w int) []string {
		out := append([]string{t.Strong.Render("This runs:")}, stepview.Dispatch(t, &d, w)...)
		return append(out, stepview.Behind(t, &d, w)...)
	}
	return a.ask(prompt.Config{Title: title, Phrase: "y", Body: body}, run.VerbRollBack,
		func(string) run.Action { return run.RollBack{} })
}

// next is what Enter does on the run screen.
func (a *app) next() tea.Cmd {
	if a.tree.Away() {
		a.tree.Return() // what runs is what is on the screen
		return nil
	}
	k, seq := a.snap.Current, a.snap.Seq
	switch a.snap.Wait {
	case run.WaitGo:
		return a.do(k, seq, run.VerbGo, run.Go{})
	case run.WaitManual:
		return a.do(k, seq, run.VerbMarkDone, run.MarkDone{})
	case run.WaitPaused:
		return a.do(k, seq, run.VerbContinue, run.Continue{})
	case run.WaitFailure, run.WaitUnknown, run.WaitBatch, run.WaitUndo, run.WaitMonitor:
		return a.menu()
	case run.WaitAsk:
		return a.question()
	case run.WaitClosed:
		a.left = LeftClosed
		return tea.Quit
	case run.WaitNothing, run.WaitGate:
	}
	return nil
}

// question opens the question the run stands at.
func (a *app) question() tea.Cmd {
	d := newQuestion(a, a.here())
	d.appeared = a.now.Add(-graceOffset) // the operator asked for it
	a.open(d)
	return nil
}

// menu opens the dialog of what the run has stopped at.
func (a *app) menu() tea.Cmd {
	if !stopped(a.snap.Wait) {
		a.word, a.bad = "nothing has failed here", false
		return nil
	}
	a.tree.Return()
	a.showSelected()
	d := newStop(a, a.here())
	d.appeared = a.now.Add(-graceOffset) // the operator asked for it
	a.open(d)
	return nil
}

// leave leaves, asking first while something runs.
func (a *app) leave() tea.Cmd {
	if a.snap != nil && a.snap.Busy != nil && !a.over && !a.o.Watching {
		a.open(leaveDialog(a))
		return nil
	}
	return a.quit()
}

func (a *app) quit() tea.Cmd {
	a.left = LeftByOperator
	if a.snap != nil && a.snap.Wait == run.WaitClosed {
		a.left = LeftClosed
	}
	return tea.Quit
}

// stop stops what is going on at the cell under the cursor, else where the run
// stands; what goes on beside it is left alone. A poll is ended at once; a command
// that isn't safe to repeat only after its host's name was typed.
func (a *app) stop() tea.Cmd {
	av := a.snap.Action(run.VerbStopNow)
	b := a.snap.Busy
	c := a.snap.Run.Cell(a.snap.Current)
	if s := a.selected(); s != nil && wording.Busy(a.snap, s.Key) != nil {
		c, b = s, wording.Busy(a.snap, s.Key)
	}
	if !av.OK() || b == nil || c == nil {
		a.word, a.bad = "stop does not apply: "+wording.Line(av.Why), true
		return nil
	}
	act := run.StopNow{Kill: b.Stopping}
	if b.Attempt == "" {
		return a.do(c.Key, c.Seq, run.VerbStopNow, act)
	}
	phrase, warn := wording.HalfWay(c)
	how := "TERM goes to the command and everything it started."
	if act.Kill {
		how = "KILL goes to the command and everything it started."
	}
	if len(a.snap.Beside) > 0 {
		how += " What goes on at other places is left alone."
	}
	a.open(&textDialog{p: a.prompt(prompt.Config{
		Title: "Stop now: " + wording.At(a.snap.Run, c), Phrase: phrase,
		Body: func(t *theme.Theme, w int) []string {
			return append(wrapped(t.Text, how, w), wrapped(t.Caution, warn, w)...)
		},
	}), then: func(a *app, _ string) tea.Cmd { return a.do(c.Key, c.Seq, run.VerbStopNow, act) }})
	return nil
}
