package openmldb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer is what a nameserver, tablet or SQL statement says: a line of text, or
// a table.
type answer struct {
	Text   string     `json:"text,omitempty"`
	Header []string   `json:"header,omitempty"`
	Rows   [][]string `json:"rows,omitempty"`
}

func say(format string, args ...any) answer { return answer{Text: fmt.Sprintf(format, args...)} }

// nsCommand is what the leader answers to a command of the ns_client.
func (c *Cluster) nsCommand(words []string, db string, now time.Time) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(now)
	defer c.advance(now)
	arg := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch arg(0) {
	case "showns":
		return c.showNS()
	case "showtablet":
		return c.showTablet(now)
	case "showdb":
		return c.showDB()
	case "showtable":
		return c.showTable(db, arg(1))
	case "showopstatus":
		return c.showOps(db, arg(1), arg(2), now)
	case "confget":
		if k := arg(1); k != "" && k != "auto_failover" {
			return say("failed to conf get. error msg: failed to get %s", k)
		}
		return answer{Header: []string{"key", "value"}, Rows: [][]string{{"auto_failover", strconv.FormatBool(c.state.AutoFailover)}}}
	case "confset":
		if arg(1) != "auto_failover" || (arg(2) != "true" && arg(2) != "false") {
			return say("failed to set %s. error msg: invalid parameter", arg(1))
		}
		c.state.AutoFailover, c.dirty = arg(2) == "true", true
		return say("set auto_failover ok")
	case "changeleader":
		return c.askOp(changeLeaderOp, db, words, now)
	case "recovertable":
		return c.askOp(reAddReplicaOp, db, words, now)
	case "addreplica":
		return c.askOp(addReplicaOp, db, words, now)
	case "delreplica":
		return c.askOp(delReplicaOp, db, words, now)
	case "updatetablealive":
		return c.updateAlive(db, words)
	case "cancelop":
		return c.cancelOp(arg(1), now)
	}
	return say("unsupported cmd")
}

func (c *Cluster) showNS() answer {
	a := answer{Header: []string{"endpoint", "real_endpoint", "role"}}
	leader := c.leader()
	for _, s := range c.sessions {
		if s.role != "nameserver" || s != leader && !s.lost.IsZero() {
			continue
		}
		role := "standby"
		if s == leader {
			role = "leader"
		}
		a.Rows = append(a.Rows, []string{s.endpoint, "-", role})
	}
	return a
}

func (c *Cluster) showTablet(now time.Time) answer {
	a := answer{Header: []string{"endpoint", "real_endpoint", "state", "age"}}
	for _, ep := range c.tabletEndpoints() {
		t := c.state.Tablets[ep]
		health := "kOffline"
		if t.Healthy {
			health = "kHealthy"
		}
		a.Rows = append(a.Rows, []string{ep, "-", health, age(now.Sub(t.Since))})
	}
	return a
}

func (c *Cluster) tabletEndpoints() []string {
	var out []string
	for ep := range c.state.Tablets {
		out = append(out, ep)
	}
	slices.Sort(out)
	return out
}

// age is a duration in the client's one unit.
func age(d time.Duration) string {
	switch {
	case d >= 24*time.Hour:
		return strconv.Itoa(int(d.Hours()/24)) + "d"
	case d >= time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h"
	case d >= time.Minute:
		return strconv.Itoa(int(d.Minutes())) + "m"
	}
	return strconv.Itoa(int(d.Seconds())) + "s"
}

func (c *Cluster) showDB() answer {
	a := answer{Header: []string{"#", "Databases"}}
	for _, t := range c.state.Tables {
		if slices.Contains(internalDBs, t.DB) || slices.ContainsFunc(a.Rows, func(r []string) bool { return r[1] == t.DB }) {
			continue
		}
		a.Rows = append(a.Rows, []string{strconv.Itoa(len(a.Rows)), t.DB})
	}
	return a
}

func (c *Cluster) showTable(db, name string) answer {
	a := answer{Header: []string{"name", "tid", "pid", "endpoint", "role", "is_alive", "offset", "record_cnt", "memused", "diskused"}}
	for _, t := range c.state.Tables {
		if db != "" && t.DB != db || name != "" && t.Name != name {
			continue
		}
		for _, p := range t.Partitions {
			for _, r := range p.Replicas {
				role, alive := "follower", "no"
				if r.Leader {
					role = "leader"
				}
				if c.alive(r) {
					alive = "yes"
				}
				rows := strconv.Itoa(int(p.Rows))
				a.Rows = append(a.Rows, []string{
					t.Name, strconv.Itoa(t.ID), strconv.Itoa(p.ID), r.Endpoint, role, alive,
					rows, rows, memory(p.Rows), "0",
				})
			}
		}
	}
	return a
}

// memory is a partition's size in one word: other programs split rows at blanks.
func memory(rows float64) string { return fmt.Sprintf("%.3fKB", rows*0.091) }

func (c *Cluster) showOps(db, name, pid string, now time.Time) answer {
	a := answer{Header: []string{
		"op_id", "op_type", "name", "pid", "status", "start_time", "execute_time", "end_time", "cur_task", "for_replica_cluster",
	}}
	for _, o := range c.state.Ops {
		if db != "" && o.DB != db || name != "" && o.Name != name || pid != "" && strconv.Itoa(o.PID) != pid {
			continue
		}
		a.Rows = append(a.Rows, o.row(now))
	}
	return a
}

// askOp answers `VERB table pid [endpoint]`, the commands that make an operation.
func (c *Cluster) askOp(kind, db string, words []string, now time.Time) answer {
	fail := map[string]string{
		changeLeaderOp: "failed to change leader. error msg: %s",
		reAddReplicaOp: "Fail to recover table. error msg: %s",
		addReplicaOp:   "Fail to addreplica. error msg:%s",
		delReplicaOp:   "Fail to delreplica. error msg:%s",
	}[kind]
	good := map[string]string{
		changeLeaderOp: "change leader ok. If there are writing operations while changing a leader, it may cause data loss.",
		reAddReplicaOp: "recover table ok",
		addReplicaOp:   "AddReplica ok",
		delReplicaOp:   "DelReplica ok",
	}[kind]
	target := "auto"
	if len(words) > 3 {
		target = words[3]
	}
	if len(words) < 3 || len(words) < 4 && kind != changeLeaderOp {
		return say("Bad format")
	}
	if _, err := strconv.ParseUint(words[2], 10, 32); err != nil {
		return say("Invalid args. pid should be uint32_t")
	}
	t, p := c.state.find(db, words[1], words[2])
	if p == nil {
		return say(fail, "table is not exist")
	}
	if why := c.refuses(kind, p, target, now); why != "" {
		return say(fail, why)
	}
	c.addOp(kind, t, p, target, "", now)
	return say("%s", good)
}

// refuses says why the nameserver won't even begin an operation, or "".
func (c *Cluster) refuses(kind string, p *partition, target string, _ time.Time) string {
	r := p.on(target)
	if target != "auto" && !c.present(target) && kind != delReplicaOp {
		return "endpoint is not exist or not healthy"
	}
	switch kind {
	case changeLeaderOp:
		if target == "auto" {
			for _, r := range p.Replicas {
				if !r.Leader && c.alive(r) {
					return ""
				}
			}
			return "no alive follower"
		}
		if r == nil || r.Leader || !c.alive(r) {
			return "change leader failed, candidate_leader is not a healthy follower"
		}
	case addReplicaOp:
		if r != nil {
			return "pid has already on endpoint"
		}
	case delReplicaOp:
		if r == nil {
			return "endpoint has no replica of pid"
		}
		if r.Leader {
			return "endpoint is leader"
		}
	case reAddReplicaOp:
		if r == nil {
			return "endpoint has no replica of pid"
		}
		if c.alive(r) {
			return "status is alive, need not recover"
		}
	}
	return ""
}

func (c *Cluster) updateAlive(db string, words []string) answer {
	if len(words) != 5 || words[4] != "yes" && words[4] != "no" {
		return say("Bad format")
	}
	_, p := c.state.find(db, words[1], words[2])
	if p == nil || p.on(words[3]) == nil {
		return say("Fail to update table alive. error msg: table or endpoint is not exist")
	}
	p.on(words[3]).Alive, c.dirty = words[4] == "yes", true
	return say("update ok")
}

func (c *Cluster) cancelOp(id string, now time.Time) answer {
	for _, o := range c.state.Ops {
		if strconv.Itoa(o.ID) == id && o.Status == inited {
			o.Status, o.End, c.dirty = canceled, now, true
			return say("cancel op ok")
		}
	}
	return say("Fail to cancel op. error msg: op status is not kInited")
}

// tabletCommand is what a tablet answers for its own partitions.
func (c *Cluster) tabletCommand(endpoint string, words []string, now time.Time) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(now)
	defer c.advance(now)
	switch words[0] {
	case "gettablestatus":
		return c.tableStatus(endpoint, words[1:])
	case "loadtable": // name tid pid ttl seg_cnt
		if len(words) < 4 {
			return say("Bad format")
		}
		_, p := c.state.find("", words[1], words[3])
		if p == nil || p.on(endpoint) == nil {
			return say("Fail to LoadTable. error msg: table is not exist")
		}
		r := p.on(endpoint)
		if r.State = normal; !c.loads(endpoint, now) {
			r.State, r.Asked = loading, true
		}
		c.dirty = true
		return say("LoadTable ok")
	}
	return say("unsupported cmd")
}

func (c *Cluster) tableStatus(endpoint string, filter []string) answer {
	a := answer{Header: []string{
		"tid", "pid", "offset", "mode", "state", "enable_expire", "ttl", "ttl_offset", "memused", "compress_type",
	}}
	for _, t := range c.state.Tables {
		for _, p := range t.Partitions {
			r := p.on(endpoint)
			if r == nil || r.State == "" || len(filter) == 2 && strings.Join(filter, "_") != key(t, p) {
				continue
			}
			mode := "kTableFollower"
			if r.Leader {
				mode = "kTableLeader"
			}
			a.Rows = append(a.Rows, []string{
				strconv.Itoa(t.ID), strconv.Itoa(p.ID), strconv.Itoa(int(p.Rows)), mode, r.State,
				"true", "0min", "0s", memory(p.Rows), "kNoCompress",
			})
		}
	}
	return a
}

func key(t *table, p *partition) string { return strconv.Itoa(t.ID) + "_" + strconv.Itoa(p.ID) }
