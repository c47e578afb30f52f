package run

// takeover is what a new driver finds: no gate is open, and what was in flight
// is unknown until its host has been asked.
func (r *Run) takeover() {
	for i, c := range r.OffBook {
		switch c.Status {
		case Pending, Gated, Authorised:
			r.OffBook[i] = c.clone()
			r.OffBook[i].dropUnsent("it had not been sent when another driver took the run")
		case Running, Succeeded, Failed, Unknown, Skipped, NotApplicable, RollingBack, RolledBack, RollbackFailed, Excluded:
		}
	}
	for c := range r.All() {
		if len(c.Keeps) > 0 || c.background() && len(c.Attempts) > 0 {
			c = r.own(c)
			c.strays()
		}
		switch c.Status {
		case Gated, Authorised:
			c = r.own(c)
			c.Status, c.Gate, c.Grant = Pending, nil, nil
		case Running, RollingBack:
			c = r.own(c)
			switch a := c.inFlight(); {
			case c.Beside(a):
				c.Status, c.Reason = Failed, Crashed
			case a != nil && a.Outcome == nil:
				c.Status, c.Reason, a.Fate, a.Why = Unknown, Crashed, "", string(Crashed)
			case a == nil:
				c.Status, c.Reason = c.prior, c.priorReason
			}
		case Unknown:
			c = r.own(c)
			if a := c.Latest(); a != nil && c.unsettled(a) {
				a.Fate = ""
			}
		case Pending, Succeeded, Failed, Skipped, NotApplicable, RolledBack, RollbackFailed, Excluded:
		}
	}
}

// inFlight is the attempt that a running or rolling-back cell waits for: nil
// before a rollback has been sent.
func (c *Cell) inFlight() *Attempt {
	a := c.Latest()
	if c.Status == RollingBack && len(c.Attempts) == c.rollbackFrom {
		return nil
	}
	return a
}
