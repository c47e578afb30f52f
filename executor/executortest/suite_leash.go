package executortest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stepgate/executor"
)

// Leashes of attempts under test: one that is to run out, and one that is not, as long as
// a machine that does other things as well gets to beat.
const (
	shortLeash = 2 * time.Second
	longLeash  = 8 * time.Second
)

// Leash is what a host must do about attempts with a leash.
func Leash(t *testing.T, boot BootMachine) {
	leash(t, boot, map[string]func(*bench){
		"nobody beats":          leashRunsOut,
		"ignores TERM":          leashStubborn,
		"stopped":               leashStopped,
		"child ignores TERM":    leashStubbornChild,
		"somebody beats":        leashKept,
		"suspended":             leashSuspended,
		"ends by itself":        leashLeftover,
		"runner is gone":        leashOrphan,
		"runner and body gone":  leashAllGone,
		"signals":               leashSignals,
		"ignored signals":       leashIgnored,
		"signal to the group":   leashGroupSignal,
		"record is gone":        leashRecordGone,
		"masks":                 leashMasks,
		"nothing to beat for":   leashNothing,
		"command on a terminal": leashHand,
	})
}

// LeashProtocol is the part of it that depends on the shell of a host, or its server.
func LeashProtocol(t *testing.T, boot BootMachine) {
	leash(t, boot, map[string]func(*bench){
		"child ignores TERM": leashStubbornChild,
		"somebody beats":     leashKept,
		"runner is gone":     leashOrphan,
		"ignored signals":    leashIgnored,
	})
}

// leash tells stories all at once, whatever -parallel says: they wait more than they work.
func leash(t *testing.T, boot BootMachine, stories map[string]func(*bench)) {
	b := newBench(t, boot)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	b.ctx = ctx
	var all sync.WaitGroup
	for name, story := range stories {
		all.Go(func() {
			t.Run(name, func(t *testing.T) { story(b.alone(t)) })
		})
	}
	all.Wait()
}

// alone is the bench for a story of its own.
func (b *bench) alone(t *testing.T) *bench {
	t.Helper()
	own := *b
	own.T, own.dir = t, t.TempDir()
	return &own
}

// leashed starts a background process.
func (b *bench) leashed(leash time.Duration, body string) executor.Attempt {
	b.Helper()
	a := b.attempt(b.sh(body))
	a.Leash = leash
	b.start(a)
	return a
}

func leashRunsOut(b *bench) {
	a := b.leashed(shortLeash, `sleep 300 & echo $! >"$meet/child"; echo $$ >"$meet/pid"; echo up; wait`)
	b.wantEnd(a, 143)
	for _, name := range []string{"pid", "child"} {
		if pid := b.awaitPID(name); alive(pid) {
			b.Errorf("%s %d is alive", name, pid)
		}
	}
	if got := readLine(b, a, "meta", "leash "); got != "2" {
		b.Errorf("the claim says that the leash is %q", got)
	}
}

func leashStubborn(b *bench) {
	a := b.leashed(shortLeash, `trap '' TERM; sleep 300 & sh -c 'sleep 300' & echo $$ >"$meet/pid"; while :; do sleep 0.2; done`)
	b.awaitFile("pid")
	b.wantEnd(a, 137)
}

func leashStopped(b *bench) {
	a := b.leashed(shortLeash, `echo $$ >"$meet/pid"; sleep 300; exit 1`)
	if err := syscall.Kill(b.awaitPID("pid"), syscall.SIGSTOP); err != nil {
		b.Fatal(err)
	}
	b.wantEnd(a, 137, 143) // some shells wake what is stopped
}

// leashStubbornChild has a command that ends by TERM and leaves behind what doesn't.
func leashStubbornChild(b *bench) {
	a := b.leashed(shortLeash, `(trap '' TERM; echo up >"$meet/up"; while :; do sleep 0.2; done) & wait`)
	b.awaitFile("up")
	b.wantEnd(a, 143)
}

// leashKept beats for longer than the leash, by the command's own seconds.
func leashKept(b *bench) {
	a := b.leashed(longLeash, `i=0; until [ -e "$meet/end" ]; do echo "second $i."; i=$((i+1)); sleep 1; done; exit 7`)
	f := b.following(a)
	for i := range 11 {
		f.awaitText(b, executor.Stdout, fmt.Sprintf("second %d.", i))
		if err := b.x.Beat(b.ctx, a); err != nil {
			b.Fatal(err)
		}
	}
	rep := b.wantFate(a, executor.Running)
	if got := strings.Join(rep.Processes, "\n"); len(rep.Processes) > 2 || !strings.Contains(got, "body") {
		b.Errorf("what runs is %q, want the command and what it waits for", rep.Processes)
	}
	if err := b.x.Discard(b.ctx, b.host, a.RunID); err == nil {
		b.Error("Discard took a running attempt's directory away")
	}
	b.touch("end")
	b.wantEnd(a, 7)
	if err := b.x.Beat(b.ctx, a); err != nil {
		b.Errorf("Beat after the end: %v", err)
	}
}

// leashSuspended stops all that belongs to an attempt for longer than its leash, as a host
// does that is suspended.
func leashSuspended(b *bench) {
	a := b.leashed(longLeash, `echo $$ >"$meet/pid"; `+untilFile("end")+`exit 7`)
	b.awaitFile("pid")
	b.watchdog(a)
	leader := b.leader(a)
	if err := syscall.Kill(-leader, syscall.SIGSTOP); err != nil {
		b.Fatal(err)
	}
	b.wantEnd(b.leashed(longLeash, `exec sleep 300`), 143) // it lasts as long
	if err := b.x.Beat(b.ctx, a); err != nil {
		b.Fatal(err)
	}
	if err := syscall.Kill(-leader, syscall.SIGCONT); err != nil {
		b.Fatal(err)
	}
	b.touch("end")
	b.wantEnd(a, 7)
}

// leashLeftover has a command that ends and leaves a process in its group behind.
func leashLeftover(b *bench) {
	a := b.leashed(shortLeash, `sleep 300 & echo said; exit 4`)
	b.wantEnd(a, 4)
	if _, rec := b.follow(a); rec.Text(executor.Stdout) != "said\n" {
		b.Errorf("it printed %q", rec.Text(executor.Stdout))
	}
}

func leashOrphan(b *bench) {
	a := b.leashed(longLeash, `echo $$ >"$meet/pid"; exec sleep 312`)
	child := b.awaitPID("pid")
	b.kill(b.runner(a))
	if err := b.x.Beat(b.ctx, a); err != nil {
		b.Fatal(err)
	}
	rep := b.wantFate(a, executor.Orphan)
	if len(rep.Processes) != 1 || !strings.Contains(rep.Processes[0], "sleep 312") {
		b.Errorf("an orphan's processes are %q", rep.Processes)
	}
	b.wantGone(a)
	b.wantFate(a, executor.Died)
	if alive(child) {
		b.Error("the command is alive")
	}
}

// leashAllGone ends everything but the watchdog, which is no part of the command.
func leashAllGone(b *bench) {
	a := b.leashed(shortLeash, `echo $$ >"$meet/pid"; exec sleep 300`)
	child := b.awaitPID("pid")
	b.kill(b.runner(a))
	b.kill(child)
	b.wantFate(a, executor.Died)
	b.wantGone(a)
}

func leashSignals(b *bench) {
	a := b.leashed(longLeash, `trap 'exit 41' TERM; echo $$ >"$meet/pid"; while :; do sleep 0.1; done`)
	b.awaitFile("pid")
	if rep, err := b.x.Signal(b.ctx, a, executor.Term); err != nil || rep.Fate != executor.Finished || rep.Result.Exit != 41 {
		b.Errorf("Signal(Term) = %s, exit %d, %v, want finished with 41", rep.Fate, rep.Result.Exit, err)
	}
	b.wantEnd(a, 41)
	a = b.leashed(longLeash, `trap '' TERM; echo $$ >"$meet/stubborn"; while :; do sleep 0.2; done`)
	b.awaitFile("stubborn")
	beating := make(chan struct{})
	var beats sync.WaitGroup
	beats.Go(func() {
		for {
			_ = b.x.Beat(b.ctx, a) // the attempt's end shows below
			select {
			case <-beating:
				return
			case <-time.After(longLeash / 10):
			}
		}
	})
	if rep, err := b.x.Signal(b.ctx, a, executor.Term); err != nil || rep.Fate != executor.Running {
		b.Errorf("Signal(Term) to one that ignores it = %s, %v, want running", rep.Fate, err)
	}
	if !alive(b.watchdog(a)) {
		b.Error("the watchdog has ended by a signal that the command ignores")
	}
	rep, err := b.x.Signal(b.ctx, a, executor.Kill)
	if err != nil || rep.Fate != executor.Finished || rep.Result.Exit != 137 {
		b.Errorf("Signal(Kill) = %s, exit %d, %v, want finished with 137", rep.Fate, rep.Result.Exit, err)
	}
	b.wantEnd(a, 137)
	close(beating)
	beats.Wait()
}

// leashIgnored wants the watchdog's own caution not to be the command's.
func leashIgnored(b *bench) {
	const body = `while read -r key value; do [ "$key" != SigIgn: ] || echo "$value"; done </proc/$$/status`
	_, plain := b.run(b.sh(body))
	a := b.leashed(longLeash, body)
	_, rec := b.follow(a)
	if got, want := rec.Text(executor.Stdout), plain.Text(executor.Stdout); got != want || len(want) < 16 {
		b.Errorf("it ignores the signals %q, and without a leash %q", got, want)
	}
}

// leashGroupSignal sends signals to all of the group, as an administrator may: the leash
// holds all the same.
func leashGroupSignal(b *bench) {
	a := b.leashed(shortLeash, `trap '' HUP INT QUIT TERM; echo $$ >"$meet/pid"; `+untilFile("term")+`trap - TERM; echo >"$meet/ready"; sleep 300 & wait`)
	b.awaitFile("pid")
	b.watchdog(a)
	leader := b.leader(a)
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if err := syscall.Kill(-leader, s); err != nil {
			b.Fatal(err)
		}
	}
	b.touch("term")
	b.wantEnd(a, 143)
}

// leashRecordGone removes the attempt's directory: then nobody can beat any more.
func leashRecordGone(b *bench) {
	a := b.leashed(shortLeash, `trap '' TERM; echo $$ >"$meet/pid"; while :; do sleep 0.2; done`)
	pid := b.awaitPID("pid")
	runner := b.runner(a)
	if err := os.RemoveAll(filepath.Join(a.Host.Dir, a.RunID, a.ID)); err != nil {
		b.Fatal(err)
	}
	if err := b.x.Beat(b.ctx, a); err == nil {
		b.Error("Beat for what was removed went through")
	}
	b.await("the end of the command and its runner", func() bool { return !alive(pid) && !alive(runner) })
}

func leashMasks(b *bench) {
	c := b.sh(`echo "has $secret"; echo up >"$meet/up"; exec sleep 300`)
	c.Env = append(c.Env, executor.Var{Name: "secret", Value: "tiger-Lily"})
	c.Masks = masks("tiger-Lily")
	a := b.attempt(c)
	a.Leash = shortLeash
	b.start(a)
	b.awaitFile("up")
	b.wantEnd(a, 143)
	if _, rec := b.follow(a); rec.Text(executor.Stdout) != "has "+masked+"\n" {
		b.Errorf("kept %q", rec.Text(executor.Stdout))
	}
}

// leashNothing beats for what can't be beaten for.
func leashNothing(b *bench) {
	plain := b.attempt(b.sh(untilFile("end")))
	b.start(plain)
	b.runner(plain)
	never := b.attempt(b.sh("true"))
	elsewhere := b.attempt(b.sh("true"))
	elsewhere.Host.MachineID = "machine-2"
	for name, a := range map[string]executor.Attempt{"no leash": plain, "not there": never, "elsewhere": elsewhere, "no id": {}} {
		a.Leash = shortLeash
		if err := b.x.Beat(b.ctx, a); err == nil {
			b.Errorf("%s: Beat went through", name)
		}
	}
	b.touch("end")
	b.follow(plain)
	bad := never
	bad.Leash = -1
	if claim, err := b.x.Start(b.ctx, bad); claim != executor.Refused || err == nil {
		b.Errorf("Start with a leash of -1 = %d, %v, want Refused", claim, err)
	}
}

func leashHand(b *bench) {
	a := b.attempt(b.sh("true"))
	a.Leash = shortLeash
	var refused *executor.RefusedError
	if _, err := b.x.Hand(b.ctx, a, executor.Terminal{}); !errors.As(err, &refused) {
		b.Errorf("Hand with a leash = %v, want it refused", err)
	}
}
