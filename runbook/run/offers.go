package run

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/checks"
)

// Offers says for each action whether it applies to what the run waits for, why
// not, and what it would do. busy is true while something is going on; now tells
// whether a soak is over.
func (r *Run) Offers(a Ask, busy bool, now time.Time) []Availability {
	c := a.Cell
	note := Availability{Verb: VerbNote, Says: "put a note on the timeline"}
	switch {
	case c == nil && a.Wait == WaitPaused: // nothing is left but to close
		return []Availability{{Verb: VerbContinue, Says: "go on after a pause"}, r.canAdHoc(busy), note}
	case c == nil || a.Wait == WaitClosed:
		return []Availability{note}
	}
	var list []Availability
	switch a.Wait {
	case WaitBatch, WaitUndo:
		list = r.aside(a, now)
	case WaitMonitor:
		list = []Availability{r.canRollBackHeld(c)}
	default:
		list = []Availability{
			c.canGo(a.Wait), c.canReply(a.Wait), c.canAnswer(a.Wait), r.canRunAgain(c), c.canSkip(), c.canMarkDone(a.Wait),
			c.canMarkFailed(), c.canProbe(), r.canRollBack(c), r.canExclude(c), r.canPostpone(c),
		}
	}
	if r.held() != nil {
		ack := Availability{Verb: VerbAcknowledge, Says: "let the run go on although a monitor was red, with a reason"}
		if at := len(list); a.Wait == WaitMonitor {
			list = slices.Insert(list, 0, ack)
		} else {
			list = slices.Insert(list, at, ack)
		}
	}
	if i := slices.IndexFunc(list, func(a Availability) bool { return a.Verb == VerbProbe }); i >= 0 && c.Overdue() {
		list = slices.Insert(slices.Delete(list, i, i+1), 0, c.canProbe()) // to go on waiting comes first
	}
	call := r.canCall(c)
	if call.OK() && (a.Wait == WaitFailure || a.Wait == WaitUnknown) {
		list = append([]Availability{call}, list...)
	} else {
		list = append(list, call)
	}
	list = append(list, r.canInclude())
	leaving := []Availability{r.canEdit(a), r.canJump(), r.canRepeat()}
	for _, l := range [][]Availability{list, leaving} {
		block(l, busy, "something is going on")
		block(l, a.Wait == WaitPaused, "the run is paused")
	}
	return slices.Concat(list, r.steering(a, busy), leaving, []Availability{r.canAdHoc(busy)})
}

// canRunAgain is [Cell.canRetry], which a batch that the cell has left stands in
// the way of.
func (r *Run) canRunAgain(c *Cell) Availability {
	a := c.canRetry()
	switch why := r.notEntered(c); {
	case a.Why != "":
	case why != "":
		a.Why = why
	case len(r.Undoing) > 0:
		a.Says += "; the rest of the rollback is dropped"
	}
	return a
}

// canEdit is [Run.canRunAgain] with another text.
func (r *Run) canEdit(ask Ask) Availability {
	a := r.canRunAgain(ask.Cell)
	a.Verb, a.Says = VerbEdit, "run it with another text, through a gate; recorded as off-book"
	switch {
	case ask.Wait == WaitBatch || ask.Wait == WaitUndo:
		a.Why = "it has not failed"
	case a.Why == "":
		a.Why = r.notEditable(ask.Cell)
	}
	if a.Why != "" {
		a.Phrase = ""
	}
	return a
}

// canAdHoc is about a command beside the plan.
func (r *Run) canAdHoc(busy bool) Availability {
	a := Availability{Verb: VerbAdHoc, Says: "run a command that is not in the runbook; recorded as off-book", Why: r.notAside()}
	if busy {
		a.Why = "something is going on"
	}
	return a
}

// canJump is about later cells: [Run.LeapTo] says which.
func (r *Run) canJump() Availability {
	return Availability{
		Verb: VerbJump, Says: "go on at a later step, and leave out what stands before it, with a reason", Why: r.notLeaping(),
	}
}

// canRepeat is about settled cells: [Run.Repeatable] says which.
func (r *Run) canRepeat() Availability {
	a := Availability{Verb: VerbAgain, Says: "do a step once more that is settled"}
	if a.Why = r.notLeaping(); a.Why == "" && !slices.ContainsFunc(r.Cells, func(c *Cell) bool { return c.Status.Settled() }) {
		a.Why = "nothing is done yet"
	}
	return a
}

func block(list []Availability, is bool, why string) {
	for i := range list {
		if is && list[i].Why == "" {
			list[i].Why = why
		}
	}
}

// steering are the actions on the run as a whole.
func (r *Run) steering(a Ask, busy bool) []Availability {
	stop := Availability{Verb: VerbStopNow, Says: "send TERM to the command, or end the poll"}
	if !busy && !a.Cell.aliveUnattended() {
		stop.Why = "nothing is going on"
	}
	finish := Availability{Verb: VerbFinish, Says: "go on until a step, host or section is done, then pause"}
	if r.Stop != "" {
		finish.Says = "it will pause after " + r.Stop + "; name another, or take it back"
	}
	if len(r.Finishable(a.Cell)) == 0 {
		finish.Why = "nothing around it is open"
	}
	pause := Availability{Verb: VerbPause, Says: "leave the run where it is; it can be resumed"}
	cont := Availability{Verb: VerbContinue, Says: "go on after a pause"}
	if a.Wait == WaitPaused {
		pause.Why, finish.Why = "it is paused", "it is paused"
	} else {
		cont.Why = "it is not paused"
	}
	abort := Availability{Verb: VerbAbort, Phrase: "abort", Says: "close the run as it stands; it can't be resumed"}
	if open := r.Callable(); len(open) > 0 {
		var titles []string
		for _, c := range open {
			titles = append(titles, r.Text(c, c.Plan.Step.Title))
		}
		abort.Says += "; not done yet: " + strings.Join(titles, ", ")
	}
	if busy {
		pause.Why, abort.Why = "something is going on", "something is going on"
	}
	return []Availability{stop, finish, pause, cont, abort, {Verb: VerbNote, Says: "put a note on the timeline"}}
}

// aside are the actions where the run waits for something else than its next
// cell: the person's word behind a canary, or for the next rollback of a queue.
func (r *Run) aside(a Ask, now time.Time) []Availability {
	why := "the canary's batch comes first"
	onward := Availability{Verb: VerbGo, Says: fmt.Sprintf("go on with %s", strings.Join(a.Keys, ", "))}
	skip := Availability{Verb: VerbSkip, Why: why, Says: "leave it out, with a reason"}
	if left := a.Soak.Sub(now); a.Wait == WaitBatch && left > 0 {
		onward.Why = "the soak lasts for another " + left.Round(time.Second).String()
	}
	if a.Wait == WaitUndo {
		why = "it is next to be rolled back"
		onward = Availability{Verb: VerbGo, Says: "run its rollback"}
		skip = Availability{Verb: VerbSkip, Says: "leave it as it is, and go on with the rest of the rollback"}
		if wall := r.wall(a.Cell); wall != nil {
			onward.Why = r.wallText(wall)
		}
	}
	list := []Availability{onward, skip}
	for _, v := range []Verb{
		VerbReply, VerbAnswer, VerbRetry, VerbMarkDone, VerbMarkFailed, VerbProbe, VerbRollBack, VerbExclude, VerbPostpone,
	} {
		list = append(list, Availability{Verb: v, Why: why})
	}
	return list
}

func (r *Run) canCall(c *Cell) Availability {
	a := Availability{Verb: VerbCall, Says: "bring a step forward that may be taken at any time"}
	open := r.Callable()
	switch {
	case r.Called != nil:
		a.Why = "one was brought forward already"
	case len(open) == 0:
		a.Why = "the open sections have no such step"
	case len(open) == 1 && open[0] == c:
		a.Why = "it stands there"
	}
	return a
}

func (r *Run) canInclude() Availability {
	a := Availability{Verb: VerbInclude, Says: "put an instance that was taken out back into its walk"}
	if len(r.Includable()) == 0 {
		a.Why = "no open walk has lost an instance"
	}
	return a
}

// canRollBack is about all scopes: RollBacks says which there are.
func (r *Run) canRollBack(c *Cell) Availability {
	a := c.canRollBack()
	if !c.stopped() || c.inDoubt() {
		if a.Why == "" {
			a.Why = "it is " + c.Status.String()
		}
		return a
	}
	reaches := r.RollBacks(c)
	a.Why, a.Says = reaches[0].Why, reaches[0].Says
	for _, reach := range reaches[1:] {
		if a.Why != "" && reach.Why == "" {
			a.Why, a.Says = "", "undo what ran before it; each is shown first"
		}
	}
	return a
}

// canRollBackHeld is about what was done around the cell that a monitor holds up.
func (r *Run) canRollBackHeld(c *Cell) Availability {
	a := Availability{Verb: VerbRollBack, Says: "undo what ran before it; each is shown first", Why: "nothing around it has run that has a rollback"}
	if slices.ContainsFunc(r.RollBacks(c), func(reach Reach) bool { return reach.Scope != RollbackStep && reach.Why == "" }) {
		a.Why = ""
	}
	return a
}

func (r *Run) canExclude(c *Cell) Availability {
	a := Availability{Verb: VerbExclude, Says: "take it out of the walk, with a reason, and go on"}
	w, key := r.Instance(c)
	if w == nil {
		a.Why = "it is not in a walk"
		return a
	}
	a.Says = fmt.Sprintf("take %s out of the walk, with a reason, and go on", key)
	if a.Why = notExcludable(r.instance(w, key)); r.Excluded[w.ID][key] != "" {
		a.Why = "it was taken out already"
	}
	return a
}

func (r *Run) canPostpone(c *Cell) Availability {
	a := Availability{Verb: VerbPostpone, Says: "move it to the end of the walk, and go on"}
	w, key := r.Instance(c)
	if w == nil {
		a.Why = "it is not in a walk"
		return a
	}
	a.Says = fmt.Sprintf("move %s to the end of the walk, and go on", key)
	a.Why = r.notPostponable(w, key)
	return a
}

// Callable are the cells of class `always` that may be brought forward: their
// section has been entered, and their `when`, looked at now and not yet decided,
// isn't false.
func (r *Run) Callable() []*Cell {
	var out []*Cell
	if r.Closed != "" {
		return nil
	}
	for _, c := range r.Cells {
		if c.Plan.Step.Book.Always && r.callable(c) == "" && r.mayApply(c) {
			out = append(out, c)
		}
	}
	return out
}

// callable says why a cell can't be brought forward, or "".
func (r *Run) callable(c *Cell) string {
	switch {
	case !c.Plan.Step.Book.Always:
		return "it is not a step that may be called"
	case c.Status.Settled():
		return "it is " + c.Status.String()
	}
	for _, other := range r.under(parent(c.Plan.Step.ID)) {
		if !other.Begun.IsZero() {
			return r.notEntered(c)
		}
	}
	return "its section has not been entered"
}

// mayApply looks at a `when` that hasn't been decided; what isn't known may.
func (r *Run) mayApply(c *Cell) bool {
	when := c.Plan.Step.Book.When
	if when == nil || when.Value == nil || c.When != nil {
		return true
	}
	v, err := when.Value.Eval(checks.Values(r.Names(c, c.Key.Target)), r.WorldAt(c))
	applies, ok := v.(bool)
	return err != nil || !ok || applies
}

// PhraseFor is what opens one gate for several cells: the phrase of all; where
// they differ, each of them, of many the first and how many more.
func (r *Run) PhraseFor(cells []*Cell) string {
	var phrases []string
	met := map[string]bool{}
	for _, c := range cells {
		if p := r.Phrase(c); !met[p] {
			met[p] = true
			phrases = append(phrases, p)
		}
	}
	if len(phrases) > phraseWords {
		return fmt.Sprintf("%s and %d more", phrases[0], len(phrases)-1)
	}
	return strings.Join(phrases, " ")
}

// phraseWords is how many phrases one gate asks for.
const phraseWords = 3
