package executor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"stepgate/runbook/text"
)

// dial connects and logs in, at each hop within its dial timeout. With ask a person
// may be asked; asked says that somebody was.
func (t *sshTransport) dial(caller context.Context, ask bool) (conn *sshConn, asked bool, err error) {
	d := &dialing{patience: newPatience(caller), conn: &sshConn{done: make(chan struct{})}}
	defer d.patience.end()
	defer func() {
		asked = d.asked
		if err == nil {
			return
		}
		d.conn.cut()
		if caller.Err() != nil {
			err = t.unreached(caller.Err(), "") // not the host's fault
		}
	}()
	hops := append(slices.Clone(t.config.Jumps), t.config)
	for i, c := range hops {
		if !ask || c.Silent {
			c.Ask = nil
		}
		h := &hop{config: c, dialing: d, target: i == len(hops)-1, mayAsk: ask, asker: t.config.Ask}
		if err := h.connect(); err != nil {
			hint := text.HintOf(err)
			if !h.target {
				err = fmt.Errorf("jump host %q: %w", c.Name, err)
			}
			return nil, false, t.unreached(err, hint)
		}
	}
	return d.conn, false, nil
}

// dialing is a connection that is being made, hop by hop.
type dialing struct {
	patience *patience
	conn     *sshConn // as far as it goes; its client is the last hop's
	asked    bool
}

// hop is one host on the way, or the host itself.
type hop struct {
	config  SSHConfig
	target  bool
	mayAsk  bool
	asker   Asker // who could be asked if it may
	dialing *dialing
}

// connect makes the connection one hop longer. Its error has a hint.
func (h *hop) connect() error {
	p := h.dialing.patience
	p.begin(h.config.DialTimeout)
	keys, err := h.config.hostKeys()
	if err != nil {
		return text.WithHint(err, hintOf(err))
	}
	login := h.login(p.ctx)
	defer login.close()
	raw, err := h.dialTCP(p.ctx)
	if err != nil {
		return h.dialError(err)
	}
	// Whatever the server sends or doesn't: the handshake has an end.
	stop := context.AfterFunc(p.ctx, h.dialing.conn.cut)
	fingerprint := ""
	sc, chans, reqs, err := ssh.NewClientConn(raw, h.config.Addr, &ssh.ClientConfig{
		User: h.config.User,
		HostKeyCallback: func(_ string, remote net.Addr, k ssh.PublicKey) error {
			fingerprint = ssh.FingerprintSHA256(plainKey(k))
			return keys.check(login, remote, k)
		},
		HostKeyAlgorithms: keys.algorithms(h.config.HostKeyAlgorithms),
		BannerCallback:    login.banner,
		AuthCallback:      login.next,
	})
	if !stop() && err == nil {
		_ = sc.Close()
		err = context.Cause(p.ctx)
	}
	h.dialing.asked = h.dialing.asked || login.asked
	if err != nil {
		return h.handshakeError(err, login)
	}
	login.succeeded()
	h.dialing.conn.client, h.dialing.conn.key = ssh.NewClient(sc, chans, reqs), fingerprint
	return nil
}

// dialTCP connects from this machine, or from the hop before.
func (h *hop) dialTCP(ctx context.Context) (net.Conn, error) {
	conn := h.dialing.conn
	if conn.client != nil {
		return through(ctx, conn, h.config.Addr)
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", h.config.Addr)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	conn.raw = withQuickAck(raw)
	return conn.raw, nil
}

// through connects from the host at the end of a connection. The library's own call
// can't be ended, and never returns in the case that [sshTransport.open] knows.
func through(ctx context.Context, conn *sshConn, addr string) (net.Conn, error) {
	type dialled struct {
		c   net.Conn
		err error
	}
	result := make(chan dialled, 1)
	client := conn.client
	go func() {
		c, err := client.Dial("tcp", addr)
		result <- dialled{c, err}
	}()
	select {
	case d := <-result:
		return d.c, d.err
	case <-ctx.Done():
		conn.cut()
		return nil, context.Cause(ctx)
	}
}

func (h *hop) dialError(err error) error {
	var refused *ssh.OpenChannelError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return text.WithHint(fmt.Errorf("connection refused by %s: %w", h.config.Addr, err), "is the ssh server running on that port? "+h.config.tryHint())
	case errors.As(err, &refused) && (refused.Reason == ssh.Prohibited || refused.Reason == ssh.UnknownChannelType):
		return text.WithHint(fmt.Errorf("the host before it doesn't forward connections to %s: %w", h.config.Addr, err), "set AllowTcpForwarding yes in the sshd_config of the jump host before it")
	case errors.As(err, &refused):
		return text.WithHint(fmt.Errorf("connect to %s from the host before it: %w", h.config.Addr, err), "is the host up, and can the jump host before it reach that address?")
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return text.WithHint(fmt.Errorf("no answer from %s within %s: %w", h.config.Addr, h.config.DialTimeout, err), "is the host up and the address right? "+h.config.tryHint())
	}
	return text.WithHint(fmt.Errorf("connect to %s: %w", h.config.Addr, err), h.config.tryHint())
}

func (h *hop) handshakeError(err error, l *login) error {
	var key *hostKeyError
	switch {
	case errors.As(err, &key):
		return text.WithHint(key, key.hint)
	case h.dialing.patience.ctx.Err() != nil:
		return text.WithHint(fmt.Errorf("no login at %s within %s: %w", h.config.Addr, h.config.DialTimeout, context.Cause(h.dialing.patience.ctx)), h.config.tryHint())
	}
	if cause := l.explain(err); cause != nil {
		return cause
	}
	return text.WithHint(fmt.Errorf("log in at %s: %w", h.config.Addr, err), h.config.tryHint())
}

// patience is a context that ends when a host has had its time, not counting the time
// in which a person is asked.
type patience struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	timer  *time.Timer
	until  time.Time
	left   time.Duration
	pauses int // that haven't ended
}

func newPatience(ctx context.Context) *patience {
	p := &patience{}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	return p
}

func (p *patience) begin(d time.Duration) {
	p.pause()
	p.mu.Lock()
	p.left = d
	p.mu.Unlock()
	p.goOn()
}

func (p *patience) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pauses++
	if p.timer != nil && p.timer.Stop() {
		p.left = time.Until(p.until)
	}
	p.timer = nil
}

func (p *patience) goOn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pauses--; p.pauses > 0 {
		return
	}
	p.until = time.Now().Add(p.left)
	p.timer = time.AfterFunc(p.left, func() { p.cancel(context.DeadlineExceeded) })
}

func (p *patience) end() {
	p.pause()
	p.cancel(context.Canceled)
}

// keepaliveLimit is how many intervals an answer may take: with the one before it and
// with Follow's own patience a silent link is told of within 20 s.
const keepaliveLimit = 2

// sshConn is one connection. It's broken for good once it's broken.
type sshConn struct {
	raw    net.Conn // of the first hop: whatever goes on goes through it
	client *ssh.Client
	key    string // the host's, as a fingerprint
	done   chan struct{}

	// What follows is the transport's, under its lock.
	open     int       // sessions
	limit    int       // how many the server allows, as far as is known
	served   bool      // it has granted one
	refusals int       // in a row
	retry    time.Time // not before
}

func (c *sshConn) alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// cut closes the socket. Anything politer could wait for the peer.
func (c *sshConn) cut() {
	if c.raw != nil {
		_ = c.raw.Close()
	}
}

// watch notes when the connection is over.
func (c *sshConn) watch() {
	_ = c.client.Wait() // why it ended is told to those who used it
	c.cut()
	close(c.done)
}

// keepalive asks the peer for a sign of life, and cuts the connection when none
// comes. A request that isn't answered blocks later ones, so there is one at a time.
func (c *sshConn) keepalive(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-tick.C:
		}
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			_, _, _ = c.client.SendRequest("keepalive@openssh.com", true, nil) // any answer will do; none is seen below
		}()
		deadline := time.NewTimer(keepaliveLimit * every)
		select {
		case <-answered:
		case <-deadline.C:
			c.cut()
			<-answered
		}
		deadline.Stop()
	}
}
