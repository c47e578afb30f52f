package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/run"
)

// calls are the system calls at whose entry Stepgate is killed: what it writes to
// the journal with and waits for, and what it says to hosts and to the terminal.
// On this machine only those that no shell of a command makes.
var calls = map[string][]string{
	"local": {"pwrite64", "ftruncate"},
	"ssh":   {"pwrite64", "fsync", "fdatasync", "write", "read", "openat", "connect"},
}

// Killed when it is about to make a system call, and killed once more while it
// resumes, it does nothing twice.
func TestTortureT2KilledAtASystemCall(t *testing.T) {
	tracer, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("NOT TESTED: strace isn't installed, so nothing can be killed at a system call")
	}
	if out, err := exec.Command(tracer, "-f", "-qq", "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: strace can't trace here: %v %s", err, out)
	}
	seed := newSeed(t)
	var kills, twice atomic.Int64
	runs := map[string]int{"local": tally.Size(t, 6), "ssh": tally.Size(t, 1)}
	t.Run("killed", func(t *testing.T) {
		for where, rounds := range runs {
			for i := range rounds {
				t.Run(fmt.Sprintf("%s/%d", where, i), func(t *testing.T) {
					t.Parallel()
					c := newCrash(t, rand.New(rand.NewPCG(seed, uint64(i)))) //nolint:gosec // which calls of a test
					k, n := c.killedAtCalls(tracer, where)
					kills.Add(int64(k))
					twice.Add(int64(n))
				})
			}
		}
	})
	if kills.Load() == 0 {
		t.Error("nothing was killed")
	}
	tally.Add(t, tally.Runs, runs["local"]+runs["ssh"])
	tally.Add(t, tally.Kills, int(kills.Load()))
	tally.Add(t, tally.Duplicates, int(twice.Load()))
	tally.Add(t, tally.LostEvents, 0)  // folded fails at the first
	tally.Add(t, tally.OpenedGates, 0) // so does a fold of an intent without its grant
}

// tries are how often a run is resumed under the tracer.
var tries = map[string]int{"local": 4, "ssh": 8}

// killedAtCalls brings a run to its first gate, resumes it to be killed at calls,
// and then to its end. It says how often it was killed and what ran twice.
func (c *crash) killedAtCalls(tracer, where string) (kills, twice int) {
	granted := c.grants
	c.grants = nil
	var ch *child
	if where == "local" {
		book := c.local(1)
		granted = c.grants
		ch = c.start("run", book, "--auto")
	} else {
		ch = c.begin("20")
	}
	if code := c.ended(ch); code != exitWaiting {
		c.t.Fatalf("to its first gate it ended with %d:\n%s", code, ch.err)
	}
	c.grants = granted
	if where == "ssh" {
		c.env = []string{"PATH=" + withoutSSH(c.t)}
	}
	for range tries[where] { // the later ones while it recovers
		name := calls[where][c.rng.IntN(len(calls[where]))]
		when := 1 + c.rng.IntN(1<<(2+c.rng.IntN(5))) // counted in each thread
		c.under = []string{
			tracer, "-f", "-qq", "-o", "/dev/null",
			"-e", "trace=" + name, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", name, when),
		}
		if c.ended(c.start(c.goOn()...)) == -1 {
			kills++
		}
	}
	c.under = nil
	ch = c.start(c.goOn()...)
	if code := c.ended(ch); code != 0 && code != exitNotFound { // it may have come to its end while traced
		c.t.Fatalf("the run ended with %d:\n%s", code, ch.err)
	}
	r := c.folded()
	if r.Closed != run.Done {
		c.t.Errorf("the run is %q", r.Closed)
	}
	if where == "local" {
		return kills, c.linesTwice(r)
	}
	return kills, c.repeated(r)
}

// withoutSSH is a directory with all programs on PATH but ssh. The tracer follows
// every process: a helper of its own that is killed leaves a check unknown, which is
// right, and stops the run.
func withoutSSH(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, from := range filepath.SplitList(os.Getenv("PATH")) {
		programs, _ := os.ReadDir(from) // what is named and not there has none
		for _, p := range programs {
			if p.Name() == "ssh" {
				continue
			}
			if err := os.Symlink(filepath.Join(from, p.Name()), filepath.Join(dir, p.Name())); err != nil && !errors.Is(err, fs.ErrExist) {
				t.Fatal(err)
			}
		}
	}
	return dir
}
