package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"stepgate/lab/site"
)

// Durations of the original, before the scaling.
const (
	electionMin   = 8 * time.Second  // raftElectionTick
	electionMax   = 16 * time.Second // twice that
	catchUp       = 3 * time.Second  // a controller's, from its coming
	firstReport   = 2 * time.Second  // a data node's, from its coming or a new leader's
	reportChunk   = 200 * time.Millisecond
	recoverChunk  = 2 * time.Second
	recoverSlowly = time.Minute
	inTransaction = 300 * time.Millisecond // a chunk that was written
	writeWait     = 30 * time.Second
)

// Cluster is the truth. All its methods may be called concurrently.
type Cluster struct {
	site *site.Site
	path string
	now  func() time.Time
	roll func(n int64) int64 // a random number below n

	mu       sync.Mutex
	state    state
	sessions []*session // in the order of their coming
	groups   []*group
	nextID   int
	booting  bool
	changed  chan struct{} // closed when something may have
	saveErr  error
}

// state is what the cluster keeps beside its members' files.
type state struct {
	First map[string]string `json:"first"` // version of each controller when it first came
	Spent map[string]string `json:"spent"` // faults that strike once, by host and what
}

// session is a running process.
type session struct {
	id     int
	m      Member
	site   string // ip:port
	orders chan Order
	failed chan struct{} // closed when its disk fails
	left   bool

	controllerState
	dataNodeState
}

// Open loads the cluster of a lab, or makes a new one, in dir. The cluster is
// booting until [Cluster.Booted].
func Open(s *site.Site, dir string) (*Cluster, error) {
	c := &Cluster{
		site: s, path: filepath.Join(dir, "cluster.json"), booting: true,
		now: time.Now, roll: rand.Int64N, changed: make(chan struct{}),
	}
	if err := readJSON(c.path, &c.state); err != nil {
		return nil, fmt.Errorf("load cluster: %w", err)
	}
	if c.state.First == nil {
		c.state.First = map[string]string{}
	}
	if c.state.Spent == nil {
		c.state.Spent = map[string]string{}
	}
	return c, c.saveState()
}

func (c *Cluster) saveState() error { return writeJSON(c.path, c.state) }

// Booted ends the boot: until then elections, reports and recovery take no time,
// and no fault of theirs strikes.
func (c *Cluster) Booted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.booting = false
}

// Joined says whether the process whose site is ip:port is there.
func (c *Cluster) Joined(site string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session(site) != nil
}

// Leader is the alias of the controller that leads the group on whose list the
// process is, or "".
func (c *Cluster) Leader(site string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(c.now())
	if s := c.session(site); s != nil {
		if l := c.leaderOf(s); l != nil {
			return l.m.Alias
		}
	}
	return ""
}

// Advance does what is due. Its error is that the cluster couldn't be saved.
func (c *Cluster) Advance(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(now)
	return c.saveErr
}

func (c *Cluster) advance(now time.Time) {
	c.moveControllers()
	for _, g := range c.groups {
		c.tick(g, now)
	}
	c.dropEmptyGroups()
	for _, s := range c.sessions {
		if s.m.Mode == DataNode {
			c.follow(s, now)
		}
	}
	for _, g := range c.groups {
		if g.leader != nil {
			c.recover(g, now)
			c.replicateAnew(g, now)
		}
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Cluster) join(m Member, now time.Time) (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &session{
		m: m, site: net.JoinHostPort(m.IP, strconv.Itoa(m.Port)),
		orders: make(chan Order, 64), failed: make(chan struct{}),
	}
	if c.session(s.site) != nil {
		return nil, &Refused{fmt.Sprintf("Failed to bind the socket on port %d with error code 98", m.Port)}
	}
	if err := c.sharesNothing(m); err != nil {
		return nil, err
	}
	var err error
	switch m.Mode {
	case Controller:
		err = c.joinController(s)
	case DataNode:
		s.store, err = openStore(m.Dirs, m.Version)
	case Agent, ComputeNode:
	default:
		err = fmt.Errorf("join as %q: no such mode", m.Mode)
	}
	if err != nil {
		return nil, err
	}
	c.nextID++
	s.id = c.nextID
	c.sessions = append(c.sessions, s)
	c.advance(now)
	return s, nil
}

// sharesNothing refuses a process that would write to another one's directory.
func (c *Cluster) sharesNothing(m Member) error {
	for _, s := range c.sessions {
		for _, key := range sortedKeys(m.Dirs) {
			if dir := m.Dirs[key]; key != "nodesFile" && dir != "" && s.m.Dirs[key] == dir {
				return &Refused{fmt.Sprintf("The directory [%s] is in use by %s.", dir, s.m.Alias)}
			}
		}
	}
	return nil
}

// leave ends a session; nothing of its files is touched any more.
func (c *Cluster) leave(s *session, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(s)
	c.advance(now)
}

func (c *Cluster) drop(s *session) {
	if s.left {
		return
	}
	s.left = true
	kept := c.sessions[:0]
	for _, o := range c.sessions {
		if o != s {
			kept = append(kept, o)
		}
	}
	clear(c.sessions[len(kept):])
	c.sessions = kept
}

// check ends a process whose disk fails.
func (c *Cluster) check(s *session, err error) bool {
	if err != nil && !s.left {
		close(s.failed)
		c.drop(s)
	}
	return err == nil
}

// session finds a process by ip:port, or by an alias that only one has.
func (c *Cluster) session(site string) *session {
	var named *session
	for _, s := range c.sessions {
		switch {
		case s.site == site:
			return s
		case s.m.Alias == site && named != nil:
			return nil
		case s.m.Alias == site:
			named = s
		}
	}
	return named
}

func (c *Cluster) scaled(d time.Duration) time.Duration {
	if c.booting {
		return 0
	}
	return c.site.Scaled(d)
}

// fault is what a fault is set to, once the boot is over.
func (c *Cluster) fault(s *session, what string) string {
	if c.booting {
		return ""
	}
	return c.site.Fault(s.m.Host, what)
}

// strikes says what a fault that strikes once does now. It can strike again when
// it was cleared in between.
func (c *Cluster) strikes(s *session, what string) string {
	key := s.m.Host + ":" + what
	value := c.fault(s, what)
	if c.state.Spent[key] == value {
		return ""
	}
	c.state.Spent[key] = value
	if err := c.saveState(); err != nil && c.saveErr == nil {
		c.saveErr = err
	}
	return value
}
