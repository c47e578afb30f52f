package executortest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stepgate/executor"
)

// wantLost wants the host to say that its record of an attempt is gone, fenced or
// not, and to start it no more.
func (b *bench) wantLost(a executor.Attempt) {
	b.Helper()
	for _, fence := range []bool{true, false} {
		if rep := b.probe(a, fence); rep.Fate != executor.Died || !strings.Contains(rep.Detail, "removed since") {
			b.Errorf("Probe(fence %v) of what was removed = %s (%s), want died, and why", fence, rep.Fate, rep.Detail)
		}
	}
	var fate *executor.FateError
	if _, err := b.x.Follow(b.ctx, a, executor.Offsets{}, nil); !errors.As(err, &fate) || fate.Report.Fate != executor.Died {
		b.Errorf("Follow of what was removed = %v, want its fate", err)
	}
	if claim, err := b.x.Start(b.ctx, a); claim == executor.Started || claim == executor.Refused || err == nil {
		b.Errorf("Start of what was removed = %d, %v", claim, err)
	}
}

// testRecordGone removes a finished attempt's directory as an administrator would.
func testRecordGone(t *testing.T, boot BootMachine) {
	for name, remove := range map[string]func(b *bench, a executor.Attempt) string{
		"attempt": func(b *bench, a executor.Attempt) string { return filepath.Join(b.host.Dir, a.RunID, a.ID) },
		"run":     func(b *bench, a executor.Attempt) string { return filepath.Join(b.host.Dir, a.RunID) },
	} {
		b := newBench(t, boot)
		a, other := b.attempt(b.sh(`echo ran >>"$meet/ledger"`)), b.attempt(b.sh("exit 4"))
		b.start(a)
		b.follow(a)
		if err := os.RemoveAll(remove(b, a)); err != nil {
			t.Fatal(err)
		}
		b.wantLost(a)
		if got := b.awaitFile("ledger"); got != "ran" {
			t.Errorf("%s removed: ledger %q", name, got)
		}
		b.wantFate(other, executor.NeverStarted)
		b.start(other)
		if res, _ := b.follow(other); res.Exit != 4 {
			t.Errorf("another attempt after the removal: exit %d", res.Exit)
		}
	}
}

// testDirectoryGone removes everything. A later contact makes the directory anew,
// and doesn't take the attempt for one that never was.
func testDirectoryGone(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a, late := b.attempt(b.sh(`echo ran >>"$meet/ledger"`)), b.attempt(b.sh(`echo ran >>"$meet/ledger"`))
	b.start(a)
	b.follow(a)
	if err := os.RemoveAll(b.host.Dir); err != nil {
		t.Fatal(err)
	}
	b.wantLost(a)
	again, err := b.x.Identify(b.ctx)
	if err != nil || again.Dir != b.host.Dir || again.DirID == b.host.DirID || again.DirID == "" {
		t.Fatalf("Identify = %+v, %v, want the same directory with another id than %q", again, err, b.host.DirID)
	}
	b.wantFate(a, executor.Died)
	if claim, err := b.x.Start(b.ctx, late); claim != 0 || err == nil {
		t.Errorf("Start with the directory as it was = %d, %v", claim, err)
	}
	if err := b.x.Discard(b.ctx, b.host, a.RunID); err != nil {
		t.Errorf("Discard of what is gone: %v", err)
	}
	if got := b.awaitFile("ledger"); got != "ran" {
		t.Errorf("ledger %q", got)
	}
	b.host = again
	b.start(b.attempt(b.sh("true")))
}

// testRunningRecordGone removes what is kept of an attempt that runs.
func testRunningRecordGone(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(`echo $$ >"$meet/pid"; ` + untilFile("never")))
	b.start(a)
	pid, runner := b.awaitPID("pid"), b.runner(a)
	b.killLater(pid)
	if err := os.RemoveAll(filepath.Join(b.host.Dir, a.RunID)); err != nil {
		t.Fatal(err)
	}
	rep := b.probe(a, true)
	if rep.Fate != executor.Orphan || !strings.Contains(rep.Detail, "still runs") || !strings.Contains(strings.Join(rep.Processes, "\n"), a.ID) {
		t.Errorf("Probe = %s (%s) with %q, want an orphan", rep.Fate, rep.Detail, rep.Processes)
	}
	if rep, err := b.x.Signal(b.ctx, a, executor.Kill); err != nil || rep.Fate != executor.Died || alive(pid) {
		t.Errorf("Signal = %s, %v; alive: %v", rep.Fate, err, alive(pid))
	}
	b.await("the runner's end", func() bool { return !alive(runner) })
}

func testKept(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	if kept, err := b.x.Kept(b.ctx, b.host); err != nil || len(kept) > 0 {
		t.Errorf("Kept on a new host = %v, %v", kept, err)
	}
	for run, bytes := range map[string]string{"big": "300000", "small": "3", "over": "3"} {
		for range 2 {
			a := b.attempt(b.sh("head -c " + bytes + " /dev/zero"))
			a.RunID = run
			b.start(a)
			b.follow(a)
		}
	}
	fenced := b.attempt(b.sh("true"))
	fenced.RunID = "small"
	b.probe(fenced, true)
	if err := os.Mkdir(filepath.Join(b.host.Dir, "somebody's own"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := b.x.Discard(b.ctx, b.host, "over"); err != nil {
		t.Fatal(err)
	}
	kept, err := b.x.Kept(b.ctx, b.host)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(kept, func(a, b executor.KeptRun) int { return strings.Compare(a.ID, b.ID) })
	if len(kept) != 3 || kept[0].ID != "big" || kept[0].Attempts != 2 || kept[0].Closed || kept[0].Bytes < 600000 || kept[0].Bytes > 1000000 ||
		kept[1] != (executor.KeptRun{ID: "over", Closed: true}) ||
		kept[2].ID != "small" || kept[2].Attempts != 3 || kept[2].Bytes <= 0 || kept[2].Bytes >= 200000 {
		t.Errorf("Kept = %+v", kept)
	}
	if _, err := b.Open(t, "STEPGATE_MACHINE_ID=machine-2").Kept(b.ctx, b.host); err == nil {
		t.Error("Kept answers for another machine")
	}
}

// testSharedHome has two machines keep attempts in one directory: neither takes the
// other's for its own, nor away.
func testSharedHome(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	second := b.Open(t, "STEPGATE_MACHINE_ID=machine-2", "STEPGATE_BOOT_ID=boot-of-2")
	host, err := second.Identify(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if host.Dir != b.host.Dir || host.DirID != b.host.DirID || host.MachineID == b.host.MachineID {
		t.Fatalf("the second machine is %+v, the first %+v", host, b.host)
	}
	mine, its := b.attempt(b.sh(untilFile("go")+"exit 6")), b.attempt(b.sh("exit 7"))
	its.Host = host
	b.start(mine)
	b.runner(mine)
	if claim, err := second.Start(b.ctx, its); claim != executor.Started || err != nil {
		t.Fatalf("Start on the second machine = %d, %v", claim, err)
	}
	if res, err := second.Follow(b.ctx, its, executor.Offsets{}, nil); err != nil || res.Exit != 7 {
		t.Errorf("Follow on the second machine = %+v, %v", res, err)
	}
	for _, c := range []struct {
		x executor.Executor
		a executor.Attempt
	}{{second, mine}, {b.x, its}} {
		if rep, err := c.x.Probe(b.ctx, c.a, true); err != nil || rep.Fate != executor.Foreign {
			t.Errorf("Probe of the other machine's attempt = %s, %v, want foreign", rep.Fate, err)
		}
		if rep, err := c.x.Signal(b.ctx, c.a, executor.Kill); err != nil || rep.Fate != executor.Foreign {
			t.Errorf("Signal to the other machine's attempt = %s, %v, want foreign", rep.Fate, err)
		}
	}
	// The pid of the first machine's runner means nothing to the second.
	if err := second.Discard(b.ctx, host, its.RunID); err != nil {
		t.Errorf("Discard on the second machine: %v", err)
	}
	if kept, err := second.Kept(b.ctx, host); err != nil || len(kept) != 1 || !kept[0].Closed {
		t.Errorf("Kept on the second machine = %+v, %v", kept, err)
	}
	if kept, err := b.x.Kept(b.ctx, b.host); err != nil || len(kept) != 1 || kept[0].Closed || kept[0].Attempts != 1 {
		t.Errorf("Kept on the first machine = %+v, %v", kept, err)
	}
	if _, err := os.Stat(filepath.Join(b.host.Dir, its.RunID, its.ID)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the second machine's attempt is still there: %v", err)
	}
	b.wantFate(mine, executor.Running)
	b.touch("go")
	if res, _ := b.follow(mine); res.Exit != 6 {
		t.Errorf("Follow = exit %d", res.Exit)
	}
	if err := b.x.Discard(b.ctx, b.host, mine.RunID); err != nil {
		t.Error(err)
	}
	if kept, err := b.x.Kept(b.ctx, b.host); err != nil || len(kept) != 1 || !kept[0].Closed {
		t.Errorf("Kept at the end = %+v, %v", kept, err)
	}
}
