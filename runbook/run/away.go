package run

import "stepgate/checks"

// passed reports whether the command, or the rollback, has passed and the cell is
// not settled by that.
func (c *Cell) passed() bool {
	if c.Status != Running && c.Status != RollingBack {
		return false
	}
	a := c.inFlight()
	switch {
	case a == nil:
		return false
	case c.Beside(a):
		return !a.Up.IsZero()
	}
	return a.Outcome != nil && a.Outcome.Verdict == checks.Pass
}

// Awaits reports whether the command, or the rollback, has passed and has sent its
// host away, which is not back yet.
func (c *Cell) Awaits() bool {
	return c.passed() && c.Latest().Intent.Dispatch.ReconnectMS > 0 && c.Latest().Returned == nil
}

// Overdue reports whether the host that the latest attempt has sent away was given
// up, and may be waited for once more.
func (c *Cell) Overdue() bool {
	a := c.Latest()
	if a == nil || a.NotReturned == nil || c.resolvedFor(a) {
		return false
	}
	return c.Status == Unknown && c.Reason == HostAway || (c.Status == Failed || c.Status == RollbackFailed) && c.Reason == NotRebooted
}

// awayEvent is what becomes of the wait for a host.
func (c *Cell) awayEvent(ev Event) string {
	_, id := KeyOf(ev)
	a := c.Latest()
	switch {
	case a == nil || a.Intent.Attempt != id:
		return "it is not about the latest attempt"
	case a.Intent.Dispatch.ReconnectMS == 0:
		return "it sends no host away"
	case a.Returned != nil:
		return "its host is back"
	}
	switch e := ev.(type) {
	case Returned:
		return c.returned(a, e)
	case NotReturned:
		return c.notReturned(a, e)
	}
	return "it is not about a host that is away"
}

func (c *Cell) returned(a *Attempt, e Returned) string {
	was, is := a.Intent.Host, e.Host
	lost := c.Status == Unknown && c.unsettled(a) // went before it could say how the command ended
	switch {
	case !lost && !c.Awaits() && !c.Overdue():
		return "nobody waits for its host"
	case is.MachineID != was.MachineID:
		return "another machine answers"
	case is.HostKey != was.HostKey && was.HostKey != "":
		return "another host key answers"
	case is.BootID == was.BootID && (lost || a.Intent.Dispatch.Reboot):
		return "it has not been booted"
	}
	a.Returned, a.NotReturned = &e, nil
	if lost {
		return "" // only its checks, or a person, can tell now
	}
	c.Reason, c.Detail = NoReason, ""
	if a.Intent.Role == RoleRollback {
		if c.Status = RollingBack; len(c.Plan.Step.Book.Rollback.After) == 0 {
			c.Status = RolledBack
		}
		return ""
	}
	if c.Status = Running; !c.hasAfter() {
		c.Status = Succeeded
	}
	return ""
}

func (c *Cell) notReturned(a *Attempt, e NotReturned) string {
	switch {
	case !c.Awaits() && !c.Overdue():
		return "nobody waits for its host"
	case e.Stayed && !a.Intent.Dispatch.Reboot:
		return "it answers, and that is all that was waited for"
	}
	a.NotReturned, c.Detail = &e, e.Why
	c.Status, c.Reason = Unknown, HostAway
	if e.Stayed {
		if c.Status, c.Reason = Failed, NotRebooted; a.Intent.Role == RoleRollback {
			c.Status = RollbackFailed
		}
	}
	return ""
}
