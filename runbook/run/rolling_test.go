package run

import (
	"fmt"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

// A walk tells at any time which batches lie behind it and ahead, how much of its
// failures is used, and how long its canary soaks.
func TestHowFarAWalkHasCome(t *testing.T) {
	t.Parallel()
	w := walking(t, "batch=2 canary=1 soak=10m max_failures=1")
	is := func(batches string, entered, at, failures, settled int) Rolling {
		t.Helper()
		ro := w.r.Rolling(w.r.Plan.Walks[0])
		if got := fmt.Sprint(ro.Batches); got != batches || ro.Entered != entered || ro.At() != at || ro.Failures != failures || len(ro.Settled) != settled {
			t.Errorf("batches %s, %d entered, at %d, %d failures, %d settled; want %s, %d, %d, %d, %d",
				got, ro.Entered, ro.At(), ro.Failures, len(ro.Settled), batches, entered, at, failures, settled)
		}
		return ro
	}
	is("[[a] [b c]]", 1, 0, 0, 0)
	w.runs(t, checks.Pass, "w[a]/one", "w[a]/two")
	through := w.now
	if ro := is("[[a] [b c]]", 1, 1, 0, 1); !ro.Canary || !ro.Soaked.Equal(through.Add(10*time.Minute)) {
		t.Errorf("the canary soaks until %s", ro.Soaked)
	}
	ask := w.asks(t, WaitBatch, "w[b]/one")
	w.now = ask.Soak
	w.then(t, BatchEntered{Walk: "w", Hosts: ask.Keys})
	w.runs(t, checks.Fail, "w[b]/one")
	if ro := is("[[a] [b c]]", 2, 1, 1, 1); !ro.Soaked.IsZero() {
		t.Error("it soaks though the walk went on")
	}
	w.then(t, InstanceExcluded{Walk: "w", Instance: "b", Reason: "broken"}) // counted once
	w.runs(t, checks.Pass, "w[c]/one", "w[c]/two")
	is("[[a] [b c]]", 2, 1, 1, 3)

	w = walking(t, "max_failures=1")
	w.runs(t, checks.Fail, "w[a]/one")
	is("[[a] [b] [c]]", 2, 1, 1, 0) // a is come back to at the end
	w.runs(t, checks.Pass, "w[b]/one", "w[b]/two", "w[c]/one", "w[c]/two")
	is("[[a] [b] [c]]", 3, 0, 1, 2)
}

// Before anything is entered, all of it lies ahead; who was taken out does not.
func TestBatchesAhead(t *testing.T) {
	t.Parallel()
	w := walking(t, "batch=2")
	w.then(t, InstanceExcluded{Walk: "w", Instance: "c", Reason: "broken"})
	n := w.r.Plan.Walks[0]
	if got := fmt.Sprint(w.r.Rolling(n).Batches); got != "[[a b]]" {
		t.Errorf("batches %s", got)
	}
	if ro := (&Run{Plan: w.r.Plan, Cells: w.r.Cells}).Rolling(&plan.Walk{Each: n.Each, Batch: n.Batch}); ro.At() != -1 {
		t.Errorf("a walk without instances is at batch %d", ro.At())
	}
}
