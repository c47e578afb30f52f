package executortest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"stepgate/executor"
)

// Hand is what an executor must do with a person's terminal.
func Hand(t *testing.T, boot BootMachine) {
	for name, test := range map[string]func(*testing.T, BootMachine){
		"a person at it": testHandPerson,
		"once":           testHandOnce,
		"exit codes":     testHandExits,
		"ends with ctx":  testHandEnds,
		"cut":            testHandCut,
		"fenced":         testHandFenced,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, boot)
		})
	}
}

// screen is a person's terminal, as whoever looks at it sees it.
type screen struct {
	b      *bench
	person *os.File // reads what is shown, and types
	lent   *os.File
	mu     sync.Mutex
	shown  bytes.Buffer
	more   chan struct{}
	done   chan struct{}
}

func newScreen(b *bench, cols, rows uint16) *screen {
	b.Helper()
	person, lent, err := pty.Open()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := term.MakeRaw(int(lent.Fd())); err != nil {
		b.Fatal(err)
	}
	s := &screen{b: b, person: person, lent: lent, more: make(chan struct{}, 1), done: make(chan struct{})}
	s.resize(cols, rows)
	go func() {
		defer close(s.done)
		buf := make([]byte, 4096)
		for {
			n, err := person.Read(buf)
			s.mu.Lock()
			s.shown.Write(buf[:n])
			s.mu.Unlock()
			select {
			case s.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	b.Cleanup(func() {
		_ = lent.Close()
		<-s.done
		_ = person.Close()
	})
	return s
}

func (s *screen) resize(cols, rows uint16) {
	s.b.Helper()
	if err := pty.Setsize(s.lent, &pty.Winsize{Cols: cols, Rows: rows}); err != nil {
		s.b.Fatal(err)
	}
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

// await waits until something is shown.
func (s *screen) await(text string) {
	s.b.Helper()
	for !strings.Contains(s.text(), text) {
		select {
		case <-s.more:
		case <-s.b.ctx.Done():
			s.b.Fatalf("waited for %q; shown is %q", text, s.text())
		}
	}
}

func (s *screen) types(keys string) {
	s.b.Helper()
	if _, err := s.person.WriteString(keys); err != nil {
		s.b.Fatal(err)
	}
}

// handing is a Hand in its own goroutine.
type handing struct {
	res  executor.Result
	err  error
	done chan struct{}
	end  context.CancelFunc
}

func (s *screen) hand(a executor.Attempt) *handing {
	ctx, cancel := context.WithCancel(s.b.ctx)
	h := &handing{done: make(chan struct{}), end: cancel}
	go func() {
		defer close(h.done)
		h.res, h.err = s.b.x.Hand(ctx, a, executor.Terminal{In: s.lent, Out: s.lent, Term: "xterm-test"})
	}()
	s.b.Cleanup(func() { cancel(); <-h.done })
	return h
}

func (h *handing) wantExit(b *bench, exit int) {
	b.Helper()
	select {
	case <-h.done:
	case <-time.After(patience):
		b.Fatal("the command doesn't end")
	}
	if h.err != nil || h.res.Exit != exit {
		b.Errorf("Hand = exit %d, %v, want %d", h.res.Exit, h.err, exit)
	}
}

// asking is an interactive program: what it has, what is typed, and its end.
const asking = `
trap 'echo interrupted' INT
trap 'stty size; echo resized' WINCH
[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo "a terminal $TERM"
stty size
echo "value $value"
printf 'name? '
until read -r name && [ "$name" = end ]; do
	[ -z "$name" ] || echo "hello $name"
done
stty raw -echo
echo raw
key=$(dd bs=1 count=3 2>/dev/null | od -An -tx1 | tr -d ' \n')
stty sane
echo "keys $key"
exit 9
`

func testHandPerson(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	s := newScreen(b, 91, 33)
	c := b.sh(asking)
	c.Env = append(c.Env, executor.Var{Name: "value", Value: "tiger-Lily"})
	a := b.attempt(c)
	h := s.hand(a)
	s.await("name? ")
	for _, want := range []string{"a terminal xterm-test\r\n", "33 91\r\n", "value tiger-Lily\r\n"} {
		if !strings.Contains(s.text(), want) {
			t.Errorf("shown is %q, without %q", s.text(), want)
		}
	}
	if strings.Contains(s.text(), "SG1") || strings.Contains(s.text(), a.ID) {
		t.Errorf("the protocol is shown: %q", s.text())
	}
	s.types("ann\r")
	s.await("hello ann\r\n")
	s.types("\x03") // for the command, not for us
	s.await("interrupted")
	s.types("bob\r")
	s.await("hello bob\r\n")
	s.types("end\r")
	s.await("raw")
	s.types("\x03\x1b\xff")
	s.await("keys 031bff\r\n")
	h.wantExit(b, 9)
	// The host has the claim, and nothing of what was shown or given.
	holds(t, b.host.Dir, "tiger-Lily", "hello ann")
	if rep := b.wantFate(a, executor.Died); len(rep.Processes) > 0 {
		t.Errorf("processes %q", rep.Processes)
	}
}

func testHandOnce(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	s := newScreen(b, 80, 24)
	a := b.attempt(b.sh(`echo ran >>"$meet/ledger"`))
	s.hand(a).wantExit(b, 0)
	forked := a
	forked.IntentHash = strings.Repeat("cd", 32)
	for _, again := range []executor.Attempt{a, forked} {
		h := s.hand(again)
		<-h.done
		var refused *executor.RefusedError
		if !errors.As(h.err, &refused) || refused.Record == "" {
			t.Errorf("a second Hand = %v, want a refusal with the host's record", h.err)
		}
	}
	if got := b.awaitFile("ledger"); got != "ran" {
		t.Errorf("ledger %q", got)
	}
}

func testHandExits(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	s := newScreen(b, 80, 24)
	for _, c := range []struct {
		body string
		exit int
	}{{"exit 0", 0}, {"exit 255", 255}, {"kill -TERM $$", 143}, {"kill -KILL $$", 137}} {
		s.hand(b.attempt(b.sh(c.body))).wantExit(b, c.exit)
	}
	h := s.hand(b.attempt(executor.Command{Interpreter: "no-such-interpreter"}))
	h.wantExit(b, 127)
	bad := b.attempt(executor.Command{Interpreter: "a=b"})
	h = s.hand(bad)
	<-h.done
	var refused *executor.RefusedError
	if !errors.As(h.err, &refused) {
		t.Errorf("Hand of what can't be handed over = %v", h.err)
	}
}

func testHandEnds(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	s := newScreen(b, 80, 24)
	a := b.attempt(b.sh(`echo $$ >"$meet/pid"; echo up; sleep 300`))
	h := s.hand(a)
	s.await("up")
	pid := b.awaitPID("pid")
	h.end()
	<-h.done
	var refused *executor.RefusedError
	if h.err == nil || errors.As(h.err, &refused) {
		t.Errorf("Hand = %v, want an error that leaves it open", h.err)
	}
	// Being hung up on ends a command, and not always what it waits for.
	if _, err := b.x.Signal(b.ctx, a, executor.Kill); err != nil {
		t.Errorf("Signal = %v", err)
	}
	b.await("the command's end", func() bool { return !alive(pid) })
	b.await("the end of all that it started", func() bool { return b.probe(a, false).Fate != executor.Orphan })
	b.wantFate(a, executor.Died)
}

func testHandCut(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	if b.Cut == nil {
		return // nothing to cut on this machine
	}
	s := newScreen(b, 80, 24)
	a := b.attempt(b.sh(`trap '' HUP; echo $$ >"$meet/pid"; echo up; exec sleep 300`))
	h := s.hand(a)
	s.await("up")
	pid := b.awaitPID("pid")
	b.killLater(pid)
	b.Cut()
	select {
	case <-h.done:
	case <-time.After(patience):
		t.Fatal("Hand doesn't notice that its connection was cut")
	}
	var refused *executor.RefusedError
	var reach *executor.ReachError
	if h.err == nil || errors.As(h.err, &refused) || errors.As(h.err, &reach) {
		t.Errorf("Hand = %v, want an error that leaves it open", h.err)
	}
	b.wantFate(a, executor.Orphan)
	b.kill(pid)
	b.wantFate(a, executor.Died)
}

func testHandFenced(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	a := b.attempt(b.sh(`echo ran >>"$meet/ledger"`))
	if rep := b.probe(a, true); rep.Fate != executor.NeverStarted {
		t.Fatalf("Probe = %s", rep.Fate)
	}
	h := newScreen(b, 80, 24).hand(a)
	<-h.done
	var refused *executor.RefusedError
	if !errors.As(h.err, &refused) {
		t.Errorf("Hand after a fence = %v, want a refusal", h.err)
	}
	if _, err := os.Stat(b.file("ledger")); err == nil {
		t.Error("it ran all the same")
	}
}
