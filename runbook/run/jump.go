package run

import (
	"slices"

	"stepgate/runbook/plan"
)

// jumpPhrase is what has to be typed to leave out gates.
const jumpPhrase = "jump"

// LeapTo says what going on at a cell would leave out: everything that goes before it
// and isn't settled. Cells that go together with it, and instances that have stopped
// elsewhere, stay.
func (r *Run) LeapTo(to Key) Leap {
	c := r.Cell(to)
	switch why := r.notLeaping(); {
	case c == nil || c.AdHoc != nil:
		return Leap{Why: "the plan has no such step"}
	case why != "":
		return Leap{Why: why}
	case c.Status.Settled():
		return Leap{Why: "it is " + c.Status.String() + "; it can be run again instead"}
	}
	l := &leaper{w: &walker{r: r, met: map[plan.Node]*stand{}}, to: c.Plan.Step}
	l.node(r.Plan.Root)
	if l.Why == "" && len(l.Over) == 0 {
		l.Why = "nothing stands before it"
	}
	if len(l.Gates) > 0 {
		l.Phrase = jumpPhrase
	}
	return l.Leap
}

// notLeaping says why the run can't go on elsewhere than where it stands, or "".
func (r *Run) notLeaping() string {
	switch {
	case r.Closed != "":
		return "the run is closed"
	case len(r.Undoing) > 0:
		return "a rollback is under way; finish it, or drop it"
	case r.Called != nil:
		return r.Called.String() + " was brought forward; it comes first"
	case r.held() != nil:
		return r.held().holds()
	}
	for c := range r.All() {
		switch {
		case c.Status == Gated || c.Status == Authorised:
			return "a gate is open; answer it first"
		case c.Status == Running || c.Status == RollingBack:
			return "something is going on"
		case c.inDoubt():
			return "it is not known whether " + c.Key.String() + " has run; settle that first"
		}
	}
	return ""
}

// leaper goes through a plan as a run does, up to a step.
type leaper struct {
	w  *walker
	to *plan.Step
	Leap
}

// node reports whether the way has ended in it.
func (l *leaper) node(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Step:
		return l.steps([]*plan.Step{n})
	case *plan.Section:
		return l.sections([]*plan.Section{n})
	case *plan.Walk:
		return l.walk(n)
	}
	return false
}

// row is [walker.together].
func (l *leaper) row(nodes []plan.Node) bool {
	steps, sections := alike(nodes)
	switch len(nodes) {
	case 0:
		return false
	case len(steps):
		return l.steps(steps)
	case len(sections):
		return l.sections(sections)
	}
	return slices.ContainsFunc(nodes, l.node)
}

func (l *leaper) steps(steps []*plan.Step) bool {
	if len(steps) > 1 && slices.ContainsFunc(steps, func(s *plan.Step) bool { return len(s.Cells) > 1 }) {
		return slices.ContainsFunc(steps, func(s *plan.Step) bool { return l.steps([]*plan.Step{s}) })
	}
	if slices.Contains(steps, l.to) {
		return true
	}
	for _, s := range steps {
		for _, pc := range s.Cells {
			l.leave(l.w.r.Cells[pc.Index])
		}
	}
	return false
}

func (l *leaper) sections(sections []*plan.Section) bool {
	for i := range sections[0].Children {
		var row []plan.Node
		for _, s := range sections {
			if i < len(s.Children) {
				row = append(row, s.Children[i])
			}
		}
		if l.row(row) {
			return true
		}
	}
	return false
}

func (l *leaper) walk(n *plan.Walk) bool {
	r := l.w.r
	if !within(l.to.ID, n.ID) {
		for _, c := range r.under(n.ID) {
			l.leave(c)
		}
		return false
	}
	key := ""
	for i, k := range n.Keys {
		if within(l.to.ID, pathOf(n.Instances[i])) {
			key = k
		}
	}
	for _, batch := range r.Batches[n.ID] {
		if l.row(l.going(n, batch, key)) {
			return true
		}
	}
	next, why := l.ahead(n, key)
	if why != "" {
		l.Why = why
		return true
	}
	l.enters = append(l.enters, BatchEntered{Walk: n.ID, Hosts: next})
	return l.row(l.going(n, next, key))
}

// going are the instances of a batch that the way leads through, in walking order.
func (l *leaper) going(n *plan.Walk, batch []string, key string) []plan.Node {
	var nodes []plan.Node
	for _, i := range l.w.r.Order(n) {
		k := n.Keys[i]
		if s := l.w.at(n.Instances[i]); slices.Contains(batch, k) && s != nil && (k == key || !s.stopped) {
			nodes = append(nodes, n.Instances[i])
		}
	}
	return nodes
}

// ahead is the batch of an instance that hasn't been entered, if it is the next.
func (l *leaper) ahead(n *plan.Walk, key string) (next []string, why string) {
	r := l.w.r
	if n.Each.OrderBy != nil && r.Orders[n.ID] == nil {
		return nil, "in which order " + n.ID + " goes is not known yet"
	}
	entered := r.entered(n)
	for _, i := range r.Order(n) {
		if k := n.Keys[i]; !entered[k] && l.w.at(n.Instances[i]) != nil {
			next = append(next, k)
		}
	}
	next = next[:min(len(next), r.batchSize(n))]
	if !slices.Contains(next, key) || n.Each.Canary > 0 && len(r.Batches[n.ID]) == 1 {
		return nil, "the batch of " + key + " has not been entered"
	}
	return next, ""
}

// leave notes a cell that would be left out, and what keeps it from being.
func (l *leaper) leave(c *Cell) {
	if c.Status.Settled() {
		return
	}
	l.Over = append(l.Over, c)
	if c.needsGate() {
		l.Gates = append(l.Gates, c)
	}
	switch {
	case l.Why != "":
	case c.Plan.Step.Book.Required:
		l.Why = "the runbook requires " + c.Key.String()
	case !c.skippable():
		l.Why = c.Key.String() + " is " + c.Status.String()
	}
}

// jumped leaves out what a person has decided to go past.
func (r *Run) jumped(rec Record, e Jumped) error {
	refuse := func(why string) error { return &TransitionError{Kind(e), e.To, why} }
	l := r.LeapTo(e.To)
	switch {
	case l.Why != "":
		return refuse(l.Why)
	case e.Reason == "":
		return refuse("a jump needs a reason")
	case !slices.EqualFunc(l.Over, e.Over, func(c *Cell, k Key) bool { return c.Key == k }):
		return refuse("it leaves out something else than what lies before")
	case !slices.EqualFunc(l.enters, e.Enters, func(a, b BatchEntered) bool { return a.Walk == b.Walk && slices.Equal(a.Hosts, b.Hosts) }):
		return refuse("it goes into other batches than those that are next")
	}
	for _, in := range e.Enters {
		w, ok := r.Plan.Walk(in.Walk)
		if !ok {
			return refuse("the plan has no walk " + in.Walk)
		}
		if why := r.batchEntered(w, in, rec); why != "" {
			return refuse(why)
		}
	}
	for _, c := range l.Over {
		c = r.own(c)
		if why := c.skipped(CellSkipped{Cell: c.Key, Reason: e.Reason}); why != "" {
			return refuse(c.Key.String() + ": " + why)
		}
		r.follows(c, e)
		c.Ended, c.By, c.Seq = rec.Wall, rec.Actor, rec.Seq
		if c.Begun.IsZero() {
			c.Begun = rec.Wall
		}
	}
	return nil
}

// Jumped is the event by which the run goes on at a cell, and leaves out what a leap
// says.
func (l Leap) Jumped(to Key, reason string) Jumped {
	e := Jumped{To: to, Reason: reason, Enters: l.enters}
	for _, c := range l.Over {
		e.Over = append(e.Over, c.Key)
	}
	return e
}
