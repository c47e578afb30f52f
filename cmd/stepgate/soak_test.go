package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/run"
)

// maxResident is what Stepgate may hold in memory, whatever commands print.
const maxResident = 200 << 20

// A long run whose commands print much: memory stays bounded, and nothing is left
// open on the way.
func TestTortureT18LongRunsStaySmall(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("NOT TESTED: there is no /proc to see what the process holds")
	}
	const each = 8 << 20
	passes := tally.Size(t, 24)
	c := newCrash(t, nil)
	book := filepath.Join(t.TempDir(), "book.md")
	var list strings.Builder
	for i := range passes {
		fmt.Fprintf(&list, ",%d", i+1)
	}
	text := "+++\ntitle = \"Long\"\n[params.passes]\ntype = \"list\"\ndefault = \"" + list.String()[1:] + "\"\n+++\n" +
		"## Passes {#passes each=\"pass in passes\"}\n\n" +
		"- [ ] Print much {#print}\n\n  ```sh {.idempotent}\n  head -c " + strconv.Itoa(each) + " /dev/zero | tr '\\0' 'x' | fold -w 120\n  ```\n\n" +
		"- [ ] Look {#look}\n\n  ```sh {.check}\n  test -n \"$pass\"\n  ```\n"
	if err := os.WriteFile(book, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ch := c.start("run", book, "--auto")
	resident, early, late := 0, math.MaxInt, math.MaxInt // the fewest files open
	sampled := time.NewTicker(50 * time.Millisecond)
	defer sampled.Stop()
	for open := true; open; {
		select {
		case _, open = <-ch.out:
		case <-sampled.C:
			kb, fds := holds(ch.cmd.Process.Pid)
			resident = max(resident, kb<<10)
			switch acked := c.ackedEvents(); {
			case fds == 0 || acked == 0: // it has ended, or the run has not begun
			case acked < passes: // about a quarter of the run's
				early = min(early, fds)
			case acked > 2*passes:
				late = min(late, fds)
			}
		}
	}
	if code := c.ended(ch); code != 0 {
		t.Fatalf("it ended with %d:\n%s", code, ch.err)
	}
	if r := c.folded(); r.Closed != run.Done {
		t.Errorf("the run is %q", r.Closed)
	}
	if resident == 0 || early == math.MaxInt || late == math.MaxInt {
		t.Fatalf("nothing was seen of it: %d bytes, %d and %d files", resident, early, late)
	}
	if resident > maxResident {
		t.Errorf("it held %d MiB in memory; %d MiB are allowed", resident>>20, maxResident>>20)
	}
	if late > early+4 {
		t.Errorf("it held %d files in the beginning and %d later", early, late)
	}
	t.Logf("%d MiB printed, %d MiB held, %d files open", passes*each>>20, resident>>20, late)
	tally.Add(t, tally.Runs, 1)
	tally.Add(t, tally.LostEvents, 0) // folded fails at the first
}

func (c *crash) ackedEvents() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.acked)
}

// holds says how many KiB a process has in memory, and how many files open; zeros
// once it has ended.
func holds(pid int) (kib, files int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ = strconv.Atoi(strings.Fields(v)[0])
		}
	}
	open, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return kib, len(open)
}
