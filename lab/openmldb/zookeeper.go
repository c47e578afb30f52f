package openmldb

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

// request is one line a process sends to ZooKeeper, a nameserver or a tablet.
type request struct {
	Kind     string   `json:"kind"` // join, bye, leader, taskmanager, ns, tablet, sql, job
	Role     string   `json:"role,omitempty"`
	Endpoint string   `json:"endpoint,omitempty"` // of the process that asks
	Version  string   `json:"version,omitempty"`
	Root     string   `json:"root,omitempty"` // zk_root_path
	Words    []string `json:"words,omitempty"`
	DB       string   `json:"db,omitempty"`
	SQL      string   `json:"sql,omitempty"`
	PID      int      `json:"pid,omitempty"` // of the process that joins
}

// response is the line that comes back. Err is a failure of the asking, not of
// what was asked.
type response struct {
	Err    string `json:"err,omitempty"`
	Answer answer `json:"answer"`
}

const maxLine = 4 << 20

// zkDown is what a client says of a ZooKeeper that doesn't answer.
const zkDown = "zk client init failed"

// Serve answers on ln as the cluster's ZooKeeper, and advances the cluster, until
// ctx ends or the cluster can't be saved. It closes ln.
func (c *Cluster) Serve(ctx context.Context, ln net.Listener, root string) error {
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
		wg.Go(func() { c.serveConn(ctx, conn, root) })
	}
}

func (c *Cluster) runClock(ctx context.Context) error {
	tick := time.NewTicker(min(max(c.site.Scaled(200*time.Millisecond), 10*time.Millisecond), 100*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if err := c.Advance(now); err != nil {
				return err
			}
		}
	}
}

func (c *Cluster) serveConn(ctx context.Context, conn net.Conn, root string) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	var member *session
	clean := false
	defer func() {
		if member != nil {
			c.leave(member, clean, time.Now())
		}
	}()
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxLine)
	replies := json.NewEncoder(conn)
	for lines.Scan() {
		var req request
		var resp response
		if err := json.Unmarshal(lines.Bytes(), &req); err != nil {
			resp.Err = "malformed request"
		} else {
			switch req.Kind {
			case "join":
				if member != nil {
					resp.Err = "joined already"
					break
				}
				if c.down() {
					resp.Err = zkDown
					break
				}
				member = c.join(req, time.Now())
			case "bye":
				clean = true
			default:
				resp = c.answer(req, root)
			}
		}
		if err := replies.Encode(resp); err != nil {
			return
		}
	}
}

func (c *Cluster) answer(req request, root string) response {
	now := time.Now()
	if req.Kind != "tablet" && c.down() {
		return response{Err: zkDown}
	}
	switch req.Kind {
	case "leader":
		leader := c.leaderEndpoint(now)
		if leader == "" || req.Root != root {
			return response{Err: "get children failed"}
		}
		return response{Answer: answer{Text: leader}}
	case "ns":
		if !c.leads(req.Endpoint, now) {
			return response{Err: "nameserver is not leader"}
		}
		return response{Answer: c.nsCommand(req.Words, req.DB, now)}
	case "tablet":
		if len(req.Words) == 0 {
			return response{Err: "no command"}
		}
		return response{Answer: c.tabletCommand(req.Endpoint, req.Words, now)}
	case "sql":
		return response{Answer: c.sql(req.SQL, now)}
	case "taskmanager":
		c.mu.Lock()
		defer c.mu.Unlock()
		return response{Answer: answer{Text: c.taskManager()}}
	case "job":
		a, ok := c.jobCommand(req.Endpoint, req.Words, now)
		if !ok {
			return response{Err: "no such job is under way"}
		}
		return response{Answer: a}
	}
	return response{Err: "unknown request " + req.Kind}
}

func (c *Cluster) leaderEndpoint(now time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(now)
	if l := c.leader(); l != nil {
		return l.endpoint
	}
	return ""
}

// leads says whether the process at endpoint, as it is now connected, leads.
func (c *Cluster) leads(endpoint string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(now)
	l := c.leader()
	return l != nil && l.endpoint == endpoint && l.lost.IsZero()
}

// Joined says whether a component is connected.
func (c *Cluster) Joined(role, endpoint string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.session(role, endpoint)
	return s != nil && s.lost.IsZero()
}

// link is a connection to ZooKeeper, a nameserver or a tablet.
type link struct {
	conn  net.Conn
	lines *bufio.Scanner
}

func dial(addr string) (*link, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn, lines: bufio.NewScanner(conn)}
	l.lines.Buffer(nil, maxLine)
	return l, nil
}

func (l *link) ask(req request) (answer, error) {
	var resp response
	if err := json.NewEncoder(l.conn).Encode(req); err != nil {
		return answer{}, err
	}
	if !l.lines.Scan() {
		if err := l.lines.Err(); err != nil {
			return answer{}, err
		}
		return answer{}, errors.New("connection closed")
	}
	if err := json.Unmarshal(l.lines.Bytes(), &resp); err != nil {
		return answer{}, err
	}
	if resp.Err != "" {
		return answer{}, errors.New(resp.Err)
	}
	return resp.Answer, nil
}

// askOnce asks over a connection of its own.
func askOnce(addr string, req request) (answer, error) {
	l, err := dial(addr)
	if err != nil {
		return answer{}, err
	}
	defer l.conn.Close()
	return l.ask(req)
}
