package cluster

import (
	"slices"
	"strconv"
	"time"
)

// States of a chunk, as the controller has them.
const (
	constructing = "CONSTRUCTING"
	recovering   = "RECOVERING"
	complete     = "COMPLETE"
)

// dataNodeState is what a session has that is a data node.
type dataNodeState struct {
	store    *store
	follows  *group
	term     int             // of the leader that it reports to
	ready    map[string]bool // chunks that may be read and written here
	queue    []string        // chunks that wait for their report or recovery
	due      time.Time       // when the first of them is through
	repaired map[string]bool // chunks that recover whatever the fault says
}

// follow lets a data node report to its leader, from the beginning when it is
// another one.
func (c *Cluster) follow(s *session, now time.Time) {
	g := c.groupOf(s)
	if g == nil || g.leader == nil || s.follows == g && s.term == g.term {
		return
	}
	s.follows, s.term = g, g.term
	s.ready, s.repaired, s.queue = map[string]bool{}, map[string]bool{}, nil
	for _, k := range g.leader.cat.Chunks {
		if slices.Contains(k.Replicas, s.m.Alias) {
			s.queue = append(s.queue, k.ID)
		}
	}
	if len(s.queue) > 0 {
		s.due = now.Add(c.scaled(firstReport) + c.cost(s, g.leader.cat.chunk(s.queue[0])))
	}
}

// dataNodes are the live data nodes that report to the group's leader.
func (c *Cluster) dataNodes(g *group) []*session {
	var out []*session
	for _, s := range c.sessions {
		if s.m.Mode == DataNode && s.follows == g && g.leader != nil && s.term == g.term {
			out = append(out, s)
		}
	}
	return out
}

// replicas are the live ones of a chunk, ready or not.
func (c *Cluster) replicas(g *group, k *chunk) []*session {
	return slices.DeleteFunc(c.dataNodes(g), func(s *session) bool { return !slices.Contains(k.Replicas, s.m.Alias) })
}

func (c *Cluster) readyReplicas(g *group, k *chunk) []*session {
	return slices.DeleteFunc(c.replicas(g, k), func(s *session) bool { return !s.ready[k.ID] })
}

// cost is how long a chunk takes to be reported or recovered.
func (c *Cluster) cost(s *session, k *chunk) time.Duration {
	switch {
	case k == nil:
		return 0
	case c.fault(s, "recover") == "slow" && !s.repaired[k.ID]:
		return c.scaled(recoverSlowly)
	case s.store.meta.Versions[k.ID] == k.Version:
		return c.scaled(reportChunk)
	}
	return c.scaled(recoverChunk)
}

// recover takes the data nodes' queues on.
func (c *Cluster) recover(g *group, now time.Time) {
	for _, s := range c.dataNodes(g) {
		for tries := len(s.queue); tries > 0 && len(s.queue) > 0 && !s.left && !now.Before(s.due); tries-- {
			i := 0
			if c.fault(s, "recover") == "never" {
				if i = slices.IndexFunc(s.queue, func(id string) bool { return s.repaired[id] }); i < 0 {
					s.due = now
					break
				}
			}
			id := s.queue[i]
			s.queue = slices.Delete(s.queue, i, i+1)
			k := g.leader.cat.chunk(id)
			if k != nil && !c.recoverOne(g, s, k) {
				s.queue = append(s.queue, id) // nothing to catch up from, for now
			}
			if len(s.queue) > 0 {
				s.due = s.due.Add(c.cost(s, g.leader.cat.chunk(s.queue[0])))
			}
		}
	}
}

// recoverOne makes a replica ready, if it is or can be made what it should be.
func (c *Cluster) recoverOne(g *group, s *session, k *chunk) bool {
	version, has := s.store.meta.Versions[k.ID]
	sources := c.readyReplicas(g, k)
	var err error
	switch {
	case has && version == k.Version && s.store.beyond(k.ID):
		err = s.store.rewind(k.ID, k.Version)
	case has && version == k.Version:
	case g.leader.suspended:
		return false
	case len(sources) > 0:
		err = s.store.copyFrom(sources[0].store, k.ID)
	case has && version == k.Version+1:
		// Its transaction was not committed: the last process of all died in between.
		err = s.store.rewind(k.ID, k.Version)
	default:
		return false
	}
	if c.check(s, err) {
		s.ready[k.ID] = true
		delete(s.repaired, k.ID)
	}
	return true
}

// enqueue lets a replica be reported again.
func (c *Cluster) enqueue(s *session, id string, now time.Time) {
	delete(s.ready, id)
	if !slices.Contains(s.queue, id) {
		s.queue = append(s.queue, id)
	}
	if s.due.Before(now) {
		s.due = now
	}
}

// stateOf is a chunk's state as the leader has it.
func (c *Cluster) stateOf(g *group, k *chunk, now time.Time) string {
	live := c.replicas(g, k)
	ready := c.readyReplicas(g, k)
	switch {
	case c.stuck(g, k):
		return constructing
	case len(ready) == 0 || len(ready) < len(live):
		return recovering
	case now.Before(g.busy[k.ID]):
		return constructing
	}
	return complete
}

// stuck says whether a fault keeps the chunk in a transaction for ever.
func (c *Cluster) stuck(g *group, k *chunk) bool {
	for _, s := range c.replicas(g, k) {
		if c.fault(s, "chunk") != "constructing" {
			continue
		}
		for _, o := range g.leader.cat.Chunks {
			if o.tablet() && slices.Contains(o.Replicas, s.m.Alias) {
				if o == k {
					return true
				}
				break
			}
		}
	}
	return false
}

func (g *group) setting(key string, otherwise int) int {
	if n, err := strconv.Atoi(g.leader.m.Controller[key]); err == nil {
		return n
	}
	return otherwise
}

func (g *group) replication() int { return g.setting("dfsReplicationFactor", 2) }

// replicateAnew makes further replicas of what a data node has that stays away
// longer than dfsRecoveryWaitTime, and removes surplus ones when it is back.
func (c *Cluster) replicateAnew(g *group, now time.Time) {
	wait := time.Duration(g.setting("dfsRecoveryWaitTime", 0)) * time.Millisecond
	live := c.dataNodes(g)
	for _, n := range g.nodes {
		if n.Mode != DataNode {
			continue
		}
		here := slices.ContainsFunc(live, func(s *session) bool { return s.m.Alias == n.Alias })
		since, away := g.gone[n.Alias]
		switch {
		case here:
			delete(g.gone, n.Alias)
		case !away:
			g.gone[n.Alias] = now
		case wait > 0 && !c.booting && !g.leader.suspended && now.Sub(since) >= c.scaled(wait):
			c.replace(g, n.Alias, now)
		}
	}
	if wait > 0 {
		c.trim(g)
	}
}

// replace gives each chunk with a replica on a lost data node another one.
func (c *Cluster) replace(g *group, lost string, now time.Time) {
	for _, k := range g.leader.cat.Chunks {
		live := c.replicas(g, k)
		if !slices.Contains(k.Replicas, lost) || len(live) >= g.replication() || len(c.readyReplicas(g, k)) == 0 {
			continue
		}
		for _, s := range c.dataNodes(g) {
			apart := !slices.ContainsFunc(live, func(o *session) bool { return o.m.IP == s.m.IP })
			if slices.Contains(live, s) || g.setting("dfsReplicaReliabilityLevel", 0) == 1 && !apart {
				continue
			}
			if c.commit(g, func(*catalogue) { k.Replicas = append(k.Replicas, s.m.Alias) }) != nil {
				return
			}
			c.enqueue(s, k.ID, now)
			s.due = s.due.Add(c.cost(s, k))
			break
		}
	}
}

// trim removes the last replicas of chunks that have more ready ones than they
// should.
func (c *Cluster) trim(g *group) {
	for _, k := range g.leader.cat.Chunks {
		ready := c.readyReplicas(g, k)
		if len(ready) <= g.replication() {
			continue
		}
		i := len(k.Replicas) - 1
		for !slices.ContainsFunc(ready, func(s *session) bool { return s.m.Alias == k.Replicas[i] }) {
			i--
		}
		alias := k.Replicas[i]
		if c.commit(g, func(*catalogue) { k.Replicas = slices.Delete(k.Replicas, i, i+1) }) != nil {
			return
		}
		for _, s := range ready {
			if s.m.Alias == alias {
				delete(s.ready, k.ID)
				c.check(s, s.store.drop(k.ID))
			}
		}
	}
}
