package state

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"stepgate/cmd/torture/tally"
)

// faulty is a run of childTraced in which a system call on the journal's files
// fails.
type faulty struct {
	t      *testing.T
	calls  string // which: one name, or several
	inject string // how: error=… and when
	path   string
	log    string
	said   []string
}

// run returns how many calls on the journal's files were seen, and how many
// failed by the injection.
func (f *faulty) run() (seen, injected int) {
	f.path = newPath(f.t)
	f.log = filepath.Join(f.t.TempDir(), "trace")
	exe, err := os.Executable()
	if err != nil {
		f.t.Fatal(err)
	}
	inject := ""
	if f.inject != "" {
		inject = f.calls + ":" + f.inject
	}
	cmd := strace(f.log, f.calls, inject, exe, f.path)
	dir := filepath.Dir(f.path)
	only := []string{}
	for _, p := range []string{f.path, f.path + "-wal", f.path + "-shm", f.path + "-journal", dir, filepath.Join(dir, runsDir), headOf(f.path), filepath.Join(dir, ballastName)} {
		only = append(only, "-P", p)
	}
	cmd.Args = slices.Insert(cmd.Args, 1, only...)
	c := spawnCmd(f.t, cmd, "traced")
	for c.lines.Scan() {
		f.said = append(f.said, c.lines.Text())
	}
	_ = c.cmd.Wait() // a journal that can't be opened is an error of the child's
	log, err := os.ReadFile(f.log)
	if err != nil {
		f.t.Fatal(err)
	}
	return bytes.Count(log, []byte("\n")), bytes.Count(log, []byte("(INJECTED)"))
}

// check proves that nothing was started after a write had failed for good, and
// that all that was acknowledged is there when the disk is whole again. It
// returns how often that isn't so.
func (f *faulty) check() (started, lost int) {
	latched := false
	var acked []string
	for _, line := range f.said {
		what, rest, _ := strings.Cut(line, " ")
		switch what {
		case "failed":
			latched = latched || strings.Contains(rest, " true ")
		case "acked":
			kind, hash, _ := strings.Cut(rest, " ")
			if latched && kind != "Outcome" {
				started++
				f.t.Errorf("%s was written after a write had failed: %q", kind, f.said)
			}
			acked = append(acked, hash)
		}
	}
	s, err := Open(ctx, f.path, Options{})
	if err != nil {
		f.t.Errorf("%v\n%q", err, f.said)
		return started, len(acked)
	}
	defer s.Close()
	if len(acked) == 0 {
		return started, 0
	}
	if v, err := s.Verify(ctx, "r1"); err != nil || !v.OK() {
		f.t.Errorf("%+v, %v", v.Problems, err)
	}
	recs, err := s.Load(ctx, "r1")
	if err != nil {
		f.t.Error(err)
	}
	have := seqHash(recs)
	for _, a := range acked {
		if !slices.Contains(have, a) {
			lost++
			f.t.Errorf("acknowledged, and not there: %s", a)
		}
	}
	l, err := s.TakeLease(ctx, "r1", "li")
	if err != nil {
		f.t.Errorf("it can't be gone on with: %v", err)
		return started, lost
	}
	if err := l.Release(); err != nil {
		f.t.Error(err)
	}
	return started, lost
}

// Each system call on a journal's files fails in turn, once and from then on, as
// a bad disk and a full one let it fail.
func TestTortureT3(t *testing.T) {
	needStrace(t)
	t.Parallel()
	var mu sync.Mutex
	var runs, faults, started, lost, latches int
	t.Run("each call", func(t *testing.T) {
		for _, kind := range []struct {
			calls  string
			errors []string
		}{
			{"fsync", []string{"EIO", "ENOSPC"}},
			{"pwrite64", []string{"EIO", "ENOSPC", "EDQUOT"}},
			{"ftruncate", []string{"EIO"}},
			{"openat", []string{"EIO", "ENOSPC", "EMFILE"}},
			{"renameat", []string{"EIO", "ENOSPC"}},
		} {
			last, _ := (&faulty{t: t, calls: kind.calls}).run()
			if last == 0 {
				t.Fatalf("no %s was seen", kind.calls)
			}
			// In continuous integration a few of each; nearly every one at N = 20.
			step := max(1, last/tally.Size(t, 6))
			for n := 1 + step/2; n <= last; n += step {
				how := fmt.Sprintf("error=%s:when=%d", kind.errors[n%len(kind.errors)], n)
				if n/step%2 == 1 {
					how += "+"
				}
				t.Run(kind.calls+":"+how, func(t *testing.T) {
					t.Parallel()
					f := &faulty{t: t, calls: kind.calls, inject: how}
					_, injected := f.run()
					if injected == 0 {
						return // the threads of this run had fewer
					}
					bad, missing := f.check()
					mu.Lock()
					defer mu.Unlock()
					runs, faults, started, lost = runs+1, faults+injected, started+bad, lost+missing
					if strings.Contains(strings.Join(f.said, "\n"), " true ") {
						latches++
					}
				})
			}
		}
	})
	t.Logf("%d runs, %d faults, %d latched", runs, faults, latches)
	if latches == 0 {
		t.Error("no fault was one for good")
	}
	tally.Add(t, tally.Runs, runs)
	tally.Add(t, tally.Faults, faults)
	tally.Add(t, tally.LostEvents, lost)
	tally.Add(t, tally.Duplicates, started)
}
