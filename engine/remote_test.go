package engine_test

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/lab/sshd"
)

// link is the way to a host, which can be cut and be silent.
type link struct {
	t      *testing.T
	target string
	ln     net.Listener
	tasks  sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	down   bool
	silent chan struct{} // closed: bytes pass; open: they wait
}

func newLink(t *testing.T, target string) *link {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{t: t, target: target, ln: ln, conns: map[net.Conn]bool{}, silent: make(chan struct{})}
	close(l.silent)
	l.tasks.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			l.pass(in)
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		l.heal()
		l.cut()
		l.tasks.Wait()
	})
	return l
}

func (l *link) addr() string { return l.ln.Addr().String() }

func (l *link) pass(in net.Conn) {
	out, err := net.Dial("tcp", l.target)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil || l.down {
		_ = in.Close()
		if err == nil {
			_ = out.Close()
		}
		return
	}
	l.conns[in], l.conns[out] = true, true
	for _, ends := range [][2]net.Conn{{in, out}, {out, in}} {
		l.tasks.Go(func() {
			defer ends[0].Close()
			defer ends[1].Close()
			buffer := make([]byte, 32<<10)
			for {
				n, err := ends[0].Read(buffer)
				if err != nil {
					return
				}
				l.mu.Lock()
				silent := l.silent
				l.mu.Unlock()
				<-silent
				if _, err := ends[1].Write(buffer[:n]); err != nil {
					return
				}
			}
		})
	}
}

// cut ends all connections, and lets none through until it is healed.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for c := range l.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
	clear(l.conns)
}

// hush holds back all bytes until the link is healed.
func (l *link) hush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = make(chan struct{})
}

func (l *link) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
	select {
	case <-l.silent:
	default:
		close(l.silent)
	}
}

// remote is a host with a real SSH server and real shells, behind a link.
type remote struct {
	*link
	dir  string // its login directory
	open func(ask executor.Asker) executor.Executor
}

func newRemote(t *testing.T, name string) *remote {
	t.Helper()
	host, user, dir := executortest.NewIdentity(t), executortest.NewIdentity(t), t.TempDir()
	s := &sshd.Server{Signer: host.Signer, User: "ops", Authorized: []ssh.PublicKey{user.Signer.PublicKey()}, Dir: dir}
	served := executortest.Serve(t, s.Serve)
	r := &remote{link: newLink(t, served), dir: dir}
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte(knownhosts.Line([]string{r.addr()}, host.Signer.PublicKey())+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.open = func(ask executor.Asker) executor.Executor {
		return executor.NewSSH(executor.SSHConfig{
			Name: name, Addr: r.addr(), User: "ops", KnownHosts: []string{known}, Identities: []string{user.File},
			Ask: ask, Keepalive: 300 * time.Millisecond, DialTimeout: 3 * time.Second,
		})
	}
	return r
}

// write makes a file on the host, and remove takes it away.
func (r *remote) write(name string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte("1\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *remote) remove(name string) {
	r.t.Helper()
	if err := os.Remove(filepath.Join(r.dir, name)); err != nil {
		r.t.Fatal(err)
	}
}
