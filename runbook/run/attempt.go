package run

import (
	"maps"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/plan"
)

func (c *Cell) attemptEvent(ev Event, rec Record) string {
	_, id := KeyOf(ev)
	a := c.Latest()
	switch {
	case a == nil || a.Intent.Attempt != id:
		return "it is not about the latest attempt"
	case c.Beside(a):
		return "a process in the background is up or down"
	}
	if !c.unsettled(a) {
		return "the attempt is settled"
	}
	switch e := ev.(type) {
	case Interrupted:
		if c.Status != Running && c.Status != RollingBack {
			return "nothing is in flight"
		}
		c.Status, c.Reason, a.Fate, a.Why = Unknown, Reason(e.Why), "", e.Why
	case Probed:
		if c.Status != Unknown && c.Status != Running && c.Status != RollingBack {
			return "nothing is in question"
		}
		a.Fate, c.Detail = e.Fate, e.Detail
		if e.Fate == "orphan" && len(e.Processes) > 0 { // whoever settles it has to know them
			c.Detail = strings.TrimPrefix(c.Detail+"; ", "; ") + "alive: " + strings.Join(e.Processes, ", ")
		}
		if why, ok := fateReasons[e.Fate]; ok && c.Status == Unknown {
			c.Reason = why
		}
	case Reattached:
		if c.Status != Unknown {
			return "it is not unknown"
		}
		c.Status, c.Reason, c.Detail = Running, NoReason, ""
		if a.Intent.Role == RoleRollback {
			c.Status = RollingBack
		}
	case Copied:
		if c.Status != Running && c.Status != RollingBack || a.Intent.Dispatch.Form != forms[runbook.Copy] {
			return "nothing is copied"
		}
		a.Copied = &e
	case Outcome:
		return c.outcome(a, e, rec.Wall)
	}
	return ""
}

// fateReasons are the fates that leave a cell unknown, and how it says so.
var fateReasons = map[string]Reason{
	"died": HostDied, "rebooted": HostRebooted, "orphan": HostOrphan, "foreign": HostForeign, "known": HostKnows,
}

func (c *Cell) outcome(a *Attempt, e Outcome, at time.Time) string {
	if c.Status != Running && c.Status != RollingBack && c.Status != Unknown {
		return "nothing is in flight"
	}
	a.Outcome, a.Fate, a.Ended = &e, "finished", at
	c.Detail = ""
	if a.Intent.Role == RoleRollback {
		switch {
		case e.Verdict != checks.Pass:
			c.Status, c.Reason = settle(e.Verdict, RolledBack, ExitCode)
			if c.Status == Failed {
				c.Status = RollbackFailed
			}
		case len(c.Plan.Step.Book.Rollback.After) > 0 || a.Intent.Dispatch.ReconnectMS > 0:
			c.Status, c.Reason = RollingBack, NoReason
		default:
			c.Status, c.Reason = RolledBack, NoReason
		}
		return ""
	}
	c.Status, c.Reason = settle(e.Verdict, Succeeded, ExitCode)
	if e.Verdict == checks.Pass {
		c.capture(c.Plan.Step.Book.Command, len(c.Plan.Step.Cells) > 1, a.Intent.Dispatch.Where, e.Values)
		if c.hasAfter() || a.Intent.Dispatch.ReconnectMS > 0 {
			c.Status = Running
		}
	}
	return ""
}

// capture keeps what a fence captured at a place. It belongs to the instance or
// the part; outside of instances, of a fence at several places, to the place. A
// group of one host is both.
func (c *Cell) capture(f *runbook.Fence, several bool, where string, vs map[string]jsonValue) {
	s := c.Plan.Step.Scope
	c.hold(s.Owner(several, where), vs)
	if f != nil && f.On != "" && f.On != plan.Local && f.On != where && where != "" {
		if both := s.Owner(true, where); !several && both != s.Owner(false, where) {
			c.hold(both, vs)
		}
	}
}

// Verifying reports whether the command, or the rollback, has passed and its
// postconditions are to be taken.
func (c *Cell) Verifying() bool {
	return c.passed() && !c.Awaits()
}

// Verifiable reports whether the command, or the rollback, has passed and only its
// postconditions are in question, so that taking them again decides.
func (c *Cell) Verifiable() bool {
	a := c.Latest()
	return c.Status == Unknown && c.Reason == CheckFailed && a != nil && !c.resolvedFor(a) &&
		a.Outcome != nil && a.Outcome.Verdict == checks.Pass
}

// lately reports whether the latest attempt has the role.
func (c *Cell) lately(role Role) bool {
	a := c.Latest()
	return a != nil && a.Intent.Role == role
}

func (c *Cell) checksTaken(e ChecksTaken, rec Record) string {
	v := e.Verdict()
	if c.AdHoc != nil {
		return "it has no checks"
	}
	switch e.Phase {
	case Already:
		if c.Status != Pending || len(c.Fences(Already)) == 0 {
			return "whether it is done already is not in question"
		}
		switch v {
		case checks.Pass:
			c.Status, c.Reason, c.Rerun, c.keeps = Succeeded, NoReason, false, false
		case checks.Unknown:
			c.Status, c.Reason, c.Detail = Unknown, Precondition, "whether it is done already is not known"
		case checks.Fail: // it isn't
		}
	case Before:
		if why := c.beforeTaken(v); why != "" {
			return why
		}
	case After:
		if !c.lately(RoleCommand) || !c.Verifiable() && (c.Status != Running || !c.Verifying()) {
			return "no command waits for its postconditions"
		}
		c.Status, c.Reason = settle(v, Succeeded, CheckFailed)
	case Evidence:
	case RollbackBefore:
		if c.Status != RollingBack || c.inFlight() != nil {
			return "no rollback is to be sent"
		}
		if v != checks.Pass {
			c.Status, c.Reason, c.Detail = c.prior, c.priorReason, "the rollback is not allowed: its precondition does not hold"
			if v == checks.Unknown {
				c.Detail = "the rollback is not allowed: whether its precondition holds is not known"
			}
		}
	case RollbackAfter:
		if why := c.rollbackTaken(v); why != "" {
			return why
		}
	default:
		return "its phase is not known"
	}
	c.Checks[e.Phase] = &e
	c.CheckedAt = maps.Clone(c.CheckedAt)
	if c.CheckedAt == nil {
		c.CheckedAt = map[Phase]time.Time{}
	}
	c.CheckedAt[e.Phase] = rec.Wall
	if e.Phase == Before || e.Phase == After || e.Phase == Already && v == checks.Pass {
		c.holdChecks(e)
	}
	return ""
}

// rollbackTaken is what the checks behind a rollback have said.
func (c *Cell) rollbackTaken(v checks.Verdict) string {
	switch {
	case c.lately(RoleRollback) && (c.Verifiable() || c.Status == RollingBack && c.Verifying()):
		if c.Status, c.Reason = settle(v, RolledBack, CheckFailed); c.Status == Failed {
			c.Status = RollbackFailed
		}
	case c.lately(RoleRollback) && c.inDoubt(): // as evidence
	default:
		return "no rollback waits for its checks"
	}
	return ""
}

func (c *Cell) holdChecks(e ChecksTaken) {
	places := map[int]int{}
	for _, res := range e.Checks {
		places[res.Fence]++
	}
	fences := c.Fences(e.Phase)
	for _, res := range e.Checks {
		if res.Verdict == checks.Pass {
			var f *runbook.Fence
			if res.Fence >= 0 && res.Fence < len(fences) {
				f = fences[res.Fence]
			}
			c.capture(f, places[res.Fence] > 1, res.Where, res.Values)
		}
	}
}

func (c *Cell) beforeTaken(v checks.Verdict) string {
	if c.Plan.Step.Kind == plan.Check {
		if c.Status != Pending {
			return "it is not pending"
		}
		c.Status, c.Reason = settle(v, Succeeded, CheckFailed)
		return ""
	}
	switch c.Status {
	case Pending, Gated, Authorised:
	default:
		return "it is past its preconditions"
	}
	if v != checks.Pass {
		c.Status, c.Reason = settle(v, Pending, Precondition)
		c.Gate, c.Grant = nil, nil
	}
	return ""
}

func (c *Cell) resolve(e OutcomeResolved) string {
	a := c.Latest()
	if a != nil && e.Attempt != a.Intent.Attempt {
		return "it is not about the latest attempt"
	}
	irreversible := c.Plan.Step.Book.Irreversible
	switch {
	case e.Reason == "":
		return "a decision needs a reason"
	case e.Method == ByProbe:
		if c.Status != Unknown || a == nil || !c.unsettled(a) || e.Succeeded || a.Fate != fateNeverStarted {
			return "the host has not said that it never started"
		}
	case e.Method == ByCheck:
		if !c.inDoubt() || irreversible || a.NotReturned != nil || !e.Succeeded || !c.HoldsNow() {
			return "checks can't decide it"
		}
	case e.Method == ByOperator && e.Succeeded:
		if c.Status != Unknown && c.Status != Failed && c.Status != RollbackFailed {
			return "it is not in question"
		}
	case e.Method == ByOperator:
		if c.Status != Unknown {
			return "it is not in question"
		}
	default:
		return "its method is not known"
	}
	c.Resolved, c.back = &e, false
	c.resolved(e, a)
	return ""
}

func (c *Cell) resolved(e OutcomeResolved, a *Attempt) {
	rollback := a != nil && a.Intent.Role == RoleRollback && c.Status == Unknown
	switch {
	case rollback && e.Method == ByProbe:
		c.Status, c.Reason = c.prior, c.priorReason
	case rollback && e.Succeeded:
		c.Status, c.Reason = RolledBack, NoReason
	case rollback:
		c.Status, c.Reason = RollbackFailed, DecidedFailed
	case e.Succeeded:
		c.Status, c.Reason = Succeeded, NoReason
	case e.Method == ByProbe:
		c.Status, c.Reason = Failed, NotStarted
	default:
		c.Status, c.Reason = Failed, DecidedFailed
	}
	c.Detail = e.Reason
}
