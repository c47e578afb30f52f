package main

import (
	"net"
	"sync"
)

// link is the network before a server: it can be cut, which ends connections and lets
// nobody in, and it can be silent, which keeps what is sent until it isn't any more.
type link struct {
	net.Listener

	mu     sync.Mutex
	is     string
	conns  map[net.Conn]bool
	healed chan struct{} // closed unless it is silent
}

func newLink(ln net.Listener) *link {
	healed := make(chan struct{})
	close(healed)
	return &link{Listener: ln, conns: map[net.Conn]bool{}, healed: healed}
}

func (l *link) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		if l.is == "cut" {
			_ = c.Close()
		} else {
			l.conns[c] = true
		}
		kept := l.conns[c]
		l.mu.Unlock()
		if kept {
			return &linked{c, l}, nil
		}
	}
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.is = "cut"
	for c := range l.conns {
		_ = c.Close()
	}
	clear(l.conns)
}

func (l *link) hush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.is, l.healed = "silent", make(chan struct{})
}

func (l *link) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.is == "silent" {
		close(l.healed)
	}
	l.is = ""
}

// linked is a connection over a link.
type linked struct {
	net.Conn
	l *link
}

func (c *linked) pass() {
	c.l.mu.Lock()
	healed := c.l.healed
	c.l.mu.Unlock()
	<-healed
}

func (c *linked) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.pass()
	return n, err
}

func (c *linked) Write(p []byte) (int, error) {
	c.pass()
	return c.Conn.Write(p)
}

func (c *linked) Close() error {
	c.l.mu.Lock()
	delete(c.l.conns, c.Conn)
	c.l.mu.Unlock()
	return c.Conn.Close()
}
