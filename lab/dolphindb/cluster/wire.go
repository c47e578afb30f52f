package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
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

const maxLine = 16 << 20

// Refused is why a process may not take part: it says so in its log and ends.
type Refused struct{ Line string }

// Error is the line for the log.
func (r *Refused) Error() string { return r.Line }

// Serve answers on ln and advances the cluster until ctx ends or the cluster
// can't be saved. It closes ln.
func (c *Cluster) Serve(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	var clockErr error
	wg.Go(func() {
		clockErr = c.runClock(ctx)
		cancel()
	})
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() == nil {
				return fmt.Errorf("accept on %q: %w", ln.Addr(), err)
			}
			cancel()
			wg.Wait()
			return clockErr
		}
		wg.Go(func() { c.serveConn(ctx, conn) })
	}
}

func (c *Cluster) runClock(ctx context.Context) error {
	tick := time.NewTicker(min(max(c.site.Scaled(200*time.Millisecond), 20*time.Millisecond), 100*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := c.Advance(c.now()); err != nil {
				return err
			}
		}
	}
}

// serveConn serves one process or one question. A process stays for as long as
// its connection.
func (c *Cluster) serveConn(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &lineWriter{enc: json.NewEncoder(conn)}
	var member *session
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() {
		cancel()
		if member != nil {
			c.leave(member, c.now())
		}
	}()
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var req request
		var resp response
		err := json.Unmarshal(lines.Bytes(), &req)
		switch {
		case err != nil:
			resp.Err = "malformed request"
		case req.Kind == "join" && member == nil && req.Member != nil:
			if member, err = c.join(*req.Member, c.now()); err != nil {
				resp = failure(err)
				break
			}
			s := member
			wg.Go(func() {
				w.pass(ctx, s)
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
		if w.write(resp) != nil {
			return
		}
	}
}

func failure(err error) response {
	var refused *Refused
	return response{Err: err.Error(), Refused: errors.As(err, &refused)}
}

type lineWriter struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func (w *lineWriter) write(r response) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.enc.Encode(r)
}

// pass passes orders on until ctx ends or the process's disk fails.
func (w *lineWriter) pass(ctx context.Context, s *session) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.failed:
			return
		case o := <-s.orders:
			if w.write(response{Order: &o}) != nil {
				return
			}
		}
	}
}
