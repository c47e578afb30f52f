package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// terminal implements transport.
func (l *localTransport) terminal(_ context.Context, line, kind string, size winsize) (*ptySession, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	cmd := exec.Command(l.options.Shell, "-c", line)
	cmd.Dir, cmd.Env = l.options.Dir, l.options.Env
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	if kind != "" {
		cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "TERM="+kind)
	}
	master, err := pty.StartWithAttrs(cmd, ptySize(size), &syscall.SysProcAttr{Setsid: true, Setctty: true})
	if err == nil {
		master, err = pollable(master)
	}
	if err != nil {
		l.calls.Done()
		return nil, l.unreached(fmt.Errorf("start %s on a terminal: %w", l.options.Shell, err), "")
	}
	var once, over sync.Once
	exited := make(chan struct{})
	var werr error
	// A command that ignores being hung up on isn't waited for by whoever closes.
	go func() {
		defer over.Do(l.calls.Done)
		werr = cmd.Wait()
		// Who stays behind may keep the terminal; what the command has shown is there.
		_ = master.SetReadDeadline(time.Now().Add(holdersGrace)) // closed already, at worst
		close(exited)
	}()
	return &ptySession{
		Reader: ptyReader{master}, Writer: master,
		resize: func(size winsize) { resize(master, size) },
		wait: func() (int, error) {
			<-exited
			if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
				return 128 + int(ws.Signal()), nil
			}
			return localExit(cmd, werr)
		},
		close: func() {
			once.Do(func() { _ = master.Close() }) // hangs up
			over.Do(l.calls.Done)
		},
	}, nil
}

func ptySize(s winsize) *pty.Winsize {
	return &pty.Winsize{Cols: uint16(s.cols), Rows: uint16(s.rows)} //nolint:gosec // cells of a screen
}

// pollable makes reads of a file end when it is closed; the library's don't.
func pollable(f *os.File) (*os.File, error) {
	defer func() { _ = f.Close() }()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// resize tells the terminal its size; a change that fails is made up for by the next.
func resize(master *os.File, size winsize) {
	if fd, err := fdOf(master); err == nil {
		_ = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(size.rows), Col: uint16(size.cols)}) //nolint:gosec // cells of a screen
	}
}

// ptyReader ends as a pipe does: a master without a slave says EIO.
type ptyReader struct{ master *os.File }

// Read implements io.Reader.
func (r ptyReader) Read(p []byte) (int, error) {
	n, err := r.master.Read(p)
	if errors.Is(err, syscall.EIO) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, os.ErrClosed) {
		err = io.EOF
	}
	return n, err
}
