package run

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

// TransitionError refuses an event that the state doesn't allow.
type TransitionError struct {
	Kind string
	Key  Key
	Why  string
}

func (e *TransitionError) Error() string {
	return fmt.Sprintf("event %s of %q is not allowed: %s", e.Kind, e.Key, e.Why)
}

// Fold returns the state of a run after all its events. p is the plan of the
// version that the run goes on with; those before it are its [plan.Plan.Earlier].
// On an error it returns the state up to the event that is wrong, too.
func Fold(p *plan.Plan, records []Record) (*Run, error) {
	versions := p.Versions()
	r := empty(versions[0])
	for _, rec := range records {
		var err error
		if _, ok := rec.Event.(Adopted); ok && len(versions) > 1 {
			versions = versions[1:]
			r, err = r.Adopt(versions[0], rec)
		} else {
			err = r.apply(rec)
		}
		if err != nil {
			return r, fmt.Errorf("event %d: %w", rec.Seq, err)
		}
	}
	return r, nil
}

func empty(p *plan.Plan) *Run {
	r := &Run{
		Plan: p, Hosts: map[string]Identity{},
		Orders: map[string][]string{}, Batches: map[string][][]string{}, Excluded: map[string]map[string]string{},
		values: map[string]map[string]jsonValue{}, byKey: map[Key]int{}, posts: postsOf(p),
	}
	for i, c := range p.Cells {
		k := Key{c.Step.ID, c.Target}
		r.byKey[k] = i
		r.Cells = append(r.Cells, &Cell{Plan: c, Key: k, Checks: map[Phase]*ChecksTaken{}})
	}
	return r
}

// Apply returns the run after the event, and leaves r as it is. r may be nil
// for the first event of a run on plan p.
func Apply(p *plan.Plan, r *Run, rec Record) (*Run, error) {
	if r == nil {
		r = empty(p)
	}
	n := r.clone()
	if err := n.apply(rec); err != nil {
		return r, err
	}
	return n, nil
}

// clone copies what apply may change, and the cell it is about lazily.
func (r *Run) clone() *Run {
	n := *r
	n.shared = true
	n.Cells, n.OffBook = slices.Clone(r.Cells), slices.Clone(r.OffBook)
	n.Orders = maps.Clone(r.Orders)
	n.Batches = maps.Clone(r.Batches)
	n.Excluded = maps.Clone(r.Excluded)
	n.Hosts = maps.Clone(r.Hosts)
	n.Notes = slices.Clone(r.Notes)
	n.Wishes = slices.Clone(r.Wishes)
	n.values = maps.Clone(r.values)
	return &n
}

func (c *Cell) clone() *Cell {
	n := *c
	n.Checks = maps.Clone(c.Checks)
	n.Attempts = slices.Clone(c.Attempts)
	if l := len(n.Attempts); l > 0 {
		last := *n.Attempts[l-1]
		n.Attempts[l-1] = &last
	}
	return &n
}

// apply changes r. A failed apply may leave r half changed: callers drop it.
func (r *Run) apply(rec Record) error {
	if rec.Seq != r.Seq+1 {
		return &TransitionError{Kind(rec.Event), Key{}, fmt.Sprintf("it has number %d after %d", rec.Seq, r.Seq)}
	}
	if _, first := rec.Event.(RunStarted); first != (r.Seq == 0) {
		return &TransitionError{Kind(rec.Event), Key{}, "a run begins with RunStarted, once"}
	}
	if err := r.applyToRun(rec); err != nil {
		return err
	}
	r.Seq, r.Last, r.Head, r.Epoch = rec.Seq, rec.Wall, rec.Hash, rec.Epoch
	return nil
}

func (r *Run) applyToRun(rec Record) error {
	switch e := rec.Event.(type) {
	case RunStarted:
		r.ID, r.Start, r.Started = rec.RunID, e, rec.Wall
	case LeaseTaken:
		r.Holder = e.Holder
		r.takeover()
	case LeaseReleased:
		r.Holder = ""
	case HostSeen:
		r.Hosts[e.Host] = e.Identity
	case WalkOrdered, BatchEntered, InstanceExcluded, InstanceIncluded:
		return r.walked(rec)
	case Paused, Continued, StopRequested, RollbackPlanned:
		return r.steered(rec)
	case Note:
		r.Notes = append(r.Notes, rec)
	case Preflighted:
		r.Preflighted = &e
	case Exported, HostKeyAccepted:
	case AbortRequested, PauseRequested:
		r.Wishes = append(r.Wishes, rec)
	case SampleBatch, MonitorTurned, MonitorAcknowledged:
		return r.monitored(rec)
	case AdHocAsked:
		return r.adHocAsked(rec, e)
	case Jumped:
		return r.jumped(rec, e)
	case RunClosed:
		return r.close(e)
	default:
		return r.applyToCell(rec)
	}
	return nil
}

// steered is what a person says about the run as a whole.
func (r *Run) steered(rec Record) error {
	refuse := func(why string) error { return &TransitionError{Kind(rec.Event), Key{}, why} }
	if r.Closed != "" {
		return refuse("the run is closed")
	}
	switch e := rec.Event.(type) {
	case Paused:
		r.Paused, r.Stop = true, ""
		r.Wishes = slices.DeleteFunc(r.Wishes, func(w Record) bool { _, pause := w.Event.(PauseRequested); return pause })
	case Continued:
		r.Paused, r.Wishes = false, nil // whoever goes on has decided
	case StopRequested:
		if e.After != "" && settled(r.under(e.After)) {
			return refuse("nothing of it is open")
		}
		r.Stop = e.After
	case RollbackPlanned:
		if why := r.undoPlanned(e); why != "" {
			return refuse(why)
		}
	}
	return nil
}

func (r *Run) close(e RunClosed) error {
	switch {
	case r.Closed != "":
		return &TransitionError{"RunClosed", Key{}, "the run is closed"}
	case e.How != Done && e.How != DoneExceptions && e.How != Aborted:
		return &TransitionError{"RunClosed", Key{}, "it does not say how"}
	}
	if e.How != Aborted {
		if held := r.held(); held != nil {
			return &TransitionError{"RunClosed", Key{}, held.holds()}
		}
		if strays := r.Strays(); len(strays) > 0 {
			return &TransitionError{"RunClosed", strays[0].Cell.Key, "its process has not ended"}
		}
		for c := range r.All() {
			if !c.over() {
				return &TransitionError{"RunClosed", c.Key, "it is " + c.Status.String()}
			}
		}
	}
	r.Closed, r.ClosedWhy = e.How, e.Why
	return nil
}

// own returns the cell to be changed, copied when a snapshot may hold it.
func (r *Run) own(c *Cell) *Cell {
	if !r.shared {
		return r.Cell(c.Key)
	}
	if i, ok := r.byKey[c.Key]; ok {
		r.Cells[i] = r.Cells[i].clone()
		return r.Cells[i]
	}
	i := slices.IndexFunc(r.OffBook, func(o *Cell) bool { return o.Key == c.Key })
	r.OffBook[i] = r.OffBook[i].clone()
	return r.OffBook[i]
}

func (r *Run) applyToCell(rec Record) error {
	k, _ := KeyOf(rec.Event)
	refuse := func(why string) error { return &TransitionError{Kind(rec.Event), k, why} }
	c := r.Cell(k)
	switch {
	case c == nil:
		return refuse("the plan has no such cell")
	case r.Closed != "":
		return refuse("the run is closed")
	case c.AdHoc != nil && c.over():
		return refuse("it is over")
	}
	c = r.own(c)
	before := c.Status
	why := r.forbids(c, rec.Event)
	if why == "" {
		why = c.apply(rec)
	}
	if why != "" {
		return refuse(why + " (the cell is " + before.String() + ")")
	}
	r.follows(c, rec.Event)
	if c.stopped() {
		c.keeps = false
	}
	c.Seq = rec.Seq
	if c.Begun.IsZero() {
		c.Begun = rec.Wall
	}
	if c.Status == Succeeded && before != Succeeded {
		for scope, vs := range c.held {
			r.keep(scope, vs)
		}
		c.held = nil
	}
	if c.Status != before && (c.Status.Settled() || c.stopped()) {
		c.Ended, c.By = rec.Wall, rec.Actor
	}
	return nil
}

// forbids says why an event about a cell isn't allowed by what stands elsewhere
// in the run, or "".
func (r *Run) forbids(c *Cell, e Event) string {
	switch e := e.(type) {
	case Intent:
		switch e.Role {
		case RoleCommand:
			return cmp.Or(r.notEntered(c), r.heldAt(c))
		case RoleKeep:
			return r.keepsUp(c, e)
		case RoleRollback:
		}
	case GateShown:
		return r.notEntered(c)
	case GateGranted:
		return cmp.Or(r.heldAt(c), r.notAhead(e))
	case ManualDone, Asked, WatchBegun:
		return cmp.Or(r.notEntered(c), r.heldAt(c))
	case Called:
		if r.Called != nil {
			return "another step was called"
		}
		return r.callable(c)
	case Retried:
		if c.Status.Settled() {
			return r.notAgain(c)
		}
	case RerunOverride:
		if c.againByRerun() && c.Status != RolledBack {
			return r.notAgain(c)
		}
	case RollbackRequested:
		if len(r.Undoing) > 0 && r.Undoing[0] != c.Key {
			return "another one is next to be rolled back"
		}
		if wall := r.wall(c); wall != nil {
			return r.wallText(wall)
		}
	}
	return ""
}

// follows is what an event about a cell changes elsewhere in the run.
func (r *Run) follows(c *Cell, e Event) {
	if _, ok := e.(Called); ok {
		r.Called = &c.Key
	}
	switch e.(type) {
	case RerunOverride:
		r.Undoing = nil // the way is forward again
	case RollbackRequested:
		r.tried = c.Key
	}
	if r.Called != nil && *r.Called == c.Key && c.Status.Settled() {
		r.Called = nil
	}
	if c.Status == RolledBack && r.isOut(c) {
		c.out, c.outReason, c.Status, c.Excluded = RolledBack, c.Reason, Excluded, "its instance was taken out"
	}
	if c.Status == RolledBack || c.Status == Skipped || c.Status == Excluded || c.Status == Pending {
		r.undone(c.Key)
	}
}

// keep stores captured values in the scope they belong to.
func (r *Run) keep(scope string, vs map[string]jsonValue) {
	if len(vs) == 0 {
		return
	}
	m := maps.Clone(r.values[scope])
	if m == nil {
		m = map[string]jsonValue{}
	}
	maps.Copy(m, vs)
	r.values[scope] = m
}

// hold keeps what was captured on the way until the step has succeeded.
func (c *Cell) hold(scope string, vs map[string]jsonValue) {
	if len(vs) == 0 {
		return
	}
	m := maps.Clone(c.held[scope])
	if m == nil {
		m = map[string]jsonValue{}
	}
	maps.Copy(m, vs)
	if c.held = maps.Clone(c.held); c.held == nil {
		c.held = map[string]map[string]jsonValue{}
	}
	c.held[scope] = m
}

// hasAfter reports whether the step has postconditions.
func (c *Cell) hasAfter() bool { return len(c.Plan.Step.Book.After) > 0 }

// settle is the status and reason that a verdict leads to.
func settle(v checks.Verdict, pass Status, why Reason) (Status, Reason) {
	switch v {
	case checks.Pass:
		return pass, NoReason
	case checks.Fail:
		return Failed, why
	default:
		return Unknown, why
	}
}
