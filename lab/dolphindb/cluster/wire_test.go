package cluster

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"stepgate/lab/dolphindb/script"
)

// served is a world on a real connection, with the clock that it has in a lab.
func served(t *testing.T) (w *world, addr string) {
	t.Helper()
	w = newWorld(t, 3)
	w.s.Speed = 1000
	w.c.now = time.Now
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.c.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w, ln.Addr().String()
}

func joinBy(t *testing.T, addr string, m Member) *Link {
	t.Helper()
	l, err := Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if err := l.Join(m); err != nil {
		t.Fatalf("%s: %v", m.Alias, err)
	}
	return l
}

// until asks again and again until the script prints want.
func until(t *testing.T, addr, site, src, want string) {
	t.Helper()
	var out, scriptErr string
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		out, scriptErr, err = Eval(addr, site, admin, defaultPassword, src)
		if err == nil && scriptErr == "" && strings.TrimSpace(out) == want {
			return
		}
	}
	t.Fatalf("%s on %s: %q %q %v, want %q", src, site, out, scriptErr, err, want)
}

// Facts 1.1 and 1.5: from empty directories to a table that is read, over the wire.
func TestAClusterOverTheWire(t *testing.T) {
	t.Parallel()
	w, addr := served(t)
	for _, a := range []string{"ctl1", "ctl2", "ctl3"} {
		joinBy(t, addr, w.member(a))
	}
	leader := "10.10.11.1:8920"
	until(t, addr, leader, "getActiveMaster()", "ctl1")
	_, scriptErr, err := Eval(addr, leader, admin, defaultPassword, "startDataNode([\"node1\"])")
	if err != nil || !strings.Contains(scriptErr, "agent does not exist") {
		t.Errorf("without an agent: %q %v", scriptErr, err)
	}
	agents := map[string]*Link{}
	for _, a := range []string{"agent1", "agent2", "agent3"} {
		agents[a] = joinBy(t, addr, w.member(a))
	}
	_, scriptErr, err = Eval(addr, leader, admin, defaultPassword, `startDataNode(["node1", "10.10.11.2:8922", "node3"])`)
	if err != nil || scriptErr != "" {
		t.Fatalf("startDataNode: %q %v", scriptErr, err)
	}
	nodes := map[string]*Link{}
	for a, l := range agents {
		o := <-l.Orders()
		if want := strings.Replace(a, "agent", "node", 1); !o.Start || o.Alias != want || o.Mode != DataNode {
			t.Errorf("%s is told %+v", a, o)
		}
		nodes[o.Alias] = joinBy(t, addr, w.member(o.Alias))
	}
	until(t, addr, "node2", "print(size(pnodeRun(version)))", "3")
	until(t, addr, "node1", "exec sum(state) from rpc(getControllerAlias(), getClusterPerf)", "6")
	out, scriptErr, err := Eval(addr, "node2", admin, defaultPassword, `
db = database("dfs://stock", VALUE, 2023.01.01..2023.01.10, engine="TSDB")
t = table(1:0, `+"`time`name`id"+`, [TIMESTAMP, SYMBOL, INT])
pt = db.createPartitionedTable(t, "stock", "time", sortColumns="name")
tableInsert(pt, table([2023.01.10T10:00:00.000] as time, `+"[`a]"+` as name, [1] as id))
print(exec max(id) from loadTable("dfs://stock", "stock"))`)
	if err != nil || scriptErr != "" || out != "1\n1\n" { // what was inserted, and what is read
		t.Fatalf("a table made and read: %q %q %v", out, scriptErr, err)
	}
	until(t, addr, "node1", `print(exec count(*) from rpc(getControllerAlias(), getClusterChunksStatus) where state != "COMPLETE")`, "0")
	if err := nodes["node3"].Bye(); err != nil {
		t.Fatal(err)
	}
	nodes["node1"].Close() // killed
	until(t, addr, leader, `print(exec name from getClusterPerf(true) where mode = 0 and state = 1)`, `["node2"]`)
	_, _, err = Eval(addr, "10.10.11.3:8922", "", "", "1")
	if err == nil || !strings.Contains(err.Error(), "no process") {
		t.Errorf("asked of a process that is gone: %v", err)
	}
}

func TestARefusalIsALineForTheLog(t *testing.T) {
	t.Parallel()
	w, addr := served(t)
	m := w.member("ctl1")
	m.Version = newVersion
	l := joinBy(t, addr, m)
	if err := l.Bye(); err != nil {
		t.Fatal(err)
	}
	if _, open := <-l.Orders(); open {
		t.Error("an order after the end")
	}
	l, err := Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = l.Join(w.member("ctl1"))
	var refused *Refused
	if !errors.As(err, &refused) || !strings.Contains(refused.Line, "DFS metadata") {
		t.Errorf("the old version: %v", err)
	}
}

// A process whose disk fails loses its connection, and nobody else suffers.
func TestAProcessWithoutADiskEnds(t *testing.T) {
	t.Parallel()
	w, addr := served(t)
	joinBy(t, addr, w.member("ctl1"))
	joinBy(t, addr, w.member("ctl2"))
	m := w.member("ctl3")
	l := joinBy(t, addr, m)
	until(t, addr, "ctl1", "getActiveMaster()", "ctl1")
	if err := os.RemoveAll(m.Dirs["dfsMetaDir"]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.Dirs["dfsMetaDir"], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.c.mu.Lock()
	g := w.c.session("ctl1").group
	w.c.tick(g, time.Now()) // ctl3 may still be catching up
	err := w.c.commit(g, func(*catalogue) {})
	w.c.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	for range l.Orders() {
		t.Error("an order for a controller")
	}
	until(t, addr, "ctl2", "getActiveMaster()", "ctl1")
}

// Facts 1.5 and 4: what is refused where, and in which words.
func TestWhoMayAskWhatWhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.everything()
	for _, tc := range []struct {
		site, user, password, src, want string // want is in the error; empty: none
	}{
		{"ctl1", "", "", "getActiveMaster()", ""},
		{"ctl3", "", "", "getActiveMaster()", ""},
		{"node1", "", "", "getActiveMaster()", "Only master or single mode supports function getActiveMaster"},
		{"ctl2", "", "", "getClusterPerf(true)", "Only master or single mode supports function getClusterPerf"},
		{"node1", "", "", "getClusterPerf(true)", "Only master or single mode supports function getClusterPerf"},
		{"node1", "", "", "rpc(getControllerAlias(), getClusterPerf, true)", ""},
		{"ctl2", admin, defaultPassword, `startDataNode(["node1"])`, "<NotLeader>10.10.11.1:8920:ctl1"},
		{"ctl1", "", "", `startDataNode(["node1"])`, "Only administrators can execute function startDataNode"},
		{"ctl1", admin, defaultPassword, `startDataNode(["node9"])`, "The node [node9] does not exist."},
		{"ctl1", admin, "wrong", "1", "The user name or password is incorrect."},
		{"node1", "", "", `login("admin", "wrong")`, "The user name or password is incorrect."},
		{"node1", "", "", `database("dfs://x", VALUE, 1..3)`, "Not granted to create or delete databases"},
		{"node1", "", "", `select * from loadTable("dfs://x", "y")`, "No access to table [dfs://x/y]"},
		{"node1", admin, defaultPassword, `select * from loadTable("dfs://x", "y")`, "path does not exist"},
		{"node1", admin, defaultPassword, `database("dfs://x")`, "does not exist"},
		{"node1", admin, defaultPassword, `db = database("dfs://x", VALUE, 1..3)`, ""},
		{"node1", admin, defaultPassword, `db = database("dfs://x", VALUE, 1..3)`, ""},
		{"node1", admin, defaultPassword, `db = database("dfs://x", VALUE, 7..9)`, "another partition scheme"},
		{"node1", admin, defaultPassword, `dropDatabase("dfs://x")`, ""},
		{"node1", admin, defaultPassword, `dropDatabase("dfs://x")`, "does not exist"},
		{"node1", "", "", "getNoSuchThing()", "getNoSuchThing"},
	} {
		_, got, err := w.c.eval(context.Background(), tc.site, tc.user, tc.password, tc.src)
		if err != nil || tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s on %s: %q %v, want %q", tc.src, tc.site, got, err, tc.want)
		}
	}
}

// Facts 1.1 and 2.F: an agent counts when it is registered and has the leader
// among its sites.
func TestAnAgentHasToKnowTheLeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.start("ctl1", "ctl2", "ctl3")
	w.pass(electionMin + time.Second)
	m := w.member("agent1")
	m.Controller = map[string]string{"sites": "10.10.11.1:8921:agent1:agent,10.10.11.2:8920:ctl2:controller"}
	w.join(m)
	_, err := w.call("ctl1", "startDataNode", list("node1"))
	wantError(t, err, "agent does not exist on 10.10.11.1")
	w.stop("agent1")
	w.start("agent1")
	w.must("ctl1", "startDataNode", list("node1"))
	if o := <-w.up["agent1"].orders; o.Alias != "node1" {
		t.Errorf("order %+v", o)
	}
	w.fault("ddb-1:startnode=fail")
	w.must("ctl1", "startDataNode", "node1")
	if n := len(w.up["agent1"].orders); n > 0 {
		t.Error("the order was passed on in spite of the fault")
	}
	w.nodes = append(w.nodes, Node{"10.10.11.1:8930", "node4", DataNode})
	w.must("ctl1", "saveClusterNodes", list(lines(w.nodes)...))
	_, err = w.call("ctl1", "startDataNode", list("node4"))
	wantError(t, err, "does not exist") // until a restart
	w.must("ctl1", "addAgentToController", "10.10.11.9", int64(8921), "agent9")
	if rows := w.must("ctl1", "getClusterPerf").(*script.Table).Rows; rows[len(rows)-1][11] != "agent9" {
		t.Errorf("the agent isn't registered: %v", rows)
	}
}

// Facts 1.3: three forms of keys in cluster.cfg.
func TestSettingsOfClusterCfg(t *testing.T) {
	t.Parallel()
	cfg := map[string]string{
		"maxMemSize": "8", "node1.volumes": "/ssd/1", "node%.volumes": "/ssd/<ALIAS>", "node?.workerNum": "4", "workerNum": "2",
	}
	for _, tc := range []struct{ alias, key, want string }{
		{"node1", "volumes", "/ssd/1"},
		{"node22", "volumes", "/ssd/node22"},
		{"node2", "workerNum", "4"},
		{"node22", "workerNum", "2"},
		{"node1", "maxMemSize", "8"},
		{"node1", "other", ""},
	} {
		if got, ok := Setting(cfg, tc.alias, tc.key); got != tc.want || ok != (tc.want != "") {
			t.Errorf("%s of %s: %q %v, want %q", tc.key, tc.alias, got, ok, tc.want)
		}
	}
}

func TestNodesOfClusterNodes(t *testing.T) {
	t.Parallel()
	for line, ok := range map[string]bool{
		"172.0.0.1:9901:controller1,controller":                    true,
		"172.0.0.3:9909:node3,datanode172.0.0.2:9905:agent2,agent": false, // hazard H4
		"172.0.0.1:9907:":                 false, // hazard H3
		"ode1,datanode":                   false,
		"172.0.0.1:9907:node1,datanode\r": false, // hazard H5
		"localSite,mode":                  false,
		"":                                false,
	} {
		n, got := ParseNode(line)
		if got != ok || ok && n.String() != line {
			t.Errorf("%q: %v %v", line, n, got)
		}
	}
}

func TestSuspendedRecoveryWaits(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.must("ctl1", "suspendRecovery")
	w.stop("node1")
	w.put("node2", 9, 4)
	w.put("node2", 10, 5)
	w.start("node1")
	w.pass(10 * time.Minute)
	if got := w.states(); !strings.Contains(got, recovering) {
		t.Errorf("while suspended: %s", got)
	}
	tasks := w.must("ctl1", "getRecoveryTaskStatus").(*script.Table).Rows
	if len(tasks) == 0 || tasks[0][5] != "node1" || tasks[0][6] != "Waiting" {
		t.Errorf("tasks: %v", tasks)
	}
	w.must("ctl1", "resumeRecovery")
	w.pass(time.Minute)
	if tasks = w.must("ctl1", "getRecoveryTaskStatus").(*script.Table).Rows; len(tasks) > 0 {
		t.Errorf("tasks that are left: %v", tasks)
	}
	w.is("resumed", w.states(), "COMPLETE 4")
}
