package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"stepgate/lab/dolphindb/script"
	"stepgate/lab/site"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	oldVersion = "2.00.7.4 2022.12.08"
	newVersion = "2.00.8.12 2023.01.10"
)

// world is a cluster whose clock is moved by hand.
type world struct {
	t     testing.TB
	c     *Cluster
	s     *site.Site
	now   time.Time
	nodes []Node
	cfg   map[string]string
	up    map[string]*session // by alias
	dir   string
}

// newWorld has n machines with a controller, an agent and a data node each.
func newWorld(t testing.TB, n int) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "cluster")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{
		t: t, dir: dir, up: map[string]*session{}, now: time.Date(2023, 1, 10, 12, 0, 0, 0, time.UTC),
		s:   &site.Site{Dir: dir, Speed: 1},
		cfg: map[string]string{"dfsHAMode": "Raft", "dfsReplicationFactor": "2", "dfsReplicaReliabilityLevel": "1"},
	}
	for i := 1; i <= n; i++ {
		w.s.Hosts = append(w.s.Hosts, site.Host{Name: fmt.Sprintf("ddb-%d", i), Groups: []string{"server"}})
		for port, mode := range []string{Controller, Agent, DataNode} {
			w.nodes = append(w.nodes, Node{fmt.Sprintf("10.10.11.%d:892%d", i, port), fmt.Sprintf("%s%d", short[mode], i), mode})
		}
	}
	w.reopen()
	w.c.Booted()
	return w
}

var short = map[string]string{Controller: "ctl", Agent: "agent", DataNode: "node"}

func (w *world) reopen() {
	c, err := Open(w.s, w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	c.now = func() time.Time { return w.now }
	c.roll = func(int64) int64 { return 0 }
	w.c, w.up = c, map[string]*session{}
}

// member is what the process of that alias comes with.
func (w *world) member(alias string) Member {
	for _, n := range w.nodes {
		if n.Alias != alias {
			continue
		}
		i := alias[len(alias)-1:]
		m := Member{Host: "ddb-" + i, Mode: n.Mode, Alias: alias, IP: n.ip(), Version: oldVersion, Controller: w.cfg}
		if _, err := fmt.Sscan(n.Addr[strings.IndexByte(n.Addr, ':')+1:], &m.Port); err != nil {
			w.t.Fatal(err)
		}
		data := filepath.Join(w.dir, m.Host, alias)
		switch n.Mode {
		case Controller:
			m.Nodes = w.nodes
			m.Dirs = map[string]string{"dfsMetaDir": filepath.Join(data, "dfsMeta"), "raft": filepath.Join(data, "raft")}
		case Agent:
			var sites []string
			for _, c := range w.nodes {
				if c.Mode == Controller {
					sites = append(sites, c.Site()+":"+Controller)
				}
			}
			m.Controller = map[string]string{"sites": strings.Join(sites, ",")}
		case DataNode:
			m.Dirs = map[string]string{"chunkMetaDir": filepath.Join(data, "storage"), "volumes": filepath.Join(data, "volumes")}
		}
		return m
	}
	w.t.Fatalf("no %q", alias)
	return Member{}
}

// is compares what is seen with what should be.
func (w *world) is(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// led compares who leads with who should; "" is nobody. The test ends when it's
// another one.
func (w *world) led(when, want string) {
	w.t.Helper()
	if l := w.leader(); l != want {
		w.t.Fatalf("%s: %q leads, want %q", when, l, want)
	}
}

func (w *world) start(aliases ...string) {
	w.t.Helper()
	for _, a := range aliases {
		w.join(w.member(a))
	}
}

func (w *world) join(m Member) {
	w.t.Helper()
	s, err := w.c.join(m, w.now)
	if err != nil {
		w.t.Fatalf("%s: %v", m.Alias, err)
	}
	w.up[m.Alias] = s
}

func (w *world) stop(aliases ...string) {
	for _, a := range aliases {
		w.c.leave(w.up[a], w.now)
		delete(w.up, a)
	}
}

// pass lets time go by as the lab's clock does, step by step.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	step := 100 * time.Millisecond
	if d > time.Minute {
		step = time.Second
	}
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(step)
		if err := w.c.Advance(w.now); err != nil {
			w.t.Fatal(err)
		}
	}
}

// everything starts all, and waits until all is well.
func (w *world) everything() {
	w.t.Helper()
	for _, n := range w.nodes {
		if n.Mode != DataNode {
			w.start(n.Alias)
		}
	}
	w.pass(electionMin + catchUp)
	for _, n := range w.nodes {
		if n.Mode == DataNode {
			w.start(n.Alias)
		}
	}
	w.pass(10 * time.Second)
}

func (w *world) node(alias string) *node {
	return &node{c: w.c, ctx: context.Background(), s: w.up[alias], user: admin}
}

// call asks a process without waiting for anything.
func (w *world) call(alias, name string, args ...script.Value) (script.Value, error) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n := w.node(alias)
	n.ctx = ctx
	return n.Call(name, args)
}

func (w *world) must(alias, name string, args ...script.Value) script.Value {
	w.t.Helper()
	v, err := w.call(alias, name, args...)
	if err != nil {
		w.t.Fatalf("%s on %s: %v", name, alias, err)
	}
	return v
}

func list(words ...string) []script.Value {
	out := make([]script.Value, len(words))
	for i, x := range words {
		out[i] = x
	}
	return out
}

// stock makes dfs://stock/stock with partitions by day.
func (w *world) stock(via string) {
	w.t.Helper()
	var days []script.Value
	for d := 1; d <= 10; d++ {
		days = append(days, script.Date{Time: time.Date(2023, 1, d, 0, 0, 0, 0, time.UTC)})
	}
	db := w.must(via, "database", "dfs://stock", "VALUE", days, nil, "TSDB")
	like := &script.Table{Cols: []string{"time", "name", "id"}, Types: []string{"TIMESTAMP", "SYMBOL", "INT"}}
	w.must(via, "createPartitionedTable", db, like, "stock", "time", nil, "name")
}

// insert writes one row for a day of January, without waiting.
func (w *world) insert(via string, day, id int) error {
	rows := &script.Table{Cols: []string{"time", "name", "id"}, Rows: [][]script.Value{
		{time.Date(2023, 1, day, 9, 30, 0, 0, time.UTC), "a", int64(id)},
	}}
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.advance(w.now)
	return w.c.write(w.up[via], "dfs://stock", "stock", rows, w.now)
}

func (w *world) put(via string, day, id int) {
	w.t.Helper()
	if err := w.insert(via, day, id); err != nil {
		w.t.Fatalf("insert %d: %v", id, err)
	}
}

// ids are those of dfs://stock/stock, in the order of their partitions.
func (w *world) ids(via string) string {
	t, err := w.node(via).Table("dfs://stock", "stock")
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, r := range t.Rows {
		out = append(out, fmt.Sprint(r[2]))
	}
	return strings.Join(out, " ")
}

// states counts the chunks in each state, as the leader tells them.
func (w *world) states() string {
	w.t.Helper()
	leader := w.leader()
	if leader == "" {
		return "no leader"
	}
	t := w.must(leader, "getClusterChunksStatus").(*script.Table)
	count := map[string]int{}
	for _, r := range t.Rows {
		count[r[6].(string)]++
	}
	var out []string
	for _, k := range sortedKeys(count) {
		out = append(out, fmt.Sprintf("%s %d", k, count[k]))
	}
	return strings.Join(out, ", ")
}

func (w *world) leader() string {
	for _, n := range w.nodes {
		if s := w.up[n.Alias]; s != nil && n.Mode == Controller {
			if l := w.c.Leader(s.site); l != "" {
				return l
			}
		}
	}
	return ""
}

func (w *world) fault(spec string) {
	w.t.Helper()
	var kinds []site.FaultKind
	for _, f := range Faults {
		for i, v := range f.Values {
			kinds = append(kinds, site.FaultKind{What: f.What, Value: v, Means: f.Meaning[i]})
		}
	}
	if err := w.s.SetFault(kinds, spec); err != nil {
		w.t.Fatal(err)
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}
