package executor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// terminal implements transport.
func (t *sshTransport) terminal(ctx context.Context, line, kind string, size winsize) (*ptySession, error) {
	conn, _, err := t.acquire(ctx, call{lasting: true})
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*ptySession, error) {
		t.release(conn)
		return nil, t.unreached(err, t.tryHint())
	}
	s, err := conn.client.NewSession()
	if err != nil {
		return fail(fmt.Errorf("open a session: %w", err))
	}
	t.served(conn)
	if kind == "" {
		kind = "dumb"
	}
	in, err := s.StdinPipe()
	if err != nil {
		return fail(errors.Join(err, s.Close()))
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return fail(errors.Join(err, s.Close()))
	}
	if err := s.RequestPty(kind, size.rows, size.cols, ssh.TerminalModes{}); err != nil {
		_ = s.Close() // nothing runs in it
		return fail(fmt.Errorf("the server gives no terminal: %w", err))
	}
	if err := s.Start("sh -c '" + line + "'"); err != nil {
		_ = s.Close() // nothing runs in it
		return fail(fmt.Errorf("the server refused to run a command: %w", err))
	}
	var once sync.Once
	return &ptySession{
		Reader: out, Writer: in,
		resize: func(size winsize) { _ = s.WindowChange(size.rows, size.cols) }, // a lost connection shows elsewhere
		wait:   func() (int, error) { return sshExit(s.Wait(), t.config.Name) },
		close: func() {
			once.Do(func() {
				t.spawn(func() { _ = s.Close() }) // may wait for a link that is silent
				t.release(conn)
			})
		},
	}, nil
}

// sshExit is the exit status as a shell would tell it.
func sshExit(err error, host string) (int, error) {
	var exit *ssh.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return 0, fmt.Errorf("the connection to host %q was lost while its command had the terminal: %w", host, err)
	case exit.Signal() == "":
		return exit.ExitStatus(), nil
	}
	for n := syscall.Signal(1); n < 32; n++ {
		if unix.SignalName(n) == "SIG"+exit.Signal() {
			return 128 + int(n), nil
		}
	}
	return 0, fmt.Errorf("the command's shell on host %q was killed by signal %s", host, exit.Signal())
}
