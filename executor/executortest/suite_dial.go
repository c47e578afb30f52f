package executortest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stepgate/executor"
)

// echoServer answers each line with itself, in capitals, until the test ends.
func echoServer(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = c.Close() }() // what was answered was answered
				for lines := bufio.NewScanner(c); lines.Scan(); {
					if _, err := fmt.Fprintln(c, strings.ToUpper(lines.Text())); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
	})
	return ln.Addr().String()
}

// dialed opens a connection that is closed before the server that it leads to.
func (b *bench) dialed(x executor.Executor, address string) net.Conn {
	b.Helper()
	c, err := x.Dial(b.ctx, "tcp", address)
	if err != nil {
		b.Fatalf("Dial: %v", err)
	}
	b.Cleanup(func() { _ = c.Close() }) // it may be closed already
	return c
}

func testDial(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	address := echoServer(t)
	c := b.dialed(b.x, address)
	if _, err := fmt.Fprintln(c, "hello"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || line != "HELLO\n" {
		t.Errorf("the server said %q, %v", line, err)
	}
	// A read that nothing answers ends at its deadline.
	if err := c.SetDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes out of nothing", n)
	}

	_, err := b.x.Dial(b.ctx, "tcp", net.JoinHostPort("127.0.0.1", freePort(t)))
	var reach *executor.ReachError
	if !errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &reach) {
		t.Errorf("a port where nothing listens: %v", err)
	}
}

// testDialCut sees that a broken connection to the host breaks what goes through it,
// and nothing that comes later.
func testDialCut(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	address := echoServer(t)
	if b.Cut == nil {
		t.Log("there is no connection to cut")
		return
	}
	c := b.dialed(b.x, address)
	b.Cut()
	if _, err := io.ReadAll(c); err != nil && !errors.Is(err, io.EOF) {
		t.Logf("the reader was told %v", err)
	}
	again := b.dialed(b.x, address)
	if _, err := fmt.Fprintln(again, "again"); err != nil {
		t.Errorf("after the cut: %v", err)
	}
}

// testDialClosed sees that nothing goes through an executor that is closed.
func testDialClosed(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	x := b.Open(t)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	var reach *executor.ReachError
	if c, err := x.Dial(b.ctx, "tcp", echoServer(t)); !errors.As(err, &reach) {
		t.Errorf("Dial = %v, %v", c, err)
	}
}
