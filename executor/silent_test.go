package executor_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// proxy passes connections on.
type proxy struct {
	addr string
	// muted connections swallow everything, as a link does that is down.
	mu    sync.Mutex
	muted map[net.Conn]bool
}

// mute silences the connections that are open now.
func (p *proxy) mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.muted {
		p.muted[c] = true
	}
}

// pass copies from one connection to another until either ends.
func (p *proxy) pass(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		muted := p.muted[from]
		p.mu.Unlock()
		if n > 0 && !muted {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// newProxy stands in front of target.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	return passOn(t, target, func() (func(), bool) { return func() {}, true })
}

// passOn stands in front of target. A connection that isn't let in is closed at once; of
// one that is, leave is called at its end.
func passOn(t *testing.T, target string, enter func() (leave func(), ok bool)) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: ln.Addr().String(), muted: map[net.Conn]bool{}}
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			leave, ok := enter()
			if !ok {
				_ = in.Close()
				continue
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				_ = in.Close()
				leave()
				continue
			}
			p.mu.Lock()
			p.muted[in], p.muted[out] = false, false
			p.mu.Unlock()
			tasks.Go(func() { p.pass(in, out) })
			tasks.Go(func() { p.pass(out, in); leave() })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		p.mu.Lock()
		for c := range p.muted {
			_ = c.Close()
		}
		p.mu.Unlock()
		tasks.Wait()
	})
	return p
}

// TestSilentLink loses the link without a word: calls end, what they ran is ended,
// and the next call goes through on a new connection.
func TestSilentLink(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := newProxy(t, s.addr)
	s.config.KnownHosts = []string{knownHost(t, p.addr, s.server.Signer.PublicKey())}
	s.config.Addr, s.config.Keepalive = p.addr, time.Second
	x := open(t, s.config)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	rec := executortest.NewRecorder(executor.Offsets{})
	looked := make(chan struct{})
	var err error
	go func() {
		defer close(looked)
		_, err = x.Look(ctx, executor.Command{Interpreter: "sh", Body: "echo begun; sleep 300"}, rec)
	}()
	if !rec.Await(looked, executor.Stdout, "begun\n") {
		t.Fatalf("the look ended: %v", err)
	}
	p.mute()
	<-looked
	if err == nil || ctx.Err() != nil || strings.Contains(err.Error(), "end the look") {
		t.Errorf("Look over a silent link = %v", err)
	}
	if _, err := x.Identify(ctx); err != nil {
		t.Errorf("on a new connection: %v", err)
	}
}

// TestSilentServer connects to something that says nothing.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s.config.Addr, s.config.DialTimeout = ln.Addr().String(), time.Second
	_, err = open(t, s.config).Identify(t.Context())
	var reach *executor.ReachError
	if !errors.As(err, &reach) || !strings.Contains(err.Error(), "no login at") || !strings.Contains(reach.Hint, "ssh -p") {
		t.Errorf("Identify = %v, want a ReachError about the login", err)
	}
}

// TestCutStorm cuts connections while sessions are being opened on them: every call
// ends, and none ends well that didn't.
func TestCutStorm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	x := open(t, s.config)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var callers sync.WaitGroup
	var good, lost atomic.Int32
	for range 5 {
		callers.Go(func() {
			for i := range 20 {
				cut := make(chan struct{})
				go func() { // while this look and the others are on their way
					defer close(cut)
					if i%4 == 0 {
						s.server.CloseConnections()
					}
				}()
				rec := executortest.NewRecorder(executor.Offsets{})
				res, err := x.Look(ctx, executor.Command{Interpreter: "sh", Body: "echo said; exit 3"}, rec)
				<-cut
				if err != nil {
					lost.Add(1)
					continue
				}
				good.Add(1)
				if res.Exit != 3 || rec.Text(executor.Stdout) != "said\n" {
					t.Errorf("Look = %+v with %q", res, rec.Text(executor.Stdout))
				}
			}
		})
	}
	callers.Wait()
	if ctx.Err() != nil || good.Load() == 0 || lost.Load() == 0 {
		t.Errorf("%d looks went well, %d were lost: %v", good.Load(), lost.Load(), ctx.Err())
	}
}
