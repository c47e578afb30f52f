package executortest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepgate/executor"
)

// lookUntil runs a look, ends its context when it has written the file, and returns
// what Look said.
func lookUntil(b *bench, c executor.Command, file string) error {
	b.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := b.x.Look(ctx, c, NewRecorder(executor.Offsets{}))
		ended <- err
	}()
	b.awaitFile(file)
	cancel()
	return <-ended
}

// beginning is a Recorder that notices when its look begins.
type beginning struct {
	*Recorder
	begun chan struct{} // closed by the first
	count int
	late  bool // there was output before
}

func newBeginning() *beginning {
	return &beginning{Recorder: NewRecorder(executor.Offsets{}), begun: make(chan struct{})}
}

// Begun implements [executor.Beginner].
func (n *beginning) Begun() {
	n.count++
	n.late = n.late || n.Text(executor.Stdout) != "" || n.Text(executor.Stderr) != ""
	if n.count == 1 {
		close(n.begun)
	}
}

// testLookBegins wants to be told of a look's beginning, once, while it goes on, and
// before its output.
func testLookBegins(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	for body, want := range map[string][2]string{
		"":                                 {"", ""},
		"echo out; echo err >&2":           {"out\n", "err\n"},
		"exec >&-; echo err >&2":           {"", "err\n"},
		"head -c 300000 /dev/zero | wc -c": {"300000\n", ""},
	} {
		n := newBeginning()
		ended := make(chan error, 1)
		go func() {
			_, err := b.x.Look(b.ctx, b.sh(untilFile("go")+body), n)
			ended <- err
		}()
		select {
		case <-n.begun:
		case err := <-ended:
			t.Fatalf("%q: Look ended and didn't begin: %v", body, err)
		}
		b.touch("go")
		err := <-ended
		got := [2]string{strings.TrimLeft(n.Text(executor.Stdout), " "), n.Text(executor.Stderr)}
		if err != nil || n.count != 1 || n.late || got != want {
			t.Errorf("%q: %v; begun %d times, late: %v; %q", body, err, n.count, n.late, got)
		}
		if err := os.Remove(b.file("go")); err != nil {
			t.Fatal(err)
		}
	}
}

// wantEnded wants a host's word that a look has ended.
func wantEnded(t *testing.T, err error) {
	t.Helper()
	var ended *executor.EndedError
	if !errors.As(err, &ended) || !errors.Is(err, context.Canceled) || ended.Took <= 0 {
		t.Errorf("Look = %v (%T), want the context's error, confirmed by the host", err, err)
	}
}

func testLookEnds(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	err := lookUntil(b, b.sh(`sleep 300 & echo $! >"$meet/child"; echo $$ >"$meet/pid"; wait`), "pid")
	wantEnded(t, err)
	for _, name := range []string{"pid", "child"} {
		if pid := b.awaitPID(name); alive(pid) {
			t.Errorf("%s %d is alive after the look has ended", name, pid)
		}
	}
}

func testLookIgnoresTerm(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	tmp := b.file("tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	b.x = b.Open(t, "TMPDIR="+tmp)
	err := lookUntil(b, b.sh(`trap '' TERM; echo $$ >"$meet/pid"; while :; do sleep 1; done`), "pid")
	wantEnded(t, err)
	if pid := b.awaitPID("pid"); alive(pid) {
		t.Errorf("process %d is alive after the look has ended", pid)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("the look left %v behind (%v)", left, err)
	}
}

func testLookHolder(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	res, rec := b.look(b.sh(`sleep 300 & echo $! >"$meet/pid"; echo said; exit 4`))
	b.killLater(b.awaitPID("pid"))
	if res.Exit != 4 || rec.Text(executor.Stdout) != "said\n" {
		t.Errorf("Look = %d, %q", res.Exit, rec.Text(executor.Stdout))
	}
}

// fakeBin is a directory with a program that fails, and a PATH that begins with it.
func fakeBin(t *testing.T, program, says string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\necho '"+says+"' >&2\nexit 1\n"), 0o700); err != nil { //nolint:gosec // it's to be run
		t.Fatal(err)
	}
	return "PATH=" + dir + ":" + os.Getenv("PATH")
}

func testDirectoryChoice(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	open := b.file("open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(b.host.Dir, b.file("link")); err != nil {
		t.Fatal(err)
	}
	state, home := b.file("state home"), b.file("家 home")
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"named":             {[]string{"STEPGATE_DIR=" + b.file("named")}, b.file("named")},
		"not ours alone":    {[]string{"STEPGATE_DIR=" + open, "XDG_STATE_HOME=" + state}, state + "/stepgate"},
		"a link":            {[]string{"STEPGATE_DIR=" + b.file("link"), "XDG_STATE_HOME=" + state}, state + "/stepgate"},
		"relative":          {[]string{"STEPGATE_DIR=here", "XDG_STATE_HOME=" + state}, state + "/stepgate"},
		"not a directory":   {[]string{"STEPGATE_DIR=/dev/null/x", "XDG_STATE_HOME=/dev/null", "HOME=" + home}, home + "/.local/state/stepgate"},
		"not a file system": {[]string{"STEPGATE_DIR=/proc/stepgate", "XDG_STATE_HOME=" + state}, state + "/stepgate"},
	} {
		host, err := b.Open(t, c.env...).Identify(b.ctx)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if host.Dir != c.want || host.Degraded != "" {
			t.Errorf("%s: Dir = %q (%s), want %q", name, host.Dir, host.Degraded, c.want)
		}
	}
}

func testDegraded(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	x := b.Open(t, "HOME="+b.file("home"), fakeBin(t, "mkdir", "mkdir: Read-only file system"))
	host, err := x.Identify(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if host.Dir != "" || !strings.Contains(host.Degraded, "Read-only file system") {
		t.Errorf("Identify = dir %q, degraded %q", host.Dir, host.Degraded)
	}
	a := b.attempt(b.sh("true"))
	a.Host = host
	claim, err := x.Start(b.ctx, a)
	if claim != executor.Refused || err == nil {
		t.Errorf("Start on a degraded host = %d, %v", claim, err)
	}
}

func testNoLook(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	x := b.Open(t, fakeBin(t, "mkdir", "no"))
	_, err := x.Look(b.ctx, b.sh(`echo >"$meet/ran"`), nil)
	if err == nil || !strings.Contains(err.Error(), "no directory to put the command's text in") {
		t.Errorf("Look = %v", err)
	}
	if _, err := os.Stat(b.file("ran")); err == nil {
		t.Error("it ran all the same")
	}
}

func testClosed(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	x := b.Open(t)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	var reach *executor.ReachError
	if _, err := x.Look(b.ctx, b.sh("true"), nil); !errors.As(err, &reach) {
		t.Errorf("Look on a closed executor = %v", err)
	}
	if _, err := x.Start(b.ctx, b.attempt(b.sh("true"))); !errors.As(err, &reach) {
		t.Errorf("Start on a closed executor = %v", err)
	}
}

func testCutLook(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	if b.Cut == nil {
		return // nothing to cut on this machine
	}
	ended := make(chan error, 1)
	go func() {
		_, err := b.x.Look(b.ctx, b.sh(`echo $$ >"$meet/pid"; sleep 300`), nil)
		ended <- err
	}()
	pid := b.awaitPID("pid")
	b.Cut()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a look whose connection was cut has a verdict")
		}
	case <-time.After(patience):
		t.Fatal("the look doesn't notice that its connection was cut")
	}
	if alive(pid) {
		t.Error("the look goes on after its connection was cut")
	}
}
