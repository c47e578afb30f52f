package script_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/lab/dolphindb/script"
)

// cluster is three data nodes and a controller whose tables are in memory.
type cluster struct {
	tables   map[string]*script.Table
	user     string
	leader   string
	versions map[string]string
}

// node is one of them, as a script sees it.
type node struct {
	*cluster
	alias string
}

func newCluster() *cluster {
	at := func(s string) time.Time {
		t, _ := time.Parse("2006.01.02T15:04:05.000", s)
		return t
	}
	return &cluster{
		leader:   "HActl44",
		versions: map[string]string{"node43": "2.00.8.12 2023.01.10", "node44": "2.00.7.4 2022.12.08", "node45": "2.00.7.4 2022.12.08"},
		tables: map[string]*script.Table{"dfs://stock/stock": {
			Cols: []string{"time", "name", "id"}, Types: []string{"TIMESTAMP", "SYMBOL", "INT"},
			Rows: [][]script.Value{
				{at("2023.01.10T10:00:01.000"), "Apple", int64(1)},
				{at("2023.01.10T10:00:02.000"), "Meta", int64(2)},
				{at("2023.01.10T10:00:05.500"), "Apple", int64(3)},
			},
		}},
	}
}

func (c *cluster) on(alias string) node { return node{c, alias} }

func (n node) Alias() string { return n.alias }

func (n node) Now() time.Time {
	return time.Date(2023, 1, 10, 10, 0, 6, 123456789, time.FixedZone("CST", 8*3600))
}

func (n node) Login(user, password string) error {
	if password != "123456" {
		return errors.New("The user name or password is incorrect.")
	}
	n.user = user
	return nil
}

func (n node) Controller() (script.Env, error) {
	if n.leader == "" {
		return nil, errors.New("Can't find the controller: there is no leader.")
	}
	return n.on(n.leader), nil
}

func (n node) DataNodes() (out []script.Env) {
	for a := range n.versions {
		out = append(out, n.on(a))
	}
	return out
}

func (n node) Table(db, name string) (*script.Table, error) {
	t := n.tables[db+"/"+name]
	if t == nil {
		return nil, errors.New("getFileBlocksMeta on path '/" + strings.TrimPrefix(db, "dfs://") + "/" + name + ".tbl' failed, reason: path does not exist")
	}
	return t, nil
}

func (n node) Append(db, name string, rows *script.Table) error {
	t, err := n.Table(db, name)
	if err == nil {
		t.Rows = append(t.Rows, rows.Rows...)
	}
	return err
}

func (n node) Call(name string, args []script.Value) (script.Value, error) {
	switch name {
	case "version":
		if v := n.versions[n.alias]; v != "" {
			return v, nil
		}
		return "2.00.7.4 2022.12.08", nil
	case "getControllerAlias", "getActiveMaster":
		return n.leader, nil
	case "getConfig":
		if args[0] == "dfsMetaDir" {
			return "/home/dolphindb/server/clusterDemo/data/" + n.alias + "/dfsMeta", nil
		}
		return "/home/dolphindb/server/clusterDemo/data/" + n.alias + "/storage", nil
	case "getClusterPerf":
		if n.alias != n.leader {
			return nil, errors.New("Only master or single mode supports function getClusterPerf")
		}
		return &script.Table{Cols: []string{"name", "mode", "state"}, Rows: [][]script.Value{{"node43", 0, 1}, {"node44", 0, 0}}}, nil
	case "getClusterChunksStatus":
		return &script.Table{Cols: []string{"chunkId", "state"}, Rows: [][]script.Value{
			{"5c3bd88f-8a13-4b5b-a8a5-5a0c5e1ff9bd", "COMPLETE"}, {"91b4e3a1-1f6c-4c0d-b5dc-9fb9fdd0e0c1", "RECOVERING"},
		}}, nil
	case "startDataNode":
		return nil, nil
	case "database":
		return args[0], nil
	case "createPartitionedTable":
		t := args[1].(*script.Table)
		n.tables[args[0].(string)+"/"+args[2].(string)] = &script.Table{Cols: t.Cols, Types: t.Types}
		return nil, nil
	}
	return nil, errors.New("the test knows no " + name)
}

// run is what the client shows: the output, and the message on a line of its own.
func run(c *cluster, alias, src string) string {
	var b strings.Builder
	if err := script.Run(src, c.on(alias), &b); err != nil {
		b.WriteString("! " + err.Error() + "\n")
	}
	return b.String()
}

// sortedRows puts the rows below the dashes in order: that of nodes isn't stable.
func sortedRows(s string) string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	if len(lines) > 2 {
		slices.Sort(lines[2:])
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestSmoke(t *testing.T) {
	want := "" +
		"node   value               \n" +
		"------ --------------------\n" +
		"node43 2.00.8.12 2023.01.10\n" +
		"node44 2.00.7.4 2022.12.08 \n" +
		"node45 2.00.7.4 2022.12.08 \n"
	if got := sortedRows(run(newCluster(), "node43", "pnodeRun(version)")); got != want {
		t.Fatalf("got\n%s", got)
	}
}
