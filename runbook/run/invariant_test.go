package run

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"stepgate/runbook/plan"
)

// lockstep: nothing begins in an instance while another of its batch, which can
// go on, hasn't settled what stands before it.
func lockstep(t *rapid.T, r *Run, ask Ask) {
	if r.Called != nil {
		return
	}
	for _, c := range ask.Cells() {
		w, key := r.Instance(c)
		if w == nil {
			continue
		}
		own := r.instance(w, key)
		at := slices.IndexFunc(own, func(o *Cell) bool { return o.Plan.Step == c.Plan.Step })
		for _, batch := range r.Batches[w.ID] {
			if !slices.Contains(batch, key) {
				continue
			}
			for _, k := range batch {
				other := r.instance(w, k)
				if k == key || len(other) != len(own) || slices.ContainsFunc(other, (*Cell).stopped) {
					continue
				}
				if !settled(other[:at]) && other[at].Plan.Step.Book.ID == c.Plan.Step.Book.ID {
					t.Fatalf("%s begins before %s is through with what comes before it", c.Key, k)
				}
			}
		}
	}
}

// inBudget: while a walk has more failures than it may have, it stops.
func inBudget(t *rapid.T, world *world, ask Ask) {
	r := world.r
	if ask.Wait != WaitGo && ask.Wait != WaitManual && ask.Wait != WaitAsk && ask.Wait != WaitBatch || ask.Cell.stopped() || r.Called != nil {
		return
	}
	w, _ := r.Instance(ask.Cell)
	if w == nil || slices.ContainsFunc(w.Instances, holdsWalk) {
		return
	}
	failures, stopped := len(r.Excluded[w.ID]), false
	for _, k := range w.Keys {
		cells := r.instance(w, k)
		at := slices.IndexFunc(cells, func(c *Cell) bool { return !c.Status.Settled() })
		if at >= 0 && cells[at].stopped() {
			if r.Excluded[w.ID][k] == "" {
				failures++
			}
			stopped = stopped || r.entered(w)[k]
		}
	}
	if stopped && failures > w.Each.MaxFailures {
		t.Fatalf("%s is next although %d of %s have failed, and %d may:%s", ask.Cell.Key, failures, w.ID, w.Each.MaxFailures, world.story())
	}
}

func holdsWalk(n plan.Node) bool {
	s, ok := n.(*plan.Section)
	return ok && slices.ContainsFunc(s.Children, func(n plan.Node) bool {
		_, walk := n.(*plan.Walk)
		return walk || holdsWalk(n)
	})
}

// outOfWalks checks what happened last against the journal alone: nothing begins
// in an instance that was taken out or that no batch has entered; the canary goes
// first, alone, and soaks; no rollback goes past a wall.
func outOfWalks(t *rapid.T, w *world) {
	rec := w.records[len(w.records)-1]
	switch e := rec.Event.(type) {
	case Intent:
		began(t, w, e.Cell, e.Role)
		if e.Role == RoleRollback {
			noWall(t, w, w.r.Cell(e.Cell))
		}
	case ManualDone:
		began(t, w, e.Cell, RoleCommand)
	case BatchEntered:
		canary(t, w, e, rec)
	case Jumped:
		for _, b := range e.Enters {
			canary(t, w, b, rec)
		}
	}
}

func began(t *rapid.T, w *world, k Key, role Role) {
	entered, out := map[string]bool{}, map[string]bool{}
	enter := func(e BatchEntered) {
		for _, h := range e.Hosts {
			entered[fmt.Sprintf("%s[%s]", e.Walk, h)] = true
		}
	}
	for _, rec := range w.records {
		switch e := rec.Event.(type) {
		case BatchEntered:
			enter(e)
		case Jumped:
			for _, b := range e.Enters {
				enter(b)
			}
		case InstanceExcluded:
			out[fmt.Sprintf("%s[%s]", e.Walk, e.Instance)] = true
		case InstanceIncluded:
			delete(out, fmt.Sprintf("%s[%s]", e.Walk, e.Instance))
		}
	}
	for p := k.Step; p != ""; p = parent(p) {
		if !strings.HasSuffix(p, "]") {
			continue
		}
		if !entered[p] {
			t.Fatalf("%s begins, and no batch has entered %s", k, p)
		}
		if out[p] && role == RoleCommand {
			t.Fatalf("%s begins, and %s was taken out", k, p)
		}
	}
}

func canary(t *rapid.T, w *world, e BatchEntered, rec Record) {
	walk, _ := w.p.Walk(e.Walk)
	if walk.Each.Canary == 0 {
		return
	}
	batches := w.r.Batches[walk.ID]
	if len(batches) == 1 && len(e.Hosts) > walk.Each.Canary {
		t.Fatalf("%d go first, and the canary is %d", len(e.Hosts), walk.Each.Canary)
	}
	if len(batches) != 2 { // what people do at the canary later holds up nobody
		return
	}
	for _, k := range batches[0] {
		for _, c := range w.r.instance(walk, k) {
			if !c.Status.Settled() {
				t.Fatalf("%s are entered, and %s of the canary is %s", e.Hosts, c.Key, c.Status)
			}
			if rec.Wall.Sub(c.Ended) < walk.Each.Soak && c.Status == Succeeded {
				t.Fatalf("%s are entered %s after the canary, which soaks for %s", e.Hosts, rec.Wall.Sub(c.Ended), walk.Each.Soak)
			}
		}
	}
}

// noWall: no irreversible command went after this one, in its own instance or
// from where it counts for every host.
func noWall(t *rapid.T, w *world, c *Cell) {
	for _, o := range w.r.Cells {
		if !o.Plan.Step.Book.Irreversible || o.sent() <= c.sent() || o.Status != Succeeded && o.Status != Unknown {
			continue
		}
		own := strings.TrimSuffix(o.Key.Step, "/"+o.Plan.Step.Book.ID)
		if !strings.Contains(o.Key.Step, "[") || within(c.Key.Step, own) && strings.HasSuffix(own, "]") || !strings.Contains(c.Key.Step, "[") {
			t.Fatalf("%s is rolled back, and %s, which can't be undone, went after it", c.Key, o.Key)
		}
	}
}
