package run

import (
	"encoding/json"
	"slices"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

type jsonValue = json.RawMessage

// apply changes the cell by one event, or says why it can't.
func (c *Cell) apply(rec Record) (why string) {
	switch e := rec.Event.(type) {
	case WhenDecided:
		return c.whenDecided(e)
	case ChecksTaken:
		return c.checksTaken(e, rec)
	case GateShown:
		return c.gateShown(e)
	case GateGranted:
		return c.gateGranted(e, rec)
	case GateClosed:
		return c.gateClosed(e)
	case Intent:
		return c.intent(e, rec)
	case NotDispatched:
		return c.notDispatched(e)
	case Interrupted, Probed, Reattached, Copied, Outcome:
		return c.attemptEvent(e, rec)
	case BackgroundUp, BackgroundDown:
		return c.besideEvent(e, rec.Wall)
	case Returned, NotReturned:
		return c.awayEvent(e)
	case OutcomeResolved:
		return c.resolve(e)
	case ManualDone:
		return c.manualDone(e, rec)
	case CellSkipped:
		return c.skipped(e)
	case Retried:
		return c.retried()
	case RerunOverride:
		return c.rerun(e)
	case RollbackRequested:
		return c.rollbackRequested()
	case Edited:
		return c.edited(e, rec)
	case Asked:
		return c.asked(e)
	case WatchBegun:
		return c.watchBegun(e, rec)
	case Called:
		return "" // the run's: see forbids and follows
	}
	return "it is not an event of a cell"
}

func (c *Cell) whenDecided(e WhenDecided) string {
	if c.Status != Pending || c.When != nil || c.Plan.Step.Book.When == nil {
		return "its `when` is not open"
	}
	c.When = &e
	if !e.Applies {
		c.Status = NotApplicable
	}
	return ""
}

// needsGate reports whether the next dispatch has to pass a gate.
func (c *Cell) needsGate() bool { return c.Plan.Step.Gated || c.Alone() }

// NeedsGate reports whether what the cell runs next has to pass a gate.
func (c *Cell) NeedsGate() bool { return c.needsGate() }

// Alone reports whether a person has asked for this cell's dispatch by itself, so
// that it passes a gate of its own that no pre-grant opens.
func (c *Cell) Alone() bool {
	return c.Rerun || c.Edited != nil || c.AdHoc != nil && c.AdHoc.Judged != ""
}

func (c *Cell) gateShown(e GateShown) string {
	if c.Status != Pending || !c.needsGate() {
		return "it is not at a gate"
	}
	c.Status, c.Gate, c.Grant = Gated, &e, nil
	return ""
}

func (c *Cell) gateGranted(e GateGranted, rec Record) string {
	switch {
	case c.Status != Gated || c.Gate == nil:
		return "no gate is open"
	case e.Gate != c.Gate.Gate || e.Binding != c.Gate.Binding:
		return "the grant is for something else than what was shown"
	case e.Typed != c.Gate.Phrase:
		return "the phrase differs"
	case e.Pre != "" && (c.Edited != nil || c.AdHoc != nil):
		return "a pre-grant is for what the runbook says"
	}
	c.Status, c.Grant, c.granting = Authorised, &e, rec.Wall
	return ""
}

func (c *Cell) gateClosed(e GateClosed) string {
	if (c.Status != Gated && c.Status != Authorised) || c.Gate == nil || c.Gate.Gate != e.Gate {
		return "that gate is not open"
	}
	if c.AdHoc != nil {
		c.dropUnsent(e.Why)
		return ""
	}
	c.Status, c.Gate, c.Grant, c.Detail = Pending, nil, nil, e.Why
	return ""
}

// granted reports whether the grant fits and is fresh, and uses it up.
func (c *Cell) granted(gate string, rec Record) string {
	switch {
	case c.Status != Authorised || c.Grant == nil:
		return "it is gated and not granted"
	case c.Grant.Gate != gate:
		return "the grant is for another gate"
	case rec.Wall.After(c.Grant.Expires):
		return "the grant has expired"
	case rec.Wall.Before(c.granting):
		return "the clock went back since the grant: how old it is can't be told"
	}
	return ""
}

func (c *Cell) intent(e Intent, rec Record) string {
	if e.No != c.NextNo() {
		return "the attempt is out of order"
	}
	if e.Role == RoleKeep {
		c.Keeps = append(slices.Clip(c.Keeps), &Attempt{Intent: e, Record: rec, At: rec.Wall})
		return ""
	}
	if a := c.Latest(); a != nil && a.Fate != fateNeverStarted && c.unsettled(a) {
		return "an earlier attempt is not settled"
	}
	if c.lingers() {
		return "its process has not ended"
	}
	switch e.Role {
	case RoleRollback:
		if c.Status != RollingBack || c.inFlight() != nil {
			return "no rollback is to be sent"
		}
	case RoleCommand:
		if c.needsGate() {
			if why := c.granted(e.Gate, rec); why != "" {
				return why
			}
			if c.Gate.Dispatch == nil || c.Gate.Dispatch.Hash("") != e.Dispatch.Hash("") {
				return "what would run is not what the gate has shown"
			}
		} else if c.Status != Pending {
			return "it is not pending"
		}
		if c.Plan.Step.Book.Irreversible && c.dispatched() && !c.Rerun {
			return "it is irreversible and has been dispatched before"
		}
		c.Status, c.Gate, c.Grant, c.Rerun, c.back = Running, nil, nil, false, false
		c.keeps = c.background()
	default:
		return "its role is not known"
	}
	c.Reason, c.Detail = NoReason, ""
	c.Attempts = append(c.Attempts, &Attempt{Intent: e, Record: rec, At: rec.Wall})
	return ""
}

func (c *Cell) notDispatched(e NotDispatched) string {
	switch {
	case c.Status == Pending || c.Status == Gated || c.Status == Authorised:
		c.Status, c.Reason, c.Gate, c.Grant = Failed, NotStarted, nil, nil
	case c.Status == RollingBack && c.inFlight() == nil:
		c.Status, c.Reason = c.prior, c.priorReason
	default:
		return "it is past its dispatch"
	}
	c.Detail, c.Hint = e.Why, e.Hint
	return ""
}

// unsettled reports whether nothing is known yet of how the attempt ended. A start of
// a background process is never so: it is kept, or ended for certain.
func (c *Cell) unsettled(a *Attempt) bool {
	return a.Outcome == nil && !c.resolvedFor(a) && !c.Beside(a)
}

// resolvedFor reports whether its host, a check or a person has settled the
// attempt.
func (c *Cell) resolvedFor(a *Attempt) bool {
	return c.Resolved != nil && c.Resolved.Attempt == a.Intent.Attempt
}

// dispatched reports whether the command may have run.
func (c *Cell) dispatched() bool {
	for _, a := range c.Attempts {
		if a.Intent.Role == RoleCommand && a.Fate != fateNeverStarted {
			return true
		}
	}
	return false
}

// fateNeverStarted is executor.NeverStarted as journaled.
const fateNeverStarted = "never started"

func (c *Cell) manualDone(e ManualDone, rec Record) string {
	if k := c.Plan.Step.Kind; k != plan.Manual && k != plan.Enter {
		return "a person can't tick it"
	}
	if c.needsGate() {
		if why := c.granted(e.Gate, rec); why != "" {
			return why
		}
	} else if c.Status != Pending {
		return "it is not pending"
	}
	c.Status, c.Evidence, c.Gate, c.Grant = Succeeded, e.Evidence, nil, nil
	return ""
}

func (c *Cell) skipped(e CellSkipped) string {
	switch {
	case c.asItWas() && e.Reason != "":
		c.Status, c.Reason, c.Detail, c.Rerun, c.back, c.Gate, c.Grant = Succeeded, NoReason, "", false, false, nil, nil
		c.keeps = c.backKeeps
		return ""
	case c.Plan.Step.Book.Required:
		return "it is required"
	case e.Reason == "":
		return "a skip needs a reason"
	case !c.skippable():
		return "it can't be skipped now"
	}
	c.Status, c.Skip, c.Gate, c.Grant = Skipped, e.Reason, nil, nil
	return ""
}

// asItWas reports whether leaving the cell out means that it has succeeded, as
// before: it was asked for once more, and nothing was sent since.
func (c *Cell) asItWas() bool { return c.back && c.skippable() }

func (c *Cell) skippable() bool {
	switch c.Status {
	case Pending, Gated, Failed, RolledBack, RollbackFailed:
		return true
	case Unknown:
		return !c.inDoubt() && (c.Reason == Precondition || c.Plan.Step.Kind == plan.Check)
	case Authorised, Running, Succeeded, Skipped, NotApplicable, RollingBack, Excluded:
	}
	return false
}

// inDoubt reports whether an attempt may have done something that nobody knows:
// it has no result, or none that tells; or a rollback passed and its checks
// don't tell.
func (c *Cell) inDoubt() bool {
	a := c.Latest()
	if c.Status != Unknown || a == nil || c.resolvedFor(a) || c.Beside(a) {
		return false
	}
	return a.Outcome == nil || a.Outcome.Verdict == checks.Unknown || a.Intent.Role == RoleRollback || a.NotReturned != nil
}

func (c *Cell) retried() string {
	switch {
	case c.Status.Settled():
		return c.again()
	case !c.retryable():
		return "it has not failed"
	case c.NeedsRerun():
		return "it needs a typed RERUN"
	}
	c.pend()
	return ""
}

func (c *Cell) retryable() bool {
	return c.Status == Failed || c.Status == Unknown && !c.inDoubt()
}

func (c *Cell) pend() {
	c.Status, c.Reason, c.Detail, c.Hint, c.Gate, c.Grant = Pending, NoReason, "", "", nil, nil
	c.held = nil
}

// NeedsRerun reports whether another dispatch has to be typed as a RERUN.
func (c *Cell) NeedsRerun() bool {
	switch c.Status {
	case RolledBack, RollbackFailed:
		return true
	case Failed, Unknown:
		return c.Plan.Step.Book.Irreversible && c.dispatched()
	case Pending, Gated, Authorised, Running, Succeeded, Skipped, NotApplicable, RollingBack, Excluded:
	}
	return false
}

// RerunPhrase is what has to be typed for it.
func (c *Cell) RerunPhrase() string {
	p := "RERUN " + c.Key.Step
	if c.Key.Target != "" {
		p += " " + c.Key.Target
	}
	return p
}

func (c *Cell) rerun(e RerunOverride) string {
	switch {
	case e.Typed != c.RerunPhrase():
		return "the phrase differs"
	case !c.NeedsRerun() && !c.againByRerun():
		return "it needs no RERUN"
	case c.inDoubt():
		return "its last attempt is not settled"
	}
	c.back, c.backKeeps = c.Status == Succeeded, c.keeps
	c.happened = c.happened || c.back
	c.pend()
	c.Rerun, c.Skip = true, ""
	return ""
}

func (c *Cell) rollbackRequested() string {
	if why := c.undoable(); why != "" {
		return why
	}
	c.prior, c.priorReason, c.rollbackFrom = c.Status, c.Reason, len(c.Attempts)
	c.Status, c.Detail, c.back = RollingBack, "", false
	c.held = nil
	delete(c.Checks, RollbackBefore)
	delete(c.Checks, RollbackAfter)
	return ""
}
