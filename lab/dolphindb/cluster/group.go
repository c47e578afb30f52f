package cluster

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"stepgate/lab/site"
)

// group are controllers that elect a leader among themselves.
type group struct {
	key    string          // the list with which it was formed; empty: of a controller alone
	voters map[string]bool // sites (ip:port:alias) of the controllers on it
	nodes  []Node          // what the leader goes by
	saved  []string        // what the group keeps: see saveClusterNodes
	formed bool            // it has had a leader

	leader  *session
	term    int
	electAt time.Time            // zero: nobody can be
	busy    map[string]time.Time // chunks in a transaction, until when
	gone    map[string]time.Time // data nodes that aren't there, since when
	last    string               // alias of the last leader
}

// controllerState is what a session has that is a controller.
type controllerState struct {
	group   *group
	cat     *catalogue
	raft    *raftState
	catchAt time.Time // zero: it need not

	suspended bool // recovery, while this one leads: see suspendRecovery
}

func lines(nodes []Node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.String()
	}
	return out
}

func listKey(nodes []Node) string {
	l := lines(nodes)
	slices.Sort(l)
	return strings.Join(l, "\n")
}

func (s *session) node() Node { return Node{s.site, s.m.Alias, s.m.Mode} }

func (c *Cluster) joinController(s *session) error {
	var err error
	if s.cat, err = readCatalogue(s.m.Dirs["dfsMetaDir"]); err != nil {
		return &Refused{"Failed to load DFS metadata: " + err.Error()}
	}
	if s.raft, err = readRaft(s.m.Dirs["raft"]); err != nil {
		return &Refused{"Failed to load raft metadata: " + err.Error()}
	}
	if err := readable("DFS metadata", s.cat.Format, s.m.Version); err != nil {
		return err
	}
	if err := readable("raft metadata", s.raft.Format, s.m.Version); err != nil {
		return err
	}
	s.cat.Format, s.raft.Format = s.m.Version, s.m.Version
	if err := s.saveMeta(); err != nil {
		return &Refused{err.Error()}
	}
	key := s.m.Alias
	if c.state.First[key] == "" {
		c.state.First[key] = s.m.Version
		if err := c.saveState(); err != nil {
			return err
		}
	}
	if !s.highlyAvailable() {
		s.group = newGroup("", []Node{s.node()})
		s.group.nodes = s.m.Nodes
		c.groups = append(c.groups, s.group)
		return nil
	}
	key = listKey(s.m.Nodes)
	for _, g := range c.groups {
		if g.key == key {
			s.group = g
			return nil
		}
	}
	s.group = newGroup(key, s.m.Nodes)
	c.groups = append(c.groups, s.group)
	return nil
}

// highlyAvailable says whether the controller is one of several. Without
// dfsHAMode each that runs is a master by itself.
func (s *session) highlyAvailable() bool { return s.m.Controller["dfsHAMode"] == "Raft" }

func newGroup(key string, nodes []Node) *group {
	g := &group{key: key, nodes: nodes, voters: map[string]bool{}, busy: map[string]time.Time{}, gone: map[string]time.Time{}}
	for _, n := range nodes {
		if n.Mode == Controller {
			g.voters[n.Site()] = true
		}
	}
	return g
}

func (s *session) saveMeta() error {
	if err := s.cat.save(s.m.Dirs["dfsMetaDir"]); err != nil {
		return err
	}
	return s.raft.save(s.m.Dirs["raft"])
}

// moveControllers lets a controller that follows nobody join the led group on
// whose list it is.
func (c *Cluster) moveControllers() {
	for _, s := range c.sessions {
		if s.m.Mode != Controller || !s.highlyAvailable() || s.group.leader != nil && s.group.voters[s.node().Site()] {
			continue
		}
		for _, g := range c.groups {
			if g != s.group && g.key != "" && g.leader != nil && g.voters[s.node().Site()] {
				s.group, s.catchAt = g, time.Time{}
			}
		}
	}
}

func (c *Cluster) dropEmptyGroups() {
	c.groups = slices.DeleteFunc(c.groups, func(g *group) bool {
		return !slices.ContainsFunc(c.sessions, func(s *session) bool { return s.group == g })
	})
}

// members are the group's live controllers.
func (c *Cluster) members(g *group) []*session {
	var out []*session
	for _, s := range c.sessions {
		if s.group == g && g.voters[s.node().Site()] {
			out = append(out, s)
		}
	}
	return out
}

// majority says whether so many controllers are more than half of the group's.
func (g *group) majority(n int) bool { return 2*n > len(g.voters) }

func (c *Cluster) tick(g *group, now time.Time) {
	members := c.members(g)
	if g.leader != nil {
		ahead := slices.ContainsFunc(members, func(s *session) bool { return s.raft.Term > g.term || s.cat.newer(g.leader.cat) })
		if g.leader.left || !g.majority(len(members)) || ahead {
			g.leader, g.electAt = nil, time.Time{}
		}
	}
	switch {
	case g.leader != nil:
		c.catchUp(g, members, now)
	case !g.majority(len(members)):
		g.electAt = time.Time{}
	case g.electAt.IsZero():
		wait := electionMin + time.Duration(c.roll(int64(electionMax-electionMin)))
		g.electAt = now.Add(c.scaled(wait))
		fallthrough
	default:
		if !now.Before(g.electAt) {
			c.elect(g, members, now)
		}
	}
}

func (c *Cluster) elect(g *group, members []*session, now time.Time) {
	var winner *session
	for _, s := range members {
		g.term = max(g.term, s.raft.Term, s.cat.Term)
		if slices.ContainsFunc(members, func(o *session) bool { return o.cat.newer(s.cat) }) {
			continue // others would not vote for it
		}
		if winner == nil || c.site.Fault(winner.m.Host, "leader") == "" && c.site.Fault(s.m.Host, "leader") == "here" {
			winner = s
		}
	}
	g.term++
	if !g.formed {
		c.takeList(g, members, winner)
	}
	g.electAt, g.formed, g.last = time.Time{}, true, winner.m.Alias
	level := slices.DeleteFunc(slices.Clone(members), func(s *session) bool { return !s.cat.level(winner.cat) })
	for _, s := range members {
		s.catchAt = time.Time{}
		s.raft.Term, s.raft.Nodes = g.term, g.saved
		c.check(s, s.raft.save(s.m.Dirs["raft"]))
	}
	if winner.left {
		return // its disk failed
	}
	g.leader = winner
	winner.cat.Term = g.term
	winner.cat.Index++
	c.publish(g, level)
	clear(g.busy)
	clear(g.gone)
}

// takeList decides which node list the group goes by, when it is formed.
func (c *Cluster) takeList(g *group, members []*session, winner *session) {
	g.nodes = winner.m.Nodes
	for _, s := range members {
		if kept := parseNodes(s.raft.Nodes); c.site.Fault(s.m.Host, "nodescfg") == "stale" && len(kept) > 0 {
			g.nodes = kept
		}
	}
	g.saved = lines(g.nodes)
}

func parseNodes(list []string) []Node {
	var out []Node
	for _, l := range list {
		if n, ok := ParseNode(l); ok {
			out = append(out, n)
		}
	}
	return out
}

// catchUp brings controllers that came later up to the leader's log.
func (c *Cluster) catchUp(g *group, members []*session, now time.Time) {
	for _, s := range members {
		if s.cat.level(g.leader.cat) {
			continue
		}
		if s.catchAt.IsZero() {
			s.catchAt = now.Add(c.scaled(catchUp))
		}
		if !now.Before(s.catchAt) {
			s.catchAt = time.Time{}
			s.raft.Term, s.raft.Nodes = g.term, g.saved
			if c.check(s, s.raft.save(s.m.Dirs["raft"])) {
				c.publish(g, []*session{s})
			}
		}
	}
}

// publish gives the leader's log to those controllers. Each writes it in the
// format of its own version.
func (c *Cluster) publish(g *group, to []*session) {
	for _, s := range to {
		if s != g.leader {
			s.cat = g.leader.cat.clone()
			s.cat.Format = s.m.Version
		}
		c.check(s, s.cat.save(s.m.Dirs["dfsMetaDir"]))
	}
}

// commit makes an entry of the log, and returns when a majority has it. Nothing
// is changed when there is none.
func (c *Cluster) commit(g *group, change func(*catalogue)) error {
	var level []*session
	for _, s := range c.members(g) {
		if s.cat.level(g.leader.cat) {
			level = append(level, s)
		}
	}
	if !g.majority(len(level)) {
		return errNoQuorum
	}
	change(g.leader.cat)
	g.leader.cat.Index++
	c.publish(g, level)
	return nil
}

// leaderOf is who leads the group that a process belongs to, or nil.
func (c *Cluster) leaderOf(s *session) *session {
	if g := c.groupOf(s); g != nil {
		return g.leader
	}
	return nil
}

// groupOf is the group that a process belongs to, or nil. That of a process that
// is no controller has it on its list; one with a leader comes first.
func (c *Cluster) groupOf(s *session) *group {
	if s.m.Mode == Controller {
		return s.group
	}
	var found *group
	for _, g := range c.groups {
		if slices.Contains(g.nodes, s.node()) && (found == nil || found.leader == nil) {
			found = g
		}
	}
	return found
}

// saveNodes keeps another node list. It is gone by after a restart.
func (c *Cluster) saveNodes(g *group, list []string) error {
	nodes := parseNodes(list)
	if len(nodes) != len(list) {
		return fmt.Errorf("invalid nodes: every line must be of the form ip:port:alias,mode")
	}
	g.saved = list
	for _, s := range c.members(g) {
		s.raft.Nodes = list
		if !c.check(s, s.raft.save(s.m.Dirs["raft"])) {
			continue
		}
		if path := s.m.Dirs["nodesFile"]; path != "" {
			mode := os.FileMode(0o644)
			if fi, err := os.Stat(path); err == nil {
				mode = fi.Mode().Perm()
			}
			c.check(s, site.Replace(path, []byte("localSite,mode\n"+strings.Join(list, "\n")+"\n"), mode))
		}
	}
	return nil
}
