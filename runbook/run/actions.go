package run

import (
	"stepgate/checks"
	"stepgate/runbook/plan"
)

// aliveUnattended reports whether the host has said that an attempt nobody
// waits for any more is alive.
func (c *Cell) aliveUnattended() bool {
	a := c.Latest()
	return c.Status == Unknown && a != nil && c.unsettled(a) && (a.Fate == "running" || a.Fate == "orphan")
}

func (c *Cell) canGo(w Wait) Availability {
	a := Availability{Verb: VerbGo, Says: "run this step"}
	switch c.Plan.Step.Kind {
	case plan.Check:
		a.Says = "take the checks"
	case plan.Manual, plan.Enter, plan.Run:
		if c.needsGate() {
			a.Says = "check the preconditions and open the gate"
		}
	case plan.Ask, plan.Watch:
	}
	if w != WaitGo {
		a.Why = "the step is " + c.Status.String()
	}
	return a
}

func (c *Cell) canReply(w Wait) Availability {
	a := Availability{Verb: VerbReply, Says: "answer the question"}
	if w != WaitAsk {
		a.Why = "nothing is asked"
	}
	return a
}

func (c *Cell) canAnswer(w Wait) Availability {
	a := Availability{Verb: VerbAnswer, Says: "answer the gate"}
	if w != WaitGate || c.Gate == nil {
		a.Why = "no gate is open"
		return a
	}
	a.Phrase = c.Gate.Phrase
	return a
}

func (c *Cell) canRetry() Availability {
	a := Availability{Verb: VerbRetry, Says: "check the preconditions anew and run the step again"}
	switch {
	case c.Plan.Step.Kind == plan.Check:
		a.Says = "take the checks again"
	case c.NeedsRerun():
		a.Says = "run the step once more, through a gate"
	}
	switch {
	case c.inDoubt():
		a.Why = "it is not known whether it has run; settle that first"
	case c.NeedsRerun():
		a.Phrase = c.RerunPhrase()
	case !c.retryable():
		a.Why = "it has not failed"
	}
	return a
}

func (c *Cell) canSkip() Availability {
	a := Availability{Verb: VerbSkip, Says: "leave it out, with a reason"}
	switch {
	case c.asItWas():
		a.Says = "leave it as it was: done"
	case c.Plan.Step.Book.Required:
		a.Why = "the runbook requires this step"
	case c.inDoubt():
		a.Why = "it is not known whether it has run; settle that first"
	case !c.skippable():
		a.Why = "it is " + c.Status.String()
	}
	return a
}

func (c *Cell) canMarkDone(w Wait) Availability {
	a := Availability{Verb: VerbMarkDone, Says: "record it as done, with your evidence"}
	required := c.Plan.Step.Book.Required
	switch {
	case w == WaitManual:
		a.Says = "tick it"
	case c.Plan.Step.Kind == plan.Check && required:
		a.Why = "the runbook requires these checks to pass"
	case c.Status != Failed && c.Status != Unknown && c.Status != RollbackFailed:
		a.Why = "it is " + c.Status.String()
	case required && !c.HoldsNow():
		a.Why = "the runbook requires this step, and its postconditions don't hold"
	}
	return a
}

// HoldsNow reports whether the latest look at what the latest attempt should have
// brought about passed: the postconditions, or, of a rollback in doubt, its own
// checks.
func (c *Cell) HoldsNow() bool {
	e := c.Checks[Evidence]
	if c.Status == Unknown && c.lately(RoleRollback) {
		e = c.Checks[RollbackAfter]
	}
	return e != nil && c.Latest() != nil && e.Attempt == c.Latest().Intent.Attempt && e.Verdict() == checks.Pass
}

func (c *Cell) canMarkFailed() Availability {
	a := Availability{Verb: VerbMarkFailed, Says: "settle it as failed, with your reason"}
	if !c.inDoubt() {
		a.Why = "it is " + c.Status.String()
	}
	return a
}

func (c *Cell) canProbe() Availability {
	a := Availability{Verb: VerbProbe, Says: "ask the host again, and take the checks again"}
	switch {
	case c.Overdue():
		a.Says = "wait for its host again"
	case c.Verifiable():
		a.Says = "take the postconditions again"
	case c.inDoubt() && (c.Latest().Outcome == nil || len(c.Fences(c.afterPhase())) > 0):
	case c.Status == Failed && c.hasAfter() && c.Latest() != nil && c.Latest().Outcome != nil:
		a.Says = "take the postconditions again, as evidence"
	default:
		a.Why = "nothing is in question"
	}
	return a
}

// afterPhase is what tells whether the latest attempt worked.
func (c *Cell) afterPhase() Phase {
	if c.lately(RoleRollback) {
		return RollbackAfter
	}
	return After
}

func (c *Cell) canRollBack() Availability {
	a := Availability{Verb: VerbRollBack, Says: "undo this step with its rollback command"}
	switch {
	case c.Plan.Step.Book.Irreversible:
		a.Why = "the step can't be undone"
	case c.Plan.Step.Book.Rollback == nil:
		a.Why = "the runbook gives no rollback for this step"
	case !c.dispatched():
		a.Why = "its command has not run"
	case c.inDoubt():
		a.Why = "it is not known whether it has run; settle that first"
	case c.Status != Failed && c.Status != RollbackFailed && c.Status != Unknown:
		a.Why = "it is " + c.Status.String()
	default:
		a.Says = "undo this step; what it runs is shown first"
	}
	return a
}
