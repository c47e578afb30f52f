package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"stepgate/tui/theme"
)

// glass is a terminal with a real line discipline: a pty whose output is shown
// by an emulator and kept byte for byte.
type glass struct {
	*terminal
	tty, keys *os.File
	mu        sync.Mutex
	raw       bytes.Buffer
}

func newGlass(t *testing.T, w, h int) *glass {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	g := &glass{terminal: newTerminal(t, w, h), tty: slave, keys: master}
	g.size(t, w, h)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(g, master) // EIO when the last writer has gone
	}()
	t.Cleanup(func() {
		_ = slave.Close()
		_ = master.Close()
		<-shown
	})
	return g
}

func (g *glass) Write(p []byte) (int, error) {
	g.mu.Lock()
	g.raw.Write(p)
	g.mu.Unlock()
	return g.terminal.write(p)
}

// since returns what was written from the n-th byte on, and how much there is.
func (g *glass) since(n int) (string, int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return string(g.raw.Bytes()[n:]), g.raw.Len()
}

func (g *glass) size(t *testing.T, w, h int) {
	t.Helper()
	if err := pty.Setsize(g.keys, &pty.Winsize{Cols: uint16(w), Rows: uint16(h)}); err != nil {
		t.Fatal(err)
	}
	g.Resize(w, h)
}

func (g *glass) types(t *testing.T, s string) {
	t.Helper()
	if _, err := io.WriteString(g.keys, s); err != nil {
		t.Fatal(err)
	}
}

// lines reports whether the terminal collects lines and echoes them.
func (g *glass) lines(t *testing.T) bool {
	t.Helper()
	// SyscallConn, so that the descriptor stays with the poller.
	c, err := g.tty.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var tio *unix.Termios
	if cerr := c.Control(func(fd uintptr) { tio, err = unix.IoctlGetTermios(int(fd), getTermios) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	const all = unix.ICANON | unix.ECHO | unix.ISIG
	return tio.Lflag&all == all
}

// A command that needs the terminal gets it as it was found, with every key that
// was typed for it; then the screen comes back as a whole, in the size that the
// terminal has by then.
func TestLend(t *testing.T) {
	s := busy(t)
	g := newGlass(t, 80, 24)
	f := newFake(s.snap())
	lender := NewLender()
	over := make(chan outcome, 1)
	c := &clock{at: s.at}
	go func() {
		left, err := Run(t.Context(), f, f, Options{In: g.tty, Out: g.tty, Env: xterm(), Now: c.now, Theme: theme.Options{NoColor: true}, Lend: lender})
		over <- outcome{left, err}
	}()
	g.until(t, "running")
	_, drawn := g.since(0)
	typed := make(chan struct{})
	lent := make(chan error, 1)
	go func() {
		lent <- lender.Lend(t.Context(), func(in, out *os.File) error {
			if !g.lines(t) {
				t.Error("the terminal is lent raw")
			}
			<-typed // keys that nobody reads yet are the command's
			cmd := exec.Command("sh", "-c", `echo "$(stty size) for:"; read -r a; read -r b; echo "got <$a> <$b>"; stty raw -echo; printf 'raw> '; dd bs=1 count=3 2>/dev/null; printf '\033[?1049h\033[2Jeditor'`)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, out
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			return cmd.Run()
		})
	}()
	g.until(t, "the terminal is lent to 2.1 Move the leaders off tablet-1")
	said, from := g.since(drawn)
	for _, off := range []string{"\x1b[?1049l", "\x1b[?2004l", "\x1b[?1002l", "\x1b[?1006l", "\x1b[<1u", "\x1b[>4m", "\x1b[?25h"} {
		if i := strings.Index(said, off); i < 0 || i > strings.Index(said, "stepgate: the terminal is lent") {
			t.Errorf("%q isn't among what gives the terminal back: %q", off, said)
		}
	}
	g.types(t, "first keys\rsecond\r")
	g.size(t, 100, 30)
	close(typed)
	g.until(t, "30 100 for:")
	g.until(t, "got <first keys> <second>")
	g.until(t, "raw>")
	g.types(t, "\x03xq")
	if err := <-lent; err != nil {
		t.Fatal(err)
	}
	c.add(time.Second)
	want := trimmed(pose(s, 100, 30, tea.WindowSizeMsg{Width: 100, Height: 30}).text())
	g.shows(t, want, func(screen string) bool { return trimmed(screen) == want })
	if !g.IsAltScreen() || g.lines(t) {
		t.Error("the screen isn't the program's own again")
	}
	said, _ = g.since(from)
	back := strings.Index(said, "the terminal is back from 2.1")
	if back < 0 || !strings.Contains(said[back:], "\x1b[?1049h") || !strings.Contains(said[back:], "\x1b[?2004h") {
		t.Errorf("what it did to come back: %q", said)
	} else if strings.Contains(said[:back], "╭") {
		t.Errorf("something was drawn while the terminal was lent: %q", said)
	}
	c.add(time.Second) // keys are taken again
	g.types(t, "q")
	g.until(t, "Something is running")
	g.types(t, "l")
	if o := <-over; o.err != nil || o.left != LeftByOperator {
		t.Errorf("left %v, %v", o.left, o.err)
	}
	if _, err := io.WriteString(g.tty, "the end\r\n"); err != nil {
		t.Fatal(err)
	}
	g.until(t, "the end")
	if !g.lines(t) || g.IsAltScreen() {
		t.Error("the terminal wasn't given back as it was found, though the command had left it raw")
	}
}

// trimmed is a screen without the blanks at its lines' ends, and with its spinner
// at rest.
func trimmed(screen string) string {
	spinner := regexp.MustCompile("[⠀-⣿]")
	lines := strings.Split(strings.TrimRight(ansi.Strip(screen), "\r\n"), "\n")
	for i, l := range lines {
		lines[i] = spinner.ReplaceAllString(strings.TrimRight(l, " \r"), "⠋")
	}
	return strings.Join(lines, "\n")
}

// Nobody waits for a terminal for ever: neither the borrower when nobody serves
// it, nor the program when the borrower has gone.
func TestLendIsGivenUp(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancelCause(t.Context())
	l := NewLender()
	cancel(errors.New("the run was left"))
	if err := l.Lend(gone, nil); err == nil || err.Error() != "the run was left" {
		t.Errorf("nobody serves it: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	over := make(chan error, 1)
	go func() { over <- l.Lend(ctx, func(_, _ *os.File) error { t.Error("used"); return nil }) }()
	loan := <-l.Loans()
	cancel(errors.New("the run was left"))
	if err := <-over; err == nil || err.Error() != "the run was left" {
		t.Errorf("a served one: %v", err)
	}
	loan.Take(nil, nil)

	go func() { over <- l.Lend(t.Context(), func(_, _ *os.File) error { return nil }) }()
	(<-l.Loans()).Refuse(errors.New("no terminal"))
	if err := <-over; err == nil || err.Error() != "lend the terminal: no terminal" {
		t.Errorf("refused: %v", err)
	}
	go func() { over <- l.Lend(t.Context(), func(_, _ *os.File) error { panic("boom") }) }()
	func() {
		defer func() { _ = recover() }()
		(<-l.Loans()).Take(nil, nil)
	}()
	if err := <-over; err == nil {
		t.Error("a borrower that panics leaves the other side waiting")
	}
	if l = nil; l.Loans() != nil {
		t.Error("a nil lender has loans")
	}
}

// A screen that isn't drawn on a terminal refuses.
func TestLendNeedsATerminal(t *testing.T) {
	s := busy(t)
	term := newTerminal(t, 80, 24)
	f := newFake(s.snap())
	l := NewLender()
	over := make(chan outcome, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		left, err := Run(ctx, f, f, Options{In: term.in, Out: term, Env: xterm(), Size: [2]int{80, 24}, Lend: l})
		over <- outcome{left, err}
	}()
	if err := l.Lend(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "lend the terminal") {
		t.Errorf("it said %v", err)
	}
	cancel()
	<-over
}
