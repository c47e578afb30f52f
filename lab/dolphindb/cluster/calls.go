package cluster

import (
	"slices"
	"strings"
	"time"

	"stepgate/lab/dolphindb/script"
)

// call is a function of the server.
type call struct {
	do    func(q *question) (script.Value, error)
	where place
	admin bool // not for guests
	waits bool // as a write does
}

// place is where a function may be called.
type place int

const (
	anywhere place = iota
	onController
	onLeader
	onDataNode
)

// question is a call with what it is asked of.
type question struct {
	c    *Cluster
	s    *session
	g    *group
	name string
	args []script.Value
	now  time.Time
	user string
}

// calls are the functions of the server that there are.
var calls = map[string]call{
	"version":            {do: (*question).version},
	"getNodeAlias":       {do: func(q *question) (script.Value, error) { return q.s.m.Alias, nil }},
	"getNodeHost":        {do: func(q *question) (script.Value, error) { return q.s.m.IP, nil }},
	"getNodePort":        {do: func(q *question) (script.Value, error) { return int64(q.s.m.Port), nil }},
	"getNodeType":        {do: func(q *question) (script.Value, error) { return modeNumber(q.s.m.Mode), nil }},
	"getControllerAlias": {do: (*question).controllerAlias},
	"getConfig":          {do: (*question).config},
	"getActiveMaster":    {do: (*question).activeMaster, where: onController},

	"getClusterPerf":         {do: (*question).clusterPerf, where: onLeader},
	"getClusterChunksStatus": {do: (*question).chunksStatus, where: onLeader},
	"getClusterNodesCfg":     {do: (*question).nodesCfg, where: onController},
	"saveClusterNodes":       {do: (*question).saveNodes, where: onLeader, admin: true},
	"addAgentToController":   {do: (*question).addAgent, where: onLeader, admin: true},
	"startDataNode":          {do: (*question).startNodes, where: onLeader, admin: true},
	"stopDataNode":           {do: (*question).stopNodes, where: onLeader, admin: true},
	"suspendRecovery":        {do: func(q *question) (script.Value, error) { return q.suspend(true) }, where: onController, admin: true},
	"resumeRecovery":         {do: func(q *question) (script.Value, error) { return q.suspend(false) }, where: onController, admin: true},
	"getRecoveryTaskStatus":  {do: (*question).recoveryTasks, where: onLeader},
	"triggerNodeReport":      {do: (*question).triggerReport, where: onLeader, admin: true},

	"forceCorrectVersionByReplica": {do: (*question).forceVersion, where: onLeader, admin: true},

	"getAllChunks":  {do: func(q *question) (script.Value, error) { return q.chunks(false) }, where: onDataNode},
	"getChunksMeta": {do: func(q *question) (script.Value, error) { return q.chunks(true) }, where: onDataNode},

	"database": {do: func(q *question) (script.Value, error) {
		if len(q.args) > 1 && q.args[1] != nil && q.user != admin {
			return nil, failf("Not granted to create or delete databases")
		}
		return q.c.createDatabase(q.g, q.args, q.now)
	}, waits: true},
	"createPartitionedTable": {do: func(q *question) (script.Value, error) {
		return nil, q.c.createTable(q.g, q.args, q.now)
	}, admin: true, waits: true},
	"dropDatabase": {do: (*question).drop, admin: true, waits: true},
	"dropTable":    {do: (*question).drop, admin: true, waits: true},

	"existsDatabase":         {do: (*question).existsDatabase},
	"existsTable":            {do: (*question).existsTable},
	"getClusterDFSTables":    {do: (*question).dfsTables},
	"getClusterDFSDatabases": {do: (*question).dfsDatabases},
	"getDFSDatabases":        {do: (*question).dfsDatabases},
	"getDFSTablesByDatabase": {do: (*question).dfsTables},
}

// Has implements [script.Library].
func (n *node) Has(name string) bool {
	_, ok := calls[name]
	return ok || name == "sleep" || name == "logout"
}

// Call implements [script.Env].
func (n *node) Call(name string, args []script.Value) (script.Value, error) {
	switch name {
	case "sleep":
		return nil, n.sleep(args)
	case "logout":
		n.user = ""
		return nil, nil
	}
	f, ok := calls[name]
	if !ok {
		return nil, failf("The function [%s] isn't defined.", name)
	}
	var out script.Value
	ask := func(g *group, now time.Time) (err error) {
		q := &question{n.c, n.s, g, name, args, now, n.user}
		if err = q.allowed(f); err == nil {
			out, err = f.do(q)
		}
		return err
	}
	if f.waits {
		err := n.retry(ask)
		return out, err
	}
	g, now, err := n.enter()
	defer n.c.mu.Unlock()
	if err == nil {
		err = ask(g, now)
	}
	return out, err
}

func (q *question) allowed(f call) error {
	mode := q.s.m.Mode
	switch {
	case f.where == onController && mode != Controller, f.where == onLeader && mode != Controller:
		return failf("Only master or single mode supports function %s", q.name)
	case f.where == onDataNode && mode != DataNode:
		return failf("Only data node or single mode supports function %s", q.name)
	case f.where == onLeader && q.g.leader == nil:
		return errNoLeader
	case f.where == onLeader && q.g.leader != q.s && q.name == "getClusterPerf":
		return failf("Only master or single mode supports function %s", q.name)
	case f.where == onLeader && q.g.leader != q.s:
		return failf("<NotLeader>%s", q.g.leader.node().Site())
	case f.admin && q.user != admin && strings.Contains(strings.ToLower(q.name), "database"), f.admin && q.user != admin && strings.HasSuffix(q.name, "Table"):
		return failf("Not granted to create or delete databases")
	case f.admin && q.user != admin:
		return failf("Only administrators can execute function %s", q.name)
	}
	return nil
}

// sleep takes milliseconds.
func (n *node) sleep(args []script.Value) error {
	var ms int64
	if len(args) == 1 {
		ms, _ = args[0].(int64)
	}
	if ms <= 0 {
		return failf("The argument of sleep must be a positive number of milliseconds.")
	}
	timer := time.NewTimer(n.c.site.Scaled(time.Duration(ms) * time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-n.ctx.Done():
		return n.ctx.Err()
	}
}

// suspend stops and resumes copying between replicas. It counts on the leader, so
// that each controller of the group has to be told; a restart forgets it.
func (q *question) suspend(on bool) (script.Value, error) {
	q.s.suspended = on
	return nil, nil
}

func (q *question) version() (script.Value, error) {
	if q.s.m.Mode == Controller && q.c.fault(q.s, "version") == "old" {
		return q.c.state.First[q.s.m.Alias], nil
	}
	return q.s.m.Version, nil
}

// controllerAlias is the leader as the node last knew it.
func (q *question) controllerAlias() (script.Value, error) {
	switch {
	case q.g == nil:
		return "", nil
	case q.g.leader != nil:
		return q.g.leader.m.Alias, nil
	}
	return q.g.last, nil
}

func (q *question) activeMaster() (script.Value, error) {
	if q.g.leader == nil {
		return "", nil
	}
	return q.g.leader.m.Alias, nil
}

// config is getConfig(): all, or with a key that one. Keys that aren't set are NULL.
func (q *question) config() (script.Value, error) {
	m := q.s.m
	all := map[string]script.Value{"mode": m.Mode, "localSite": q.s.node().Site(), "version": m.Version}
	own := m.Controller
	if m.Mode == DataNode || m.Mode == ComputeNode {
		own = map[string]string{}
		for k := range m.Cluster {
			name := k[strings.IndexByte(k, '.')+1:]
			if v, ok := Setting(m.Cluster, m.Alias, name); ok {
				own[name] = v
			}
		}
	}
	for k, v := range own {
		all[k] = v
	}
	for k, v := range m.Dirs {
		all[k] = v
	}
	key, ok := text(q.args, 0)
	if !ok {
		return all, nil
	}
	return all[key], nil
}

func (q *question) nodesCfg() (script.Value, error) {
	list := q.g.saved
	if !q.g.formed {
		list = lines(q.g.nodes)
	}
	out := make([]script.Value, len(list))
	for i, l := range list {
		out[i] = l
	}
	return out, nil
}

func (q *question) saveNodes() (script.Value, error) {
	return nil, q.c.saveNodes(q.g, words(q.args, 0))
}

// addAgent registers an agent at once.
func (q *question) addAgent() (script.Value, error) {
	ip, _ := text(q.args, 0)
	alias, ok := text(q.args, 2)
	if len(q.args) != 3 || !ok {
		return nil, failf("Usage: addAgentToController(host, port, alias).")
	}
	port, ok := keyOf(q.args[1])
	n, valid := ParseNode(ip + ":" + port + ":" + alias + "," + Agent)
	if !ok || !valid {
		return nil, failf("Usage: addAgentToController(host, port, alias).")
	}
	if slices.ContainsFunc(q.g.nodes, func(o Node) bool { return o.Alias == alias || o.Addr == n.Addr }) {
		return nil, failf("The node [%s] exists already.", alias)
	}
	q.g.nodes = append(slices.Clone(q.g.nodes), n)
	return nil, q.c.saveNodes(q.g, append(slices.Clone(q.g.saved), n.String()))
}

func (q *question) drop() (script.Value, error) {
	path, _ := text(q.args, 0)
	name := ""
	if q.name == "dropTable" {
		name, _ = text(q.args, 1)
		if name == "" {
			return nil, failf("Usage: dropTable(dbHandle, tableName).")
		}
	}
	return nil, q.c.remove(q.g, strings.TrimSuffix(path, "/"), name)
}

func (q *question) catalogue() (*catalogue, error) {
	if q.g == nil || q.g.leader == nil {
		return nil, errNoLeader
	}
	return q.g.leader.cat, nil
}

func (q *question) existsDatabase() (script.Value, error) {
	cat, err := q.catalogue()
	if err != nil {
		return nil, err
	}
	path, _ := text(q.args, 0)
	return cat.db(strings.TrimSuffix(path, "/")) != nil, nil
}

func (q *question) existsTable() (script.Value, error) {
	cat, err := q.catalogue()
	if err != nil {
		return nil, err
	}
	path, _ := text(q.args, 0)
	name, _ := text(q.args, 1)
	return cat.db(strings.TrimSuffix(path, "/")).table(name) != nil, nil
}

func (q *question) dfsTables() (script.Value, error) {
	cat, err := q.catalogue()
	if err != nil {
		return nil, err
	}
	only, _ := text(q.args, 0)
	var out []string
	for _, d := range cat.DBs {
		for _, t := range d.Tables {
			if q.user == admin && (only == "" || only == d.Path) {
				out = append(out, d.Path+"/"+t.Name)
			}
		}
	}
	return sorted(out), nil
}

func (q *question) dfsDatabases() (script.Value, error) {
	cat, err := q.catalogue()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range cat.DBs {
		if q.user == admin {
			out = append(out, d.Path)
		}
	}
	return sorted(out), nil
}

func sorted(list []string) []script.Value {
	slices.Sort(list)
	out := make([]script.Value, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
