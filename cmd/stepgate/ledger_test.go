package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"stepgate/lab"
	"stepgate/runbook"
	"stepgate/runbook/run"
	"stepgate/state"
)

// folded is the run as its journal has it, with the plan.
func (c *crash) folded() *run.Run {
	c.t.Helper()
	ctx := context.Background()
	store, err := state.OpenReadOnly(ctx, filepath.Join(c.state, "stepgate", "stepgate.db"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer store.Close()
	id, err := store.Find(ctx, "last")
	if err != nil {
		c.t.Fatal(err)
	}
	records, err := store.Load(ctx, id)
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	have := map[string]string{}
	for _, r := range records {
		have[r.RunID+" "+strconv.FormatUint(r.Seq, 10)] = fmt.Sprintf("%x", r.Hash)
	}
	for k, h := range c.acked {
		if strings.HasPrefix(k, id) && have[k] != h {
			c.t.Fatalf("event %s was acknowledged as %s; the journal has %q", k, h, have[k])
		}
	}
	p, _, err := replan(ctx, store, records)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := run.Fold(p, records)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func inFlight(r *run.Run) bool {
	for _, cell := range r.Cells {
		if a := cell.Latest(); a != nil && a.Outcome == nil && (cell.Status == run.Running || cell.Status == run.RollingBack) {
			return true
		}
	}
	return false
}

// acts reads the ledger, which the test has kept from going with the lab.
func (c *crash) acts() (entries []lab.Entry) {
	c.t.Helper()
	data, err := os.ReadFile(c.ledger)
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var e lab.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			if !strings.HasSuffix(line, "\n") {
				break // its writer died before the act
			}
			c.t.Fatalf("ledger line %q: %v", line, err)
		}
		entries = append(entries, e)
	}
	return entries
}

// repeated counts, by the ledger, the commands that ran more than once: each act of
// an irreversible or unclassified command happens once per host, in one attempt.
// Those that the journal calls done did happen.
func (c *crash) repeated(r *run.Run) (twice int) {
	c.t.Helper()
	acts, attempts := map[string]int{}, map[string]map[string]bool{}
	for _, e := range c.acts() {
		acts[fmt.Sprintf("%s on %s: %s %q", e.Step, e.Host, e.Program, e.Args)]++
		where := e.Step + "@" + e.Host
		if attempts[where] == nil {
			attempts[where] = map[string]bool{}
		}
		attempts[where][e.Attempt] = true
	}
	for _, cell := range r.Cells {
		if b := cell.Plan.Step.Book; b.Kind != runbook.Run || b.Idempotent {
			continue
		}
		for act, n := range acts {
			if strings.HasPrefix(act, cell.Key.Step+" on ") && n != 1 {
				c.t.Errorf("%d times: %s", n, act)
				twice++
			}
		}
		n := len(attempts[cell.Key.String()])
		if n > 1 || n == 0 && cell.Status == run.Succeeded {
			c.t.Errorf("%s is %s, and %d attempts have acted", cell.Key, cell.Status, n)
		}
	}
	return twice
}
