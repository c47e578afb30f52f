package cluster

import (
	"fmt"
	"slices"
	"strings"

	"stepgate/lab/dolphindb/script"
)

// Numbers of the modes in getClusterPerf.
func modeNumber(mode string) int64 {
	return map[string]int64{DataNode: 0, Agent: 1, Controller: 2, ComputeNode: 4}[mode]
}

// memory that a node is said to use, in bytes.
const memory = 96 << 20

// clusterPerf lists the nodes; with an argument that is true, controllers too.
// state is 1 for those that the leader hears.
func (q *question) clusterPerf() (script.Value, error) {
	all := len(q.args) > 0 && q.args[0] == true
	t := &script.Table{
		Cols: []string{
			"host", "port", "site", "mode", "state", "agentSite", "maxConnections", "maxMemSize", "workerNum",
			"executorNum", "connectionNum", "name", "memoryUsed", "memoryAlloc",
		},
		Types: []string{
			"STRING", "INT", "STRING", "INT", "INT", "STRING", "INT", "DOUBLE", "INT",
			"INT", "INT", "STRING", "LONG", "LONG",
		},
	}
	for _, n := range q.g.nodes {
		if n.Mode == Controller && !all {
			continue
		}
		agent := ""
		if a, ok := q.g.agentOf(n); ok && n.Mode != Controller && n.Mode != Agent {
			agent = a.Site()
		}
		state, used, connections := int64(0), int64(0), int64(0)
		if q.c.hears(q.g, n) != nil {
			state, used, connections = 1, memory, 8
		}
		ip, port, _ := strings.Cut(n.Addr, ":")
		t.Rows = append(t.Rows, []script.Value{
			ip, number(port), n.Site(), modeNumber(n.Mode), state, agent, int64(512), float64(8), int64(4),
			int64(3), connections, n.Alias, used, used + used/4,
		})
	}
	return t, nil
}

func number(s string) int64 {
	var n int64
	if _, err := fmt.Sscan(s, &n); err != nil {
		return 0
	}
	return n
}

// hears is the live process of a node, as far as the leader knows. An agent is
// heard when it has the leader among its sites, a controller when it is in the
// group.
func (c *Cluster) hears(g *group, n Node) *session {
	for _, s := range c.sessions {
		if s.node() != n {
			continue
		}
		switch {
		case n.Mode == Controller && s.group != g:
		case n.Mode == Agent && !knows(s.m.Controller, g.leader.node().Site()):
		default:
			return s
		}
	}
	return nil
}

// knows says whether agent.cfg names a controller.
func knows(cfg map[string]string, site string) bool {
	return cfg["controllerSite"] == site || slices.Contains(strings.Split(cfg["sites"], ","), site+":"+Controller)
}

// agentOf is the registered agent of a node's machine.
func (g *group) agentOf(n Node) (Node, bool) {
	i := slices.IndexFunc(g.nodes, func(a Node) bool { return a.Mode == Agent && a.ip() == n.ip() })
	if i < 0 {
		return Node{}, false
	}
	return g.nodes[i], true
}

// chunksStatus is getClusterChunksStatus.
func (q *question) chunksStatus() (script.Value, error) {
	t := &script.Table{
		Cols: []string{
			"chunkId", "file", "size", "version", "vcLength", "versionChain", "state", "replicas", "replicaCount",
			"lastUpdated", "permission",
		},
		Types: []string{
			"STRING", "STRING", "LONG", "INT", "INT", "STRING", "STRING", "STRING", "INT",
			"TIMESTAMP", "STRING",
		},
	}
	for _, k := range q.g.leader.cat.Chunks {
		var chain strings.Builder
		for _, l := range k.Chain {
			fmt.Fprintf(&chain, "%d:%d:%d:%d -> ", l.CID, l.Size, l.Version, l.SID)
		}
		var replicas []string
		for _, alias := range k.Replicas {
			replicas = append(replicas, q.replica(k, alias))
		}
		t.Rows = append(t.Rows, []script.Value{
			k.ID, k.Path, int64(k.Size), int64(k.Version), int64(len(k.Chain)), chain.String(),
			q.c.stateOf(q.g, k, q.now), strings.Join(replicas, ","), int64(len(k.Replicas)), k.Updated, "READ_WRITE",
		})
	}
	return t, nil
}

// replica is alias:version:corrupted:inResolution:lastReport:volume, with the
// version that the data node has.
func (q *question) replica(k *chunk, alias string) string {
	version := k.Version
	for _, s := range q.c.replicas(q.g, k) {
		if s.m.Alias == alias {
			version = s.store.meta.Versions[k.ID]
		}
	}
	return fmt.Sprintf("%s:%d:0:false:%d:0", alias, version, k.Updated.UnixNano())
}

// recoveryTasks is getRecoveryTaskStatus: what has to be copied to data nodes.
// Tasks that are through aren't kept.
func (q *question) recoveryTasks() (script.Value, error) {
	t := &script.Table{
		Cols:  []string{"TaskId", "TaskType", "ChunkId", "ChunkPath", "Source", "Dest", "Status"},
		Types: []string{"STRING", "STRING", "STRING", "STRING", "STRING", "STRING", "STRING"},
	}
	for _, s := range q.c.dataNodes(q.g) {
		for i, id := range s.queue {
			k := q.g.leader.cat.chunk(id)
			if k == nil || s.store.meta.Versions[id] == k.Version {
				continue
			}
			source, status := "", "Waiting"
			if ready := q.c.readyReplicas(q.g, k); len(ready) > 0 {
				source = ready[0].m.Alias
				if i == 0 && !q.s.suspended && q.c.fault(s, "recover") != "never" {
					status = "In-Progress"
				}
			}
			t.Rows = append(t.Rows, []script.Value{s.m.Alias + "-" + id, "ChunkRecovery", id, k.Path, source, s.m.Alias, status})
		}
	}
	return t, nil
}

// States of a chunk, as a data node has them.
const (
	fin = iota
	beforeCommit
	committed
	waitingForRecovery
	inRecovery
)

// chunks is getAllChunks and getChunksMeta of a data node.
func (q *question) chunks(site bool) (script.Value, error) {
	t := &script.Table{
		Cols:  []string{"chunkId", "path", "dfsPath", "type", "flag", "size", "version", "state", "versionList", "resolved"},
		Types: []string{"STRING", "STRING", "STRING", "INT", "INT", "LONG", "INT", "INT", "STRING", "BOOL"},
	}
	if site {
		t.Cols, t.Types = append([]string{"site"}, t.Cols...), append([]string{"STRING"}, t.Types...)
	}
	cat := &catalogue{}
	if q.g != nil && q.g.leader != nil {
		cat = q.g.leader.cat
	}
	for _, id := range sortedKeys(q.s.store.meta.Versions) {
		k := cat.chunk(id)
		if k == nil {
			continue
		}
		kind, state := int64(0), fin
		if k.tablet() {
			kind = 1
		}
		switch i := slices.Index(q.s.queue, id); {
		case i == 0:
			state = inRecovery
		case i > 0:
			state = waitingForRecovery
		case q.now.Before(q.g.busy[id]):
			state = beforeCommit
		}
		version := q.s.store.meta.Versions[id]
		row := []script.Value{
			id, q.s.store.path(id), k.Path, kind, int64(0), int64(k.Size), int64(version), int64(state),
			fmt.Sprintf("cid : %d,v:%d", k.Chain[0].CID, version), true,
		}
		if site {
			row = append([]script.Value{q.s.m.Alias}, row...)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// named finds a node of the list by alias or ip:port.
func (g *group) named(name string) (Node, bool) {
	i := slices.IndexFunc(g.nodes, func(n Node) bool {
		return (n.Alias == name || n.Addr == name) && (n.Mode == DataNode || n.Mode == ComputeNode)
	})
	if i < 0 {
		return Node{}, false
	}
	return g.nodes[i], true
}

func (q *question) startNodes() (script.Value, error) { return nil, q.order(true) }

func (q *question) stopNodes() (script.Value, error) { return nil, q.order(false) }

// order tells the agents to start or stop nodes. It says nothing of what becomes
// of that.
func (q *question) order(start bool) error {
	names := words(q.args, 0)
	if len(names) == 0 {
		return failf("Usage: %s(nodeAlias).", q.name)
	}
	type task struct {
		agent *session
		order Order
	}
	var tasks []task
	for _, name := range names {
		n, ok := q.g.named(name)
		if !ok {
			return failf("The node [%s] does not exist.", name)
		}
		a, registered := q.g.agentOf(n)
		agent := q.c.hears(q.g, a)
		if !registered || agent == nil {
			return failf("Failed to %s node [%s]: the agent does not exist on %s.", strings.TrimSuffix(q.name, "DataNode"), name, n.ip())
		}
		if start && q.c.hears(q.g, n) != nil {
			continue // it runs
		}
		tasks = append(tasks, task{agent, Order{Start: start, Alias: n.Alias, Site: n.Addr, Mode: n.Mode, Config: q.s.m.Cluster}})
	}
	for _, t := range tasks {
		if start && q.c.fault(t.agent, "startnode") == "fail" {
			continue
		}
		select {
		case t.agent.orders <- t.order:
		default: // an agent that reads none has hung
		}
	}
	return nil
}

// triggerReport is triggerNodeReport(nodeAlias, [chunkId]).
func (q *question) triggerReport() (script.Value, error) {
	alias, _ := text(q.args, 0)
	only := words(q.args, 1)
	for _, s := range q.c.dataNodes(q.g) {
		if s.m.Alias != alias {
			continue
		}
		for _, k := range q.g.leader.cat.Chunks {
			if slices.Contains(k.Replicas, alias) && (len(only) == 0 || slices.Contains(only, k.ID)) {
				s.repaired[k.ID] = true
				q.c.enqueue(s, k.ID, q.now)
			}
		}
		return nil, nil
	}
	return nil, failf("The node [%s] is not alive.", alias)
}

// forceVersion is forceCorrectVersionByReplica(chunkId, nodeAlias): what that
// node has is right.
func (q *question) forceVersion() (script.Value, error) {
	alias, ok := text(q.args, 1)
	if !ok {
		return nil, failf("Usage: %s(chunkId, nodeAlias).", q.name)
	}
	for _, id := range words(q.args, 0) {
		k := q.g.leader.cat.chunk(id)
		if k == nil {
			return nil, failf("The chunk [%s] does not exist.", id)
		}
		live := q.c.replicas(q.g, k)
		i := slices.IndexFunc(live, func(s *session) bool { return s.m.Alias == alias })
		if i < 0 || live[i].store.meta.Versions[id] == 0 {
			return nil, failf("The node [%s] has no replica of the chunk [%s].", alias, id)
		}
		version := live[i].store.meta.Versions[id]
		if err := q.c.commit(q.g, func(cat *catalogue) {
			k.Version = version - 1
			cat.advance(k, k.Size, q.now)
		}); err != nil {
			return nil, err
		}
		for _, s := range live {
			s.repaired[id] = true
			q.c.enqueue(s, id, q.now)
		}
	}
	return nil, nil
}
