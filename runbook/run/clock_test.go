package run

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/plan"
)

// jumps are what a wall clock does: it is set, steps, and stands still in a machine
// that sleeps.
var jumps = []time.Duration{
	0, 0, 0, time.Millisecond, -time.Millisecond, -time.Second, time.Hour, -time.Hour, 37 * time.Hour, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour,
}

// A run is what happened in it, in that order, whatever the clock said meanwhile;
// and no clock makes a grant last longer.
func TestTortureT10AClockThatJumpsChangesNothing(t *testing.T) {
	t.Parallel()
	cases, jumped := 0, 0
	for i := range tally.Size(t, 10) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := drawPlan(t)
				unsoaked(p)
				steady := &driver{world: newWorld(t, p), t: t, luck: rapid.IntRange(2, 8).Draw(t, "luck")}
				for range 60 {
					if !steady.step() {
						break
					}
				}
				cases++
				jumped += underJumps(t, steady.world)
			})
		})
	}
	tally.Add(t, tally.Cases, cases)
	tally.Add(t, tally.Faults, jumped)
	tally.Add(t, tally.OpenedGates, 0) // underJumps fails at the first
}

// unsoaked takes the soaks, which wait for a clock, out of a plan.
func unsoaked(p *plan.Plan) {
	var all func(n plan.Node)
	all = func(n plan.Node) {
		switch n := n.(type) {
		case *plan.Section:
			for _, c := range n.Children {
				all(c)
			}
		case *plan.Walk:
			n.Each.Soak = 0
			for _, c := range n.Instances {
				all(c)
			}
		}
	}
	all(p.Root)
}

// underJumps lives through a run again, under a clock that jumps between its events,
// and counts how often it did.
func underJumps(t *rapid.T, steady *world) (jumped int) {
	w := newWorld(t, steady.p)
	for _, rec := range steady.records[len(w.records):] {
		e := rec.Event
		if _, ok := w.records[len(w.records)-1].Event.(GateGranted); ok {
			stretched(t, w, e) // grant and dispatch are one act: no clock jumps between them
		} else if by := rapid.SampledFrom(jumps).Draw(t, "jump"); by != 0 {
			w.now = w.now.Add(by)
			jumped++
		}
		if g, ok := e.(GateGranted); ok {
			g.Expires = w.now.Add(grantTTL)
			e = g
		}
		if err := w.add(e); err != nil {
			t.Fatalf("under a clock that jumps: %v", err)
		}
	}
	if a, b := timeless(steady.r), timeless(w.r); !slices.Equal(a, b) {
		t.Fatalf("the clock makes another run of it:\n%v\n%v", a, b)
	}
	return jumped
}

// stretched: what a grant allows is not allowed once the clock has gone past its
// end, or back before its beginning.
func stretched(t *rapid.T, w *world, e Event) {
	for _, by := range []time.Duration{-3 * time.Second, -time.Hour, 2 * grantTTL, 10 * 365 * 24 * time.Hour} {
		try := w.copy()
		try.now = try.now.Add(by)
		if err := try.add(e); err == nil {
			t.Fatalf("%s uses a grant when the clock has jumped by %s", Kind(e), by)
		}
	}
}

// timeless is a run's state without any time in it.
func timeless(r *Run) []string {
	out := []string{fmt.Sprintf("%T %s %v %v %v", Next(r), r.Closed, r.Paused, r.Undoing, r.Batches)}
	for _, c := range r.Cells {
		line := fmt.Sprintf("%s %s %q %q %q rerun %v", c.Key, c.Status, c.Reason, c.Detail, c.Skip, c.Rerun)
		for _, a := range c.Attempts {
			line += fmt.Sprintf("; %s %s %q", a.Intent.Attempt, a.Fate, a.Why)
		}
		out = append(out, line)
	}
	return out
}
