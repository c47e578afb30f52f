package executor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// TestOpenSSHFewSessions has servers that allow one and two sessions per connection: a
// command is followed, probed, looked beside and killed all the same, over further
// connections, and where there are none to be had one after the other.
func TestOpenSSHFewSessions(t *testing.T) {
	t.Parallel()
	for _, sessions := range []string{"1", "2"} {
		for _, alone := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s alone=%v", sessions, alone), func(t *testing.T) {
				t.Parallel()
				c := fewSessions(t, sessions, alone)
				// Ending a look takes a session beside the look's own.
				followAndDisturb(t, open(t, c), sessions != "1" || !alone)
			})
		}
	}
}

// fewSessions is a server that allows so many sessions per connection, and alone: one
// connection.
func fewSessions(t *testing.T, sessions string, alone bool) executor.SSHConfig {
	t.Helper()
	s, _, c := realSite(t, "MaxSessions "+sessions)
	if alone {
		key := strings.SplitN(readFile(t, c.KnownHosts[0]), " ", 2)[1]
		c.Addr = oneConnection(t, s.addr)
		rewrite(t, c.KnownHosts[0], "* "+key)
	}
	return c
}

// startCounting starts an attempt that counts lines until it is ended.
func startCounting(ctx context.Context, t *testing.T, x executor.Executor, a executor.Attempt) executor.Attempt {
	t.Helper()
	a.IntentHash = "a"
	a.Command = executor.Command{Interpreter: "sh", Body: "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done"}
	if claim, err := x.Start(ctx, a); claim != executor.Started {
		t.Fatalf("Start = %d, %v", claim, err)
	}
	return a
}

// TestOpenSSHOneSession has a server that allows one session at all, a background process
// that is followed all the time, and a command: both are seen to go on.
func TestOpenSSHOneSession(t *testing.T) {
	t.Parallel()
	x := open(t, fewSessions(t, "1", true))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	host, err := x.Identify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	load := startCounting(ctx, t, x, executor.Attempt{ID: strings.Repeat("6", 32), RunID: "one", Host: host, Leash: 30 * time.Second})
	rec := executortest.NewRecorder(executor.Offsets{})
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		_, _ = x.Follow(ctx, load, executor.Offsets{}, rec) // killed below
	}()
	if !rec.Await(followed, executor.Stdout, "line 1\n") {
		t.Fatal("the background process isn't seen to begin")
	}
	a := load
	a.ID, a.Leash, a.Command.Body = strings.Repeat("7", 32), 0, "exit 5"
	if claim, err := x.Start(ctx, a); claim != executor.Started {
		t.Fatalf("Start = %d, %v", claim, err)
	}
	if res, err := x.Follow(ctx, a, executor.Offsets{}, nil); err != nil || res.Exit != 5 {
		t.Errorf("Follow = %+v, %v", res, err)
	}
	next := fmt.Sprintf("line %d\n", strings.Count(rec.Text(executor.Stdout), "\n")+1)
	if !rec.Await(followed, executor.Stdout, next) {
		t.Error("the output of the background process doesn't go on")
	}
	if rep, err := x.Signal(ctx, load, executor.Kill); err != nil || rep.Fate != executor.Finished {
		t.Errorf("Signal = %v, %v", rep.Fate, err)
	}
	<-followed
	if err := rec.Err(); err != nil {
		t.Error(err)
	}
}

// followAndDisturb follows a command while other calls want sessions.
func followAndDisturb(t *testing.T, x executor.Executor, ends bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	host, err := x.Identify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	a := startCounting(ctx, t, x, executor.Attempt{ID: strings.Repeat("5", 32), RunID: "few", Host: host, Leash: 20 * time.Second})
	rec := executortest.NewRecorder(executor.Offsets{})
	followed := make(chan struct{})
	var res executor.Result
	var followErr error
	go func() {
		defer close(followed)
		res, followErr = x.Follow(ctx, a, executor.Offsets{}, rec)
	}()
	if !rec.Await(followed, executor.Stdout, "line 1\n") {
		t.Fatalf("Follow ended: %v", followErr)
	}
	beaten := keepBeating(ctx, t, x, a)
	var calls sync.WaitGroup
	for range 2 {
		calls.Go(func() {
			if rep, err := x.Probe(ctx, a, false); err != nil || rep.Fate != executor.Running {
				t.Errorf("Probe = %v, %v", rep.Fate, err)
			}
		})
		calls.Go(func() {
			var o output
			if res, err := x.Look(ctx, executor.Command{Interpreter: "sh", Body: "echo looked; exit 4"}, &o); err != nil || res.Exit != 4 || o.String() != "looked\n" {
				t.Errorf("Look = %+v, %v, %q", res, err, o.String())
			}
		})
	}
	calls.Wait()
	seen := rec.Text(executor.Stdout)
	next := fmt.Sprintf("line %d\n", strings.Count(seen, "\n")+1)
	if !rec.Await(followed, executor.Stdout, next) {
		t.Errorf("the output doesn't go on: %v", followErr)
	}
	// A look whose time is over is ended on the host, which takes another session.
	if ends {
		short, stop := context.WithTimeout(ctx, 300*time.Millisecond)
		if _, err := x.Look(short, executor.Command{Interpreter: "sh", Body: "sleep 300"}, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a look without end = %v", err)
		}
		stop()
	}
	beaten()
	if _, err := x.Signal(ctx, a, executor.Kill); err != nil {
		t.Errorf("Signal = %v", err)
	}
	<-followed
	if followErr != nil || res.Exit != 137 {
		t.Errorf("Follow = %+v, %v", res, followErr)
	}
	text := rec.Text(executor.Stdout)
	for i, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if l != fmt.Sprintf("line %d", i+1) {
			t.Fatalf("line %d is %q", i+1, l)
		}
	}
}

// keepBeating beats without a pause until the caller has had enough.
func keepBeating(ctx context.Context, t *testing.T, x executor.Executor, a executor.Attempt) (enough func()) {
	t.Helper()
	beating, stop := context.WithCancel(ctx)
	ended := make(chan int, 1)
	go func() {
		defer close(ended)
		beats := 0
		for ; beating.Err() == nil; beats++ {
			if err := x.Beat(ctx, a); err != nil {
				t.Errorf("Beat = %v", err)
				return
			}
		}
		ended <- beats
	}()
	return func() {
		stop()
		if <-ended == 0 {
			t.Error("nobody has beaten")
		}
	}
}

// oneConnection passes on one connection at a time, and closes others at once.
func oneConnection(t *testing.T, target string) string {
	t.Helper()
	busy := make(chan struct{}, 1)
	return passOn(t, target, func() (leave func(), ok bool) {
		select {
		case busy <- struct{}{}:
			return func() { <-busy }, true
		default:
			return nil, false
		}
	}).addr
}
