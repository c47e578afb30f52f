package executor_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"

	"stepgate/executor"
)

// ports are answers by address: nil accepts.
type ports map[string]error

func (p ports) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	err, known := p[address]
	if !known { // nobody answers
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	c, _ := net.Pipe()
	return c, nil
}

func TestReach(t *testing.T) {
	t.Parallel()
	p := ports{"up:1": nil, "down:1": syscall.ECONNREFUSED, "lost:1": errors.New("no route to host"), "[::1]:2": nil}
	for _, tt := range []struct {
		text, stdout, stderr, err string
		exit                      int
	}{
		{"up:1\n\n  [::1]:2  # the other one\n", "up:1 accepts a connection\n[::1]:2 accepts a connection\n", "", "", 0},
		{"closed down:1", "down:1 refuses connections\n", "", "", 0},
		{"up:1\ndown:1", "up:1 accepts a connection\ndown:1 refuses connections\n", "down:1 refuses connections, and must accept a connection\n", "", 1},
		{"closed up:1\ndown:1", "up:1 accepts a connection\ndown:1 refuses connections\n", "up:1 accepts a connection, and must be closed\ndown:1 refuses connections, and must accept a connection\n", "", 1},
		{"up:1\nlost:1", "up:1 accepts a connection\nlost:1 gave no answer\n", "", "no route to host", 0},
		{"closed lost:1", "lost:1 gave no answer\n", "", "no route to host", 0},
		{"lost:1\ndown:1", "lost:1 gave no answer\ndown:1 refuses connections\n", "down:1 refuses connections, and must accept a connection\n", "", 1},
		{"", "", "", "read the tcp probe: it names no host:port", 0},
		{"# none\n", "", "", "read the tcp probe: it names no host:port", 0},
		{"up:1\nup:1 down:1", "", "", `read line 2 of the tcp probe: "up:1 down:1" is neither host:port nor closed host:port`, 0},
		{"opened up:1", "", "", `read line 1 of the tcp probe: "opened up:1" is neither host:port nor closed host:port`, 0},
		{"up", "", "", "read line 1 of the tcp probe: address up: missing port in address", 0},
		{"up:0", "", "", `read line 1 of the tcp probe: "up:0" is no host:port`, 0},
		{"up:http", "", "", `read line 1 of the tcp probe: "up:http" is no host:port`, 0},
		{":80", "", "", `read line 1 of the tcp probe: ":80" is no host:port`, 0},
	} {
		r, err := executor.Reach(t.Context(), tt.text, p)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if r.Exit != tt.exit || r.Stdout != tt.stdout || r.Stderr != tt.stderr || said != tt.err {
			t.Errorf("%q: %+v %q", tt.text, r, said)
		}
	}
}

// What is never answered ends with the context; a line that doesn't hold decides all
// the same.
func TestReachSilence(t *testing.T) {
	t.Parallel()
	for _, other := range []string{"up:1", "down:1"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("time is up")
		var seen sync.Once
		p := ports{"up:1": nil, "down:1": syscall.ECONNREFUSED}
		d := dialerFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "silent:1" {
				seen.Do(func() { cancel(stop) })
			}
			return p.Dial(ctx, network, address)
		})
		r, err := executor.Reach(ctx, other+"\nsilent:1", d)
		if !strings.HasSuffix(r.Stdout, "silent:1 gave no answer\n") {
			t.Errorf("%+v", r)
		}
		if other == "up:1" && !errors.Is(err, stop) || other == "down:1" && (err != nil || r.Exit != 1) {
			t.Errorf("with %s: %+v %v", other, r, err)
		}
	}
}

// From here and through a host, with real ports.
func TestReachPorts(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	open, closed := ln.Addr().String(), "127.0.0.1:"+freePort(t)
	for name, d := range map[string]executor.Dialer{"here": nil, "host": sshMachine("/bin/sh")(t).Open(t)} {
		if r, err := executor.Reach(t.Context(), open+"\nclosed "+closed, d); err != nil || r.Exit != 0 {
			t.Errorf("%s: %+v %v", name, r, err)
		}
		if r, err := executor.Reach(t.Context(), closed+"\nclosed "+open, d); err != nil || r.Exit != 1 || strings.Count(r.Stderr, "\n") != 2 {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
}
