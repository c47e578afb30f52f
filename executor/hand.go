package executor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// handStream is [stream] for a terminal, which it makes take every byte as it is, and
// says when it does. It says, too, when it has the header: bash takes more of a terminal
// than a line, when there is more. The program finds the terminal's modes in sg_t.
const handStream = `sg_t=$(stty -g) && stty raw -echo && echo "` + handReady + `" || exit 76; ` +
	streamHead + `echo "` + handMore + `"; ` + streamBody

// The lines that say so.
const (
	handReady = "SG1 ready"
	handMore  = "SG1 more"
)

// ptySession is a command on a pseudo-terminal of a host.
type ptySession struct {
	io.Reader // what the command shows; io.EOF when nobody has the terminal any more
	io.Writer // what is typed
	resize    func(size winsize)
	// wait returns the command's exit code once what it has shown can be read without
	// waiting for it. An error means that the code isn't known.
	wait  func() (int, error)
	close func()
}

// winsize is a terminal's size in cells.
type winsize struct{ cols, rows int }

// Hand implements [Executor].
func (s *shell) Hand(ctx context.Context, a Attempt, t Terminal) (Result, error) {
	if err := errors.Join(a.check(), a.Command.check()); err != nil {
		return Result{}, &RefusedError{Reason: err.Error()}
	}
	if a.Leash > 0 {
		return Result{}, &RefusedError{Reason: "a command on a terminal can't have a leash"}
	}
	p, err := s.program(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("hand over the terminal: %w", err)
	}
	h := &hand{t: t}
	if h.in, err = fdOf(t.In); err == nil {
		h.out, err = fdOf(t.Out)
	}
	if err != nil {
		return Result{}, s.t.unreached(fmt.Errorf("hand over the terminal: %w", err), "")
	}
	p.setAttempt(a)
	outer := a.Command
	outer.Masks = nil // nothing is kept
	if user := a.Command.User; user != "" {
		h.inner = newProgram()
		h.inner.setCommand(Command{Interpreter: outer.Interpreter, Login: outer.Login, Body: outer.Body, Env: outer.Env, Dir: outer.Dir})
		outer = Command{Body: outer.Body}
		p.setCommand(outer)
		p.set("sg_user", user)
		p.set("sg_hand", handStream)
	} else {
		p.setCommand(outer)
	}
	session, err := s.t.terminal(ctx, handStream, t.Term, h.size())
	if err != nil {
		return Result{}, fmt.Errorf("hand over the terminal: %w", err)
	}
	h.session = session
	exit, err := h.run(ctx, p.nonce, p.frame("frame", "process", "identity", "attempt", "command", "claim", "hand"))
	return Result{Exit: exit}, err
}

// hand is one command that has a person's terminal.
type hand struct {
	t       Terminal
	in, out int // the terminal's file descriptors
	session *ptySession
	inner   *program // of another user; nil: none

	mu   sync.Mutex // of what is typed: a program may be under way instead
	from *bufio.Reader
}

// fdOf returns the descriptor without making reads of the file block for ever.
func fdOf(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = raw.Control(func(n uintptr) { fd = int(n) })
	return fd, err
}

func (h *hand) size() winsize {
	cols, rows, err := term.GetSize(h.out)
	if err != nil || cols < 1 || rows < 1 {
		return winsize{80, 24}
	}
	return winsize{cols, rows}
}

// run claims, connects the two terminals, and returns how the command ended.
func (h *hand) run(ctx context.Context, nonce string, frame []byte) (int, error) {
	stop := context.AfterFunc(ctx, h.session.close)
	defer func() {
		stop()
		h.session.close()
	}()
	h.from = bufio.NewReaderSize(h.session, 32<<10)
	if err := h.claim(nonce, frame); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		return 0, err
	}
	wake, woken, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("hand over the terminal: %w", err)
	}
	defer func() { _ = wake.Close() }() // when nobody polls its number any more
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() { h.typed(wake) })
	defer func() { _ = woken.Close() }() // ends it
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	both.Go(func() {
		for range resized {
			h.session.resize(h.size())
		}
	})
	defer close(resized)
	defer signal.Stop(resized)
	h.session.resize(h.size()) // it may have changed meanwhile
	shown := make(chan error, 1)
	go func() { shown <- h.show() }()
	type end struct {
		exit int
		err  error
	}
	ended := make(chan end, 1)
	go func() {
		exit, err := h.session.wait()
		ended <- end{exit, err}
	}()
	var e end
	select {
	case e = <-ended:
	case <-ctx.Done(): // hung up on, which a command may ignore
	}
	serr := <-shown
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case e.err != nil:
		return 0, fmt.Errorf("hand over the terminal: %w", e.err)
	case serr != nil:
		return 0, serr
	}
	return e.exit, nil
}

// claim sends the program that claims the attempt. Its error is a *RefusedError where
// the host has said that it runs nothing.
func (h *hand) claim(nonce string, frame []byte) error {
	if err := h.send(frame); err != nil {
		return fmt.Errorf("claim the attempt: %w", err)
	}
	r := reply{}
	for {
		key, value, err := readReplyLine(h.from, nonce)
		if err != nil {
			return fmt.Errorf("claim the attempt: %w", err)
		}
		if key == "error" {
			return fmt.Errorf("claim the attempt: ask the host: %s", value)
		}
		if key == "end" {
			break
		}
		r[key] = append(r[key], value)
	}
	switch r.get("claim") {
	case "started":
		return nil
	case "attached":
		return &RefusedError{Reason: "the host has this attempt already", Record: "claimed by this intent"}
	}
	return &RefusedError{Reason: r.get("reason"), Record: r.get("record")}
}

// send waits until the host takes every byte as it is, and sends a program.
func (h *hand) send(frame []byte) error {
	if err := h.told(handReady); err != nil {
		return err
	}
	return h.put(frame)
}

// told reads up to a line of the host's shell. There may be noise of a login before.
func (h *hand) told(what string) error {
	for {
		line, err := readLine(h.from, maxReplyLine)
		if err != nil || strings.HasSuffix(line, what) {
			return err
		}
	}
}

// put sends the header and, when the host has that, the payload.
func (h *hand) put(frame []byte) error {
	header, payload, _ := bytes.Cut(frame, []byte("\n"))
	if _, err := h.session.Write(slices.Concat([]byte("\n"), header, []byte("\n"))); err != nil {
		return err
	}
	if err := h.told(handMore); err != nil {
		return err
	}
	_, err := h.session.Write(payload)
	return err
}

// typed passes on what the person types, until wake has ended.
func (h *hand) typed(wake *os.File) {
	wakeFD, err := fdOf(wake)
	if err != nil {
		return
	}
	buf := make([]byte, 4096)
	for {
		ready := []unix.PollFd{{Fd: int32(h.in), Events: unix.POLLIN}, {Fd: int32(wakeFD), Events: unix.POLLIN}} //nolint:gosec // descriptors are small
		if _, err := unix.Poll(ready, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if ready[1].Revents != 0 {
			return
		}
		if ready[0].Revents == 0 {
			continue
		}
		n, err := unix.Read(h.in, buf)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue
		}
		if n <= 0 || err != nil {
			return // the person's terminal is gone
		}
		h.mu.Lock()
		_, err = h.session.Write(buf[:n])
		h.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// show passes on what the command shows, to its end.
func (h *hand) show() error {
	if h.inner != nil {
		if err := h.become(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil // sudo has ended, and the exit code tells
			}
			return err
		}
	}
	_, err := io.Copy(h.t.Out, h.from)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("show what the command shows: %w", err)
	}
	return nil
}

// become passes on what sudo shows until the other user's program is ready, and sends
// it.
func (h *hand) become() error {
	var line []byte
	for !bytes.HasSuffix(line, []byte(handReady+"\n")) {
		c, err := h.from.ReadByte()
		if err != nil {
			_, _ = h.t.Out.Write(line) // the end is what counts
			return err
		}
		line = append(line, c)
		if bytes.HasPrefix([]byte(handReady+"\n"), line) {
			continue // it may become the mark
		}
		if i := bytes.LastIndex(line, []byte("S")); i > 0 && bytes.HasPrefix([]byte(handReady+"\n"), line[i:]) {
			if _, err := h.t.Out.Write(line[:i]); err != nil {
				return err
			}
			line = line[i:]
			continue
		}
		if _, err := h.t.Out.Write(line); err != nil {
			return err
		}
		line = nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.put(h.inner.frame("frame", "process", "command", "handuser")); err != nil {
		return err
	}
	for {
		key, value, err := readReplyLine(h.from, h.inner.nonce)
		switch {
		case err != nil:
			return err
		case key == "begin":
			return nil
		case key == "error":
			return errors.New("ask the host: " + value)
		}
	}
}
