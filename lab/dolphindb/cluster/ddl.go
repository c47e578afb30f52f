package cluster

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/lab/dolphindb/script"
)

func dfsPath(db string) string { return strings.TrimPrefix(db, "dfs:/") }

// newChunk is a chunk without a version. Its id is one that no chunk has had: a
// data node may still hold what was dropped while it was away.
func newChunk(cat *catalogue, d *database, t *table, value string) *chunk {
	k := &chunk{DB: d.Path, Path: dfsPath(d.Path) + "/domain"}
	if t != nil {
		k.Table, k.Path = t.Name, dfsPath(d.Path)+"/"+t.Name+".tbl"
	}
	if value != "" {
		k.Value, k.Path = value, dfsPath(d.Path)+"/"+value+"/"+t.Tag
	}
	h := sha256.Sum256(fmt.Appendf(nil, "%s %d", k.Path, cat.LastCID))
	k.ID = fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
	return k
}

// newFile adds a file that describes a database or a table. Like any chunk it
// has replicas.
func (c *Cluster) newFile(g *group, cat *catalogue, d *database, t *table, on []*session, now time.Time) {
	k := newChunk(cat, d, t, "")
	cat.advance(k, 0, now)
	k.Size = 60 + len(k.Path)
	cat.Chunks = append(cat.Chunks, k)
	for _, s := range on {
		if c.check(s, s.store.create(k.ID, k.Version)) {
			s.ready[k.ID] = true
			k.Replicas = append(k.Replicas, s.m.Alias)
		}
	}
}

// createDatabase opens a database, and makes it when it isn't there and a scheme
// is given.
func (c *Cluster) createDatabase(g *group, args []script.Value, now time.Time) (script.Value, error) {
	if g == nil || g.leader == nil {
		return nil, errNoLeader
	}
	path, ok := text(args, 0)
	if !ok || !strings.HasPrefix(path, "dfs://") || len(path) == len("dfs://") {
		return nil, failf("The directory of a distributed database must start with dfs://")
	}
	path = strings.TrimSuffix(path, "/")
	kind, _ := text(args, 1)
	d := g.leader.cat.db(path)
	if kind == "" {
		if d == nil {
			return nil, failf("The database [%s] does not exist.", path)
		}
		return path, nil
	}
	if !slices.Contains([]string{valuePartition, rangePartition, hashPartition}, kind) {
		return nil, failf("The partition type %s isn't supported.", kind)
	}
	if len(args) < 3 {
		return nil, failf("The partition scheme is missing.")
	}
	values, err := scheme(kind, args[2])
	if err != nil {
		return nil, err
	}
	if d != nil {
		if d.Kind != kind || !contains(d.Values, values) {
			return nil, failf("The database [%s] exists already with another partition scheme.", path)
		}
		return path, nil
	}
	on, err := c.place(g)
	if err != nil {
		return nil, err
	}
	engine, _ := text(args, 4)
	if engine == "" {
		engine = "OLAP"
	}
	err = c.commit(g, func(cat *catalogue) {
		d := &database{Path: path, Kind: kind, Values: values, Engine: engine}
		cat.DBs = append(cat.DBs, d)
		c.newFile(g, cat, d, nil, on, now)
	})
	return path, err
}

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// createTable is createPartitionedTable(db, table, tableName, partitionColumns,
// compressMethods, sortColumns).
func (c *Cluster) createTable(g *group, args []script.Value, now time.Time) error {
	if g == nil || g.leader == nil {
		return errNoLeader
	}
	path, _ := text(args, 0)
	d := g.leader.cat.db(path)
	if d == nil {
		return failf("The database [%s] does not exist.", path)
	}
	var like *script.Table
	if len(args) > 1 {
		like, _ = args[1].(*script.Table)
	}
	name, _ := text(args, 2)
	by := words(args, 3)
	switch {
	case like == nil || name == "":
		return failf("Usage: createPartitionedTable(dbHandle, table, tableName, partitionColumns, [compressMethods], [sortColumns]).")
	case d.table(name) != nil:
		return failf("The table [%s] already exists in database [%s].", name, path)
	case len(by) != 1 || !slices.Contains(like.Cols, by[0]):
		return failf("The partition columns %v aren't columns of the table.", by)
	}
	t := &table{Name: name, Cols: like.Cols, Types: columnTypes(like), Partition: by[0], Sort: words(args, 5)}
	if d.Engine == "TSDB" && len(t.Sort) == 0 {
		return failf("The sortColumns parameter must be specified for the TSDB engine.")
	}
	if !contains(t.Cols, t.Sort) {
		return failf("The sort columns %v aren't columns of the table.", t.Sort)
	}
	t.Tag = tag(len(d.Tables))
	on, err := c.place(g)
	if err != nil {
		return err
	}
	return c.commit(g, func(cat *catalogue) {
		d.Tables = append(d.Tables, t)
		c.newFile(g, cat, d, t, on, now)
	})
}

// tag is the physical index of a table: 1, 2, … in base 62.
func tag(n int) string {
	const digits = "123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	out := ""
	for ; n >= len(digits); n /= len(digits) {
		out = string(digits[n%len(digits)]) + out
	}
	return string(digits[n]) + out
}

// columnTypes are the types of a table's columns; where the script doesn't tell,
// they come from the first value.
func columnTypes(t *script.Table) []string {
	out := make([]string, len(t.Cols))
	for i := range out {
		if i < len(t.Types) && t.Types[i] != "" {
			out[i] = t.Types[i]
			continue
		}
		out[i] = "STRING"
		for _, row := range t.Rows {
			if row[i] != nil {
				out[i] = script.Kind(row[i])
				break
			}
		}
	}
	return out
}

// remove drops a table, or with an empty name a database with all of its tables.
func (c *Cluster) remove(g *group, path, name string) error {
	if g == nil || g.leader == nil {
		return errNoLeader
	}
	d := g.leader.cat.db(path)
	switch {
	case d == nil:
		return failf("The database [%s] does not exist.", path)
	case name != "" && d.table(name) == nil:
		return failf("The table [%s] does not exist in database [%s].", name, path)
	}
	dropped := func(k *chunk) bool { return k.DB == path && (name == "" || k.Table == name) }
	var chunks []*chunk
	err := c.commit(g, func(cat *catalogue) {
		for _, k := range cat.Chunks {
			if dropped(k) {
				chunks = append(chunks, k)
			}
		}
		cat.Chunks = slices.DeleteFunc(cat.Chunks, dropped)
		if name == "" {
			cat.DBs = slices.DeleteFunc(cat.DBs, func(o *database) bool { return o == d })
			return
		}
		d.Tables = slices.DeleteFunc(d.Tables, func(t *table) bool { return t.Name == name })
	})
	if err != nil {
		return err
	}
	for _, k := range chunks {
		for _, s := range c.replicas(g, k) {
			delete(s.ready, k.ID)
			c.check(s, s.store.drop(k.ID))
		}
	}
	return nil
}

func text(args []script.Value, i int) (string, bool) {
	if i >= len(args) {
		return "", false
	}
	s, ok := args[i].(string)
	return s, ok
}

// words reads a name or a vector of them.
func words(args []script.Value, i int) []string {
	if i >= len(args) {
		return nil
	}
	switch v := args[i].(type) {
	case string:
		return []string{v}
	case []script.Value:
		var out []string
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}
