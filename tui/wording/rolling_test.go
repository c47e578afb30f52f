package wording

import (
	"testing"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

func TestRollingInWords(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	done := func(keys ...string) map[string]struct{} {
		m := map[string]struct{}{}
		for _, k := range keys {
			m[k] = struct{}{}
		}
		return m
	}
	five := &plan.Walk{Batch: 2, Keys: []string{"a", "b", "c", "d", "e"}, Each: &runbook.Each{Canary: 1, MaxFailures: 2}}
	batches := [][]string{{"a"}, {"b", "c"}, {"d", "e"}}
	for _, tt := range []struct {
		walk                  *plan.Walk
		ro                    run.Rolling
		batch, soak, failures string
	}{
		{five, run.Rolling{Canary: true, Batches: batches}, "next, canary: a", "", "0 of 2 failures used"},
		{five, run.Rolling{Canary: true, Batches: batches, Entered: 1}, "canary: a", "", "0 of 2 failures used"},
		{
			five,
			run.Rolling{Canary: true, Batches: batches, Entered: 1, Settled: done("a"), Soaked: noon.Add(1500 * time.Millisecond)},
			"next, batch 1 of 2: b, c", "the canary soaks, 2s left", "0 of 2 failures used",
		},
		{
			five,
			run.Rolling{Canary: true, Batches: batches, Entered: 2, Settled: done("a"), Failures: 1, Soaked: noon},
			"batch 1 of 2: b, c", "", "1 of 2 failures used",
		},
		{five, run.Rolling{Canary: true, Batches: batches, Entered: 3, Settled: done("a", "b", "c", "d", "e")}, "all batches are through", "", "0 of 2 failures used"},
		{
			&plan.Walk{Batch: 5, Keys: five.Keys, Each: &runbook.Each{}},
			run.Rolling{Batches: [][]string{five.Keys}, Entered: 1, Failures: 1},
			"batch 1 of 1: a, b, c, and 2 more", "", "1 failure, none is allowed",
		},
		{&plan.Walk{Batch: 1, Keys: five.Keys, Each: &runbook.Each{}}, run.Rolling{Batches: batches}, "", "", ""},
	} {
		if got := Batched(tt.walk, tt.ro); got != tt.batch {
			t.Errorf("batch %q, want %q", got, tt.batch)
		}
		if got := Soaks(tt.ro, noon); got != tt.soak {
			t.Errorf("soak %q, want %q", got, tt.soak)
		}
		if got := Failures(tt.walk, tt.ro); got != tt.failures {
			t.Errorf("failures %q, want %q", got, tt.failures)
		}
	}
}
