package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"stepgate/lab/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// idle is a truth that nothing happens to.
func idle(talk func(ctx context.Context, conn *wire.Conn)) wire.Truth {
	return wire.Truth{Every: time.Hour, Advance: func(time.Time) error { return nil }, Talk: talk}
}

// served runs a truth; end ends it and returns what Serve returned.
func served(t *testing.T, truth wire.Truth) (addr string, end func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- wire.Serve(ctx, ln, truth) }()
	end = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = end() }) // its error is the test's own
	return ln.Addr().String(), end
}

func dialed(t *testing.T, addr string) *wire.Conn {
	t.Helper()
	c, err := wire.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestALineThatIsNoneIsPassedOver(t *testing.T) {
	t.Parallel()
	addr, end := served(t, idle(func(_ context.Context, conn *wire.Conn) {
		for {
			var n int
			err := conn.Receive(&n)
			if err != nil && !errors.Is(err, wire.ErrMalformed) {
				return
			}
			if conn.Send(map[string]any{"n": n, "bad": err != nil}) != nil {
				return
			}
		}
	}))
	c := dialed(t, addr)
	for _, row := range []struct {
		send any
		n    int
		bad  bool
	}{{7, 7, false}, {"seven", 0, true}, {8, 8, false}} {
		var got struct {
			N   int
			Bad bool
		}
		if err := errors.Join(c.Send(row.send), c.Receive(&got)); err != nil || got.N != row.n || got.Bad != row.bad {
			t.Errorf("%v: got %+v, %v", row.send, got, err)
		}
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	if err := c.Receive(new(int)); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestLongLinesFromManyAtOnceStayWhole(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("界", 1<<20)
	addr, _ := served(t, idle(func(_ context.Context, conn *wire.Conn) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := conn.Send(long); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}))
	c := dialed(t, addr)
	for range 4 {
		var got string
		if err := c.Receive(&got); err != nil || got != long {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	if err := c.Receive(new(string)); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestATruthThatCannotGoOnEndsItsConnections(t *testing.T) {
	t.Parallel()
	broken := errors.New("no space left")
	came := make(chan struct{})
	truth := wire.Truth{
		Every: time.Millisecond,
		Advance: func(time.Time) error {
			select {
			case <-came:
				return broken
			default:
				return nil
			}
		},
		Talk: func(ctx context.Context, conn *wire.Conn) {
			close(came)
			if err := conn.Receive(new(int)); err == nil || ctx.Err() == nil {
				t.Errorf("the connection goes on: %v", err)
			}
		},
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- wire.Serve(context.Background(), ln, truth) }()
	dialed(t, ln.Addr().String())
	if err := <-done; !errors.Is(err, broken) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := wire.Dial(ln.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}

func TestAListenerThatFailsIsTold(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := wire.Serve(context.Background(), ln, idle(nil)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
