package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"stepgate/lab/wire"
)

// request is a line from a process.
type request struct {
	Kind     string  `json:"kind"` // join, bye, eval
	Member   *Member `json:"member,omitempty"`
	Site     string  `json:"site,omitempty"`
	User     string  `json:"user,omitempty"`
	Password string  `json:"password,omitempty"`
	Script   string  `json:"script,omitempty"`
}

// response is a line to a process: the answer to its request, or an order.
type response struct {
	Order   *Order `json:"order,omitempty"`
	Err     string `json:"err,omitempty"`
	Refused bool   `json:"refused,omitempty"`
	Out     string `json:"out,omitempty"`
	Script  string `json:"script,omitempty"` // the script's error
}

// Refused is why a process may not take part: it says so in its log and ends.
type Refused struct{ Line string }

// Error is the line for the log.
func (r *Refused) Error() string { return r.Line }

// Serve answers on ln and advances the cluster until ctx ends or the cluster
// can't be saved. It closes ln.
func (c *Cluster) Serve(ctx context.Context, ln net.Listener) error {
	return wire.Serve(ctx, ln, wire.Truth{
		Every:   min(max(c.site.Scaled(200*time.Millisecond), 20*time.Millisecond), 100*time.Millisecond),
		Advance: func(time.Time) error { return c.Advance(c.now()) },
		Talk:    c.talk,
	})
}

// talk serves one process or one question. A process stays for as long as its
// connection.
func (c *Cluster) talk(ctx context.Context, conn *wire.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var member *session
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() {
		cancel()
		if member != nil {
			c.leave(member, c.now())
		}
	}()
	for {
		var req request
		var resp response
		err := conn.Receive(&req)
		switch {
		case errors.Is(err, wire.ErrMalformed):
			resp.Err = "malformed request"
		case err != nil:
			return
		case req.Kind == "join" && member == nil && req.Member != nil:
			if member, err = c.join(*req.Member, c.now()); err != nil {
				resp = failure(err)
				break
			}
			s := member
			wg.Go(func() {
				pass(ctx, conn, s)
				conn.Close()
			})
		case req.Kind == "bye" && member != nil:
			c.leave(member, c.now())
			member = nil
		case req.Kind == "eval":
			out, scriptErr, err := c.eval(ctx, req.Site, req.User, req.Password, req.Script)
			resp = response{Out: out, Script: scriptErr}
			if err != nil {
				resp = failure(err)
			}
		default:
			resp.Err = fmt.Sprintf("unexpected request %q", req.Kind)
		}
		if conn.Send(resp) != nil {
			return
		}
	}
}

func failure(err error) response {
	var refused *Refused
	return response{Err: err.Error(), Refused: errors.As(err, &refused)}
}

// pass passes orders on until ctx ends or the process's disk fails.
func pass(ctx context.Context, conn *wire.Conn, s *session) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.failed:
			return
		case o := <-s.orders:
			if conn.Send(response{Order: &o}) != nil {
				return
			}
		}
	}
}
