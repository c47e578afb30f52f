package executor_test

import (
	"net"
	"sync"
	"testing"
	"time"
)

// cutKind is how a link fails.
type cutKind uint8

const (
	cutReset cutKind = iota // RST to both sides
	cutClose                // FIN to both sides
	cutStall                // nothing passes any more, and nobody is told
	cutSlow                 // a byte a second
	cutKinds
)

// cut is where the first connection through a cutter fails.
type cut struct {
	kind     cutKind
	toServer bool  // which direction's bytes are counted
	at       int64 // so many have passed; negative: it doesn't fail
}

// cutter passes connections on, of which the first one fails.
type cutter struct {
	addr string
	cut  cut
	ln   net.Listener

	mu     sync.Mutex
	conns  []net.Conn
	first  bool // there was one
	failed bool
	passed [2]int64 // by the first connection: to the server, to the client
	closed chan struct{}
	tasks  sync.WaitGroup
}

// newCutter stands in front of target.
func newCutter(t *testing.T, target string, c cut) *cutter {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &cutter{addr: ln.Addr().String(), ln: ln, cut: c, closed: make(chan struct{})}
	p.tasks.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			first := !p.first
			p.first = true
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			l := &link{cutter: p, first: first, ends: [2]net.Conn{in, out}, fails: make(chan struct{})}
			p.tasks.Go(func() { l.pass(out, in, true) })
			p.tasks.Go(func() { l.pass(in, out, false) })
		}
	})
	return p
}

// close ends everything.
func (p *cutter) close() {
	close(p.closed)
	p.ln.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.tasks.Wait()
}

// hit reports whether the cut has happened.
func (p *cutter) hit() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// link is one connection through a cutter.
type link struct {
	cutter *cutter
	first  bool
	ends   [2]net.Conn
	once   sync.Once
	fails  chan struct{} // closed when the link fails
}

// pass copies one direction until the link fails or ends.
func (l *link) pass(to, from net.Conn, toServer bool) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			l.end()
			return
		}
		allowed := l.allow(n, toServer)
		if _, err := to.Write(buf[:allowed]); err != nil {
			return
		}
		select {
		case <-l.fails:
		default:
			if allowed == n {
				continue
			}
			l.fail()
		}
		l.broken(to, buf[allowed:n])
		return
	}
}

// allow counts n bytes and says how many of them pass before the cut.
func (l *link) allow(n int, toServer bool) int {
	if !l.first {
		return n
	}
	p := l.cutter
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-l.fails:
		return 0
	default:
	}
	i := 0
	if !toServer {
		i = 1
	}
	before := p.passed[i]
	p.passed[i] += int64(n)
	if p.cut.at < 0 || p.cut.toServer != toServer || before+int64(n) <= p.cut.at {
		return n
	}
	return int(max(p.cut.at-before, 0))
}

func (l *link) fail() {
	l.once.Do(func() {
		l.cutter.mu.Lock()
		l.cutter.failed = true
		l.cutter.mu.Unlock()
		close(l.fails)
	})
}

// end waits, on a link that has failed without a word, as the other end would.
func (l *link) end() {
	select {
	case <-l.fails:
		if l.cutter.cut.kind == cutStall || l.cutter.cut.kind == cutSlow {
			<-l.cutter.closed
		}
	default:
	}
}

// broken does to a link what the cut is; rest has been read and not passed on.
func (l *link) broken(to net.Conn, rest []byte) {
	switch l.cutter.cut.kind {
	case cutReset:
		for _, c := range l.ends {
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // Close then resets
			}
			c.Close()
		}
	case cutClose:
		for _, c := range l.ends {
			c.Close()
		}
	case cutSlow:
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for _, b := range rest {
			select {
			case <-tick.C:
			case <-l.cutter.closed:
				return
			}
			if _, err := to.Write([]byte{b}); err != nil {
				return
			}
		}
		<-l.cutter.closed
	case cutStall, cutKinds:
		<-l.cutter.closed
	}
}
