package executor

import (
	"context"
	"testing"
	"time"
)

// TestWaitingWhileASessionOpens has a call come while the only room is taken by a
// session that can give way and isn't open yet: once it is, it's asked to, and the call
// goes in.
func TestWaitingWhileASessionOpens(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	conn := &sshConn{done: make(chan struct{}), limit: 1}
	transport := &sshTransport{
		dialing: make(chan struct{}, 1), closed: make(chan struct{}), changed: make(chan struct{}),
		conns: []*sshConn{conn}, limit: 1, single: time.Now().Add(time.Hour),
	}
	if c, _, err := transport.acquire(ctx, call{lasting: true, yields: make(chan struct{})}); c != conn || err != nil {
		t.Fatalf("acquire = %v, %v", c, err)
	}
	entered := make(chan error, 1)
	go func() {
		_, _, err := transport.acquire(ctx, call{})
		entered <- err
	}()
	for waits := false; !waits && ctx.Err() == nil; {
		transport.mu.Lock()
		waits = len(transport.queue) == 1
		transport.mu.Unlock()
	}
	way, ended := transport.giveWay()
	select {
	case <-way:
	case err := <-entered:
		t.Fatalf("the call went in beside the session: %v", err)
	case <-ctx.Done():
		t.Fatal("nobody asked the session to give way")
	}
	ended()
	transport.release(conn)
	if err := <-entered; err != nil {
		t.Errorf("the call that waited = %v", err)
	}
}
