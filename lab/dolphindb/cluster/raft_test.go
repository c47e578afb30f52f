package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepgate/lab/dolphindb/script"
)

// Facts 1.1: a new leader 8 to 16 s after the last one is lost, by a majority of
// the configured controllers.
func TestALeaderIsElectedByAMajority(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.start("ctl1")
	w.pass(time.Minute)
	w.led("alone", "")
	w.start("ctl2")
	w.pass(electionMin - 200*time.Millisecond)
	w.led("too early", "")
	w.pass(400 * time.Millisecond)
	w.led("elected", "ctl1")
	w.start("ctl3")
	w.pass(catchUp)
	w.stop("ctl1")
	w.led("at once", "")
	if got := w.must("ctl2", "getActiveMaster"); got != "" {
		t.Errorf("getActiveMaster() without a leader: %q", got)
	}
	w.pass(electionMin + time.Second)
	w.led("after ctl1 is gone", "ctl2")
	w.stop("ctl2")
	w.pass(time.Minute)
	w.led("one of three", "")
}

func TestTheElectionTakesUpToTwiceItsTick(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.c.roll = func(n int64) int64 { return n - 1 }
	w.start("ctl1", "ctl2", "ctl3")
	w.pass(electionMax - time.Second)
	w.led("too early", "")
	w.pass(time.Second)
	if l := w.leader(); l == "" {
		t.Fatal("nobody leads")
	}
}

// Facts 1.3: cluster.nodes has to be equal on every server that has a controller.
func TestControllersWithOtherListsDontFormOneGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	for i, alias := range []string{"ctl1", "ctl2", "ctl3"} {
		m := w.member(alias)
		m.Nodes = append([]Node(nil), w.nodes...)
		for range i { // each has another node too few
			m.Nodes = m.Nodes[:len(m.Nodes)-1]
		}
		if i > 0 && !strings.Contains(listKey(m.Nodes), alias) {
			m.Nodes = append(m.Nodes, w.nodes[3*i:3*i+3]...)
		}
		w.join(m)
	}
	w.pass(time.Minute)
	if l := w.leader(); l != "" {
		t.Errorf("%s leads controllers that don't agree on the nodes", l)
	}
}

// Hazard H20: a list that was edited on one server doesn't count.
func TestTheListOfTheGroupWinsOverAnEditedFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.start("ctl1", "ctl2", "ctl3")
	w.pass(electionMin + catchUp)
	w.stop("ctl3")
	m := w.member("ctl3")
	m.Nodes = append(append([]Node(nil), w.nodes...), Node{"10.10.11.4:8922", "agent4", Agent})
	w.join(m)
	w.pass(catchUp + time.Second)
	got := w.must("ctl3", "getClusterNodesCfg").([]script.Value)
	if len(got) != 9 {
		t.Errorf("the edited list of one server is taken: %v", got)
	}
	if l := w.must("ctl3", "getActiveMaster"); l != "ctl1" {
		t.Errorf("ctl3 doesn't follow: %q", l)
	}
}

// Hazard H20: after a restart of all, the equal files are taken; with the fault,
// what the group keeps is, until saveClusterNodes and another restart.
func TestAStaleNodeList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	all := []string{"ctl1", "ctl2", "ctl3"}
	w.start(all...)
	w.pass(electionMin + catchUp)
	restart := func() int {
		w.stop(all...)
		w.start(all...)
		w.pass(electionMin + catchUp)
		return len(w.must(w.leader(), "getClusterNodesCfg").([]script.Value))
	}
	w.nodes = append(w.nodes, Node{"10.10.11.4:8922", "agent4", Agent})
	if got := restart(); got != 10 {
		t.Fatalf("a restart of all with equal files: %d nodes", got)
	}
	w.fault("ddb-2:nodescfg=stale")
	w.nodes = append(w.nodes, Node{"10.10.11.5:8922", "agent5", Agent})
	if got := restart(); got != 10 {
		t.Fatalf("the stale list has %d nodes", got)
	}
	w.must(w.leader(), "saveClusterNodes", list(lines(w.nodes)...))
	if got := len(w.must(w.leader(), "getClusterNodesCfg").([]script.Value)); got != 11 {
		t.Fatalf("saveClusterNodes kept %d nodes", got)
	}
	if got := len(w.must(w.leader(), "getClusterPerf", true).(*script.Table).Rows); got != 10 {
		t.Fatalf("the new list counts before a restart: %d", got)
	}
	if restart(); len(w.must(w.leader(), "getClusterPerf", true).(*script.Table).Rows) != 11 {
		t.Error("the list is stale after saveClusterNodes and a restart")
	}
}

func TestSaveClusterNodesWritesTheFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	path := filepath.Join(w.dir, "cluster.nodes")
	for _, a := range []string{"ctl1", "ctl2", "ctl3"} {
		m := w.member(a)
		m.Dirs["nodesFile"] = path
		w.join(m)
	}
	w.pass(electionMin + catchUp)
	_, err := w.call("ctl1", "saveClusterNodes", list("10.10.11.1:8921"))
	wantError(t, err, "ip:port:alias,mode")
	w.must("ctl1", "saveClusterNodes", list(lines(w.nodes)...))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "localSite,mode\n" + strings.Join(lines(w.nodes), "\n") + "\n"; string(data) != want {
		t.Errorf("cluster.nodes:\n%s", data)
	}
}

// Facts 4: new controllers with empty directories catch up from the leader.
func TestANewControllerCatchesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.everything()
	w.stock("node1")
	w.put("node1", 10, 1)
	w.stop("ctl1", "ctl2", "ctl3")
	for i := 4; i <= 5; i++ {
		x := string(rune('0' + i))
		w.nodes = append(w.nodes, Node{"10.10.11." + x + ":8921", "ctl" + x, Controller})
	}
	w.start("ctl4", "ctl5", "ctl1")
	w.pass(electionMin + catchUp)
	w.led("though only ctl1 has the log", "ctl1")
	w.stop("ctl1")
	w.start("ctl2")
	w.pass(electionMin + time.Minute)
	w.start("ctl3")
	w.pass(time.Minute)
	if l := w.leader(); l == "" || l == "ctl1" {
		t.Fatalf("%q leads", l)
	}
	w.is("rows", w.ids("node1"), "1")
}

// A majority of controllers without metadata elects one of its own: an empty
// cluster. A controller with a newer log brings the metadata back.
func TestControllersThatLostTheirMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.everything()
	w.stock("node1")
	w.stop("ctl1", "ctl2", "ctl3")
	for _, a := range []string{"ctl1", "ctl2"} {
		for _, dir := range w.member(a).Dirs {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.start("ctl1", "ctl2")
	w.pass(electionMin + time.Second)
	if got := w.must(w.leader(), "existsDatabase", "dfs://stock"); got != false {
		t.Fatal("the databases are still there")
	}
	w.start("ctl3")
	w.pass(electionMin + time.Minute)
	w.led("elected", "ctl3")
	if got := w.must("ctl3", "existsTable", "dfs://stock", "stock"); got != true {
		t.Error("ctl3 lost its metadata")
	}
}

// Facts 2.A, rollback: metadata of a newer version isn't read by an older one.
func TestAnOlderVersionRefusesNewerMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.everything()
	for _, a := range []string{"ctl1", "node1"} {
		w.stop(a)
		m := w.member(a)
		m.Version = newVersion
		w.join(m)
		w.stop(a)
		_, err := w.c.join(w.member(a), w.now)
		var refused *Refused
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "2.00.8.12") {
			t.Errorf("%s of the old version: %v", a, err)
		}
	}
}

func TestTheFaultyControllerTellsItsOldVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.start("ctl1")
	w.stop("ctl1")
	m := w.member("ctl1")
	m.Version = newVersion
	w.join(m)
	if got := w.must("ctl1", "version"); got != newVersion {
		t.Errorf("version %q", got)
	}
	w.fault("ddb-1:version=old")
	if got := w.must("ctl1", "version"); got != oldVersion {
		t.Errorf("with the fault, version %q", got)
	}
}

func TestTheLeaderCanBeChosen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.fault("ddb-3:leader=here")
	w.start("ctl1", "ctl2", "ctl3")
	w.pass(electionMin + time.Second)
	if l := w.leader(); l != "ctl3" {
		t.Errorf("%q leads", l)
	}
}

// Hazard H12: the databases survive the loss of the raft directories.
func TestWithoutTheRaftDirectories(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	all := []string{"ctl1", "ctl2", "ctl3"}
	for range 3 { // terms
		w.start(all...)
		w.pass(electionMin + catchUp)
		w.stop(all...)
	}
	for _, a := range all {
		if err := os.RemoveAll(w.member(a).Dirs["raft"]); err != nil {
			t.Fatal(err)
		}
	}
	w.everything()
	w.stock("node1")
	w.put("node1", 1, 1)
	if l := w.leader(); l != "ctl1" {
		t.Errorf("%q leads", l)
	}
}

// Facts 1.3: each controller has a dfsMetaDir of its own.
func TestDirectoriesAreNotShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.start("ctl1")
	m := w.member("ctl2")
	m.Dirs["dfsMetaDir"] = w.member("ctl1").Dirs["dfsMetaDir"]
	_, err := w.c.join(m, w.now)
	wantError(t, err, "is in use by ctl1")
}

// Facts 1.3: without dfsHAMode=Raft there is no group: each controller is a
// master by itself.
func TestControllersWithoutRaftAreMastersEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	delete(w.cfg, "dfsHAMode")
	w.start("ctl1", "ctl2")
	w.pass(electionMin + time.Second)
	for _, a := range []string{"ctl1", "ctl2"} {
		if got := w.must(a, "getActiveMaster"); got != a {
			t.Errorf("%s has the master %q", a, got)
		}
		alive := 0
		for _, r := range w.must(a, "getClusterPerf", true).(*script.Table).Rows {
			alive += int(r[4].(int64))
		}
		if alive != 1 {
			t.Errorf("%s hears %d nodes", a, alive)
		}
	}
}

// Hazard H26: old copies of two controllers, started beside the moved ones, are a
// majority of the old list: they lead a cluster of their own.
func TestOldCopiesThatAreStartedLeadAClusterOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	moved := w.nodes
	w.nodes = append([]Node(nil), moved...)
	for i, n := range w.nodes { // all on one machine, before
		w.nodes[i].Addr = "10.10.11.1" + n.Addr[strings.IndexByte(n.Addr, ':'):len(n.Addr)-1] + string(rune('0'+i))
	}
	old := map[string]Member{}
	for _, a := range []string{"ctl2", "ctl3"} {
		old[a] = w.member(a)
		old[a].Dirs["dfsMetaDir"] += "-old"
		old[a].Dirs["raft"] += "-old"
	}
	w.nodes = moved
	w.everything()
	w.stock("node1")
	if _, err := w.c.join(old["ctl2"], w.now); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	if got := w.c.Leader("10.10.11.1:8923"); got != "" {
		t.Fatalf("one old copy of three follows %q", got)
	}
	if _, err := w.c.join(old["ctl3"], w.now); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	if got := w.c.Leader("10.10.11.1:8923"); got != "ctl2" {
		t.Errorf("the old copies are led by %q", got)
	}
	if got := w.must("ctl1", "getActiveMaster"); got != "ctl1" {
		t.Errorf("the cluster is led by %q", got)
	}
	w.put("node1", 1, 1)
	w.is("rows", w.ids("node3"), "1")
}
