package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// service is what a workload needs: it answers requests on a port, which stays its own
// also while it refuses.
type service struct {
	t    *testing.T
	addr string

	mu     sync.Mutex
	state  string
	server *http.Server
	done   chan struct{}
	asked  []string      // paths
	takes  time.Duration // to answer who isn't the writer
}

// How a service is.
const (
	wellUp   = "up"
	refusing = "refused"
	failing  = "failed"
	hanging  = "hung" // accepts, and never answers
)

func newService(t *testing.T) *service {
	t.Helper()
	// A port that is bound, and not listened on, refuses; nobody else gets it, and who
	// connects to it never meets himself.
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.CloseOnExec(fd)
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, state: refusing, addr: fmt.Sprintf("127.0.0.1:%d", at.(*unix.SockaddrInet4).Port)}
	s.is(wellUp)
	t.Cleanup(func() { s.is(refusing) })
	return s
}

func (s *service) port() string {
	_, port, _ := strings.Cut(s.addr, ":")
	return port
}

// is makes the service so.
func (s *service) is(state string) {
	s.t.Helper()
	s.mu.Lock()
	was := s.state
	s.state = state
	s.mu.Unlock()
	switch {
	case state == refusing && was != refusing:
		_ = s.server.Close()
		<-s.done
	case state != refusing && was == refusing:
		reuse := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
			failed := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
			return errors.Join(failed, err)
		}}
		ln, err := reuse.Listen(context.Background(), "tcp", s.addr)
		if err != nil {
			s.t.Fatal(err)
		}
		s.server, s.done = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}, make(chan struct{})
		go func(server *http.Server, done chan struct{}) {
			defer close(done)
			_ = server.Serve(ln)
		}(s.server, s.done)
	}
}

// slow makes each answer take a while, but for the writer's.
func (s *service) slow(takes time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes = takes
}

// ServeHTTP implements [http.Handler].
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	state := s.state
	takes := s.takes
	if r.URL.Path == "/writer" {
		takes = 0
	} else {
		s.asked = append(s.asked, r.URL.Path)
	}
	s.mu.Unlock()
	time.Sleep(takes)
	switch state {
	case failing:
		w.WriteHeader(http.StatusInternalServerError)
	case hanging:
		<-r.Context().Done()
	}
}

// under are the ends of the paths that begin so, in the order in which they were asked for.
func (s *service) under(prefix string) (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.asked {
		if rest, ok := strings.CutPrefix(p, prefix); ok {
			out = append(out, rest)
		}
	}
	return out
}

// writer is the workload as it finds itself: it tries anew every few milliseconds,
// whatever becomes of the tries before.
type writer struct {
	attempt func(ctx context.Context) error
	stop    chan struct{}
	tries   sync.WaitGroup

	mu   sync.Mutex
	made []tried
	more chan struct{} // closed at the next try that ends
}

type tried struct {
	begun, ended time.Time
	ok           bool
}

const (
	writes = 20 * time.Millisecond
	// writeLimit is longer than any outage here: what hangs is no answer.
	writeLimit = 30 * time.Second
)

func startWriter(t *testing.T, attempt func(context.Context) error) *writer {
	w := &writer{attempt: attempt, stop: make(chan struct{}), more: make(chan struct{})}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(writes)
		defer tick.Stop()
		for {
			w.tries.Go(func() { w.try(ctx) })
			select {
			case <-tick.C:
			case <-w.stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(w.stop)
		<-ended
		cancel()
		w.tries.Wait()
	})
	return w
}

func (w *writer) try(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	begun := time.Now()
	err := w.attempt(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made = append(w.made, tried{begun, time.Now(), err == nil})
	close(w.more)
	w.more = make(chan struct{})
}

// succeeds waits for tries that begin from here on, and succeed.
func (w *writer) succeeds(t *testing.T) {
	t.Helper()
	from, limit := time.Now(), time.After(time.Minute)
	for {
		w.mu.Lock()
		more := w.more
		good := slices.ContainsFunc(w.made, func(one tried) bool { return one.ok && one.begun.After(from) })
		w.mu.Unlock()
		if good {
			return
		}
		select {
		case <-more:
		case <-limit:
			t.Fatal("the writer never succeeds")
		}
	}
}

// span is a time.
type span struct{ from, to time.Time }

func (s span) long() time.Duration { return s.to.Sub(s.from) }

// both is how long two times go on at once.
func (s span) both(o span) time.Duration {
	from, to := s.from, s.to
	if o.from.After(from) {
		from = o.from
	}
	if o.to.Before(to) {
		to = o.to
	}
	return max(0, to.Sub(from))
}

// measured is a time without a success, from one to the next, and how far the writer may
// be off.
type measured struct {
	span
	off time.Duration
}

// outages are those that are longer than what is due to a slow machine.
func (w *writer) outages() (out []measured) {
	w.mu.Lock()
	defer w.mu.Unlock()
	good := slices.DeleteFunc(slices.Clone(w.made), func(one tried) bool { return !one.ok })
	slices.SortFunc(good, func(a, b tried) int { return a.ended.Compare(b.ended) })
	for i := 1; i < len(good); i++ {
		before, after := good[i-1], good[i]
		if s := (span{before.ended, after.ended}); s.long() > time.Second {
			// It is off by how long the two took, and by when others might have been tried.
			out = append(out, measured{s, before.ended.Sub(before.begun) + after.ended.Sub(after.begun) + 4*writes})
		}
	}
	return out
}

// asks is a try to get an answer.
func (s *service) asks(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/writer", http.NoBody)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// connects is a try to reach its port.
func (s *service) connects(ctx context.Context) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return err
	}
	return c.Close()
}
