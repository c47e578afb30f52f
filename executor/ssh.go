package executor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSHConfig says how a host is reached. It's what is left after any ssh_config has
// been resolved: nothing here is looked up.
type SSHConfig struct {
	Name        string        // the host's name in messages
	Addr        string        // host:port; a missing port is 22
	User        string        // login name
	KnownHosts  []string      // known_hosts files; those that don't exist are passed over
	Identities  []string      // private key files; those that don't exist are passed over
	AgentSocket string        // ssh-agent's socket; empty: none
	DialTimeout time.Duration // for connecting and logging in; 0: 15 s
	Keepalive   time.Duration // between keepalives, three unanswered ones end the connection; 0: 5 s
	Jumps       []SSHConfig   // hosts to go through, in this order; each is verified
	Ask         Asker         // nil: nobody
}

// NewSSH returns the executor of a host reached over SSH. It connects when it's
// first used, keeps one connection, and connects anew when a call finds it broken.
// What keys and the agent can't do is asked of Ask.
func NewSSH(c SSHConfig) Executor {
	if c.Name == "" {
		c.Name = c.Addr
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		c.Addr = net.JoinHostPort(strings.Trim(c.Addr, "[]"), "22")
	}
	if c.DialTimeout <= 0 {
		c.DialTimeout = 15 * time.Second
	}
	if c.Keepalive <= 0 {
		c.Keepalive = 5 * time.Second
	}
	return newShell(&sshTransport{
		config: c, dialing: make(chan struct{}, 1), closed: make(chan struct{}),
		lasting: make(chan struct{}, lastingSessions), brief: make(chan struct{}, briefSessions),
	})
}

// OpenSSH allows ten sessions per connection; what only asks must always find one.
const (
	lastingSessions = 6
	briefSessions   = 3
)

type sshTransport struct {
	config  SSHConfig
	dialing chan struct{} // held while connecting
	lasting chan struct{} // sessions that last
	brief   chan struct{}

	mu     sync.Mutex
	conn   *sshConn
	key    string
	closed chan struct{}
	tasks  sync.WaitGroup // every goroutine of this host
}

func (t *sshTransport) hostKey() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.key
}

func (t *sshTransport) connect(ctx context.Context) error {
	_, _, err := t.connection(ctx)
	return err
}

// spawn starts a goroutine that close waits for; false when closed already.
func (t *sshTransport) spawn(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.closed:
		return false
	default:
	}
	t.tasks.Go(f)
	return true
}

// close ends the connection and waits for everything that used it.
func (t *sshTransport) close() error {
	t.mu.Lock()
	select {
	case <-t.closed:
	default:
		close(t.closed)
	}
	conn := t.conn
	t.conn = nil
	t.mu.Unlock()
	if conn != nil {
		conn.cut()
	}
	t.tasks.Wait()
	return nil
}

// connection returns the open connection, or a new one; old says that it was open.
func (t *sshTransport) connection(ctx context.Context) (conn *sshConn, old bool, err error) {
	select {
	case t.dialing <- struct{}{}:
	case <-ctx.Done():
		return nil, false, t.unreached(ctx.Err(), "")
	}
	defer func() { <-t.dialing }()
	t.mu.Lock()
	conn = t.conn
	t.mu.Unlock()
	if conn != nil && conn.alive() {
		return conn, true, nil
	}
	select {
	case <-t.closed:
		return nil, false, t.unreached(errClosed, "")
	default:
	}
	conn, key, err := t.dial(ctx)
	if err != nil {
		return nil, false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.closed:
		conn.cut()
		return nil, false, t.unreached(errClosed, "")
	default:
	}
	t.conn, t.key = conn, key
	t.tasks.Go(conn.watch)
	t.tasks.Go(func() { conn.keepalive(t.config.Keepalive) })
	return conn, false, nil
}

func (t *sshTransport) unreached(cause error, hint string) *ReachError {
	return &ReachError{Host: t.config.Name, Hint: hint, Cause: cause}
}

// run implements transport. A connection that turns out to be broken before a byte
// was sent is replaced once.
func (t *sshTransport) run(ctx context.Context, c call) (int, error) {
	slots := t.brief
	if c.lasting {
		slots = t.lasting
	}
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return 0, t.unreached(ctx.Err(), "")
	case <-t.closed:
		return 0, t.unreached(errClosed, "")
	}
	defer func() { <-slots }()
	for {
		conn, old, err := t.connection(ctx)
		if err != nil {
			return 0, err
		}
		s, err := t.open(ctx, conn)
		if err == nil {
			return s.run(ctx, c)
		}
		var refused *ssh.OpenChannelError
		switch {
		case ctx.Err() != nil:
			return 0, t.unreached(ctx.Err(), "")
		case errors.As(err, &refused):
			return 0, t.unreached(fmt.Errorf("open a session: %w", err), t.sessionsHint())
		case !old:
			return 0, t.unreached(fmt.Errorf("open a session: %w", err), t.tryHint())
		}
		t.forget(conn)
	}
}

// forget gives a broken connection up.
func (t *sshTransport) forget(conn *sshConn) {
	conn.cut()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn == conn {
		t.conn = nil
	}
}

// tryHint names the command that shows what ssh itself makes of the host.
func (t *sshTransport) tryHint() string {
	host, port, _ := net.SplitHostPort(t.config.Addr)
	return fmt.Sprintf("try: ssh -p %s %s@%s true", port, t.config.User, host)
}

func (t *sshTransport) sessionsHint() string {
	return "the server allows no further session on this connection: raise MaxSessions in its sshd_config"
}
