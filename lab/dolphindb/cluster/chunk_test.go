package cluster

import (
	"strings"
	"testing"
	"time"

	"stepgate/lab/dolphindb/script"
)

// ready is a cluster with a table and three rows in two partitions.
func ready(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, 3)
	w.everything()
	w.stock("node1")
	w.put("node1", 9, 1)
	w.put("node2", 10, 2)
	w.put("node3", 10, 3)
	w.pass(time.Second)
	if got := w.states(); got != "COMPLETE 4" {
		t.Fatalf("states: %s", got)
	}
	return w
}

func TestRowsAreReadFromAnyNode(t *testing.T) {
	t.Parallel()
	w := ready(t)
	for _, via := range []string{"node1", "node2", "node3", "ctl1"} {
		if got := w.ids(via); got != "1 2 3" {
			t.Errorf("%s reads %s", via, got)
		}
	}
}

// Hazard H24: with a writer running a chunk is CONSTRUCTING for a moment.
func TestAWrittenChunkIsConstructingForAMoment(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.put("node1", 10, 4)
	w.is("while it is written", w.states(), "COMPLETE 3, CONSTRUCTING 1")
	w.pass(time.Second)
	w.is("afterwards", w.states(), "COMPLETE 4")
}

// Facts 4: a data node that comes back has its chunks RECOVERING until they are
// up to date; the others go on meanwhile, and no row is lost.
func TestANodeThatComesBackRecovers(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.stop("node1")
	w.is("with a node down", w.states(), "COMPLETE 4")
	for i := range 5 {
		w.put("node2", 10, 4+i)
	}
	w.start("node1")
	w.pass(time.Second)
	if got := w.states(); !strings.Contains(got, recovering) {
		t.Errorf("after the node came back: %s", got)
	}
	w.put("node2", 10, 9)
	w.pass(time.Minute)
	w.is("a minute later", w.states(), "COMPLETE 4")
	w.stop("node2")
	w.is("rows without node2", w.ids("node1"), "1 2 3 4 5 6 7 8 9")
}

// Facts 1.5: after a leader change all chunks begin RECOVERING until the data
// nodes report; what can't be written waits.
func TestALeaderChangePutsAllChunksToRecovering(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.stop("ctl1")
	wantError(t, w.insert("node2", 10, 4), errNoLeader.Error())
	if _, err := w.call("node2", "existsDatabase", "dfs://stock"); err == nil {
		t.Error("metadata without a leader")
	}
	w.pass(electionMin + 200*time.Millisecond)
	w.is("after the election", w.states(), "RECOVERING 4")
	err := w.insert("node2", 10, 4)
	wantError(t, err, "in recovery")
	if !waits(err) {
		t.Error("the write doesn't wait for the recovery")
	}
	w.pass(10 * time.Second)
	w.is("ten seconds later", w.states(), "COMPLETE 4")
	w.put("node2", 10, 4)
	w.is("rows", w.ids("node3"), "1 2 3 4")
}

// Facts 1.5: a chunk that stays RECOVERING is repaired by the operator.
func TestAChunkThatNeverRecoversIsRepaired(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.fault("ddb-1:recover=never")
	for _, repair := range []func(){
		func() { w.must("ctl1", "triggerNodeReport", "node1") },
		func() {
			for _, r := range w.must("ctl1", "getClusterChunksStatus").(*script.Table).Rows {
				if r[6] == recovering {
					replicas := strings.Split(r[7].(string), ",")
					other := strings.NewReplacer("node1", "").Replace(strings.Split(replicas[0], ":")[0])
					if other == "" {
						other, _, _ = strings.Cut(replicas[1], ":")
					}
					w.must("ctl1", "forceCorrectVersionByReplica", r[0], other)
				}
			}
		},
	} {
		w.stop("node1")
		for day := range 2 {
			w.put("node2", 9+day, 7)
		}
		w.start("node1")
		w.pass(time.Hour)
		if got := w.states(); !strings.Contains(got, recovering) {
			t.Fatalf("with the fault: %s", got)
		}
		if got := len(w.must("node1", "getAllChunks").(*script.Table).Rows); got == 0 {
			t.Error("the node has no chunks")
		}
		repair()
		w.pass(time.Minute)
		if got := w.states(); strings.Contains(got, recovering) {
			t.Errorf("after the repair: %s", got)
		}
	}
	w.stop("node1")
	w.start("node1")
	w.pass(time.Minute)
	w.fault("ddb-1:recover=")
	w.pass(time.Minute)
	w.is("without the fault", w.states(), "COMPLETE 4")
}

func TestASlowRecoveryTakesMinutes(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.fault("ddb-1:recover=slow")
	w.stop("node1")
	w.start("node1")
	w.pass(recoverSlowly)
	if got := w.states(); !strings.Contains(got, recovering) {
		t.Errorf("after a minute: %s", got)
	}
	w.pass(4 * recoverSlowly)
	w.is("after five", w.states(), "COMPLETE 4")
}

func TestAChunkThatStaysConstructingRefusesWrites(t *testing.T) {
	t.Parallel()
	w := ready(t)
	// Each chunk has two replicas on three nodes, so that one of these has the first.
	w.fault("ddb-1:chunk=constructing")
	w.fault("ddb-2:chunk=constructing")
	w.pass(time.Hour)
	if got := w.states(); !strings.Contains(got, constructing) {
		t.Fatalf("states: %s", got)
	}
	err := w.insert("node1", 9, 4)
	wantError(t, err, "<ChunkInTransaction>")
	w.fault("ddb-1:chunk=")
	w.fault("ddb-2:chunk=")
	w.put("node1", 9, 4)
}

// Facts 4: the observer's row is lost, or doubled.
func TestAWriteIsLostOrDoubledOnce(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.fault("ddb-1:write=lost")
	for id := 4; id <= 6; id++ {
		w.put("node1", 10, id)
	}
	w.fault("ddb-1:write=twice")
	for id := 7; id <= 8; id++ {
		w.put("node1", 10, id)
	}
	w.is("rows", w.ids("node1"), "1 2 3 5 6 7 7 8")
}

// Hazard H23: after dfsRecoveryWaitTime replicas are made elsewhere; when the
// node is back there aren't more than there should be.
func TestALostNodeIsReplacedAfterTheRecoveryWaitTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.cfg["dfsRecoveryWaitTime"] = "30000"
	w.everything()
	w.stock("node1")
	for day := 1; day <= 10; day++ {
		w.put("node1", day, day)
	}
	w.stop("node1")
	w.pass(29 * time.Second)
	w.is("before the time is over", w.states(), "COMPLETE 12")
	w.pass(3 * time.Second)
	if got := w.states(); !strings.Contains(got, recovering) {
		t.Errorf("after it: %s", got)
	}
	w.pass(time.Minute)
	w.stop("node2")
	if got := w.ids("node3"); got != "1 2 3 4 5 6 7 8 9 10" {
		t.Errorf("node3 alone has %s", got)
	}
	w.start("node1", "node2")
	w.pass(2 * time.Minute)
	for _, r := range w.must("ctl1", "getClusterChunksStatus").(*script.Table).Rows {
		if r[8] != int64(2) || r[6] != complete {
			t.Errorf("chunk %s: %v replicas, %s", r[1], r[8], r[6])
		}
	}
}

// Hazard H19: rows of days without a partition are discarded silently, unless
// the configuration says otherwise.
func TestNewPartitions(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.put("node1", 11, 4)
	w.is("rows", w.ids("node1"), "1 2 3")
	for _, tc := range []struct{ policy, want string }{{"fail", "doesn't exist"}, {"add", ""}} {
		w.stop("node1")
		m := w.member("node1")
		m.Cluster = map[string]string{"newValuePartitionPolicy": tc.policy}
		w.join(m)
		if err := w.insert("node1", 11, 5); tc.want != "" {
			wantError(t, err, tc.want)
		} else if err != nil {
			t.Errorf("%s: %v", tc.policy, err)
		}
	}
	w.is("rows", w.ids("node1"), "1 2 3 5")
}

// Facts 1.3: reliability level 1 keeps replicas apart, 2 where it is possible.
func TestReplicasAreKeptApart(t *testing.T) {
	t.Parallel()
	for level, want := range map[string]string{"0": "", "1": "not enough live data nodes", "2": ""} {
		w := newWorld(t, 2)
		w.cfg["dfsReplicaReliabilityLevel"] = level
		for i := range w.nodes { // both data nodes on one machine
			if w.nodes[i].Mode == DataNode {
				w.nodes[i].Addr = "10.10.11.1:893" + string(rune('0'+i))
			}
		}
		w.everything()
		_, err := w.call("node1", "database", "dfs://x", "VALUE", []script.Value{int64(1), int64(2)})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("level %s: %v", level, err)
		}
	}
}
