package executor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// Dialer opens connections from some place: this machine or a host.
type Dialer interface {
	// Dial connects to an address as that place sees it. network is "tcp" or
	// "unix". The end of ctx ends the attempt to connect and not the connection.
	//
	// An error for which errors.Is(err, syscall.ECONNREFUSED) holds says that
	// nothing listens at the address. A *ReachError says that the place itself
	// couldn't be reached or doesn't allow it; any other, that the address
	// couldn't be reached from it.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// Here is the [Dialer] of this machine; a nil Dialer means the same.
var Here Dialer = here{}

type here struct{}

// Dial implements [Dialer].
func (here) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", address, plainDialError(err))
	}
	return c, nil
}

// plainDialError leaves out what the caller says already.
func plainDialError(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err
	}
	return err
}

func from(d Dialer) Dialer {
	if d == nil {
		return Here
	}
	return d
}

// Dial implements [Dialer].
func (s *shell) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return s.t.forward(ctx, network, address)
}

func (l *localTransport) forward(ctx context.Context, network, address string) (net.Conn, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.calls.Done()
	return Here.Dial(ctx, network, address)
}

// forward opens a channel to the address. A connection that turns out to be broken is
// replaced once.
func (t *sshTransport) forward(ctx context.Context, network, address string) (net.Conn, error) {
	for {
		conn, old, err := t.connection(ctx)
		if err != nil {
			return nil, err
		}
		c, err := t.channel(ctx, conn, network, address)
		if err == nil {
			return &forwarded{Conn: c}, nil
		}
		var refused *ssh.OpenChannelError
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("connect to %q from host %q: %w", address, t.config.Name, ctx.Err())
		case errors.As(err, &refused):
			return nil, t.notForwarded(address, refused)
		case !old:
			return nil, t.unreached(fmt.Errorf("forward a connection to %q: %w", address, err), t.tryHint())
		}
		t.forget(conn)
	}
}

// channel is a forwarded connection. The library's own call can't be ended while the
// peer is silent, so what it still opens then is closed as soon as it's there.
func (t *sshTransport) channel(ctx context.Context, conn *sshConn, network, address string) (net.Conn, error) {
	type opened struct {
		c   net.Conn
		err error
	}
	answer := make(chan opened)
	gone := make(chan struct{})
	defer close(gone)
	started := t.spawn(func() {
		c, err := conn.client.Dial(network, address)
		select {
		case answer <- opened{c, err}:
		case <-gone:
			if err == nil {
				_ = c.Close() // nobody wants it any more
			}
		}
	})
	if !started {
		return nil, t.unreached(errClosed, "")
	}
	select {
	case o := <-answer:
		return o.c, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// notForwarded tells a refusal by the host's sshd from one by the address. OpenSSH
// passes on what connect() said, in words.
func (t *sshTransport) notForwarded(address string, refused *ssh.OpenChannelError) error {
	if refused.Reason == ssh.Prohibited || refused.Reason == ssh.UnknownChannelType {
		return t.unreached(fmt.Errorf("forward a connection to %q: %w", address, refused),
			"the server doesn't forward connections: set AllowTcpForwarding yes in its sshd_config")
	}
	cause := error(refused)
	if strings.Contains(strings.ToLower(refused.Message), "refused") {
		cause = syscall.ECONNREFUSED
	} else if refused.Message != "" {
		cause = errors.New(refused.Message)
	}
	return fmt.Errorf("connect to %q from host %q: %w", address, t.config.Name, cause)
}

// forwarded gives a channel the deadlines that a connection has, one for reads and
// writes together. One that is reached closes it: a channel can't be interrupted
// otherwise.
type forwarded struct {
	net.Conn
	mu    sync.Mutex
	timer *time.Timer
}

// SetDeadline implements [net.Conn].
func (f *forwarded) SetDeadline(t time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	if !t.IsZero() {
		f.timer = time.AfterFunc(time.Until(t), func() { _ = f.Conn.Close() }) // whoever uses it is told
	}
	return nil
}

// SetReadDeadline implements [net.Conn].
func (f *forwarded) SetReadDeadline(t time.Time) error { return f.SetDeadline(t) }

// SetWriteDeadline implements [net.Conn].
func (f *forwarded) SetWriteDeadline(t time.Time) error { return f.SetDeadline(t) }

// Close implements [net.Conn].
func (f *forwarded) Close() error {
	_ = f.SetDeadline(time.Time{}) // never fails
	return f.Conn.Close()
}
