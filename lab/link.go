package lab

import (
	"context"
	"net"
	"sync"
	"time"

	"stepgate/lab/site"
	"stepgate/lab/sshd"
)

// The faults of every system: what becomes of a host's SSH connections.
const (
	linkFault  = "link"
	linkCut    = "cut"
	linkSilent = "silent"
)

var linkFaults = []site.FaultKind{
	{What: linkFault, Value: linkCut, Means: "its SSH connections break, and no new one is made; what runs on it goes on"},
	{What: linkFault, Value: linkSilent, Means: "nothing passes its SSH connections, and neither end is told; what was sent arrives when it's over"},
}

// linkPoll is how soon a fault of a link takes effect.
const linkPoll = 100 * time.Millisecond

// link is the network between a host's SSH server and its clients.
type link struct {
	net.Listener
	server *sshd.Server

	mu      sync.Mutex
	state   string        // "", linkCut or linkSilent
	changed chan struct{} // closed when state changes
}

func newLink(ln net.Listener, server *sshd.Server) *link {
	return &link{Listener: ln, server: server, changed: make(chan struct{})}
}

func (l *link) set(state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if state == l.state {
		return
	}
	l.state = state
	close(l.changed)
	l.changed = make(chan struct{})
	if state == linkCut {
		l.server.CloseConnections()
	}
}

func (l *link) now() (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.changed
}

// Accept drops who comes while the link is cut.
func (l *link) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if state, _ := l.now(); state == linkCut {
			conn.Close()
			continue
		}
		return &linked{Conn: conn, link: l, closed: make(chan struct{})}, nil
	}
}

// linked is a connection over a link.
type linked struct {
	net.Conn
	link   *link
	once   sync.Once
	closed chan struct{}
}

// pass waits while the link is silent.
func (c *linked) pass() error {
	for {
		state, changed := c.link.now()
		if state != linkSilent {
			return nil
		}
		select {
		case <-changed:
		case <-c.closed:
			return net.ErrClosed
		}
	}
}

func (c *linked) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		return n, err
	}
	return n, c.pass()
}

func (c *linked) Write(b []byte) (int, error) {
	if err := c.pass(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *linked) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// watchLinks has the links be what the faults say, until ctx ends.
func watchLinks(ctx context.Context, s *site.Site, links map[string]*link) {
	tick := time.NewTicker(linkPoll)
	defer tick.Stop()
	for {
		for host, l := range links {
			l.set(s.Fault(host, linkFault))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
