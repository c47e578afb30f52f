package executor

import (
	"context"
	"errors"
	"net"
)

// Bootstrap is what a host's sh is told to run.
const Bootstrap = bootstrap

// StartFrame is what Start sends to a host.
func StartFrame(a Attempt) []byte {
	var c capture
	_, _ = (&shell{t: &c}).Start(context.Background(), a) // it doesn't get there
	return c.frame
}

// capture is a transport that takes down what is sent.
type capture struct{ frame []byte }

var errCaptured = errors.New("captured")

func (c *capture) run(_ context.Context, call call) (int, error) {
	c.frame = call.frame
	return 0, errCaptured
}

func (c *capture) connect(context.Context) error { return nil }

func (c *capture) forward(context.Context, string, string) (net.Conn, error) {
	return nil, errCaptured
}

func (c *capture) hostKey() string { return "" }

func (c *capture) unreached(cause error, hint string) *ReachError {
	return &ReachError{Hint: hint, Cause: cause}
}

func (c *capture) close() error { return nil }
