package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"stepgate/runbook/text"
	"stepgate/tui"
)

// editedLimit is more than a command that a person changes by hand ever has.
const editedLimit = 1 << 20

// ownPrograms are the operator's own programs, as the environment names them.
type ownPrograms struct{}

// Edit implements [tui.Outside]. The text is in a file that nobody else can read,
// in a directory that goes with it.
func (ownPrograms) Edit(ctx context.Context, t tui.Streams, name, body string) (edited string, err error) {
	line, err := ownProgram("edit", []string{"VISUAL", "EDITOR"}, "vi", "nano", "vim", "emacs")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(os.Getenv("XDG_RUNTIME_DIR"), "stepgate-edit-") // 0700; empty: the temporary directory
	if err != nil {
		return "", text.WithHint(fmt.Errorf("edit: %w", err), "set TMPDIR to a directory that can be written")
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, filepath.Base(name))
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		return "", fmt.Errorf("edit: %w", err)
	}
	cmd := exec.Command("sh", "-c", patient+line+` "$@"`, line, path) //nolint:gosec // the operator's own choice
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.In, t.Out, t.Err
	if err := foreground(ctx, cmd, t.In); err != nil {
		return "", text.WithHint(fmt.Errorf("edit: %s: %w", text.Line(text.Untrusted(line)), err), "choose an editor: export EDITOR=nano")
	}
	return readEdited(path)
}

func readEdited(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read what was edited: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(io.LimitReader(f, editedLimit+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read what was edited: %w", err)
	case len(b) > editedLimit:
		return "", fmt.Errorf("read what was edited: it has more than %s", text.Bytes(editedLimit))
	}
	return string(b), nil
}

// Page implements [tui.Outside]. A pager that is left before the end has all it
// wanted.
func (ownPrograms) Page(ctx context.Context, t tui.Streams, name string, write func(io.Writer) error) error {
	line, err := ownProgram("page", []string{"PAGER"}, "less", "more")
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("page %q: %w", name, err)
	}
	cmd := exec.Command("sh", "-c", patient+line) //nolint:gosec // the operator's own choice
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, t.Out, t.Err
	cmd.Env = os.Environ()
	if os.Getenv("LESS") == "" {
		cmd.Env = append(cmd.Env, "LESS=R")
	}
	written := make(chan error, 1)
	go func() { written <- errors.Join(write(w), w.Close()) }()
	err = foreground(ctx, cmd, t.In)
	_ = r.Close() // whoever still writes ends by it
	if werr := <-written; werr != nil && !errors.Is(werr, syscall.EPIPE) {
		return errors.Join(err, fmt.Errorf("page %q: %w", name, werr))
	}
	if err != nil {
		return text.WithHint(fmt.Errorf("page: %s: %w", text.Line(text.Untrusted(line)), err), "choose a pager: export PAGER=less")
	}
	return nil
}

// patient has the shell that runs the line outlive what is typed to interrupt the
// program: the line is over when the program is.
const patient = "trap : INT QUIT\n"

// ownProgram is the shell line that the environment names, or the first of the
// programs that there is.
func ownProgram(what string, vars []string, known ...string) (string, error) {
	for _, v := range vars {
		if line := strings.TrimSpace(os.Getenv(v)); line != "" {
			return line, nil
		}
	}
	for _, k := range known {
		if _, err := exec.LookPath(k); err == nil {
			return k, nil
		}
	}
	last := vars[len(vars)-1]
	return "", text.WithHint(fmt.Errorf("%s: none of %s is installed, and $%s is not set", what, strings.Join(known, ", "), last), "export "+last+"=PROGRAM")
}

// foreground runs a program that has the terminal for itself, so that what is typed
// to interrupt it reaches nobody else. One that stops itself is woken: there is no
// shell here to go back to. It is hung up on when ctx ends.
func foreground(ctx context.Context, cmd *exec.Cmd, in io.Reader) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if f, ok := in.(*os.File); ok {
		if ours, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP); err == nil { // it is this session's terminal
			// Whoever is in the background may not say who is in front, but may be deaf to that.
			signal.Ignore(unix.SIGTTOU, unix.SIGTTIN)
			defer signal.Reset(unix.SIGTTOU, unix.SIGTTIN)
			cmd.SysProcAttr.Foreground, cmd.SysProcAttr.Ctty = true, int(f.Fd())
			defer func() { _ = unix.IoctlSetPointerInt(int(f.Fd()), unix.TIOCSPGRP, ours) }() // fails once the terminal has gone
		}
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	var mu sync.Mutex // a process that is gone must not be signalled: another may have its number
	gone := false
	defer context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if !gone {
			_ = unix.Kill(-pid, unix.SIGHUP)
		}
	})()
	for {
		var ws unix.WaitStatus
		_, err := unix.Wait4(pid, &ws, unix.WUNTRACED, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return errors.Join(err, cmd.Process.Release())
		case ws.Stopped():
			_ = unix.Kill(-pid, unix.SIGCONT)
			continue
		}
		mu.Lock()
		gone = true
		mu.Unlock()
		return errors.Join(ended(ctx, ws), cmd.Process.Release())
	}
}

// ended says what a program's end means.
func ended(ctx context.Context, ws unix.WaitStatus) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case ws.Signaled():
		return fmt.Errorf("it was ended by a signal: %s", ws.Signal())
	case ws.ExitStatus() != 0:
		return fmt.Errorf("it ended with exit %d", ws.ExitStatus())
	}
	return nil
}
