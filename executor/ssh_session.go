package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshSession is one session whose bootstrap has been started and waits for its
// frame.
type sshSession struct {
	t        *sshTransport
	conn     *sshConn
	ch       ssh.Channel
	requests <-chan *ssh.Request
}

// errLinkLost says that the connection ended while a session was being opened.
var errLinkLost = errors.New("the connection was lost")

// opened is what came of opening a session.
type opened struct {
	s   *sshSession
	err error
}

// open opens a session and starts the bootstrap in it. No byte of a frame is sent.
// On a silent link it only waits as long as ctx lasts.
func (t *sshTransport) open(ctx context.Context, conn *sshConn) (*sshSession, error) {
	result := make(chan opened, 1)
	// The library's OpenChannel never returns when the connection's reader ends
	// just before the channel is listed: nobody waits for this goroutine itself.
	go func() { result <- t.request(conn) }()
	select {
	case r := <-result:
		return r.s, r.err
	case <-conn.done:
		select {
		case r := <-result:
			return r.s, r.err
		case <-time.After(openGrace):
			return nil, errLinkLost
		}
	case <-ctx.Done():
		t.spawn(func() {
			select {
			case r := <-result:
				if r.err == nil {
					r.s.drop()
				}
			case <-conn.done:
			}
		})
		return nil, ctx.Err()
	}
}

// openGrace is how long the library gets to notice that its connection has ended.
const openGrace = 100 * time.Millisecond

// request opens a session and asks for the bootstrap.
func (t *sshTransport) request(conn *sshConn) opened {
	ch, reqs, err := conn.client.OpenChannel("session", nil)
	if err != nil {
		return opened{err: err}
	}
	s := &sshSession{t: t, conn: conn, ch: ch, requests: reqs}
	accepted, err := ch.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{execLine}))
	if err == nil && !accepted {
		err = errors.New("the server refused to run a command")
	}
	if err != nil {
		t.spawn(s.drop)
		return opened{err: err}
	}
	return opened{s: s}
}

// drop closes a session that nobody reads.
func (s *sshSession) drop() {
	_ = s.ch.Close() // fails only when it's closed already
	for req := range s.requests {
		if req.WantReply {
			_ = req.Reply(false, nil)
		}
	}
}

// sessionEnd is what a server says at the end of a session.
type sessionEnd struct {
	status int
	known  bool
	signal string
}

// run sends the frame and copies output to the end, or until it has to give way.
func (s *sshSession) run(ctx context.Context, c call, way <-chan struct{}) (int, error) {
	var g gate
	defer g.close()
	out := &activity{r: s.ch, w: g.writer(c.stdout)}
	errs := &activity{r: s.ch.Stderr(), w: g.writer(c.stderr)}
	exited := make(chan sessionEnd, 1)
	drained := make(chan struct{})
	var unsent, unread firstError
	ok := s.t.spawn(func() {
		if _, err := s.ch.Write(c.frame); err != nil {
			unsent.set(fmt.Errorf("send the command: %w", err))
		}
		_ = s.ch.CloseWrite() // the missing end mark tells, if this is lost
	}) && s.t.spawn(func() { s.watch(exited) }) && s.t.spawn(func() {
		defer close(drained)
		var both sync.WaitGroup
		for _, a := range []*activity{out, errs} {
			both.Go(func() {
				if err := a.copy(); err != nil {
					unread.set(err)
					_ = s.ch.Close() // the command must not wait for a reader
				}
			})
		}
		both.Wait()
	})
	if !ok {
		_ = s.ch.Close()
		return 0, errClosed
	}
	defer s.t.spawn(func() { _ = s.ch.Close() }) // may wait for a link that is silent
	var had <-chan struct{}                      // its turn, once it was asked to give way
	var late <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-c.over:
			return 0, nil
		case <-way:
			way, had, late = nil, c.yields, time.After(turnAtMost)
		case <-had:
			return 0, errYielded
		case <-late:
			return 0, errYielded
		case end := <-exited:
			s.settle(ctx, c.over, drained, out, errs)
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			return s.verdict(end, unread.get(), unsent.get())
		}
	}
}

// verdict turns the end of a session into an exit status.
func (s *sshSession) verdict(end sessionEnd, unread, unsent error) (int, error) {
	switch {
	case unread != nil:
		return 0, unread
	case end.known:
		return end.status, nil
	case end.signal != "":
		return 0, fmt.Errorf("the command's shell on host %q was killed by signal %s", s.t.config.Name, end.signal)
	case unsent != nil:
		return 0, unsent
	case !s.conn.alive():
		return 0, fmt.Errorf("the connection to host %q was lost", s.t.config.Name)
	}
	return 0, fmt.Errorf("host %q ended the session without an exit status", s.t.config.Name)
}

// settle waits for the rest of the output after the exit status. A process left in
// the background may hold the pipes: then only silence is waited for.
func (s *sshSession) settle(ctx context.Context, over, drained <-chan struct{}, streams ...*activity) {
	tick := time.NewTicker(holdersGrace)
	defer tick.Stop()
	var before int64
	for {
		select {
		case <-drained:
			return
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var now int64
		busy := false
		for _, a := range streams {
			now += a.count.Load()
			busy = busy || a.writing.Load()
		}
		if now == before && !busy {
			return
		}
		before = now
	}
}

// watch reads the session's requests to the end of the channel.
func (s *sshSession) watch(exited chan<- sessionEnd) {
	var end sessionEnd
	told := false
	for req := range s.requests {
		switch req.Type {
		case "exit-status":
			var m struct{ Status uint32 }
			if ssh.Unmarshal(req.Payload, &m) == nil {
				end.status, end.known = int(m.Status), true
			}
		case "exit-signal":
			var m struct {
				Signal     string
				CoreDumped bool
				Message    string
				Lang       string
			}
			if ssh.Unmarshal(req.Payload, &m) == nil {
				end.signal = m.Signal
			}
		}
		if req.WantReply {
			_ = req.Reply(false, nil) // a lost connection shows elsewhere
		}
		if (end.known || end.signal != "") && !told {
			told = true
			exited <- end
		}
	}
	if !told {
		exited <- end
	}
}

// activity copies a stream and lets others see whether it's moving.
type activity struct {
	r       io.Reader
	w       io.Writer
	count   atomic.Int64
	writing atomic.Bool
}

func (a *activity) copy() error {
	buf := make([]byte, 32<<10)
	for {
		n, err := a.r.Read(buf)
		if n > 0 {
			a.writing.Store(true)
			_, werr := a.w.Write(buf[:n])
			a.writing.Store(false)
			a.count.Add(int64(n))
			if werr != nil {
				return werr
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// firstError keeps the first of several errors.
type firstError struct {
	mu  sync.Mutex
	err error
}

func (f *firstError) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *firstError) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
