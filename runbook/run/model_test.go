package run

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

func attemptOf(c *Cell) string {
	if a := c.Latest(); a != nil {
		return a.Intent.Attempt
	}
	return ""
}

// current is the cell a run stands at, and what it waits for there.
func current(r *Run) (*Cell, Wait) {
	switch d := Next(r).(type) {
	case Ask:
		return d.Cell, d.Wait
	case Decide:
		return d.Cell, WaitNothing
	case Settle:
		return d.Cell, WaitNothing
	case Verify:
		return d.Cell, WaitNothing
	case Await:
		return d.Cell, WaitNothing
	case Undo:
		return d.Cell, WaitNothing
	case Follow:
		return d.Cell, WaitNothing
	case End:
		return d.Cell, WaitNothing
	case Take:
		return d.Cell, WaitNothing
	case Repeat:
		return d.Cell, WaitNothing
	case Order, Enter, Halt, Close, Over:
	}
	return nil, WaitNothing
}

// same reports whether two runs are in one state.
func same(a, b *Run) bool {
	x, y := *a, *b
	x.shared, y.shared = false, false
	return reflect.DeepEqual(&x, &y)
}

// Whatever events come, legal or not, the rules of a run hold.
func TestRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, drawPlan(t))
		n := rapid.IntRange(20, 60).Draw(t, "events")
		for range n {
			if oneIn(t, 30, "late") {
				w.now = w.now.Add(2 * grantTTL)
			}
			e := drawEvent(t, w)
			before, rec := w.r, w.record(e)
			w.now = rec.Wall
			after, err := Apply(w.p, before, rec)
			ref, foldErr := Fold(w.p, w.records)
			if foldErr != nil || !same(before, ref) {
				t.Fatalf("%s changed the run it was applied to (%v)", Kind(e), foldErr)
			}
			if err != nil {
				refused(t, w, after, rec, err)
				continue
			}
			w.r, w.records, w.epoch = after, append(w.records, rec), rec.Epoch
			if ref, err = Fold(w.p, w.records); err != nil || !same(after, ref) {
				t.Fatalf("%s: a fold differs from one by one (%v)", Kind(e), err)
			}
			for i, c := range after.Cells {
				legal(t, w, before.Cells[i], c, rec)
			}
			for i, c := range before.OffBook {
				legal(t, w, c, after.OffBook[i], rec)
			}
			dispatches(t, w, rec)
			heldUp(t, w, before, rec)
			oneProcess(t, w, rec)
			tended(t, w.r)
			offers(t, w)
			goesOn(t, w)
		}
	})
}

// refused: an event that is an error changes nothing, neither one by one nor in
// a fold.
func refused(t *rapid.T, w *world, got *Run, rec Record, err error) {
	var bad *TransitionError
	if !errors.As(err, &bad) || bad.Kind != Kind(rec.Event) || bad.Why == "" {
		t.Fatalf("%s is refused with %v", Kind(rec.Event), err)
	}
	if got != w.r {
		t.Fatalf("%s is refused, and another run comes back", Kind(rec.Event))
	}
	folded, err := Fold(w.p, append(slices.Clone(w.records), rec))
	if !errors.As(err, &bad) || !same(folded, w.r) {
		t.Fatalf("a fold that ends in a refused %s differs from the run before it (%v)", Kind(rec.Event), err)
	}
}

// edges are the transitions there are, and the events that may cause each.
var edges = map[[2]Status][]string{
	{Pending, Gated}:              {"GateShown"},
	{Pending, Running}:            {"Intent"},
	{Pending, Succeeded}:          {"ManualDone", "ChecksTaken", "Asked", "CellSkipped", "Jumped", "WatchBegun"},
	{Gated, Succeeded}:            {"CellSkipped"},
	{Succeeded, Pending}:          {"RerunOverride", "Retried"},
	{Skipped, Pending}:            {"RerunOverride", "Retried"},
	{NotApplicable, Pending}:      {"RerunOverride", "Retried"},
	{Pending, Excluded}:           {"InstanceExcluded"},
	{Gated, Excluded}:             {"InstanceExcluded"},
	{Authorised, Excluded}:        {"InstanceExcluded"},
	{Failed, Excluded}:            {"InstanceExcluded"},
	{Unknown, Excluded}:           {"InstanceExcluded", "Outcome", "OutcomeResolved", "ChecksTaken", "Returned"}, // of an instance that is out already
	{RolledBack, Excluded}:        {"InstanceExcluded"},
	{RollbackFailed, Excluded}:    {"InstanceExcluded"},
	{Excluded, Pending}:           {"InstanceIncluded"},
	{Excluded, Failed}:            {"InstanceIncluded"},
	{Excluded, Unknown}:           {"InstanceIncluded"},
	{Excluded, RolledBack}:        {"InstanceIncluded"},
	{Excluded, RollbackFailed}:    {"InstanceIncluded"},
	{Pending, Failed}:             {"ChecksTaken", "NotDispatched"},
	{Pending, Unknown}:            {"ChecksTaken"},
	{Pending, Skipped}:            {"CellSkipped", "Jumped", "LeaseTaken"}, // the latter of what isn't the plan's
	{Pending, NotApplicable}:      {"WhenDecided"},
	{Gated, Authorised}:           {"GateGranted"},
	{Gated, Pending}:              {"GateClosed", "LeaseTaken", "InstanceExcluded", "WalkOrdered", "BatchEntered"},
	{Gated, Failed}:               {"ChecksTaken", "NotDispatched"},
	{Gated, Unknown}:              {"ChecksTaken"},
	{Gated, Skipped}:              {"CellSkipped", "GateClosed", "LeaseTaken"}, // all but the first of what isn't the plan's
	{Authorised, Skipped}:         {"GateClosed", "LeaseTaken"},
	{Authorised, Running}:         {"Intent"},
	{Authorised, Succeeded}:       {"ManualDone", "WatchBegun"},
	{Authorised, Pending}:         {"GateClosed", "LeaseTaken", "InstanceExcluded", "WalkOrdered", "BatchEntered"},
	{Authorised, Failed}:          {"ChecksTaken", "NotDispatched"},
	{Authorised, Unknown}:         {"ChecksTaken"},
	{Running, Succeeded}:          {"Outcome", "ChecksTaken", "Returned", "BackgroundUp"},
	{Running, Failed}:             {"Outcome", "ChecksTaken", "NotReturned", "BackgroundDown", "LeaseTaken"},
	{Running, Unknown}:            {"Outcome", "ChecksTaken", "Interrupted", "LeaseTaken", "NotReturned"},
	{Unknown, Running}:            {"Reattached", "Outcome", "Returned"},
	{Unknown, RollingBack}:        {"Reattached", "Outcome", "RollbackRequested", "Returned"},
	{Unknown, Succeeded}:          {"Outcome", "OutcomeResolved", "ChecksTaken", "Returned", "CellSkipped", "Jumped"},
	{Unknown, Failed}:             {"Outcome", "OutcomeResolved", "ChecksTaken", "NotReturned"},
	{Unknown, RolledBack}:         {"Outcome", "OutcomeResolved", "ChecksTaken", "Returned"},
	{Unknown, RollbackFailed}:     {"Outcome", "OutcomeResolved", "ChecksTaken", "NotReturned"},
	{Unknown, Pending}:            {"Retried", "RerunOverride"},
	{Unknown, Skipped}:            {"CellSkipped", "Jumped"},
	{Failed, Running}:             {"Returned"},
	{Failed, Unknown}:             {"NotReturned"},
	{RollbackFailed, RolledBack}:  {"Returned"},
	{RollbackFailed, Unknown}:     {"NotReturned"},
	{Failed, Pending}:             {"Retried", "RerunOverride"},
	{Failed, Skipped}:             {"CellSkipped", "Jumped"},
	{Failed, Succeeded}:           {"OutcomeResolved", "Returned", "CellSkipped", "Jumped"},
	{Failed, RollingBack}:         {"RollbackRequested"},
	{Succeeded, RollingBack}:      {"RollbackRequested"},
	{RollingBack, Excluded}:       {"Outcome", "ChecksTaken", "Returned"},
	{RollingBack, RolledBack}:     {"Outcome", "ChecksTaken", "Returned"},
	{RollingBack, RollbackFailed}: {"Outcome", "ChecksTaken", "NotDispatched", "LeaseTaken", "NotReturned"},
	{RollingBack, Unknown}:        {"Outcome", "ChecksTaken", "Interrupted", "LeaseTaken", "NotDispatched", "NotReturned"},
	{RollingBack, Failed}:         {"ChecksTaken", "NotDispatched", "LeaseTaken"},
	{RollingBack, Succeeded}:      {"ChecksTaken", "NotDispatched", "LeaseTaken"},
	{RolledBack, Pending}:         {"RerunOverride"},
	{RolledBack, Skipped}:         {"CellSkipped", "Jumped"},
	{RollbackFailed, Pending}:     {"RerunOverride"},
	{RollbackFailed, Skipped}:     {"CellSkipped", "Jumped"},
	{RollbackFailed, Succeeded}:   {"OutcomeResolved"},
	{RollbackFailed, RollingBack}: {"RollbackRequested", "Returned"},
}

// legal checks one cell's transition against the rules, told anew.
func legal(t *rapid.T, w *world, was, is *Cell, rec Record) {
	kind := Kind(rec.Event)
	k, _ := KeyOf(rec.Event)
	_, lease := rec.Event.(LeaseTaken)
	if was.Status != is.Status {
		if k != is.Key && !lease && !ofInstance(rec.Event) {
			t.Fatalf("%s of %s moves %s", kind, k, is.Key)
		}
		if !slices.Contains(edges[[2]Status{was.Status, is.Status}], kind) {
			t.Fatalf("%s takes %s from %s to %s", kind, is.Key, was.Status, is.Status)
		}
	}
	if lease {
		takenOver(t, is)
	}
	if was.Status == Unknown && is.Status != Unknown {
		leavesUnknown(t, was, is, rec)
	}
	if is.Status == Succeeded && was.Status != Succeeded {
		succeeds(t, w, was, is, rec)
	}
	if is.Status == Skipped && was.Status != Skipped {
		ok := kind == "CellSkipped" || kind == "Jumped" || is.AdHoc != nil
		if !ok || is.AdHoc == nil && (was.Status == Succeeded || was.back) {
			t.Fatalf("%s leaves out %s, which was %s", kind, is.Key, was.Status)
		}
	}
	if is.AdHoc != nil && was.over() && was != is {
		t.Fatalf("%s changes %s, which was over", kind, is.Key)
	}
	if is.Status == Skipped && (is.Skip == "" || is.Plan.Step.Book.Required) {
		t.Fatalf("%s is skipped without a reason, or although it is required", is.Key)
	}
}

// ofInstance reports whether an event is about all cells of an instance.
func ofInstance(e Event) bool {
	switch e.(type) {
	case InstanceExcluded, InstanceIncluded, WalkOrdered, BatchEntered, Jumped:
		return true
	}
	return false
}

func takenOver(t *rapid.T, c *Cell) {
	switch c.Status {
	case Gated, Authorised:
		t.Fatalf("%s is %s for a new driver", c.Key, c.Status)
	case Running, RollingBack:
		if a := c.Latest(); a == nil || a.Outcome == nil { // of a background process there is none
			t.Fatalf("%s is %s for a new driver, and nobody has asked its host", c.Key, c.Status)
		}
	case Pending, Succeeded, Failed, Unknown, Skipped, NotApplicable, RolledBack, RollbackFailed, Excluded:
	}
	if c.Gate != nil || c.Grant != nil {
		t.Fatalf("%s keeps a gate for a new driver", c.Key)
	}
}

// leavesUnknown: an attempt without a result leaves unknown by a result, a
// decision, or being followed again, and by nothing else.
func leavesUnknown(t *rapid.T, was, is *Cell, rec Record) {
	if !open(was) {
		return
	}
	switch rec.Event.(type) {
	case Outcome, OutcomeResolved, Reattached:
	default:
		t.Fatalf("%s takes %s from unknown to %s, and nobody knows what its attempt did", Kind(rec.Event), is.Key, is.Status)
	}
}

// open reports whether nobody has said what became of the latest attempt.
func open(c *Cell) bool {
	a := c.Latest()
	resolved := a != nil && c.Resolved != nil && c.Resolved.Attempt == a.Intent.Attempt
	return a != nil && !resolved && !c.Beside(a) && (a.Outcome == nil || a.Outcome.Verdict == checks.Unknown)
}

// succeeds: success has a cause that says so.
func succeeds(t *rapid.T, w *world, was, is *Cell, rec Record) {
	ok := false
	switch e := rec.Event.(type) {
	case Outcome:
		ok = e.Verdict == checks.Pass && !is.hasAfter() && is.Latest().Intent.Dispatch.ReconnectMS == 0
	case Returned:
		a := is.Latest()
		ok = !is.hasAfter() && a.Outcome != nil && a.Outcome.Verdict == checks.Pass && e.Host.MachineID == a.Intent.Host.MachineID &&
			(!a.Intent.Dispatch.Reboot || e.Host.BootID != a.Intent.Host.BootID)
	case OutcomeResolved:
		ok = e.Succeeded && (e.Method == ByOperator || e.Method == ByCheck && !is.Plan.Step.Book.Irreversible && open(was))
		ok = ok || e.Method == ByProbe && is.Latest().Intent.Role == RoleRollback // as it was before the rollback that never began
	case ChecksTaken:
		a := is.Latest()
		ok = e.Verdict() == checks.Pass && (is.Plan.Step.Kind == plan.Check && a == nil ||
			e.Phase == After && a != nil && a.Intent.Role == RoleCommand && (a.Outcome != nil && a.Outcome.Verdict == checks.Pass || !a.Up.IsZero()))
		ok = ok || was.Status == RollingBack && e.Phase == RollbackBefore // as it was before
		ok = ok || was.Status == Pending && e.Phase == Already && e.Verdict() == checks.Pass
	case Asked:
		ok = is.Plan.Step.Kind == plan.Ask && e.Value != "many"
	case ManualDone:
		ok = is.Plan.Step.Kind == plan.Manual || is.Plan.Step.Kind == plan.Enter
	case NotDispatched, LeaseTaken:
		ok = was.Status == RollingBack // as it was before
	case BackgroundUp:
		ok = is.Starting() || is.background() && !is.hasAfter() && is.Latest().Intent.Attempt == e.Attempt
	case WatchBegun:
		ok = is.Plan.Step.Kind == plan.Watch
	case CellSkipped, Jumped:
		ok = was.Rerun && sentSince(w, is.Key) == 0 // as it was before the RERUN
	}
	if !ok {
		t.Fatalf("%s lets %s succeed: %+v", Kind(rec.Event), is.Key, rec.Event)
	}
}
