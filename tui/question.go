package tui

import (
	"strings"
	"time"

	"stepgate/tui/keys"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/prompt"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// questionDialog puts the question of a step before the operator.
type questionDialog struct {
	box
	p        *prompt.Prompt
	at       offer
	appeared time.Time
}

// newQuestion asks what the run stands at.
func newQuestion(a *app, at offer) *questionDialog {
	c := a.snap.Run.Cell(at.key)
	param := c.Plan.Step.Book.Question.Param
	where := ""
	if name := wording.InstanceOf(c.Plan.Step.Scope); name != "" {
		where = " at " + wording.Line(name)
	}
	r := a.snap.Run
	proposed, _ := r.Proposed(c)
	body := func(t *theme.Theme, w int) []string {
		var out []string
		if prose := strings.TrimSpace(wording.Block(r.Text(c, c.Plan.Step.Book.Prose))); prose != "" {
			out = wrapped(t.Text, prose, w)
		}
		if help := strings.TrimSpace(wording.Block(param.Help)); help != "" {
			out = append(out, wrapped(t.Muted, help, w)...)
		}
		if param.Pattern != "" {
			out = append(out, wrapped(t.Muted, "It has to match "+wording.Line(param.Pattern), w)...)
		}
		return out
	}
	return &questionDialog{at: at, appeared: a.now, p: a.prompt(prompt.Config{
		Title: wording.Name(r, c.Plan.Step) + where, Body: body, Ask: wording.Question(r, c), Value: proposed,
		Choices: param.Choices, Required: param.Required, Validate: wording.Refused(c), Secret: param.Secret,
	})}
}

func (d *questionDialog) scope() keys.Scope { return keys.InText }
func (d *questionDialog) fit(*app)          {}

func (d *questionDialog) paste(_ *app, m tea.PasteMsg) { d.p.Paste(m) }

func (d *questionDialog) wheel(a *app, n int) { scrollPrompt(a, d.p, n) }

func (d *questionDialog) render(a *app, w, h int) string { return d.p.Render(a.theme, min(w, 96), h) }

func (d *questionDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	if !graceOver(d.appeared, a.now) {
		return nil
	}
	b, _ := a.keys.Lookup(keys.InText, k.String())
	switch b.ID {
	case keys.Cancel, keys.Interrupt:
		a.shut()
	case keys.Enter:
		if !a.sent && d.p.Enter() {
			a.shut()
			return a.do(d.at.key, d.at.seq, run.VerbReply, run.Reply{Value: d.p.Value()})
		}
	default:
		d.p.Key(k)
	}
	return nil
}

// finish asks what is to be finished before the run pauses.
func (a *app) finish() tea.Cmd {
	av := a.snap.Action(run.VerbFinish)
	if !av.OK() || len(a.snap.Finish) == 0 && a.snap.Stop == "" {
		why := av.Why
		if why == "" {
			why = "nothing is open"
		}
		a.word, a.bad = wording.Remedy(run.VerbFinish)+" does not apply: "+wording.Line(why), true
		return nil
	}
	k, seq := a.snap.Current, a.snap.Seq
	send := func(after string) func(*app) tea.Cmd {
		return func(a *app) tea.Cmd {
			return a.do(k, seq, run.VerbFinish, run.FinishThenStop{After: after})
		}
	}
	d := &choiceDialog{title: "Finish, then stop", then: map[string]func(*app) tea.Cmd{}}
	d.says = []string{"The run goes on until this is finished, and pauses then. Nothing is stopped now."}
	for i, path := range a.snap.Finish {
		key := number(i)
		what, name := wording.Open(a.snap.Run, path)
		if path == a.snap.Stop {
			what += " (asked for)"
		}
		d.add(key, what, name, "", send(path))
	}
	if a.snap.Stop != "" {
		d.add("0", "don't stop", "take the request back", "", send(""))
	}
	a.open(d)
	return nil
}

// number is the key of the i-th of some choices: 1 to 9, then letters.
func number(i int) string { return string("123456789abcdefghilmnoprstuvwxyz"[i%32]) }

// call brings a step forward that is offered whenever the run stops.
func (a *app) call() tea.Cmd {
	av := a.snap.Action(run.VerbCall)
	if !av.OK() || len(a.snap.Always) == 0 {
		why := av.Why
		if why == "" {
			why = "no step is offered here"
		}
		a.word, a.bad = wording.Remedy(run.VerbCall)+" does not apply: "+wording.Line(why), true
		return nil
	}
	k, seq := a.snap.Current, a.snap.Seq
	d := &choiceDialog{title: "Run out of its place", then: map[string]func(*app) tea.Cmd{}}
	for i, key := range a.snap.Always {
		c := a.snap.Run.Cell(key)
		if c == nil {
			continue
		}
		d.add(number(i), wording.Among(a.snap.Run, c), wording.Status(c.Status), "", func(a *app) tea.Cmd {
			return a.do(k, seq, run.VerbCall, run.Call{Cell: key})
		})
	}
	a.open(d)
	return nil
}

// include puts an instance back that was taken out of its walk.
func (a *app) include() tea.Cmd {
	av := a.snap.Action(run.VerbInclude)
	if !av.OK() {
		a.word, a.bad = wording.Remedy(run.VerbInclude)+" does not apply: "+wording.Line(av.Why), true
		return nil
	}
	k, seq := a.snap.Current, a.snap.Seq
	d := &choiceDialog{title: "Put back", then: map[string]func(*app) tea.Cmd{}}
	for i, out := range a.snap.Run.Includable() {
		d.add(number(i), wording.Line(out.Instance), wording.Line(a.snap.Run.Excluded[out.Walk][out.Instance]), "", func(a *app) tea.Cmd {
			return a.do(k, seq, run.VerbInclude, out)
		})
	}
	a.open(d)
	return nil
}

// undoScope asks how far a rollback goes, where there is more than the step.
func (a *app) undoScope(title string, reaches []run.Reach) tea.Cmd {
	k, seq := a.snap.Current, a.snap.Seq
	d := &choiceDialog{title: title, then: map[string]func(*app) tea.Cmd{}}
	d.says = []string{"How far? Each command is shown before it is undone, the latest first."}
	keys := map[run.RollbackScope]string{run.RollbackStep: "1", run.RollbackInstance: "2", run.RollbackSection: "3"}
	for _, reach := range reaches {
		why := reach.Why
		if why == "" && len(reach.Cells) == 0 {
			why = "nothing in it can be undone"
		}
		d.add(keys[reach.Scope], wording.Reach(a.snap.Run, reach), wording.Line(reach.Says), wording.Line(why), func(a *app) tea.Cmd {
			if reach.Scope == run.RollbackStep {
				return a.undoStep(title)
			}
			return a.do(k, seq, run.VerbRollBack, run.RollBack{Scope: reach.Scope})
		})
		for _, key := range reach.Cells {
			if cell := a.snap.Run.Cell(key); cell != nil && why == "" && len(reach.Cells) > 1 {
				d.below = append(d.below, below{keys[reach.Scope], wording.Among(a.snap.Run, cell)})
			}
		}
	}
	a.open(d)
	return nil
}

// below is what a choice of a dialog stands for, in more words.
type below struct{ key, text string }

// behind lists what the choices stand for, in at most h lines.
func (d *choiceDialog) details(t *theme.Theme, w, h int) []string {
	var out []string
	last := ""
	for _, b := range d.below {
		if b.key != last {
			last = b.key
			out = append(out, t.Muted.Render(b.key+" undoes, in this order:"))
		}
		for _, l := range pane.Wrap(b.text, max(w-4, 8)) {
			out = append(out, "    "+l)
		}
	}
	if len(out) > h && h > 0 {
		more := len(out) - h + 1
		out = append(out[:h-1], t.Faint.Render(wording.More(more)))
	}
	return out[:min(len(out), max(h, 0))]
}
