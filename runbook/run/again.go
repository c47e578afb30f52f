package run

import (
	"strings"

	"stepgate/runbook/plan"
)

// Repeatable says whether a cell that is settled may be made pending again, and what
// has to be typed for it.
func (r *Run) Repeatable(c *Cell) Availability {
	a := Availability{Verb: VerbAgain, Says: "do it once more; the run goes back to it"}
	if a.Why = r.notAgain(c); a.Why != "" {
		return a
	}
	switch {
	case c.againByRerun():
		a.Phrase, a.Says = c.RerunPhrase(), "run the step once more, through a gate; the run goes back to it"
	case c.Status == NotApplicable:
		a.Says = "look once more whether it applies; the run goes back to it"
	case c.Plan.Step.Kind == plan.Check:
		a.Says = "take the checks again; the run goes back to them"
	case c.Plan.Step.Kind == plan.Ask:
		a.Says = "ask once more; the run goes back to it"
	}
	return a
}

// Repeatables are the cells for which [Run.Repeatable] says that they may be, in the
// plan's order.
func (r *Run) Repeatables() []*Cell {
	if r.notLeaping() != "" {
		return nil
	}
	open := map[string]bool{} // paths of which something isn't settled
	for _, c := range r.Cells {
		for p := c.Key.Step; !c.Status.Settled() && p != ""; {
			p = parent(p)
			open[p] = true
		}
	}
	var out []*Cell
	for _, c := range r.Cells {
		if r.notAgainAt(c) == "" && (c.againByRerun() || open[around(c.Key.Step)]) {
			out = append(out, c)
		}
	}
	return out
}

// notAgain says why a cell can't be made pending again, or "".
func (r *Run) notAgain(c *Cell) string {
	why := r.notLeaping()
	if why == "" {
		why = r.notAgainAt(c)
	}
	if why == "" && !c.againByRerun() && settled(r.under(around(c.Key.Step))) {
		why = "what it stands in is through"
	}
	return why
}

// notAgainAt is what the cell itself has against it.
func (r *Run) notAgainAt(c *Cell) string {
	switch kind := c.Plan.Step.Kind; {
	case c.AdHoc != nil:
		return "it is not in the runbook: ask for it anew"
	case kind == plan.Enter || kind == plan.Watch:
		return "there is nothing in it to be done again"
	case c.Status == Excluded || r.isOut(c):
		return "its instance was taken out of the walk; put that back"
	case !c.Status.Settled() && c.Status != RolledBack:
		return "it is " + c.Status.String()
	}
	return r.notEntered(c)
}

// againByRerun reports whether what a settled cell would do again was done, or may
// have been: that takes a typed RERUN.
func (c *Cell) againByRerun() bool {
	if c.Plan.Step.Kind != plan.Run {
		return false
	}
	switch c.Status {
	case Succeeded, RolledBack:
		return true
	case Skipped, NotApplicable:
		return c.dispatched()
	case Pending, Gated, Authorised, Running, Failed, Unknown, RollingBack, RollbackFailed, Excluded:
	}
	return false
}

// again makes a settled cell pending without a RERUN.
func (c *Cell) again() string {
	if c.againByRerun() {
		return "it needs a typed RERUN"
	}
	c.pend()
	c.Skip, c.Evidence, c.Asked, c.When = "", "", nil, nil
	return ""
}

// around is the path of the instance around a step; outside of walks, of its
// section at the top.
func around(step string) string {
	p := parent(step)
	for strings.Contains(p, "/") && !strings.HasSuffix(p, "]") {
		p = parent(p)
	}
	return p
}
