package openmldb

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Operation types as showopstatus prints them.
const (
	changeLeaderOp   = "kChangeLeaderOP"
	offlineReplicaOp = "kOfflineReplicaOP"
	reAddReplicaOp   = "kReAddReplicaOP"
	updateStatusOp   = "kUpdatePartitionStatusOP"
	reloadOp         = "kReLoadTableOP"
	addReplicaOp     = "kAddReplicaOP"
	delReplicaOp     = "kDelReplicaOP"
)

// Operation states.
const (
	inited   = "kInited"
	doing    = "kDoing"
	done     = "kDone"
	failed   = "kFailed"
	canceled = "kCanceled"
)

// taskConcurrency is the nameserver's name_server_task_concurrency.
const taskConcurrency = 2

// op is one asynchronous operation of the nameserver.
type op struct {
	ID     int       `json:"id"`
	Type   string    `json:"type"`
	DB     string    `json:"db"`
	Name   string    `json:"name"`
	PID    int       `json:"pid"`
	Target string    `json:"target"`         // endpoint, or auto
	Gone   string    `json:"gone,omitempty"` // of an automatic change of leader: the tablet that went
	Status string    `json:"status"`
	Task   string    `json:"task"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end,omitzero"`
	Due    time.Time `json:"due,omitzero"`
}

func (o *op) duration() time.Duration {
	switch o.Type {
	case offlineReplicaOp, updateStatusOp:
		return 300 * time.Millisecond
	case delReplicaOp:
		return 500 * time.Millisecond
	case addReplicaOp:
		return 2 * time.Second
	}
	return time.Second
}

func (o *op) open() bool { return o.Status == inited || o.Status == doing }

func (o *op) row(now time.Time) []string {
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Local().Format("20060102150405")
	}
	end := o.End
	if o.open() {
		end = now
	}
	took := "-"
	if o.Status != inited && o.Status != canceled {
		took = strconv.Itoa(int(end.Sub(o.Start).Seconds())) + "s"
	}
	task := "-"
	if o.Status == doing {
		task = o.Task
	}
	return []string{
		strconv.Itoa(o.ID), o.Type, o.Name, strconv.Itoa(o.PID), o.Status,
		stamp(o.Start), took, stamp(o.End), task, "-",
	}
}

func (c *Cluster) addOp(kind string, t *table, p *partition, target, gone string, now time.Time) *op {
	id := 1
	if n := len(c.state.Ops); n > 0 {
		id = c.state.Ops[n-1].ID + 1
	}
	o := &op{
		ID: id, Type: kind, DB: t.DB, Name: t.Name, PID: p.ID, Target: target, Gone: gone,
		Status: inited, Task: "-", Start: now,
	}
	c.state.Ops = append(c.state.Ops, o)
	c.dirty = true
	return o
}

// runOps finishes what is due and starts what may start: in order within a
// partition, and never more than taskConcurrency at once.
func (c *Cluster) runOps(now time.Time) {
	running := 0
	for _, o := range c.state.Ops {
		if o.Status != doing {
			continue
		}
		if !now.Before(o.Due) {
			c.finish(o, now)
		}
		if o.Status == doing {
			running++
		}
	}
	busy := map[string]bool{}
	for _, o := range c.state.Ops {
		if !o.open() {
			continue
		}
		key := fmt.Sprint(o.DB, " ", o.Name, " ", o.PID)
		if o.Status == inited && !busy[key] && running < taskConcurrency {
			c.begin(o, now)
			running++
		}
		busy[key] = true
	}
}

func (c *Cluster) begin(o *op, now time.Time) {
	o.Status, o.Due = doing, now.Add(c.site.Scaled(o.duration()))
	c.dirty = true
	switch o.Type {
	case changeLeaderOp:
		o.Task = "kChangeLeader"
	case offlineReplicaOp, delReplicaOp:
		o.Task = "kDelReplica"
	case updateStatusOp:
		o.Task = "kUpdatePartitionStatus"
	default:
		o.Task = "kLoadTable"
	}
	_, p := c.state.find(o.DB, o.Name, strconv.Itoa(o.PID))
	if p == nil {
		return
	}
	switch o.Type {
	case addReplicaOp:
		if p.on(o.Target) == nil {
			p.Replicas = append(p.Replicas, &replica{Endpoint: o.Target, State: loading})
		}
	case reAddReplicaOp, reloadOp:
		if r := p.on(o.Target); r != nil && c.present(o.Target) && r.State != normal {
			r.State = loading
		}
	}
}

// present says whether the tablet is connected now.
func (c *Cluster) present(endpoint string) bool {
	s := c.session("tablet", endpoint)
	return s != nil && s.lost.IsZero()
}

// slowLoad is how long a tablet that loads slowly takes for all its partitions,
// before the scaling.
const slowLoad = time.Minute

// loads says whether a tablet gets partitions loaded.
func (c *Cluster) loads(endpoint string, now time.Time) bool {
	switch c.faultAt(endpoint, "recover") {
	case "never":
		return false
	case "slow":
		return now.Sub(c.state.Tablets[endpoint].Since) >= c.site.Scaled(slowLoad)
	}
	return true
}

// finishLoads ends the loads that tablets were told to do.
func (c *Cluster) finishLoads(now time.Time) {
	for _, t := range c.state.Tables {
		for _, p := range t.Partitions {
			for _, r := range p.Replicas {
				if r.Asked && c.loads(r.Endpoint, now) {
					r.Asked, c.dirty = false, true
					if r.State == loading {
						r.State = normal
					}
				}
			}
		}
	}
}

// stuck says whether an operation never ends: the tablet that it is for hangs on
// to its task.
func (c *Cluster) stuck(o *op, p *partition) bool {
	if l := p.leader(); l != nil && o.Type == changeLeaderOp && c.faultAt(l.Endpoint, "op") == "stuck" {
		return true
	}
	return c.faultAt(o.Target, "op") == "stuck"
}

// finish applies an operation's effect. A load that is held up by a fault stays
// kDoing.
func (c *Cluster) finish(o *op, now time.Time) {
	ok := true
	_, p := c.state.find(o.DB, o.Name, strconv.Itoa(o.PID))
	switch {
	case p == nil:
		ok = false
	case c.stuck(o, p):
		return
	default:
		switch o.Type {
		case changeLeaderOp:
			ok = c.moveLeader(o, p)
		case offlineReplicaOp, updateStatusOp:
			if r := p.on(o.Target); r != nil {
				r.Alive = false
			}
		case delReplicaOp:
			p.drop(o.Target)
		case addReplicaOp:
			// The tablet can't take it: its memory is used up.
			if c.faultAt(o.Target, "addreplica") == "fail" {
				p.drop(o.Target)
				ok = false
				break
			}
			fallthrough
		default:
			if c.present(o.Target) && !c.loads(o.Target, now) {
				return
			}
			ok = c.load(p, o.Target)
		}
	}
	o.Status, o.End = done, now
	if !ok {
		o.Status = failed
	}
	c.dirty = true
}

func (c *Cluster) load(p *partition, endpoint string) bool {
	r := p.on(endpoint)
	if r == nil || !c.present(endpoint) {
		return false
	}
	r.State, r.Alive = normal, true
	return true
}

// drop takes a follower away.
func (p *partition) drop(endpoint string) {
	p.Replicas = slices.DeleteFunc(p.Replicas, func(r *replica) bool { return r.Endpoint == endpoint && !r.Leader })
}

// moveLeader gives a partition's lead to the target, or to its first healthy
// follower. The old leader is out until it is recovered.
func (c *Cluster) moveLeader(o *op, p *partition) bool {
	old := p.leader()
	if o.Gone != "" && (old == nil || old.Endpoint != o.Gone) {
		return true // somebody moved it before
	}
	if old != nil && c.faultAt(old.Endpoint, "changeleader") == "fail" || c.faultAt(o.Target, "changeleader") == "fail" {
		return false
	}
	var next *replica
	for _, r := range p.Replicas {
		if r != old && c.alive(r) && (o.Target == "auto" || r.Endpoint == o.Target) {
			next = r
			break
		}
	}
	if next == nil {
		return false
	}
	if old != nil {
		old.Leader, old.Alive = false, false
	}
	next.Leader = true
	return true
}
