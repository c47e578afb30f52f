package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/muesli/cancelreader"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"stepgate/executor"
	"stepgate/runbook/text"
	"stepgate/tui"
)

// tty is where a person types in line mode: the controlling terminal, whatever
// standard input is. It reads only while somebody waits for a line, so that what
// is typed meanwhile is left for a command that the terminal is lent to.
type tty struct {
	f  *os.File
	mu sync.Mutex // held by who reads
}

// console holds the terminal once it was opened.
type console struct{ tty *tty }

// openTTY opens the controlling terminal, once. Without one there is nobody to ask.
func openTTY(st streams) (*tty, error) {
	if st.console.tty != nil {
		return st.console.tty, nil
	}
	f := st.in
	if !term.IsTerminal(int(st.in.Fd())) {
		var err error
		if f, err = os.OpenFile("/dev/tty", os.O_RDWR, 0); err != nil {
			return nil, exitWith(exitWaiting, text.WithHint(fmt.Errorf("ask a person: there is no terminal: %w", err),
				"run it on a terminal, or unattended with --auto"))
		}
	}
	st.console.tty = &tty{f: f}
	return st.console.tty, nil
}

// ReadLine reads one line. When ctx ends it has taken nothing from the terminal.
func (t *tty) ReadLine(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, err := cancelreader.NewReader(t.f)
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	cancelled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(cancelled); r.Cancel() })
	defer func() {
		if !stop() {
			<-cancelled
		}
		_ = r.Close() // of what waits for the terminal, not of the terminal
	}()
	var line []byte
	for buf := make([]byte, lineLimit); ; {
		n, err := r.Read(buf)
		line = append(line, buf[:n]...)
		switch {
		case n > 0 && line[len(line)-1] == '\n':
			return strings.TrimRight(string(line), "\r\n"), nil
		case err == nil:
		case errors.Is(err, cancelreader.ErrCanceled):
			return "", context.Cause(ctx)
		case errors.Is(err, io.EOF) && len(line) > 0:
			return string(line), nil
		case errors.Is(err, os.ErrClosed), errors.Is(err, unix.EIO):
			return "", io.EOF // the terminal has gone
		default:
			return "", err
		}
	}
}

// lineLimit is more than a terminal takes for a line. It hands out one at a time.
const lineLimit = 8 << 10

// Hide keeps what is typed from being shown, until show is called.
func (t *tty) Hide() (show func() error, err error) {
	fd := int(t.f.Fd())
	old, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, fmt.Errorf("hide what is typed: %w", err)
	}
	hidden := *old
	hidden.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(fd, setTermios, &hidden); err != nil {
		return nil, fmt.Errorf("hide what is typed: %w", err)
	}
	return func() error {
		if err := unix.IoctlSetTermios(fd, setTermios, old); err != nil {
			return fmt.Errorf("show again what is typed: %w", err)
		}
		return nil
	}, nil
}

// Flush drops what was typed and not read.
func (t *tty) Flush() error {
	if err := flushInput(t.f); err != nil {
		return fmt.Errorf("drop what was typed ahead: %w", err)
	}
	return nil
}

// Terminal returns the terminal for a command to use: where it types, and where
// it shows.
func (t *tty) Terminal() (in, out *os.File, err error) {
	if out, err = os.OpenFile("/dev/tty", os.O_RDWR, 0); err != nil {
		return nil, nil, fmt.Errorf("open the terminal: %w", err)
	}
	return t.f, out, nil
}

// lending is how the engine lends the terminal that a user interface has: raw, so
// that every key is the command's.
func lending(l *tui.Lender) func(context.Context, func(executor.Terminal) error) error {
	return func(ctx context.Context, use func(executor.Terminal) error) error {
		return l.Lend(ctx, func(in, out *os.File) (err error) {
			was, err := term.MakeRaw(int(in.Fd()))
			if err != nil {
				return fmt.Errorf("pass every key on: %w", err)
			}
			defer func() { err = errors.Join(err, term.Restore(int(in.Fd()), was)) }()
			return use(executor.Terminal{In: in, Out: out, Term: os.Getenv("TERM")})
		})
	}
}
