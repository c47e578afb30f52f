package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"stepgate/runbook/text"
)

// tty is where a person types in line mode: the controlling terminal, whatever
// standard input is.
type tty struct {
	f     *os.File
	lines chan string
	errs  chan error
}

// console holds the one reader of the terminal: a second one would take lines
// that were meant for the first. It reads until the process ends.
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
	t := &tty{f: f, lines: make(chan string), errs: make(chan error, 1)}
	st.console.tty = t
	go t.read()
	return t, nil
}

// read passes lines on. It ends with the terminal; a line nobody waits for is
// kept until someone does.
func (t *tty) read() {
	r := bufio.NewReader(t.f)
	for {
		line, err := r.ReadString('\n')
		if err != nil && line == "" {
			t.errs <- err
			return
		}
		t.lines <- strings.TrimRight(line, "\r\n")
	}
}

func (t *tty) ReadLine(ctx context.Context) (string, error) {
	select {
	case l := <-t.lines:
		return l, nil
	case err := <-t.errs:
		t.errs <- err
		if errors.Is(err, os.ErrClosed) {
			err = io.EOF
		}
		return "", err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

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

// typedAhead is how long what was typed before a question may take to arrive.
const typedAhead = 50 * time.Millisecond

// Flush drops what was typed before: what the terminal holds, and what has
// been read already.
func (t *tty) Flush() error {
	if err := flushInput(t.f); err != nil {
		return fmt.Errorf("drop what was typed ahead: %w", err)
	}
	quiet := time.NewTimer(typedAhead)
	defer quiet.Stop()
	for {
		select {
		case <-t.lines:
		case <-quiet.C:
			return nil
		}
	}
}
