package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook"
	"stepgate/runbook/run"
)

// localBook is a runbook of commands on this machine, each of which writes down
// that it ran: unclassified ones, irreversible ones behind gates, and one that
// may be repeated.
func localBook(ledger string, passes int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "+++\ntitle = \"On this machine\"\nconfirm = \"yes\"\n[params.ledger]\ndefault = %q\n[prelude]\n", ledger)
	b.WriteString("sh = '''\nact() { printf '%s %s\\n' \"$STEPGATE_STEP\" \"$STEPGATE_ATTEMPT\" >>\"$ledger\"; sync \"$ledger\"; }\n'''\n+++\n")
	b.WriteString("## Rounds {#rounds each=\"pass in rounds\"}\n")
	for i := range 3 {
		fmt.Fprintf(&b, "\n- [ ] Plain %d {#plain-%d}\n\n  ```sh\n  act\n  sleep 0.0%d\n  ```\n", i, i, 3*i)
		fmt.Fprintf(&b, "\n- [ ] Final %d {#final-%d}\n\n  > [!CAUTION]\n  > It can't be undone.\n\n  ```sh {.check}\n  test -w \"$ledger\"\n  ```\n  ```sh {.irreversible}\n  act\n  ```\n  ```sh {.check}\n  grep -q \"final-%d\" \"$ledger\"\n  ```\n", i, i, i)
		fmt.Fprintf(&b, "\n- [ ] Again %d {#again-%d}\n\n  ```sh {.idempotent}\n  sleep 0.02\n  ```\n", i, i)
	}
	return strings.Replace(b.String(), "[prelude]", "[params.rounds]\ntype = \"list\"\ndefault = \""+"1,2,3,4,5,6,7,8"[:2*passes-1]+"\"\n[prelude]", 1)
}

// local writes down a runbook of this machine and how its gates are granted.
func (c *crash) local(passes int) (book string) {
	c.t.Helper()
	dir := c.t.TempDir()
	c.ledger = filepath.Join(dir, "ledger")
	book = filepath.Join(dir, "book.md")
	for name, text := range map[string]string{book: localBook(c.ledger, passes), c.ledger: ""} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	out, errs, code := c.stepgate("plan", book, "--json")
	if code != 0 {
		c.t.Fatalf("plan: %d\n%s", code, errs)
	}
	var planned struct{ Digest string }
	if err := json.Unmarshal([]byte(out), &planned); err != nil {
		c.t.Fatal(err)
	}
	c.grants = []string{"--plan", planned.Digest, "--approve", "final-0", "--approve", "final-1", "--approve", "final-2"}
	return book
}

// beginLocal starts a run of it and returns once it is journaled.
func beginLocal(c *crash) *child {
	ch := c.start(append([]string{"run", c.local(4), "--auto"}, c.grants...)...)
	c.begun(ch)
	return ch
}

// On this machine: commands outlive the process that started them.
func TestTortureT1KilledAtAnyMomentOnThisMachine(t *testing.T) {
	k := &killing{kills: tally.Size(t, 50), inCommand: tally.Size(t, 15)}
	twice := 0
	k.all(t, beginLocal, func(c *crash, r *run.Run) {
		n := c.linesTwice(r)
		k.mu.Lock()
		defer k.mu.Unlock()
		twice += n
	})
	tally.Add(t, tally.Duplicates, twice)
}

// linesTwice counts the steps that have written to the ledger more than once. Each
// of them has written.
func (c *crash) linesTwice(r *run.Run) (twice int) {
	c.t.Helper()
	data, err := os.ReadFile(c.ledger)
	if err != nil {
		c.t.Fatal(err)
	}
	acted := map[string]int{}
	for line := range strings.Lines(string(data)) {
		step, _, _ := strings.Cut(line, " ")
		acted[step]++
	}
	for _, cell := range r.Cells {
		if cell.Plan.Step.Book.Kind != runbook.Run || cell.Plan.Step.Book.Idempotent {
			continue
		}
		switch n := acted[cell.Key.Step]; {
		case n > 1:
			c.t.Errorf("%s ran %d times", cell.Key, n)
			twice++
		case n == 0:
			c.t.Errorf("%s is %s and never ran", cell.Key, cell.Status)
		}
	}
	return twice
}
