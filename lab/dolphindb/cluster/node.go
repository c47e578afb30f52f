package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"stepgate/lab/dolphindb/script"
)

// The users that there are. A script without a login runs as a guest.
const (
	admin           = "admin"
	defaultPassword = "123456"
)

// node is a process as a script sees it, with the user who logged in.
type node struct {
	c    *Cluster
	ctx  context.Context //nolint:containedctx // of the question that the script is
	s    *session
	user string
}

var (
	_ script.Env     = (*node)(nil)
	_ script.Library = (*node)(nil)
)

func (c *Cluster) eval(ctx context.Context, site, user, password, src string) (out, scriptErr string, err error) {
	c.mu.Lock()
	c.advance(c.now())
	s := c.session(site)
	c.mu.Unlock()
	if s == nil {
		return "", "", fmt.Errorf("no process at %q", site)
	}
	n := &node{c: c, ctx: ctx, s: s}
	if user != "" {
		if err := n.Login(user, password); err != nil {
			return "", err.Error(), nil
		}
	}
	var b strings.Builder
	if err := script.Run(src, n, &b); err != nil {
		return b.String(), err.Error(), nil
	}
	return b.String(), "", nil
}

// Login implements [script.Env].
func (n *node) Login(user, password string) error {
	want := n.c.site.Params["db_password"]
	if want == "" {
		want = defaultPassword
	}
	if user != admin || password != want {
		return failf("The user name or password is incorrect.")
	}
	n.user = user
	return nil
}

// Alias implements [script.Env].
func (n *node) Alias() string { return n.s.m.Alias }

// Now implements [script.Env].
func (n *node) Now() time.Time { return n.c.now() }

var errGone = failf("Couldn't send script/function to the remote host because the connection is closed.")

// enter locks the cluster, as it is now. The process may have gone meanwhile.
func (n *node) enter() (g *group, now time.Time, err error) {
	n.c.mu.Lock()
	now = n.c.now()
	n.c.advance(now)
	if n.s.left {
		err = errGone
	}
	return n.c.groupOf(n.s), now, err
}

// Controller implements [script.Env].
func (n *node) Controller() (script.Env, error) {
	g, _, err := n.enter()
	defer n.c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if g == nil || g.leader == nil {
		return nil, errNoLeader
	}
	return &node{c: n.c, ctx: n.ctx, s: g.leader, user: n.user}, nil
}

// DataNodes implements [script.Env].
func (n *node) DataNodes() []script.Env {
	g, _, err := n.enter()
	defer n.c.mu.Unlock()
	if err != nil || g == nil {
		return nil
	}
	var out []script.Env
	for _, s := range n.c.sessions {
		if (s.m.Mode == DataNode || s.m.Mode == ComputeNode) && n.c.groupOf(s) == g {
			out = append(out, &node{c: n.c, ctx: n.ctx, s: s, user: n.user})
		}
	}
	return out
}

// Table implements [script.Env].
func (n *node) Table(db, name string) (*script.Table, error) {
	g, _, err := n.enter()
	defer n.c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if n.user == "" {
		return nil, failf("No access to table [%s/%s]", db, name)
	}
	return n.c.read(g, strings.TrimSuffix(db, "/"), name)
}

// Append implements [script.Env].
func (n *node) Append(db, name string, rows *script.Table) error {
	if n.user == "" {
		return failf("No access to table [%s/%s]", db, name)
	}
	return n.retry(func(_ *group, now time.Time) error {
		return n.c.write(n.s, strings.TrimSuffix(db, "/"), name, rows, now)
	})
}

// retry does what may have to wait, until it is done or has waited too long.
func (n *node) retry(do func(g *group, now time.Time) error) error {
	var deadline time.Time
	for {
		g, now, err := n.enter()
		if deadline.IsZero() {
			deadline = now.Add(n.c.site.Scaled(writeWait))
		}
		if err == nil {
			err = do(g, now)
		}
		changed := n.c.changed
		n.c.mu.Unlock()
		if !waits(err) || !now.Before(deadline) {
			return err
		}
		select {
		case <-changed:
		case <-n.ctx.Done():
			return errors.Join(err, n.ctx.Err())
		}
	}
}
