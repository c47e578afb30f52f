package cluster

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"stepgate/lab/dolphindb/script"
)

// failure of a statement, in DolphinDB's words.
type scriptError string

func (e scriptError) Error() string { return string(e) }

func failf(format string, args ...any) error { return scriptError(fmt.Sprintf(format, args...)) }

// What a write waits for.
var (
	errNoLeader = failf("No leader is available in the raft group of the controllers.")
	errNoQuorum = failf("The controllers' raft group has no quorum.")
)

// unwritable is a chunk that can't be written now.
type unwritable struct{ why string }

func (e *unwritable) Error() string { return e.why }

// waits says whether a write may succeed later without anybody doing anything.
func waits(err error) bool {
	var u *unwritable
	return errors.Is(err, errNoLeader) || errors.Is(err, errNoQuorum) || errors.As(err, &u)
}

// read holds a table's rows as they can be read now.
func (c *Cluster) read(g *group, db, name string) (*script.Table, error) {
	t, err := g.table(db, name)
	if err != nil {
		return nil, err
	}
	out := &script.Table{Cols: t.Cols, Types: t.Types}
	for _, k := range g.leader.cat.chunksOf(db, name) {
		ready := c.readyReplicas(g, k)
		if len(ready) == 0 {
			return nil, failf("No available replica for the chunk FileBlock[%s,%s].", k.Path, k.ID)
		}
		for _, commit := range ready[0].store.visible(k.ID) {
			out.Rows = append(out.Rows, commit.Rows...)
		}
	}
	return out, nil
}

func (g *group) table(db, name string) (*table, error) {
	if g == nil || g.leader == nil {
		return nil, errNoLeader
	}
	t := g.leader.cat.db(db).table(name)
	if t == nil {
		return nil, failf("getFileBlocksMeta on path '%s/%s' failed, reason: path does not exist", dfsPath(db), name)
	}
	return t, nil
}

// write adds rows to a table through a node, whole or not at all.
func (c *Cluster) write(via *session, db, name string, rows *script.Table, now time.Time) error {
	g := c.groupOf(via)
	t, err := g.table(db, name)
	if err != nil {
		return err
	}
	d := g.leader.cat.db(db)
	policy, _ := Setting(via.m.Cluster, via.m.Alias, "newValuePartitionPolicy")
	parts, added, err := split(d, t, rows, policy)
	if err != nil || len(parts) == 0 {
		return err
	}
	targets := map[string][]*session{}
	for _, value := range sortedKeys(parts) {
		if targets[value], err = c.targets(g, db, name, value); err != nil {
			return err
		}
	}
	times := 1
	switch c.strikes(via, "write") {
	case "lost":
		return nil
	case "twice":
		times = 2
	}
	for range times {
		if err := c.store(g, t, d, parts, added, targets, now); err != nil {
			return err
		}
	}
	return nil
}

// split casts rows and sorts them by partition. added are values that the
// database gets as new partitions. Rows without a partition are discarded
// silently, unless the policy says fail: so does the original by default.
func split(d *database, t *table, rows *script.Table, policy string) (parts map[string][][]script.Value, added []string, err error) {
	ragged := slices.ContainsFunc(rows.Rows, func(r []script.Value) bool { return len(r) != len(t.Cols) })
	if len(rows.Cols) != len(t.Cols) || ragged {
		return nil, nil, failf("The number of columns of the table to insert must be the same as that of the original table.")
	}
	by := slices.Index(t.Cols, t.Partition)
	parts = map[string][][]script.Value{}
	for _, row := range rows.Rows {
		out := make([]script.Value, len(row))
		for i, v := range row {
			var ok bool
			if out[i], ok = cast(v, t.Types[i]); !ok {
				return nil, nil, failf("The data type of column [%s] doesn't match: %s is expected.", t.Cols[i], t.Types[i])
			}
		}
		value, ok := d.partition(out[by])
		switch {
		case ok:
		case d.Kind == valuePartition && policy == "add" && out[by] != nil:
			if !slices.Contains(added, value) {
				added = append(added, value)
			}
		case policy == "fail":
			return nil, nil, failf("The partition of the value [%s] doesn't exist.", value)
		default:
			continue
		}
		parts[value] = append(parts[value], out)
	}
	return parts, added, nil
}

// targets are the replicas to which a partition's rows go; none yet for a
// partition without a chunk.
func (c *Cluster) targets(g *group, db, name, value string) ([]*session, error) {
	for _, k := range g.leader.cat.chunksOf(db, name) {
		if k.Value != value {
			continue
		}
		if c.stuck(g, k) {
			return nil, &unwritable{fmt.Sprintf("<ChunkInTransaction>The openChunks operation failed because the chunk '%s' is currently locked by transaction %d.", k.Path, k.Chain[0].CID)}
		}
		ready := c.readyReplicas(g, k)
		if len(ready) == 0 {
			return nil, &unwritable{fmt.Sprintf("<ChunkInRecovery>The openChunks operation failed because the chunk '%s' is currently in recovery.", k.Path)}
		}
		return ready, nil
	}
	nodes, err := c.place(g)
	if err != nil {
		return nil, &unwritable{err.Error()}
	}
	return nodes, nil
}

// place chooses the data nodes for a new chunk: those with the fewest.
func (c *Cluster) place(g *group) ([]*session, error) {
	count := map[string]int{}
	for _, k := range g.leader.cat.Chunks {
		for _, a := range k.Replicas {
			count[a]++
		}
	}
	nodes := c.dataNodes(g)
	slices.SortStableFunc(nodes, func(a, b *session) int { return count[a.m.Alias] - count[b.m.Alias] })
	level := g.setting("dfsReplicaReliabilityLevel", 0)
	want := g.replication()
	var out []*session
	for _, apart := range []bool{true, false} {
		for _, s := range nodes {
			same := slices.ContainsFunc(out, func(o *session) bool { return o.m.IP == s.m.IP })
			if len(out) < want && !slices.Contains(out, s) && !(apart && level > 0 && same) {
				out = append(out, s)
			}
		}
		if level == 1 {
			break
		}
	}
	if len(out) < want {
		return nil, failf("Can't allocate %d replicas of a chunk: there are not enough live data nodes.", want)
	}
	return out, nil
}

// store writes the rows to the replicas, then commits.
func (c *Cluster) store(g *group, t *table, d *database, parts map[string][][]script.Value, added []string, targets map[string][]*session, now time.Time) error {
	var level int
	for _, s := range c.members(g) {
		if s.cat.level(g.leader.cat) {
			level++
		}
	}
	if !g.majority(level) {
		return errNoQuorum
	}
	chunks := map[string]*chunk{}
	for _, value := range sortedKeys(parts) {
		k := g.chunkOf(d, t, value)
		fresh := k == nil
		if fresh {
			k = newChunk(g.leader.cat, d, t, value)
		}
		chunks[value] = k
		for _, s := range targets[value] {
			var err error
			if fresh {
				err = s.store.create(k.ID, 0) // what a write left that wasn't committed goes
			}
			if err == nil {
				err = s.store.add(k.ID, k.Version+1, parts[value])
			}
			if c.check(s, err) {
				s.ready[k.ID] = true
			}
		}
	}
	return c.commit(g, func(cat *catalogue) {
		d.Values = append(d.Values, added...)
		for _, value := range sortedKeys(parts) {
			k := chunks[value]
			if cat.chunk(k.ID) == nil {
				cat.Chunks = append(cat.Chunks, k)
				for _, s := range targets[value] {
					k.Replicas = append(k.Replicas, s.m.Alias)
				}
			}
			cat.advance(k, 0, now)
			g.busy[k.ID] = now.Add(c.scaled(inTransaction))
		}
	})
}

func (g *group) chunkOf(d *database, t *table, value string) *chunk {
	for _, k := range g.leader.cat.Chunks {
		if k.DB == d.Path && k.Table == t.Name && k.Value == value {
			return k
		}
	}
	return nil
}
