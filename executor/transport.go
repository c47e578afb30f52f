package executor

import (
	"context"
	"io"
	"net"
	"sync"
)

// transport runs the bootstrap on one host. Everything else is the same for every
// kind of host.
type transport interface {
	// run sends a frame to a bootstrap and copies what it writes, until it has
	// ended and its output is over or has been silent for a while (a process left
	// in the background may hold the pipes). The exit status is the bootstrap's.
	// A *ReachError means that no byte of the frame was sent; any other error that
	// the end isn't known. No writer is called after run returned.
	run(ctx context.Context, c call) (exit int, err error)
	// connect makes sure that there is a connection; its error is a *ReachError.
	connect(ctx context.Context) error
	// forward opens a connection from the host, as [Dialer.Dial].
	forward(ctx context.Context, network, address string) (net.Conn, error)
	// files opens the host's files, as [Executor]; s is its shell.
	files(ctx context.Context, s *shell) (Files, error)
	// terminal runs a shell's line on a new pseudo-terminal of a kind ($TERM) and
	// size. Its error is a *ReachError: the line doesn't run.
	terminal(ctx context.Context, line, kind string, size winsize) (*ptySession, error)
	// hostKey is the fingerprint of the host's key, once connected; empty on this machine.
	hostKey() string
	// unreached is the error of a host that can't be used.
	unreached(cause error, hint string) *ReachError
	close() error
}

// call is one run of the bootstrap.
type call struct {
	frame          []byte
	stdout, stderr io.Writer
	// detaches: it leaves a process behind that the end of ctx must not touch.
	detaches bool
	// over, if not nil, is closed by the writers when they have all they want; run
	// then leaves the output to whoever still holds it.
	over <-chan struct{}
	// lasting: it may hold its session for as long as a command takes.
	lasting bool
	// yields, if not nil: it can be made again, so it may end in errYielded where the host
	// has no session left for another call, once this is closed (it has had its turn).
	yields <-chan struct{}
	// turn is its place among the calls that wait for room; 0: it has none yet.
	turn uint64
}

// gate passes writes on until it's shut, one at a time.
type gate struct {
	mu   sync.Mutex
	shut bool
}

func (g *gate) writer(w io.Writer) io.Writer { return gatedWriter{g, w} }

// close waits for a write under way; later ones are dropped.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
}

type gatedWriter struct {
	gate *gate
	w    io.Writer
}

// Write implements io.Writer.
func (g gatedWriter) Write(p []byte) (int, error) {
	g.gate.mu.Lock()
	defer g.gate.mu.Unlock()
	if g.gate.shut || g.w == nil {
		return len(p), nil
	}
	return g.w.Write(p)
}
