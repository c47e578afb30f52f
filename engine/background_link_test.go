package engine_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stepgate/engine"
	"stepgate/executor"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// cable is what leads to the hosts. While it is cut they don't answer.
type cable struct {
	cut  atomic.Bool
	only atomic.Value // string: what isn't answered; empty: anything
}

var errUnplugged = errors.New("connection timed out")

func (l *cable) over(open func(string, executor.Asker) (executor.Executor, error)) func(string, executor.Asker) (executor.Executor, error) {
	return func(name string, ask executor.Asker) (executor.Executor, error) {
		h, err := open(name, ask)
		return &wired{h, l}, err
	}
}

func (l *cable) fails(method string) bool {
	only, _ := l.only.Load().(string)
	return l.cut.Load() && (only == "" || only == method)
}

type wired struct {
	executor.Executor
	l *cable
}

func (h *wired) Identify(ctx context.Context) (executor.Host, error) {
	if h.l.fails("Identify") {
		return executor.Host{}, &executor.ReachError{Host: "local", Cause: errUnplugged}
	}
	return h.Executor.Identify(ctx)
}

func (h *wired) Probe(ctx context.Context, a executor.Attempt, fence bool) (executor.Report, error) {
	if h.l.fails("Probe") {
		return executor.Report{}, &executor.ReachError{Host: "local", Cause: errUnplugged}
	}
	return h.Executor.Probe(ctx, a, fence)
}

func (h *wired) Signal(ctx context.Context, a executor.Attempt, s executor.Signal) (executor.Report, error) {
	if h.l.fails("Signal") {
		return executor.Report{}, &executor.ReachError{Host: "local", Cause: errUnplugged}
	}
	return h.Executor.Signal(ctx, a, s)
}

func (h *wired) Beat(ctx context.Context, a executor.Attempt) error {
	if h.l.fails("Beat") {
		return &executor.ReachError{Host: "local", Cause: errUnplugged}
	}
	return h.Executor.Beat(ctx, a)
}

func (h *wired) Follow(ctx context.Context, a executor.Attempt, from executor.Offsets, s executor.Sink) (executor.Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for t := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-done:
				t.Stop()
				return
			case <-t.C:
				if h.l.fails("Follow") {
					cancel(errUnplugged)
				}
			}
		}
	}()
	defer func() { close(done); <-watched }()
	if h.l.fails("Follow") {
		return executor.Result{}, &executor.ReachError{Host: "local", Cause: errUnplugged}
	}
	return h.Executor.Follow(ctx, a, from, s)
}

func TestALinkThatIsLostLeavesABackgroundProcessAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, besideBook("", load, sh(".check until=20s every=50ms", "test -s pids")))
	l := &cable{}
	w.hosts = l.over(w.here)
	d := w.leashed(30*time.Second, false)
	d.goes("beside/load", run.WaitManual, "beside/tick")
	l.cut.Store(true)
	s := d.until("the loss", func(s *run.Snapshot) bool { return kept(s).State == "lost" })
	if k := kept(s); !strings.Contains(k.Why, "timed out") || s.Hosts[plan.Local].State != "lost" {
		t.Errorf("keeping %+v, host %+v", k, s.Hosts[plan.Local])
	}
	l.cut.Store(false)
	d.upAgain(1)
	if p := w.pids(); len(p) != 1 || !lives(p[0]) || loadCell(d.e.Snapshot()).Latest().Down != nil {
		t.Errorf("processes %v", p)
	}
	d.do(run.MarkDone{})
	d.at(run.WaitGo, "behind/look")
	if got := w.read("log"); got != "told\n" {
		t.Errorf("log is %q", got)
	}
	out, _, _, err := d.e.Output(t.Context(), loadCell(d.e.Snapshot()).Latest().Intent.Attempt, 0, 0, 100)
	if err != nil || string(out) != "ready\n" {
		t.Errorf("it printed %q, %v", out, err)
	}
}

func TestLeavingDoesNotWaitLongForAHostThatIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, besideBook("", load, sh(".check until=20s every=50ms", "test -s pids")))
	l := &cable{}
	w.hosts = l.over(w.here)
	d := w.leashed(3*time.Second, false)
	d.goes("beside/load", run.WaitManual, "beside/tick")
	l.cut.Store(true)
	d.leave("detached")
	w.nobodyLives(20 * time.Second) // nobody beats for it: its host has ended it
	w.reopen()
	l.cut.Store(false)
	d = w.leashed(3*time.Second, true)
	s := d.upAgain(2)
	first := loadCell(s).Latest().Down
	if !first.Ended || first.Exit != nil || !strings.Contains(first.Why, "was not reached: it ends there by itself within 13s") {
		t.Errorf("the first: %+v", first)
	}
}

// TestHelperThatIsKilled drives the run of another test's world, until it is killed.
func TestHelperThatIsKilled(t *testing.T) {
	dir := os.Getenv("STEPGATE_TEST_DRIVE")
	if dir == "" {
		t.Skip("it is run by another test")
	}
	w := newWorldIn(t, dir, besideBook("", load, sh(".check until=20s every=50ms", "test -s pids")))
	w.id = os.Getenv("STEPGATE_TEST_RUN")
	d := w.leashed(3*time.Second, false)
	d.goes("beside/load", run.WaitManual, "beside/tick")
	if err := os.WriteFile(filepath.Join(dir, "ready"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	select {}
}

func TestAKilledDriverLeavesNoBackgroundProcess(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Duration{"resumed at once": 0, "resumed later": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, besideBook("", load, sh(".check until=20s every=50ms", "test -s pids")))
			if err := w.store.Close(); err != nil {
				t.Fatal(err)
			}
			w.store = nil
			cmd := exec.Command(os.Args[0], "-test.run=^TestHelperThatIsKilled$", "-test.timeout=2m")
			cmd.Env = append(os.Environ(), "STEPGATE_TEST_DRIVE="+w.dir, "STEPGATE_TEST_RUN="+w.id)
			cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			killed := false
			kill := func() {
				if !killed {
					killed = true
					_ = cmd.Process.Kill()
					_ = cmd.Wait() // it was killed
				}
			}
			defer kill()
			for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
				if _, err := os.Stat(filepath.Join(w.dir, "ready")); err == nil {
					break
				}
				if time.Now().After(end) {
					t.Fatal("it never got there")
				}
			}
			old := w.pids()
			if len(old) != 1 || !lives(old[0]) {
				t.Fatalf("processes %v", old)
			}
			kill()
			if !lives(old[0]) {
				t.Error("it has ended with its driver, and nothing is to be seen here")
			}
			if at > 0 {
				w.nobodyLives(at)
			}
			w.reopen()
			d := w.leashed(3*time.Second, true)
			s := d.upAgain(2)
			if lives(old[0]) {
				t.Error("the old one lives beside the new one")
			}
			c := loadCell(s)
			if down := c.Latest().Down; down == nil || !down.Ended || c.Status != run.Succeeded {
				t.Errorf("cell %s, the old one %+v", c.Status, down)
			}
			d.at(run.WaitManual, "beside/tick")
			if p := w.pids(); len(p) != 2 || !lives(p[1]) {
				t.Errorf("processes %v", p)
			}
		})
	}
}

// newWorldIn is a world in the directory of another process's.
func newWorldIn(t *testing.T, dir, book string) *world {
	t.Helper()
	w := newWorld(t, book)
	w.dir = dir
	w.begin.Dir = filepath.Join(dir, "work")
	w.reopen()
	return w
}

// doorman is a host that lets nobody in who hasn't answered it, each time it is reached on
// purpose.
type doorman struct {
	executor.Executor
	ask executor.Asker
}

func (h *doorman) Identify(ctx context.Context) (executor.Host, error) {
	if _, err := h.ask.Ask(ctx, executor.Prompt{Kind: executor.PromptPassword, Host: "local", Text: "password"}); err != nil {
		return executor.Host{}, &executor.ReachError{Host: "local", Cause: err}
	}
	return h.Executor.Identify(ctx)
}

func TestStartingAProcessAgainAsksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, besideBook("", load, sh(".check until=20s every=50ms", "test -s pids")))
	l := &cable{}
	open := l.over(w.here)
	w.attended = true
	w.hosts = func(name string, ask executor.Asker) (executor.Executor, error) {
		h, err := open(name, ask)
		return &doorman{h, ask}, err
	}
	d := w.start()
	login := func() {
		t.Helper()
		if err := d.respond(run.Respond{Prompt: d.prompted(executor.PromptPassword).ID, Text: "let me in"}); err != nil {
			t.Fatal(err)
		}
	}
	d.at(run.WaitGo, "beside/load")
	d.do(run.Go{})
	login()
	d.at(run.WaitManual, "beside/tick")
	l.cut.Store(true)
	d.until("the loss", func(s *run.Snapshot) bool { return kept(s).State == "lost" })
	if err := syscall.Kill(w.pids()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	l.cut.Store(false)
	s := d.until("a start that can't be", func(s *run.Snapshot) bool {
		if s.Prompt != nil {
			t.Fatalf("somebody is asked: %+v", s.Prompt)
		}
		return kept(s).State == "down" && strings.Contains(kept(s).Why, "there is nobody to ask")
	})
	if c := loadCell(s); len(c.Keeps) != 0 || s.Wait != run.WaitManual {
		t.Errorf("%d more starts, waits %q", len(c.Keeps), s.Wait)
	}
	// As soon as somebody logs in for something else, it is started again.
	d.do(run.AdHoc{Where: plan.Local, Body: "true\n"})
	login()
	d.upAgain(2)
}

func TestAProcessIsEndedAlthoughNothingCanBeJournaled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, besideBook("", load, sh(".check until=20s every=50ms", "test -s pids")))
	j := &brokenJournal{left: -1}
	w.wrap = func(real engine.Journal) engine.Journal { j.Journal = real; return j }
	d := w.start()
	d.goes("beside/load", run.WaitManual, "beside/tick")
	j.mu.Lock()
	j.left = 0
	j.mu.Unlock()
	s := d.e.Snapshot()
	if err := d.e.Do(t.Context(), s.Current, s.Seq, run.AddNote{Text: "lost"}); err == nil {
		t.Fatal("the journal takes a note")
	}
	d.until("the latch", func(s *run.Snapshot) bool { return s.ReadOnly != "" })
	if !lives(w.pids()[0]) {
		t.Error("it has ended although somebody may still need it")
	}
	d.leave("latched")
	if got := w.read("log"); got != "told\n" || lives(w.pids()[0]) {
		t.Errorf("log is %q", got)
	}
	j.mu.Lock()
	j.left, j.dead = -1, false
	j.mu.Unlock()
	w.reopen()
	d = w.resume()
	s = d.upAgain(2)
	if down := loadCell(s).Latest().Down; down == nil || !down.Ended || len(w.pids()) != 2 {
		t.Errorf("the first: %+v, processes %v", down, w.pids())
	}
}
