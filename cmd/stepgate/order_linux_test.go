package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/run"
	"stepgate/state"
)

// orderBook has commands whose bytes are found again wherever they go.
func orderBook() string {
	var b strings.Builder
	b.WriteString("+++\ntitle = \"In order\"\nconfirm = \"yes\"\n+++\n")
	for _, step := range []string{"one", "two", "three"} {
		fmt.Fprintf(&b, "\n- [ ] Step %s {#%s}\n\n  ```sh\n  : marker-%s\n  true\n  ```\n", step, step, step)
	}
	b.WriteString("\n- [ ] Gated {#gated}\n\n  > [!CAUTION]\n  > It can't be undone.\n\n  ```sh {.check}\n  true\n  ```\n  ```sh {.irreversible}\n  : marker-gated\n  ```\n")
	return b.String()
}

// traceLine is a call that strace has written down.
type traceLine struct {
	call, text string
	began      bool // and not ended yet
}

var (
	traceBegan   = regexp.MustCompile(`^\d+ +(\w+)\(`)
	traceResumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>`)
)

// readCalls returns the lines of a trace in order; one that says that a call has
// ended holds the call's arguments too.
func readCalls(t *testing.T, log string) (lines []traceLine) {
	t.Helper()
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pending := map[string]string{}
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		line := sc.Text()
		pid, _, _ := strings.Cut(line, " ")
		if m := traceResumed.FindStringSubmatch(line); m != nil {
			lines = append(lines, traceLine{m[2], pending[m[1]] + line, false})
			continue
		}
		m := traceBegan.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		began := strings.HasSuffix(line, "<unfinished ...>")
		if began {
			pending[pid] = line
		}
		lines = append(lines, traceLine{m[1], line, began})
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// order is where in a trace an intent was written, where it became durable, and
// where the first byte of its command left the program; -1: nowhere.
type order struct{ written, durable, sent int }

func orderOf(lines []traceLine, attempt, marker string) order {
	o := order{-1, -1, -1}
	for i, l := range lines {
		names := strings.Contains(l.text, attempt) || strings.Contains(l.text, marker)
		onLog := strings.Contains(l.text, "stepgate.db-wal>")
		switch l.call {
		case "pwrite64":
			if o.written < 0 && onLog && strings.Contains(l.text, attempt) && strings.Contains(l.text, "Intent") {
				o.written = i
			}
		case "fsync", "fdatasync":
			if o.written >= 0 && o.durable < 0 && onLog && !l.began && strings.HasSuffix(l.text, "= 0") {
				o.durable = i
			}
		case "write", "writev", "sendto", "execve", "mkdir", "mkdirat", "openat":
			screen := strings.Contains(l.text, " write(1<") || strings.Contains(l.text, " write(2<")
			if o.sent < 0 && names && !screen {
				o.sent = i
			}
		}
	}
	return o
}

// Between the writing of an intent and the first byte of its command that leaves
// the program, whatever the way, lies a sync of the journal's log that succeeded.
func TestTortureT5(t *testing.T) {
	if out, err := exec.Command("strace", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: the order of system calls is seen by strace: %v %s", err, out)
	}
	t.Parallel()
	runs, lies, intents := tally.Size(t, 3), 0, 0
	for range runs {
		c := newCrash(t, nil)
		log := c.inOrder()
		lines := readCalls(t, log)
		for _, in := range c.intents() {
			intents++
			marker := strings.SplitN(strings.TrimPrefix(in.Dispatch.Body, ": "), "\n", 2)[0]
			o := orderOf(lines, in.Attempt, marker)
			if o.written < 0 || o.durable < o.written || o.sent < o.durable {
				lies++
				t.Errorf("%s (%s) was written at %d, durable at %d and sent at %d", in.Cell, marker, o.written, o.durable, o.sent)
			}
		}
	}
	if intents != 4*runs {
		t.Errorf("%d intents in %d runs", intents, runs)
	}
	tally.Add(t, tally.Runs, runs)
	tally.Add(t, tally.Cases, intents)
	tally.Add(t, tally.Lies, lies)
}

// inOrder runs the book under strace and returns what that wrote down.
func (c *crash) inOrder() (log string) {
	c.t.Helper()
	dir := c.t.TempDir()
	book := filepath.Join(dir, "book.md")
	if err := os.WriteFile(book, []byte(orderBook()), 0o600); err != nil {
		c.t.Fatal(err)
	}
	var planned struct{ Digest string }
	if err := json.Unmarshal([]byte(c.good("plan", book, "--json")), &planned); err != nil {
		c.t.Fatal(err)
	}
	log = filepath.Join(dir, "trace")
	cmd := exec.Command("strace", "-f", "-qq", "--seccomp-bpf", "-y", "-s", "8192", "-o", log, "-e", "signal=none",
		"-e", "trace=execve,write,writev,sendto,connect,pwrite64,fsync,fdatasync,mkdir,mkdirat,openat", "--",
		program(c.t), "run", book, "--auto", "--plan", planned.Digest, "--approve", "gated")
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+c.state)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("%v\n%s", err, out)
	}
	return log
}

// intents are those of the only run.
func (c *crash) intents() (all []run.Intent) {
	c.t.Helper()
	store, err := state.OpenReadOnly(c.t.Context(), filepath.Join(c.state, "stepgate", "stepgate.db"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer store.Close()
	id, err := store.Find(c.t.Context(), "last")
	if err != nil {
		c.t.Fatal(err)
	}
	recs, err := store.Load(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, rec := range recs {
		if in, ok := rec.Event.(run.Intent); ok {
			all = append(all, in)
		}
	}
	return all
}
