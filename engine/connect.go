package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// server is a database as a connection of the runbook means it for one fence.
type server struct {
	executor.Database
	via string // host through whose connection it is reached; empty: from this machine
}

// String names it for people: "mysql root@10.0.0.1:2881/db".
func (s server) String() string {
	if s.Driver == "sqlite" {
		return "sqlite " + s.Name
	}
	out := s.Driver + " "
	if s.User != "" {
		out += s.User + "@"
	}
	if out += s.Address; s.Name != "" {
		out += "/" + s.Name
	}
	return out
}

// databases are the open connections: one for each distinct address and user.
type databases struct {
	mu   sync.Mutex
	open map[server]*executor.Sessions
}

func (d *databases) get(s server) *executor.Sessions {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open[s]
}

// put keeps sessions, unless some are kept already: then it returns those.
func (d *databases) put(s server, new *executor.Sessions) (kept *executor.Sessions, extra bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old := d.open[s]; old != nil {
		return old, true
	}
	if d.open == nil {
		d.open = map[server]*executor.Sessions{}
	}
	d.open[s] = new
	return new, false
}

// drop forgets sessions that no longer answer.
func (d *databases) drop(s server) error {
	d.mu.Lock()
	old := d.open[s]
	delete(d.open, s)
	d.mu.Unlock()
	if old == nil {
		return nil
	}
	return old.Close()
}

func (d *databases) close() error {
	d.mu.Lock()
	open := d.open
	d.open = nil
	d.mu.Unlock()
	var errs []error
	for _, s := range open {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// place is the cell, the fence and the host for which something is sent.
type place struct {
	c     *run.Cell
	f     *runbook.Fence
	where string
	extra map[string]any // captured by checks of the same phase
}

// sessions returns open sessions of the fence's connection. Of a connection with
// several hosts they are of the first that its pick holds for and that is open
// or answers.
func (e *Engine) sessions(ctx context.Context, p place, via string) (server, *executor.Sessions, error) {
	candidates, err := e.servers(p, via)
	if err != nil {
		return server{}, nil, err
	}
	for _, s := range candidates {
		if open := e.dbs.get(s); open != nil {
			return s, open, nil
		}
	}
	var errs []error
	for _, s := range candidates {
		open, err := e.connect(ctx, s)
		if err == nil {
			return s, open, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(errs) == 1 {
		return server{}, nil, errs[0]
	}
	return server{}, nil, fmt.Errorf("connect to %q: no host answers: %w", p.f.Connection.Name, errors.Join(errs...))
}

func (e *Engine) connect(ctx context.Context, s server) (*executor.Sessions, error) {
	via, err := e.dialer(s.via)
	if err != nil {
		return nil, err
	}
	fresh, err := executor.OpenDatabase(ctx, s.Database, via)
	if err != nil {
		return nil, err
	}
	kept, extra := e.dbs.put(s, fresh)
	if extra {
		err = fresh.Close()
	}
	return kept, err
}

// dialer opens connections from this machine, or from a host.
func (e *Engine) dialer(via string) (executor.Dialer, error) {
	if via == "" {
		return executor.Here, nil
	}
	h, err := e.open(via)
	if err != nil {
		return nil, err
	}
	return h.exec, nil
}

// servers are the databases that the fence's connection may mean, in the order
// in which they are tried: one, or those of the connection's hosts that its pick
// holds for.
func (e *Engine) servers(p place, via string) ([]server, error) {
	conn := p.f.Connection
	r := e.state()
	names := r.NamesIn(r.Plan.Root.Scope, p.where) // of the includer, which may have defined it
	maps.Copy(names, r.Names(p.c, p.where))
	maps.Copy(names, p.extra)
	if via == "" {
		via = conn.Via
	}
	via, err := e.viaHost(p.c, via, names)
	if err != nil {
		return nil, fmt.Errorf("connect to %q: %w", conn.Name, err)
	}
	if conn.Hosts == "" {
		s, err := serverOf(conn, names, via)
		return []server{s}, err
	}
	world := r.WorldAt(p.c)
	hosts, ok := world.Hosts(conn.Hosts)
	if !ok {
		return nil, fmt.Errorf("connect to %q: there is no group %q", conn.Name, conn.Hosts)
	}
	var out []server
	for _, it := range hosts {
		of := maps.Clone(names)
		maps.Copy(of, it)
		of["it"] = it
		if conn.Pick != nil {
			v, err := conn.Pick.Value.Eval(checks.Values(of), world)
			if err != nil {
				return nil, fmt.Errorf("connect to %q: pick %s for %v: %w", conn.Name, conn.Pick.Text, it["host"], err)
			}
			if v != true {
				continue
			}
		}
		s, err := serverOf(conn, of, via)
		if err != nil {
			return nil, err
		}
		if s.Address == "" && s.Driver != "sqlite" {
			host, _ := it["host"].(string)
			s.Address = addressOf(r.Plan.Hosts[host].SSH, conn.Port)
		}
		out = append(out, s)
	}
	if out == nil {
		return nil, fmt.Errorf("connect to %q: the pick holds for no host of %q", conn.Name, conn.Hosts)
	}
	return out, nil
}

// viaHost is the one host that a `via` names.
func (e *Engine) viaHost(c *run.Cell, via string, names map[string]any) (string, error) {
	via, ok := plan.Fill(via, names)
	if !ok {
		return "", fmt.Errorf("a name in via=%q has no value yet", via)
	}
	if via == "" || via == plan.Local {
		return "", nil
	}
	hosts, ok := e.plan.On(via, c.Plan.Step.Scope)
	if !ok || len(hosts) != 1 {
		return "", fmt.Errorf("via=%q has to name one host, and names %d", via, len(hosts))
	}
	if hosts[0] == plan.Local {
		return "", nil
	}
	return hosts[0], nil
}

// serverOf fills a connection's fields.
func serverOf(conn *runbook.Connection, names map[string]any, via string) (server, error) {
	var bad error
	fill := func(field, tmpl string) string {
		v, ok := plan.Fill(tmpl, names)
		if !ok && bad == nil {
			bad = fmt.Errorf("connect to %q: a name in %s = %q has no value yet", conn.Name, field, tmpl)
		}
		return v
	}
	s := server{via: via, Database: executor.Database{
		Driver: conn.Driver, User: fill("user", conn.User), Password: fill("password", conn.Password),
		Name: fill("database", conn.Database), TLS: fill("tls", conn.TLS),
	}}
	host, port := fill("host", conn.Host), fill("port", conn.Port)
	if s.Driver != "sqlite" && host != "" {
		s.Address = join(host, port)
	}
	return s, bad
}

// join is an address; a path, of a socket, stays as it is.
func join(host, port string) string {
	if port == "" || strings.HasPrefix(host, "/") {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// addressOf is where a host of the inventory is, as its ssh says.
func addressOf(dest, port string) string {
	if _, at, ok := strings.Cut(dest, "@"); ok {
		dest = at
	}
	if host, _, err := net.SplitHostPort(dest); err == nil {
		dest = host
	}
	if dest == "" {
		dest = "127.0.0.1"
	}
	return join(dest, port)
}
