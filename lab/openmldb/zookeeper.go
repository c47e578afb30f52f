package openmldb

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"stepgate/lab/wire"
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

// zkDown is what a client says of a ZooKeeper that doesn't answer.
const zkDown = "zk client init failed"

// Serve answers on ln as the cluster's ZooKeeper, and advances the cluster, until
// ctx ends or the cluster can't be saved. It closes ln.
func (c *Cluster) Serve(ctx context.Context, ln net.Listener, root string) error {
	return wire.Serve(ctx, ln, wire.Truth{
		Every:   min(max(c.site.Scaled(200*time.Millisecond), 10*time.Millisecond), 100*time.Millisecond),
		Advance: c.Advance,
		Talk:    func(_ context.Context, conn *wire.Conn) { c.talk(conn, root) },
	})
}

// talk serves one process or one question. A process is there for as long as its
// connection.
func (c *Cluster) talk(conn *wire.Conn, root string) {
	var member *session
	clean := false
	defer func() {
		if member != nil {
			c.leave(member, clean, time.Now())
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
		case req.Kind == "join" && member != nil:
			resp.Err = "joined already"
		case req.Kind == "join" && c.down():
			resp.Err = zkDown
		case req.Kind == "join":
			member = c.join(req, time.Now())
		case req.Kind == "bye":
			clean = true
		default:
			resp = c.answer(req, root)
		}
		if conn.Send(resp) != nil {
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
type link struct{ conn *wire.Conn }

func dial(addr string) (*link, error) {
	conn, err := wire.Dial(addr)
	if err != nil {
		return nil, err
	}
	return &link{conn}, nil
}

func (l *link) ask(req request) (answer, error) {
	var resp response
	if err := l.conn.Send(req); err != nil {
		return answer{}, err
	}
	err := l.conn.Receive(&resp)
	switch {
	case errors.Is(err, io.EOF):
		return answer{}, errors.New("connection closed")
	case err != nil:
		return answer{}, err
	case resp.Err != "":
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
