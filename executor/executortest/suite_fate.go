package executortest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/executor"
)

func testFates(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(untilFile("go") + "exit 6"))
	b.wantFate(a, executor.NeverStarted)
	b.start(a)
	b.runner(a)
	b.wantFate(a, executor.Running)
	if rep := b.probe(a, true); rep.Fate != executor.Running {
		t.Errorf("a fence changed a running attempt into %s", rep.Fate)
	}
	elsewhere := b.Open(t, "STEPGATE_MACHINE_ID=machine-2")
	if rep, err := elsewhere.Probe(b.ctx, a, true); err != nil || rep.Fate != executor.Foreign {
		t.Errorf("Probe on another machine = %s, %v, want foreign", rep.Fate, err)
	}
	b.touch("go")
	b.follow(a)
	if rep := b.wantFate(a, executor.Finished); rep.Result.Exit != 6 {
		t.Errorf("Probe = exit %d", rep.Result.Exit)
	}
	if rep, err := elsewhere.Probe(b.ctx, a, true); err != nil || rep.Fate != executor.Foreign {
		t.Errorf("Probe on another machine = %s, %v, want foreign", rep.Fate, err)
	}
}

func testRebooted(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	finished, running, unclaimed := b.attempt(b.sh("exit 2")), b.attempt(b.sh(`echo $$ >"$meet/pid"; exec sleep 300`)), b.attempt(b.sh("true"))
	b.start(finished)
	b.follow(finished)
	b.start(running)
	b.killLater(b.awaitPID("pid"))
	after := b.Open(t, "STEPGATE_BOOT_ID=boot-2")
	for name, c := range map[string]struct {
		attempt executor.Attempt
		want    executor.Fate
	}{
		"finished": {finished, executor.Finished}, "running": {running, executor.Rebooted}, "no directory": {unclaimed, executor.Rebooted},
	} {
		for _, fence := range []bool{false, true} {
			rep, err := after.Probe(b.ctx, c.attempt, fence)
			if err != nil || rep.Fate != c.want {
				t.Errorf("%s: Probe after a reboot = %s, %v, want %s", name, rep.Fate, err, c.want)
			}
		}
	}
	if claim, err := after.Start(b.ctx, unclaimed); claim != executor.Refused || err == nil {
		t.Errorf("Start after a reboot = %d, %v, want Refused", claim, err)
	}
	b.wantFate(unclaimed, executor.NeverStarted)
	// What the test calls a reboot has killed nobody.
	if rep, err := b.x.Signal(b.ctx, running, executor.Kill); err != nil || rep.Fate != executor.Finished {
		t.Errorf("Signal = %s, %v", rep.Fate, err)
	}
}

func testDied(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(`echo said; echo $$ >"$meet/pid"; exec sleep 300`))
	b.start(a)
	child := b.awaitPID("pid")
	b.kill(b.runner(a))
	b.kill(child)
	rep := b.wantFate(a, executor.Died)
	if rep.Offsets != (executor.Offsets{5, 0}) {
		t.Errorf("Probe = %v bytes of output", rep.Offsets)
	}
	if rep := b.probe(a, true); rep.Fate != executor.Died {
		t.Errorf("a fence changed a dead attempt into %s", rep.Fate)
	}
	if claim, err := b.x.Start(b.ctx, a); claim != executor.Attached || err != nil {
		t.Errorf("Start of a dead attempt = %d, %v, want Attached", claim, err)
	}
	b.wantFate(a, executor.Died)
}

func testOrphan(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(`echo $$ >"$meet/pid"; exec sleep 312`))
	b.start(a)
	child := b.awaitPID("pid")
	b.killLater(child)
	b.kill(b.runner(a))
	rep := b.wantFate(a, executor.Orphan)
	if got := strings.Join(rep.Processes, "\n"); !strings.Contains(got, "sleep 312") {
		t.Errorf("an orphan's processes are %q", got)
	}
	b.kill(child)
	b.wantFate(a, executor.Died)
}

func testSignalOrphan(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(`echo $$ >"$meet/pid"; exec sleep 300`))
	b.start(a)
	child := b.awaitPID("pid")
	b.killLater(child)
	b.kill(b.runner(a))
	rep, err := b.x.Signal(b.ctx, a, executor.Term)
	if err != nil || rep.Fate != executor.Died || alive(child) {
		t.Errorf("Signal to an orphan = %s, %v; alive: %v", rep.Fate, err, alive(child))
	}
}

func testFence(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(`echo ran >>"$meet/ledger"`))
	if rep := b.probe(a, true); rep.Fate != executor.NeverStarted {
		t.Fatalf("Probe = %s, want never started", rep.Fate)
	}
	var refused *executor.RefusedError
	if claim, err := b.x.Start(b.ctx, a); claim != executor.Refused || !errors.As(err, &refused) {
		t.Errorf("Start after a fence = %d, %v, want Refused", claim, err)
	}
	// Claimed, and its launcher gone before the point of no return.
	claimed := b.attempt(b.sh(`echo ran >>"$meet/ledger"`))
	if err := os.Mkdir(filepath.Join(b.host.Dir, claimed.RunID, claimed.ID), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, fence := range []bool{false, true, false} {
		if rep := b.probe(claimed, fence); rep.Fate != executor.NeverStarted {
			t.Errorf("Probe(fence %v) of a bare claim = %s", fence, rep.Fate)
		}
	}
	if claim, err := b.x.Start(b.ctx, claimed); claim != executor.Refused || !errors.As(err, &refused) {
		t.Errorf("Start after a fenced claim = %d, %v, want Refused", claim, err)
	}
	if _, err := os.Stat(b.file("ledger")); err == nil {
		t.Error("a fenced attempt ran")
	}
}

func testFollowFates(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	never, dead := b.attempt(b.sh("true")), b.attempt(b.sh(`echo last words; echo $$ >"$meet/pid"; exec sleep 300`))
	b.probe(never, true)
	b.start(dead)
	child := b.awaitPID("pid")
	b.kill(b.runner(dead))
	b.kill(child)
	for _, c := range []struct {
		attempt executor.Attempt
		want    executor.Fate
		output  string
	}{{never, executor.NeverStarted, ""}, {dead, executor.Died, "last words\n"}} {
		rec := NewRecorder(executor.Offsets{})
		_, err := b.x.Follow(b.ctx, c.attempt, executor.Offsets{}, rec)
		var fate *executor.FateError
		if !errors.As(err, &fate) || fate.Report.Fate != c.want || rec.Text(executor.Stdout) != c.output {
			t.Errorf("Follow = %v with %q, want %s with %q", err, rec.Text(executor.Stdout), c.want, c.output)
		}
	}
}

func testSignal(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(`trap 'echo caught; exit 41' TERM; echo up; sleep 300 & echo $! >"$meet/pid"; wait; sleep 1; exit 42`))
	b.start(a)
	child := b.awaitPID("pid")
	rep, err := b.x.Signal(b.ctx, a, executor.Term)
	if err != nil || rep.Fate != executor.Finished || rep.Result.Exit != 41 {
		t.Errorf("Signal(Term) = %s, exit %d, %v, want finished with 41", rep.Fate, rep.Result.Exit, err)
	}
	if alive(child) {
		t.Error("the command's child is alive after TERM")
	}
	if rep, err := b.x.Signal(b.ctx, a, executor.Kill); err != nil || rep.Fate != executor.Finished || rep.Result.Exit != 41 {
		t.Errorf("Signal(Kill) after the end = %s, exit %d, %v", rep.Fate, rep.Result.Exit, err)
	}
}

// stubborn starts a command that ignores TERM.
func stubborn(b *bench) (a executor.Attempt, pid int) {
	a = b.attempt(b.sh(`trap '' TERM; echo $$ >"$meet/pid"; while :; do sleep 0.2; done`))
	b.start(a)
	pid = b.awaitPID("pid")
	b.killLater(pid)
	return a, pid
}

func testTermIgnored(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a, _ := stubborn(b)
	if rep, err := b.x.Signal(b.ctx, a, executor.Term); err != nil || rep.Fate != executor.Running {
		t.Errorf("Signal(Term) to one that ignores it = %s, %v, want running", rep.Fate, err)
	}
}

func testKill(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a, pid := stubborn(b)
	rep, err := b.x.Signal(b.ctx, a, executor.Kill)
	if err != nil || rep.Fate != executor.Finished || rep.Result.Exit != 137 {
		t.Errorf("Signal(Kill) = %s, exit %d, %v, want finished with 137", rep.Fate, rep.Result.Exit, err)
	}
	if alive(pid) {
		t.Error("the command is alive after KILL")
	}
}

func testDiscard(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	done, late := b.attempt(b.sh("true")), b.attempt(b.sh(`echo ran >>"$meet/ledger"`))
	other := b.attempt(b.sh("exit 8"))
	other.RunID = "another"
	for _, a := range []executor.Attempt{done, other} {
		b.start(a)
		b.follow(a)
	}
	for range 2 { // discarding again is the same
		if err := b.x.Discard(b.ctx, b.host, done.RunID); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(b.host.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != other.RunID {
			t.Errorf("%s is left", e.Name())
		}
	}
	for _, a := range []executor.Attempt{done, late} {
		if claim, err := b.x.Start(b.ctx, a); claim != executor.Refused || err == nil {
			t.Errorf("Start after Discard = %d, %v, want Refused", claim, err)
		}
		if rep := b.probe(a, true); rep.Fate != executor.Died || !strings.Contains(rep.Detail, "closed") {
			t.Errorf("Probe after Discard = %s (%s), want died: the host can't know", rep.Fate, rep.Detail)
		}
	}
	b.wantFate(other, executor.Finished)
	if _, err := os.Stat(b.file("ledger")); err == nil {
		t.Error("an attempt of a closed run ran")
	}
}

func testDiscardRunning(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(untilFile("go")))
	b.start(a)
	b.runner(a)
	if err := b.x.Discard(b.ctx, b.host, a.RunID); err == nil {
		t.Error("Discard took a running attempt's directory away")
	}
	b.touch("go")
	b.follow(a)
	if err := b.x.Discard(b.ctx, b.host, a.RunID); err != nil {
		t.Error(err)
	}
}

func testStartElsewhere(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(`echo ran >>"$meet/ledger"`))
	a.Host.MachineID = "machine-2"
	var refused *executor.RefusedError
	if claim, err := b.x.Start(b.ctx, a); claim != executor.Refused || !errors.As(err, &refused) || !strings.Contains(refused.Reason, "machine-1") {
		t.Errorf("Start on another machine = %d, %v, want Refused", claim, err)
	}
	if _, err := os.Stat(b.file("ledger")); err == nil {
		t.Error("it ran on another machine")
	}
}
