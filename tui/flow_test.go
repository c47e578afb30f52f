package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"go.uber.org/goleak"

	"stepgate/runbook/run"
	"stepgate/tui/theme"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// terminal is an emulator that the program draws on, and a keyboard.
type terminal struct {
	*vt.SafeEmulator
	keys  *io.PipeWriter
	in    *io.PipeReader
	mu    sync.Mutex
	drawn *sync.Cond
	n     int
	// what the emulator would type: answers to what it was asked
	answers tallied
}

// tallied counts bytes.
type tallied struct{ n atomic.Int64 }

func (c *tallied) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

func newTerminal(t *testing.T, w, h int) *terminal {
	t.Helper()
	term := &terminal{SafeEmulator: vt.NewSafeEmulator(w, h)}
	term.drawn = sync.NewCond(&term.mu)
	term.in, term.keys = io.Pipe()
	// The emulator blocks when nobody takes its answers to queries.
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(&term.answers, term.SafeEmulator)
	}()
	t.Cleanup(func() {
		_ = term.keys.Close()
		if pipe, ok := term.InputPipe().(io.Closer); ok {
			_ = pipe.Close()
		}
		<-drained
	})
	return term
}

func (t *terminal) Write(p []byte) (int, error) {
	// Without a terminal as its input, the program leaves it to the terminal's
	// driver to put a carriage return before each line feed.
	_, err := t.write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")))
	return len(p), err
}

// write shows what came through a terminal's driver.
func (t *terminal) write(p []byte) (int, error) {
	_, err := t.SafeEmulator.Write(p)
	t.mu.Lock()
	t.n++
	t.drawn.Broadcast()
	t.mu.Unlock()
	return len(p), err
}

func (t *terminal) screen() string { return ansi.Strip(t.Render()) }

// until waits for the screen to say something.
func (t *terminal) until(tt *testing.T, want string) string {
	tt.Helper()
	return t.shows(tt, want, func(screen string) bool { return strings.Contains(screen, want) })
}

// shows waits for a screen that is as it should be.
func (t *terminal) shows(tt *testing.T, want string, is func(screen string) bool) string {
	tt.Helper()
	late := time.AfterFunc(time.Minute, func() {
		t.mu.Lock()
		t.n = -1 << 40
		t.drawn.Broadcast()
		t.mu.Unlock()
	})
	defer late.Stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if s := t.screen(); is(s) {
			return s
		}
		if t.n < 0 {
			tt.Fatalf("the screen never showed\n%s\nbut\n%s", want, t.screen())
		}
		t.drawn.Wait()
	}
}

func (t *terminal) press(tt *testing.T, s string) {
	tt.Helper()
	if _, err := io.WriteString(t.keys, s); err != nil {
		tt.Fatal(err)
	}
}

// fake is a run that is told by the test.
type fake struct {
	mu      sync.Mutex
	snap    *run.Snapshot
	changes chan struct{}
	did     chan run.Action
	output  string
	do      func(run.Action) error
}

func newFake(s *run.Snapshot) *fake {
	return &fake{snap: s, changes: make(chan struct{}, 1), did: make(chan run.Action, 16)}
}

func (f *fake) Do(_ context.Context, _ run.Key, _ uint64, a run.Action) error {
	f.did <- a
	if f.do != nil {
		return f.do(a)
	}
	return nil
}

func (f *fake) Snapshot() *run.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.snap
}

func (f *fake) Changes() <-chan struct{} { return f.changes }

func (f *fake) Events(context.Context, uint64, int) ([]run.Record, error) {
	return nil, nil
}

func (f *fake) Output(_ context.Context, _ string, stream int, from int64, size int) ([]byte, int64, int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.output
	if stream == 1 {
		out = ""
	}
	end := int64(len(out))
	if from >= end {
		return nil, from, end, nil
	}
	return []byte(out[from:min(end, from+int64(size))]), from, end, nil
}

func (f *fake) set(s *run.Snapshot, output string) {
	f.mu.Lock()
	f.snap, f.output = s, output
	f.mu.Unlock()
	select {
	case f.changes <- struct{}{}:
	default:
	}
}

// clock is the program's clock, moved by the test.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	c.at = c.at.Add(d)
	c.mu.Unlock()
}

func xterm() []string { return []string{"TERM=xterm-256color", "LANG=C.UTF-8"} }

type outcome struct {
	left Left
	err  error
}

func show(ctx context.Context, term *terminal, f *fake, c *clock, auto bool) <-chan outcome {
	over := make(chan outcome, 1)
	go func() {
		left, err := Run(ctx, f, f, Options{
			In: term.in, Out: term, Env: xterm(), Now: c.now,
			Theme: theme.Options{NoColor: true}, Size: [2]int{80, 24}, Auto: auto,
		})
		over <- outcome{left, err}
	}()
	return over
}

// One walk through a whole program: run, output, gate, failure, closing.
func TestProgram(t *testing.T) {
	s := tablets(t).preflight()
	term := newTerminal(t, 80, 24)
	f := newFake(s.snap())
	c := &clock{at: s.at}
	over := show(t.Context(), term, f, c, false)

	term.until(t, "next: 2.1 Move the leaders off tablet-1")
	term.press(t, "\r")
	if a := <-f.did; a != (run.Go{}) {
		t.Fatalf("Enter asked for %#v", a)
	}
	k := s.cell("tablets[tablet-1]/pre@ops-1").Key
	s.begin(k)
	s.busy = &run.Activity{What: "command", Since: s.at, Attempt: s.run.Cell(k).Latest().Intent.Attempt, Bytes: [2]int64{26, 0}}
	f.set(s.snap(), "moving leaders …\n\x1b[2Jdone\n")
	term.until(t, "moving leaders …")

	s.busy = nil
	c.add(42 * time.Second)
	at := s.run.Cell(k).Latest().Intent.Attempt
	s.then(run.Outcome{Cell: k, Attempt: at, Verdict: 2, TookMS: 42000, Bytes: [2]int64{26, 0}})
	stop := s.cell("tablets[tablet-1]/stop@tablet-1").Key
	s.then(verdict(run.Before, stop, 2, "", ""))
	s.gate(stop)
	f.set(s.snap(), "")
	term.until(t, "Gate: 2.2 Stop the tablet")
	c.add(time.Second)
	term.press(t, "y\r")
	term.until(t, "answer once more")
	c.add(time.Second)
	term.press(t, "\r")
	if a, ok := (<-f.did).(run.Answer); !ok || a.Typed != "y" || a.Gate == "" {
		t.Fatalf("the gate was answered with %#v", a)
	}

	s.grant(stop).did(stop, 3, time.Second)
	f.set(s.snap(), "no such process\n")
	term.until(t, "the command ended with exit 3")
	c.add(time.Second)
	term.press(t, "s")
	term.until(t, "Why is it left out?")
	term.press(t, "已经停了\r")
	if a := <-f.did; a != (run.Skip{Reason: "已经停了"}) {
		t.Fatalf("skip asked for %#v", a)
	}
	s.then(run.CellSkipped{Cell: stop, Reason: "已经停了"}, run.RunClosed{How: run.Aborted})
	f.set(s.snap(), "")
	term.until(t, "已经停了")
	close(f.changes)
	term.until(t, "Press")
	term.press(t, "\r")
	if o := <-over; o.err != nil || o.left != LeftClosed {
		t.Fatalf("left %v, %v", o.left, o.err)
	}
	if term.IsAltScreen() {
		t.Error("the terminal was left on the alternate screen")
	}
}

func TestProgramGoesOnByItself(t *testing.T) {
	s := tablets(t)
	term := newTerminal(t, 80, 24)
	f := newFake(s.snap())
	over := show(t.Context(), term, f, &clock{at: s.at}, true)
	if a := <-f.did; a != (run.Go{}) {
		t.Fatalf("asked for %#v", a)
	}
	s.then(s.first("components@ops-1"))
	f.set(s.snap(), "")
	term.until(t, "to be done by hand")
	term.press(t, "q")
	if o := <-over; o.err != nil || o.left != LeftByOperator {
		t.Fatalf("left %v, %v", o.left, o.err)
	}
	if len(f.did) != 0 {
		t.Errorf("a manual step was asked for: %#v", <-f.did)
	}
}

// The end of the context ends the screen, with the terminal restored.
func TestProgramEndsWithItsContext(t *testing.T) {
	s := busy(t)
	term := newTerminal(t, 80, 24)
	ctx, cancel := context.WithCancel(t.Context())
	over := show(ctx, term, newFake(s.snap()), &clock{at: s.at}, false)
	term.until(t, "running")
	cancel()
	if o := <-over; !errors.Is(o.err, context.Canceled) || o.left != LeftByOperator {
		t.Fatalf("left %v, %v", o.left, o.err)
	}
	if term.IsAltScreen() {
		t.Error("the terminal was left on the alternate screen")
	}
}

// A panic in the pump's goroutine, which Bubble Tea knows nothing of, ends the
// screen too.
func TestProgramSurvivesAPanicBesideIt(t *testing.T) {
	s := busy(t)
	term := newTerminal(t, 80, 24)
	f := &bomb{fake: newFake(s.snap())}
	left, err := Run(t.Context(), f, f, Options{In: term.in, Out: term, Env: xterm(), Size: [2]int{80, 24}})
	if err == nil || !strings.Contains(err.Error(), "panic: no snapshot") || left != LeftByOperator {
		t.Fatalf("left %v, %v", left, err)
	}
	if term.IsAltScreen() {
		t.Error("the terminal was left on the alternate screen")
	}
}

type bomb struct{ *fake }

func (*bomb) Snapshot() *run.Snapshot { panic("no snapshot") }

func TestFill(t *testing.T) {
	f := Form{Title: "升级", Fields: []Field{
		{Question: Question{Name: "cluster", Prompt: "Which cluster?"}},
		{Question: Question{Name: "count", Type: "int", Validate: func(s string) error {
			if s != "3" {
				return errors.New("three is what it takes")
			}
			return nil
		}}},
		{Question: Question{Name: "writes", Choices: []string{"stopped", "running"}, Default: "stopped"}},
	}}
	term := newTerminal(t, 80, 24)
	type answer struct {
		m   map[string]string
		err error
	}
	over := make(chan answer, 1)
	o := Options{In: term.in, Out: term, Env: xterm(), Size: [2]int{80, 24}, Theme: theme.Options{NoColor: true}}
	go func() {
		m, err := Fill(t.Context(), f, o)
		over <- answer{m, err}
	}()
	term.until(t, "Which cluster?")
	term.press(t, "集群一\r2")
	term.until(t, "three is what it takes")
	term.press(t, "\x7f3\r\x1b[C")
	term.until(t, "[running]")
	term.press(t, "\x13")
	got := <-over
	if got.err != nil || got.m["cluster"] != "集群一" || got.m["count"] != "3" || got.m["writes"] != "running" {
		t.Fatalf("answers %v, %v", got.m, got.err)
	}
}

func TestFillCancelled(t *testing.T) {
	for key, want := range map[string]error{"\x1b": ErrCancelled, "\x03": context.Canceled} {
		term := newTerminal(t, 80, 24)
		over := make(chan error, 1)
		go func() {
			_, err := Fill(t.Context(), Form{Fields: []Field{{Question: Question{Name: "cluster"}}}}, Options{In: term.in, Out: term, Env: xterm(), Size: [2]int{80, 24}})
			over <- err
		}()
		term.until(t, "cluster")
		term.press(t, key)
		if err := <-over; !errors.Is(err, want) {
			t.Errorf("key %q: %v, want %v", key, err, want)
		}
	}
}
