package executor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// dial connects and logs in, within the dial timeout. key is the host key's
// fingerprint.
func (t *sshTransport) dial(caller context.Context) (conn *sshConn, key string, err error) {
	ctx, cancel := context.WithTimeout(caller, t.config.DialTimeout)
	defer cancel()
	defer func() {
		if err != nil && caller.Err() != nil {
			err = t.unreached(caller.Err(), "") // not the host's fault
		}
	}()
	keys, err := t.hostKeys()
	if err != nil {
		return nil, "", err
	}
	login := t.login(ctx)
	defer login.close()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", t.config.Addr)
	if err != nil {
		return nil, "", t.dialError(err)
	}
	// Whatever the server sends or doesn't: the handshake has an end.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	check := keys.callback()
	sc, chans, reqs, err := ssh.NewClientConn(withQuickAck(raw), t.config.Addr, &ssh.ClientConfig{
		User: t.config.User,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(login.signers...)},
		HostKeyCallback: func(host string, remote net.Addr, k ssh.PublicKey) error {
			key = ssh.FingerprintSHA256(k)
			return check(host, remote, k)
		},
		HostKeyAlgorithms: keys.algorithms(t.config.Addr),
		BannerCallback:    ssh.BannerCallback(func(string) error { return nil }),
	})
	if !stop() && err == nil {
		_ = sc.Close()
		err = ctx.Err()
	}
	if err != nil {
		_ = raw.Close()
		return nil, "", t.handshakeError(ctx, err, login)
	}
	return newSSHConn(raw, ssh.NewClient(sc, chans, reqs)), key, nil
}

func (t *sshTransport) dialError(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return t.unreached(fmt.Errorf("connection refused by %s: %w", t.config.Addr, err),
			"is the ssh server running on that port? "+t.tryHint())
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return t.unreached(fmt.Errorf("no answer from %s within %s: %w", t.config.Addr, t.config.DialTimeout, err),
			"is the host up and the address right? "+t.tryHint())
	}
	return t.unreached(fmt.Errorf("connect to %s: %w", t.config.Addr, err), t.tryHint())
}

func (t *sshTransport) handshakeError(ctx context.Context, err error, l *login) error {
	var key *hostKeyError
	switch {
	case errors.As(err, &key):
		return t.unreached(key, key.hint)
	case ctx.Err() != nil:
		return t.unreached(fmt.Errorf("no login at %s within %s: %w", t.config.Addr, t.config.DialTimeout, ctx.Err()), t.tryHint())
	case strings.Contains(err.Error(), "unable to authenticate"):
		cause := fmt.Errorf("the server refused every key for user %q: %w", t.config.User, err)
		if len(l.signers) == 0 {
			cause = fmt.Errorf("there is no usable key for user %q: %w", t.config.User, err)
		}
		return t.unreached(errors.Join(append([]error{cause}, l.unusable...)...), l.hint(t))
	}
	return t.unreached(fmt.Errorf("log in at %s: %w", t.config.Addr, err), t.tryHint())
}

// maxKeys bounds how many keys are offered: servers count each as a failed try, six
// by default, and some lock the account.
const maxKeys = 5

// login is what we can prove who we are with.
type login struct {
	signers  []ssh.Signer
	unusable []error // keys that couldn't be used
	locked   string  // a key file that wants a passphrase
	agent    net.Conn
}

func (l *login) close() {
	if l.agent != nil {
		_ = l.agent.Close() // nothing was written that could be lost
	}
}

// login collects the keys: the files first, then the agent's.
func (t *sshTransport) login(ctx context.Context) *login {
	l := &login{}
	for _, file := range t.config.Identities {
		pem, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			l.unusable = append(l.unusable, fmt.Errorf("read key: %w", err))
			continue
		}
		signer, err := ssh.ParsePrivateKey(pem)
		var locked *ssh.PassphraseMissingError
		switch {
		case errors.As(err, &locked):
			l.locked = file
			l.unusable = append(l.unusable, fmt.Errorf("key %q needs a passphrase", file))
		case err != nil:
			l.unusable = append(l.unusable, fmt.Errorf("read key %q: %w", file, err))
		default:
			l.signers = append(l.signers, signer)
		}
	}
	t.agentKeys(ctx, l)
	if len(l.signers) > maxKeys {
		l.signers = l.signers[:maxKeys]
	}
	return l
}

// agentKeys adds the agent's keys. An agent that can't be asked is one more key that
// can't be used.
func (t *sshTransport) agentKeys(ctx context.Context, l *login) {
	if t.config.AgentSocket == "" {
		return
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", t.config.AgentSocket)
	if err != nil {
		l.unusable = append(l.unusable, fmt.Errorf("ask the ssh agent: %w", err))
		return
	}
	l.agent = conn
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // fails only on a closed connection
	}
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		l.unusable = append(l.unusable, fmt.Errorf("ask the ssh agent: %w", err))
		return
	}
	l.signers = append(l.signers, signers...)
}

func (l *login) hint(t *sshTransport) string {
	host, port, _ := net.SplitHostPort(t.config.Addr)
	switch {
	case l.locked != "":
		return "give the key to the agent: ssh-add " + l.locked
	case len(l.signers) == 0:
		return "make a key and put it on the host: ssh-keygen -t ed25519, then: ssh-copy-id -p " + port + " " + t.config.User + "@" + host
	}
	return "put a key of yours on the host: ssh-copy-id -p " + port + " " + t.config.User + "@" + host
}

// keepaliveLimit is how many intervals an answer may take.
const keepaliveLimit = 3

// sshConn is one connection. It's broken for good once it's broken.
type sshConn struct {
	raw    net.Conn
	client *ssh.Client
	done   chan struct{}
}

func newSSHConn(raw net.Conn, c *ssh.Client) *sshConn {
	return &sshConn{raw: raw, client: c, done: make(chan struct{})}
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
func (c *sshConn) cut() { _ = c.raw.Close() }

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
