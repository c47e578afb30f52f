package executortest

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"stepgate/executor"
)

// testDaemon leaves processes behind that hold the outputs, in the command's session
// and, where the host can, in one of their own. They don't keep the step, and nothing
// that is done about it later ends them.
func testDaemon(t *testing.T, boot BootMachine) {
	for _, session := range []string{"", "setsid"} {
		b := newBench(t, boot)
		a := b.attempt(b.sh(`command -v ` + session + ` >/dev/null && run=` + session + ` || run=
$run sh -c 'echo $$ >"$meet/pid"; while :; do echo more; sleep 1; done' & ` + untilFile("pid") + `echo up; exit 5`))
		b.start(a)
		pid := b.awaitPID("pid")
		b.killLater(pid)
		res, rec := b.follow(a)
		if res.Exit != 5 || !strings.Contains(rec.Text(executor.Stdout), "up\n") {
			t.Errorf("Follow = %d, %q", res.Exit, rec.Text(executor.Stdout))
		}
		b.wantFate(a, executor.Finished)
		if rep, err := b.x.Signal(b.ctx, a, executor.Kill); err != nil || rep.Fate != executor.Finished {
			t.Errorf("Signal after the end = %s, %v", rep.Fate, err)
		}
		if err := b.x.Discard(b.ctx, b.host, a.RunID); err != nil {
			t.Errorf("Discard with a daemon left: %v", err)
		}
		if !alive(pid) {
			t.Error("the daemon was ended")
		}
	}
}

func testOffsets(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh("printf 0123456789; printf abc >&2"))
	b.start(a)
	b.follow(a)
	for _, c := range []struct {
		from executor.Offsets
		out  string
		errs string
	}{
		{executor.Offsets{0, 0}, "0123456789", "abc"},
		{executor.Offsets{4, 1}, "456789", "bc"},
		{executor.Offsets{10, 3}, "", ""},
	} {
		rec := NewRecorder(c.from)
		res, err := b.x.Follow(b.ctx, a, c.from, rec)
		if err = errors.Join(err, rec.Err()); err != nil {
			t.Fatal(err)
		}
		if rec.Text(executor.Stdout) != c.out || rec.Text(executor.Stderr) != c.errs || res.Bytes != (executor.Offsets{10, 3}) {
			t.Errorf("Follow from %v = %q, %q, %v", c.from, rec.Text(executor.Stdout), rec.Text(executor.Stderr), res.Bytes)
		}
	}
}

// untilFile is a shell line that waits for the test to make a file.
func untilFile(name string) string {
	return `until [ -e "$meet/` + name + `" ]; do sleep 0.05; done; `
}

// following is a Follow in its own goroutine.
type following struct {
	rec  *Recorder
	res  executor.Result
	err  error
	done chan struct{}
	end  context.CancelFunc
}

func (b *bench) following(a executor.Attempt) *following {
	ctx, cancel := context.WithCancel(b.ctx)
	f := &following{rec: NewRecorder(executor.Offsets{}), done: make(chan struct{}), end: cancel}
	go func() {
		defer close(f.done)
		f.res, f.err = b.x.Follow(ctx, a, executor.Offsets{}, f.rec)
	}()
	b.Cleanup(func() { cancel(); <-f.done })
	return f
}

// awaitText waits for output to come.
func (f *following) awaitText(b *bench, s executor.Stream, text string) {
	b.Helper()
	if !f.rec.Await(f.done, s, text) {
		b.Fatalf("Follow ended (%v) before %q came; it had %q", f.err, text, f.rec.Text(s))
	}
}

func testStreams(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh("echo one; " + untilFile("1") + "echo two >&2; " + untilFile("2") + "printf 三; exit 9"))
	b.start(a)
	f := b.following(a)
	f.awaitText(b, executor.Stdout, "one\n")
	b.touch("1")
	f.awaitText(b, executor.Stderr, "two\n")
	if rep := b.wantFate(a, executor.Running); len(rep.Processes) == 0 || !strings.Contains(strings.Join(rep.Processes, "\n"), "body") {
		t.Errorf("what runs is %q", rep.Processes)
	}
	b.touch("2")
	<-f.done
	if f.err != nil || f.res.Exit != 9 || f.rec.Text(executor.Stdout) != "one\n三" || f.rec.Text(executor.Stderr) != "two\n" {
		t.Errorf("Follow = %+v, %v, %q", f.res, f.err, f.rec.Text(executor.Stdout))
	}
}

func testDetach(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh("echo one; " + untilFile("1") + "echo two"))
	b.start(a)
	f := b.following(a)
	f.awaitText(b, executor.Stdout, "one\n")
	f.end()
	<-f.done
	if !errors.Is(f.err, context.Canceled) {
		t.Errorf("Follow = %v, want the context's error", f.err)
	}
	b.wantFate(a, executor.Running)
	if err := b.x.Close(); err != nil {
		t.Fatal(err)
	}
	b.x = b.Open(t)
	b.wantFate(a, executor.Running)
	b.touch("1")
	if _, rec := b.follow(a); rec.Text(executor.Stdout) != "one\ntwo\n" {
		t.Errorf("after detaching: %q", rec.Text(executor.Stdout))
	}
}

func testCut(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	if b.Cut == nil {
		return // nothing to cut on this machine
	}
	a := b.attempt(b.sh("echo one; " + untilFile("1") + "echo two; echo zwei >&2; " + untilFile("2") + "head -c 3000000 /dev/zero; exit 3"))
	b.start(a)
	f := b.following(a)
	f.awaitText(b, executor.Stdout, "one\n")
	b.Cut()
	b.touch("1")
	f.awaitText(b, executor.Stderr, "zwei\n")
	b.Cut()
	b.touch("2")
	<-f.done
	if err := errors.Join(f.err, f.rec.Err()); err != nil {
		t.Fatal(err)
	}
	if f.res.Exit != 3 || f.res.Bytes != (executor.Offsets{3000008, 5}) || len(f.rec.Text(executor.Stdout)) != 3000008 {
		t.Errorf("Follow = %+v with %d bytes", f.res, len(f.rec.Text(executor.Stdout)))
	}
}

func testTwice(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(`echo ran >>"$meet/ledger"; ` + untilFile("go")))
	b.start(a)
	if claim, err := b.x.Start(b.ctx, a); claim != executor.Attached || err != nil {
		t.Errorf("second Start = %d, %v, want Attached", claim, err)
	}
	forked := a
	forked.IntentHash = strings.Repeat("cd", 32)
	claim, err := b.x.Start(b.ctx, forked)
	var refused *executor.RefusedError
	if claim != executor.Known || !errors.As(err, &refused) || !strings.Contains(refused.Record, a.IntentHash) {
		t.Errorf("Start from another journal = %d, %v, want Known with the host's record", claim, err)
	}
	b.touch("go")
	b.follow(a)
	if claim, err := b.x.Start(b.ctx, a); claim != executor.Attached || err != nil {
		t.Errorf("Start after the end = %d, %v, want Attached", claim, err)
	}
	if got := b.awaitFile("ledger"); got != "ran" {
		t.Errorf("ledger %q", got)
	}
}

func testRacingStarts(t *testing.T, boot BootMachine, racers int) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(`echo ran >>"$meet/ledger"`))
	executors := []executor.Executor{b.x, b.Open(t), b.Open(t)}
	claims := make([]executor.Claim, racers)
	errs := make([]error, racers)
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() { claims[i], errs[i] = executors[i%len(executors)].Start(b.ctx, a) })
	}
	all.Wait()
	count := map[executor.Claim]int{}
	for i, c := range claims {
		if errs[i] != nil {
			t.Errorf("Start: %v", errs[i])
		}
		count[c]++
	}
	if count[executor.Started] != 1 || count[executor.Attached] != racers-1 {
		t.Errorf("claims %v, want one Started and the others Attached", count)
	}
	b.follow(a)
	if got := b.awaitFile("ledger"); got != "ran" {
		t.Errorf("the command ran %d times", len(strings.Fields(got)))
	}
}

// testRacingProbes lets starts and fencing probes race for the point of no return.
func testRacingProbes(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	other := b.Open(t)
	for range 20 {
		a := b.attempt(b.sh(`echo "$ID" >>"$meet/ledger"`))
		a.Command.Env = append(a.Command.Env, executor.Var{Name: "ID", Value: a.ID})
		var claim executor.Claim
		var rep executor.Report
		var startErr, probeErr error
		var both sync.WaitGroup
		both.Go(func() { claim, startErr = b.x.Start(b.ctx, a) })
		both.Go(func() { rep, probeErr = other.Probe(b.ctx, a, true) })
		both.Wait()
		if probeErr != nil {
			t.Fatal(probeErr)
		}
		if rep.Fate != executor.NeverStarted {
			if claim != executor.Started || startErr != nil {
				t.Fatalf("Start = %d, %v, but the probe saw it %s", claim, startErr, rep.Fate)
			}
			b.follow(a)
			continue
		}
		// A claim may come before the fence, but never the command.
		if again := b.probe(a, true); again.Fate != executor.NeverStarted {
			t.Fatalf("fenced, then %s", again.Fate)
		}
		if claim, err := b.x.Start(b.ctx, a); claim != executor.Refused {
			t.Fatalf("Start after a fence = %d, %v, want Refused", claim, err)
		}
		ledger, err := os.ReadFile(b.file("ledger"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if strings.Contains(string(ledger), a.ID) {
			t.Fatal("a fenced attempt ran")
		}
	}
}

func testBadIDs(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	good := b.attempt(b.sh(`echo ran >>"$meet/ledger"`))
	for name, change := range map[string]func(*executor.Attempt){
		"short id":     func(a *executor.Attempt) { a.ID = "12" },
		"id with path": func(a *executor.Attempt) { a.ID = "../../../../etc/passwd/0000000000" },
		"run with /":   func(a *executor.Attempt) { a.RunID = "a/b" },
		"run ..":       func(a *executor.Attempt) { a.RunID = ".." },
		"no run":       func(a *executor.Attempt) { a.RunID = "" },
		"hash":         func(a *executor.Attempt) { a.IntentHash = "a\nb" },
		"no dir":       func(a *executor.Attempt) { a.Host.Dir = "" },
		"relative dir": func(a *executor.Attempt) { a.Host.Dir = "x" },
		"no machine":   func(a *executor.Attempt) { a.Host.MachineID = "" },
	} {
		a := good
		change(&a)
		var refused *executor.RefusedError
		if claim, err := b.x.Start(b.ctx, a); claim != executor.Refused || !errors.As(err, &refused) {
			t.Errorf("%s: Start = %d, %v, want Refused", name, claim, err)
		}
		if _, err := b.x.Probe(b.ctx, a, true); err == nil {
			t.Errorf("%s: Probe answered", name)
		}
	}
	for _, run := range []string{"", "..", "a/b", "-r"} {
		if err := b.x.Discard(b.ctx, b.host, run); err == nil {
			t.Errorf("Discard(%q) went through", run)
		}
	}
	if _, err := os.Stat(b.file("ledger")); err == nil {
		t.Error("something ran")
	}
}

func testBadCommands(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	for name, c := range map[string]executor.Command{
		"NUL in a value":   {Interpreter: "sh", Env: []executor.Var{{Name: "a", Value: "x\x00y"}}},
		"NUL in the body":  {Interpreter: "sh", Body: "echo \x00"},
		"bad name":         {Interpreter: "sh", Env: []executor.Var{{Name: "a-b", Value: "x"}}},
		"code as name":     {Interpreter: "sh", Env: []executor.Var{{Name: "a=$(id)", Value: "x"}}},
		"shell's own":      {Interpreter: "sh", Env: []executor.Var{{Name: "PPID", Value: "1"}}},
		"no interpreter":   {Body: "true"},
		"assignment":       {Interpreter: "a=b", Body: "true"},
		"option as name":   {Interpreter: "-c", Body: "true"},
		"value too long":   {Interpreter: "sh", Env: []executor.Var{{Name: "a", Value: strings.Repeat("x", 200000)}}},
		"NUL in directory": {Interpreter: "sh", Dir: "a\x00"},
	} {
		if _, err := b.x.Look(b.ctx, c, nil); err == nil {
			t.Errorf("%s: Look took it", name)
		}
		a := b.attempt(c)
		if claim, err := b.x.Start(b.ctx, a); claim != executor.Refused || err == nil {
			t.Errorf("%s: Start = %d, %v, want Refused", name, claim, err)
		}
	}
}
