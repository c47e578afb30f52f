package run

import (
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"

	"stepgate/checks"
)

// dispatches checks what was sent against the journal alone: a gated cell has
// an unused grant for these bytes, an irreversible one is sent once per RERUN.
func dispatches(t *rapid.T, w *world, rec Record) {
	e, ok := rec.Event.(Intent)
	if !ok {
		switch m := rec.Event.(type) {
		case ManualDone:
			if w.r.Cell(m.Cell).Plan.Step.Gated {
				openGate(t, w, rec, m.Cell, m.Gate)
			}
		case WatchBegun:
			if w.r.Cell(m.Cell).Plan.Step.Gated {
				openGate(t, w, rec, m.Cell, m.Gate)
			}
		}
		return
	}
	switch e.Role {
	case RoleKeep:
		return
	case RoleCommand:
	case RoleRollback:
		asked := false
		for _, old := range w.records[:len(w.records)-1] {
			switch x := old.Event.(type) {
			case RollbackRequested:
				asked = asked || x.Cell == e.Cell
			case Intent:
				asked = asked && (x.Cell != e.Cell || x.Role == RoleKeep)
			}
		}
		if !asked {
			t.Fatalf("%s is rolled back more often than asked for", e.Cell)
		}
		return
	}
	c := w.r.Cell(e.Cell)
	sent, rerun := 0, false
	for _, old := range w.records[:len(w.records)-1] {
		switch x := old.Event.(type) {
		case Intent:
			if x.Cell == e.Cell && x.Role == RoleCommand && attemptNo(c, x.No).Fate != "never started" {
				sent, rerun = sent+1, false
			}
		case RerunOverride:
			rerun = rerun || x.Cell == e.Cell
		}
	}
	if c.Plan.Step.Book.Irreversible && sent > 0 && !rerun {
		t.Fatalf("%s is irreversible and is sent again", e.Cell)
	}
	edited := lastEdit(w, e.Cell)
	if edited != "" && e.Dispatch.Body != edited {
		t.Fatalf("%s sends %q, and its text was made %q", e.Cell, e.Dispatch.Body, edited)
	}
	if c.Plan.Step.Gated || rerun || edited != "" {
		g := openGate(t, w, rec, e.Cell, e.Gate)
		if g.Dispatch == nil || !reflect.DeepEqual(*g.Dispatch, e.Dispatch) {
			t.Fatalf("%s sends what its gate has not shown", e.Cell)
		}
	}
}

// attemptNo is the cell's attempt of that number.
func attemptNo(c *Cell, no int) *Attempt {
	return c.Attempts[slices.IndexFunc(c.Attempts, func(a *Attempt) bool { return a.Intent.No == no })]
}

// openGate finds the grant that an event uses up, and returns what its gate
// showed.
func openGate(t *rapid.T, w *world, rec Record, k Key, gate string) GateShown {
	var shown *GateShown
	var grant *GateGranted
	for _, old := range w.records[:len(w.records)-1] {
		cell, _ := KeyOf(old.Event)
		_, lease := old.Event.(LeaseTaken)
		if cell != k && !lease {
			continue
		}
		switch x := old.Event.(type) {
		case GateShown:
			shown, grant = &x, nil
		case GateGranted:
			grant = &x
		case Intent:
			if x.Role != RoleKeep {
				shown, grant = nil, nil
			}
		case GateClosed, ManualDone, WatchBegun, LeaseTaken, NotDispatched, CellSkipped:
			shown, grant = nil, nil
		case ChecksTaken:
			if x.Phase == Before && x.Verdict() != checks.Pass {
				shown, grant = nil, nil
			}
		}
	}
	if grant == nil || shown == nil || gate == "" || grant.Gate != gate || shown.Gate != gate || grant.Typed != shown.Phrase {
		t.Fatalf("%s goes through gate %q, which nobody has opened", k, gate)
	}
	if rec.Wall.After(grant.Expires) {
		t.Fatalf("%s goes through a gate whose grant expired at %s, at %s", k, grant.Expires.Format(time.TimeOnly), rec.Wall.Format(time.TimeOnly))
	}
	if c := w.r.Cell(k); grant.Pre != "" && (c.AdHoc != nil || lastEdit(w, k) != "") {
		t.Fatalf("a pre-grant opens the gate of %s, which the runbook doesn't have so", k)
	}
	return *shown
}
