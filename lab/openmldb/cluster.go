package openmldb

import (
	"path/filepath"
	"sort"
	"sync"
	"time"

	"stepgate/lab/site"
)

// sessionTimeout is how long ZooKeeper keeps the session of a process that
// vanished, before the scaling.
const sessionTimeout = 10 * time.Second

// Cluster is the simulated cluster's truth. It is advanced by every question
// and by a clock; all its methods may be called concurrently.
type Cluster struct {
	site  *site.Site
	path  string
	hosts map[string]*site.Host // by endpoint

	mu       sync.Mutex
	faults   faultWatch
	striking bool             // a fault has yet to act
	init     func(*site.Host) // starts a host's component, as its init does; nil: nobody
	state    *state
	sessions []*session // in the order of their coming; the first nameserver leads
	nextID   int
	booting  bool
	dirty    bool
	unsaved  float64 // seconds of counted rows that aren't saved
	saveErr  error
}

// session is a process's presence in ZooKeeper.
type session struct {
	id       int
	role     string // nameserver, tablet or taskmanager
	endpoint string
	version  string
	since    time.Time
	lost     time.Time // zero while connected
	pid      int
}

// Open loads the cluster of a lab, or makes a new one. The cluster is booting
// until [Cluster.Booted].
func Open(s *site.Site) (*Cluster, error) {
	c := &Cluster{site: s, path: filepath.Join(s.Dir, "cluster.json"), booting: true, hosts: map[string]*site.Host{}, faults: faultWatch{site: s}}
	for i := range s.Hosts {
		c.hosts[s.Hosts[i].Vars["endpoint"]] = &s.Hosts[i]
	}
	st, err := loadState(c.path)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if st == nil {
		hosts, endpoints := map[string]string{}, []string{}
		for _, h := range s.Hosts {
			if componentOf(&h) == tabletRole {
				hosts[h.Vars["endpoint"]] = h.Name
				endpoints = append(endpoints, h.Vars["endpoint"])
			}
		}
		st = fresh(hosts, endpoints, now)
	}
	for _, t := range st.Tables {
		for _, p := range t.Partitions {
			for _, r := range p.Replicas {
				r.State = ""
			}
		}
	}
	for _, j := range st.Jobs {
		if j.open() {
			j.State, j.End = jobLost, now
		}
	}
	for _, o := range st.Ops {
		if o.Status == doing {
			o.Due = now.Add(s.Scaled(o.duration()))
		}
	}
	st.Counted = now
	c.state = st
	return c, st.save(c.path)
}

// Booted ends the boot: tablets that come from now on have to be recovered.
func (c *Cluster) Booted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.booting = false
}

// byInit tells how a host's init starts its component.
func (c *Cluster) byInit(start func(*site.Host)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.init = start
}

// Advance does what is due, and saves what has changed. The first error to save
// stays, since the cluster could not survive a reboot any more.
func (c *Cluster) Advance(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(now)
	return c.saveErr
}

func (c *Cluster) advance(now time.Time) {
	c.expire(now)
	c.followFaults(now)
	c.finishLoads(now)
	c.count(now)
	if l := c.leader(); l != nil && l.lost.IsZero() {
		c.watchTablets(now)
		c.runOps(now)
	}
	if c.dirty {
		c.dirty = false
		if err := c.state.save(c.path); err != nil && c.saveErr == nil {
			c.saveErr = err
		}
	}
}

// join opens a session. A tablet that comes has nothing loaded.
func (c *Cluster) join(req request, now time.Time) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextID++
	endpoint := req.Endpoint
	s := &session{id: c.nextID, role: req.Role, endpoint: endpoint, version: req.Version, since: now, pid: req.PID}
	if req.Role == tabletRole {
		c.dropTablet(endpoint)
		if t := c.state.Tablets[endpoint]; t != nil {
			switch {
			case c.booting && c.faultAt(endpoint, "recover") == "":
				c.loadAll(endpoint)
				t.Healthy, t.Since = true, now
			case c.booting:
				t.Healthy = false
			case t.Healthy:
				c.tabletGone(endpoint, now) // it was restarted before anybody noticed
			}
			c.dirty = true
		}
	}
	c.sessions = append(c.sessions, s)
	c.advance(now)
	return s
}

// leave ends a session: at once when a tablet said good-bye, else when the
// session times out.
func (c *Cluster) leave(s *session, clean bool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.lost = now
	if clean && s.role == tabletRole {
		s.lost = now.Add(-c.site.Scaled(sessionTimeout))
	}
	if s.role == taskmanagerRole {
		c.loseJobs(s.endpoint, now)
	}
	c.advance(now)
}

func (c *Cluster) expire(now time.Time) {
	kept := c.sessions[:0]
	for _, s := range c.sessions {
		if s.lost.IsZero() || now.Sub(s.lost) < c.site.Scaled(sessionTimeout) {
			kept = append(kept, s)
		}
	}
	clear(c.sessions[len(kept):])
	c.sessions = kept
}

func (c *Cluster) dropTablet(endpoint string) {
	kept := c.sessions[:0]
	for _, s := range c.sessions {
		if s.role != tabletRole || s.endpoint != endpoint {
			kept = append(kept, s)
		}
	}
	clear(c.sessions[len(kept):])
	c.sessions = kept
	for _, t := range c.state.Tables {
		for _, p := range t.Partitions {
			if r := p.on(endpoint); r != nil {
				r.State = ""
			}
		}
	}
}

func (c *Cluster) loadAll(endpoint string) {
	for _, t := range c.state.Tables {
		for _, p := range t.Partitions {
			if r := p.on(endpoint); r != nil {
				r.State, r.Alive = normal, true
			}
		}
	}
}

// leader is the nameserver that holds the election; it may be dead already.
func (c *Cluster) leader() *session {
	for _, s := range c.sessions {
		if s.role == nameserverRole {
			return s
		}
	}
	return nil
}

func (c *Cluster) session(role, endpoint string) *session {
	var found *session
	for _, s := range c.sessions {
		if s.role == role && s.endpoint == endpoint {
			found = s
		}
	}
	return found
}

// alive says whether a replica serves: the nameserver thinks so, its tablet is
// there and has loaded it.
func (c *Cluster) alive(r *replica) bool {
	s := c.session(tabletRole, r.Endpoint)
	return r.Alive && r.State == normal && s != nil && s.lost.IsZero()
}

// count adds the rows written since the last time to partitions whose leader
// serves.
func (c *Cluster) count(now time.Time) {
	seconds := now.Sub(c.state.Counted).Seconds()
	if seconds <= 0 {
		return
	}
	c.state.Counted = now
	if c.faults.anywhere("writes") == "stuck" {
		return
	}
	if c.unsaved += seconds; c.unsaved > 2 {
		c.unsaved, c.dirty = 0, true
	}
	for _, t := range c.state.Tables {
		for _, p := range t.Partitions {
			if l := p.leader(); l != nil && t.Rate > 0 && c.alive(l) {
				p.Rows += t.Rate * seconds
			}
		}
	}
}

// watchTablets is the leader's watch on the tablets' sessions.
func (c *Cluster) watchTablets(now time.Time) {
	endpoints := make([]string, 0, len(c.state.Tablets))
	for ep := range c.state.Tablets {
		endpoints = append(endpoints, ep)
	}
	sort.Strings(endpoints)
	for _, ep := range endpoints {
		t := c.state.Tablets[ep]
		here := c.session(tabletRole, ep) != nil
		switch {
		case c.booting: // not all have come yet
		case t.Healthy && !here:
			c.tabletGone(ep, now)
		case !t.Healthy && here:
			t.Healthy, t.Since = true, now
			c.dirty = true
			c.tabletBack(ep, now)
		}
	}
}

// tabletGone marks a tablet offline and, with auto_failover, moves its leaders
// and takes its replicas offline.
func (c *Cluster) tabletGone(endpoint string, now time.Time) {
	t := c.state.Tablets[endpoint]
	t.Healthy, t.Since = false, now
	c.dirty = true
	for _, tb := range c.state.Tables {
		for _, p := range tb.Partitions {
			r := p.on(endpoint)
			if r == nil {
				continue
			}
			r.State = ""
			switch {
			case !c.state.AutoFailover:
			case r.Leader && len(p.Replicas) == 1:
				c.addOp(updateStatusOp, tb, p, endpoint, "", now)
			case r.Leader:
				c.addOp(changeLeaderOp, tb, p, "auto", endpoint, now)
			case r.Alive:
				c.addOp(offlineReplicaOp, tb, p, endpoint, "", now)
			}
		}
	}
}

// tabletBack starts the recovery of a tablet's partitions, with auto_failover.
func (c *Cluster) tabletBack(endpoint string, now time.Time) {
	if !c.state.AutoFailover {
		return
	}
	for _, tb := range c.state.Tables {
		for _, p := range tb.Partitions {
			r := p.on(endpoint)
			switch {
			case r == nil || r.State != "":
			case r.Leader:
				// By the time the operation runs, the leader may have moved.
				c.addOp(reloadOp, tb, p, endpoint, "", now)
			default:
				c.addOp(reAddReplicaOp, tb, p, endpoint, "", now)
			}
		}
	}
}
