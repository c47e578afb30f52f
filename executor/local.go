package executor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// LocalOptions configure the executor of this machine. The zero value is right for
// a user's own machine.
type LocalOptions struct {
	Dir   string   // working directory of commands that name none; empty: the process's own
	Env   []string // environment that commands start from; nil: the process's own
	Shell string   // the POSIX shell that runs the host's side; empty: sh
	Ask   Asker    // for sudo's password; nil: nobody
}

// NewLocal returns the executor of this machine. Commands run in sessions of their
// own, under the same detached runner as on any host, and outlive the process.
func NewLocal(o LocalOptions) Executor {
	if o.Shell == "" {
		o.Shell = "sh"
	}
	return newShell(&localTransport{options: o}, o.Ask)
}

type localTransport struct {
	options LocalOptions
	mu      sync.Mutex
	closed  bool
	calls   sync.WaitGroup
}

// holdersGrace is how long output may be silent, after a command has ended, before
// those who still hold its pipes are left alone.
const holdersGrace = 500 * time.Millisecond

func (l *localTransport) connect(context.Context) error { return nil }

func (l *localTransport) hostKey() string { return "" }

func (l *localTransport) unreached(cause error, hint string) *ReachError {
	return &ReachError{Host: "local", Hint: hint, Cause: cause}
}

func (l *localTransport) close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.calls.Wait()
	return nil
}

func (l *localTransport) begin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.unreached(errClosed, "")
	}
	l.calls.Add(1)
	return nil
}

func (l *localTransport) run(ctx context.Context, c call) (int, error) {
	if err := l.begin(); err != nil {
		return 0, err
	}
	defer l.calls.Done()
	cmd := exec.CommandContext(ctx, l.options.Shell, "-c", bootstrap)
	cmd.Dir, cmd.Env = l.options.Dir, l.options.Env
	cmd.Stdin = bytes.NewReader(c.frame)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = time.Second
	cmd.Cancel = func() error {
		if c.detaches {
			return cmd.Process.Kill()
		}
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	var g gate
	defer g.close()
	out, err := newDrain(g.writer(c.stdout))
	if err != nil {
		return 0, l.unreached(err, "")
	}
	defer out.abandon()
	errs, err := newDrain(g.writer(c.stderr))
	if err != nil {
		return 0, l.unreached(err, "")
	}
	defer errs.abandon()
	cmd.Stdout, cmd.Stderr = out.w, errs.w
	if err := cmd.Start(); err != nil {
		return 0, l.unreached(fmt.Errorf("start %s: %w", l.options.Shell, err), "")
	}
	out.start()
	errs.start()
	err = cmd.Wait()
	out.ended(ctx, c.over)
	errs.ended(ctx, c.over)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return localExit(cmd, err)
}

// localExit is the exit status as a shell would tell it.
func localExit(cmd *exec.Cmd, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, syscall.EPIPE) {
		return 0, fmt.Errorf("wait for %s: %w", cmd.Path, err)
	}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 0, fmt.Errorf("%s was killed by signal %d", cmd.Path, ws.Signal())
	}
	return cmd.ProcessState.ExitCode(), nil
}

// drain copies one output pipe of a process. A process left in the background may
// hold the pipe for ever, so after the end only silence is waited for.
type drain struct {
	r, w  *os.File
	to    io.Writer
	over  atomic.Bool
	done  chan struct{}
	begun bool
}

func newDrain(to io.Writer) (*drain, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	return &drain{r: r, w: w, to: to, done: make(chan struct{})}, nil
}

func (d *drain) start() {
	d.begun = true
	_ = d.w.Close() // the process has its own
	go func() {
		defer close(d.done)
		buf := make([]byte, 64<<10)
		for {
			waited := d.over.Load()
			if waited {
				_ = d.r.SetReadDeadline(time.Now().Add(holdersGrace))
			}
			n, err := d.r.Read(buf)
			if n > 0 {
				if _, werr := d.to.Write(buf[:n]); werr != nil {
					return
				}
			}
			if err != nil && (waited || !errors.Is(err, os.ErrDeadlineExceeded)) {
				return
			}
		}
	}()
}

// ended waits for what is left in the pipe, while anybody wants it.
func (d *drain) ended(ctx context.Context, over <-chan struct{}) {
	d.over.Store(true)
	_ = d.r.SetReadDeadline(time.Now())
	select {
	case <-d.done:
	case <-over:
	case <-ctx.Done():
	}
}

// abandon closes the pipe and waits for the copier.
func (d *drain) abandon() {
	_ = d.r.Close()
	if d.begun {
		<-d.done
	} else {
		_ = d.w.Close()
	}
}
