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
	Name string // the host's name in messages
	Addr string // host:port; a missing port is 22
	User string // login name

	KnownHosts        []string // known_hosts files; those that don't exist are passed over
	NewKeys           string   // the one that keys are written to which a person has taken; empty: nobody is asked about keys
	HashNames         bool     // names are written there hashed
	HostKeyAlias      string   // the name to look for there; empty: Addr's
	HostKeyAlgorithms []string // accepted, those of known keys first; empty: all that are secure

	Identities     []string // private key files, in order; those that don't exist are passed over
	Certificates   []string // certificates of those keys, beside KEY-cert.pub
	AgentSocket    string   // ssh-agent's socket; empty: none
	IdentitiesOnly bool     // of the agent's keys only those of Identities and Certificates
	Methods        []string // ways to log in, in order; nil: publickey, keyboard-interactive, password
	Tries          int      // wrong answers that end a login; 0: two, and never more
	Silent         bool     // nobody is asked, whoever Ask is

	DialTimeout time.Duration // for connecting and logging in at each hop, not counting the time in which a person is asked; 0: 15 s
	Keepalive   time.Duration // between keepalives, one that is unanswered for two more ends the connection; 0: 5 s
	Jumps       []SSHConfig   // hosts to go through, in this order; each is verified. Their own Jumps don't count
	Ask         Asker         // nil: nobody; also asks for the jump hosts
	Logins      *Logins       // shared with other hosts; nil: this host's own
}

// complete fills in what is left to this package.
func (c SSHConfig) complete() SSHConfig {
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
	if c.Tries <= 0 || c.Tries > maxWrong {
		c.Tries = maxWrong
	}
	if c.Methods == nil {
		c.Methods = []string{methodKeys, methodQuestions, methodPassword}
	}
	if c.Logins == nil {
		c.Logins = NewLogins()
	}
	return c
}

// NewSSH returns the executor of a host reached over SSH. It connects when it's
// first used, keeps one connection, and connects anew when a call finds it broken.
//
// What keys and the agent can't do is asked of Ask, and so is whether a key that isn't
// known is the host's: at the first connection, and later only by [Executor.Identify],
// with which a caller reaches a host on purpose. A connection that another call makes
// anew uses keys and the agent only; where that isn't enough the call ends in a
// *[ReachError] that says so. Two wrong passwords end a login.
func NewSSH(c SSHConfig) Executor {
	c = c.complete()
	jumps := make([]SSHConfig, len(c.Jumps))
	for i, j := range c.Jumps {
		j.Logins, j.Ask = c.Logins, c.Ask
		jumps[i] = j.complete()
	}
	c.Jumps = jumps
	return newShell(&sshTransport{
		config: c, dialing: make(chan struct{}, 1), closed: make(chan struct{}), changed: make(chan struct{}), limit: usualSessions,
	}, c.Ask)
}

type sshTransport struct {
	config  SSHConfig
	dialing chan struct{} // held while connecting

	mu      sync.Mutex
	conns   []*sshConn    // more than one only where the server allows few sessions in each
	changed chan struct{} // closed and made anew when a session has ended
	limit   int           // sessions in each connection
	follows []*yielder    // sessions that can give way
	queue   []*waiter     // calls that wait for room
	turns   uint64        // the last that was given
	single  time.Time     // until then no further connection is tried beside the first
	met     bool          // somebody was asked, or there was a connection
	key     string
	closed  chan struct{}
	tasks   sync.WaitGroup // every goroutine of this host
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
	conns := t.conns
	t.conns = nil
	t.mu.Unlock()
	for _, c := range conns {
		c.cut()
	}
	t.tasks.Wait()
	return nil
}

// deliberate marks the calls with which somebody reaches a host on purpose.
type deliberate struct{}

// onPurpose lets a call ask for what a login needs, also when there was a connection
// before.
func onPurpose(ctx context.Context) context.Context {
	return context.WithValue(ctx, deliberate{}, true)
}

// mayAsk reports whether a connection that is made for ctx may ask a person.
func (t *sshTransport) mayAsk(ctx context.Context) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.met || ctx.Value(deliberate{}) != nil
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
	for _, c := range t.conns {
		if c.alive() {
			t.mu.Unlock()
			return c, true, nil
		}
	}
	t.mu.Unlock()
	conn, err = t.add(ctx, t.mayAsk(ctx))
	return conn, false, err
}

// add makes a connection; its caller holds dialing.
func (t *sshTransport) add(ctx context.Context, ask bool) (*sshConn, error) {
	select {
	case <-t.closed:
		return nil, t.unreached(errClosed, "")
	default:
	}
	conn, asked, err := t.dial(ctx, ask)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.met = t.met || asked || err == nil
	if err != nil {
		return nil, err
	}
	select {
	case <-t.closed:
		conn.cut()
		return nil, t.unreached(errClosed, "")
	default:
	}
	conn.limit = t.limit
	t.conns = append(t.conns, conn)
	t.key = conn.key
	t.tasks.Go(func() {
		conn.watch()
		t.forget(conn)
	})
	t.tasks.Go(func() { conn.keepalive(t.config.Keepalive) })
	return conn, nil
}

func (t *sshTransport) unreached(cause error, hint string) *ReachError {
	return &ReachError{Host: t.config.Name, Hint: hint, Cause: cause}
}

// run implements transport. A connection that turns out to be broken before a byte
// was sent is replaced once.
func (t *sshTransport) run(ctx context.Context, c call) (int, error) {
	refusals := 0
	c.turn = t.nextTurn() // kept when the server refuses
	for {
		conn, old, err := t.acquire(ctx, c)
		if err != nil {
			return 0, err
		}
		s, err := t.open(ctx, conn)
		if err == nil {
			t.served(conn)
			defer t.release(conn)
			if c.yields != nil {
				way, ended := t.giveWay()
				defer ended()
				return s.run(ctx, c, way)
			}
			return s.run(ctx, c, nil)
		}
		var refused *ssh.OpenChannelError
		switch {
		case ctx.Err() != nil:
			t.release(conn)
			return 0, t.unreached(ctx.Err(), "")
		case errors.As(err, &refused):
			refusals++
			if !t.refused(conn, refusals) {
				return 0, t.unreached(fmt.Errorf("open a session: %w", err), t.sessionsHint())
			}
			continue
		case !old:
			t.release(conn)
			return 0, t.unreached(fmt.Errorf("open a session: %w", err), t.tryHint())
		}
		t.release(conn)
		t.forget(conn)
	}
}

// forget gives a broken connection up.
func (t *sshTransport) forget(conn *sshConn) {
	conn.cut()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(conn)
}

// tryHint names the command that shows what ssh itself makes of the host.
func (t *sshTransport) tryHint() string { return t.config.tryHint() }

func (c SSHConfig) tryHint() string {
	host, port, _ := net.SplitHostPort(c.Addr)
	return fmt.Sprintf("try: ssh -p %s %s@%s true", port, c.User, host)
}

func (t *sshTransport) sessionsHint() string {
	return "the server allows no session on this connection: raise MaxSessions in its sshd_config"
}
