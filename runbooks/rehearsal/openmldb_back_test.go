package rehearsal_test

import (
	"regexp"
	"strings"
	"testing"
)

// failover is what auto_failover is.
func (u *upgrade) failover() string {
	u.t.Helper()
	p := u.Cluster.Params
	said := u.On("ns-1", `"`+p["new_package_dir"]+`/bin/openmldb" --zk_cluster=`+p["zk"]+` --zk_root_path=`+p["zk_root"]+` --role=ns_client --interactive=false --cmd='confget auto_failover'`)
	return regexp.MustCompile(`true|false`).FindString(said)
}

// Operations that fail or never end, a ZooKeeper that is away and a leader that is
// lost in the middle.
func TestOpenmldbSurvivesWhatIsStuckOrAway(t *testing.T) {
	t.Parallel()
	u := upgrading(t, []string{"tablet-1:table=single", "tablet-2:addreplica=fail", "tablet-3:addreplica=fail"})

	// H18: the tool can't make the second replica, says so and exits 0.
	u.GoOn().Stopped("failure", "tablets[tablet-1]/pre", "fail the tool reports no error", "fail one line for each leader that had to move", "fail it leads nothing that has another replica")
	u.cleared("tablet-2:addreplica=fail", "tablet-3:addreplica=fail")
	u.undone("tablets[tablet-1]/pre ns-1", "", "y")
	u.GoOn().Stopped("failure", "tablets[tablet-1]/failures", "fail no new failure")
	u.Fault("ns-1:zk=down")
	u.Remedy("skip", "there is room for the second replica")
	u.GoOn().Stopped("failure", "tablets[tablet-2]/before", "ERROR: connect OpenMLDB failed, get ns failed")
	u.Fault("tablet-2:op=stuck")
	u.cleared("ns-1:zk=down")
	u.Remedy("retry")

	// H20: an operation that never ends; H4: the tool is ended, and leaves auto_failover off.
	u.GoOn().Stopped("unknown", "tablets[tablet-2]/pre", "it has taken longer than 8s")
	if got := u.failover(); got != "false" {
		t.Errorf("H4: with the tool ended in the middle auto_failover is %q", got)
	}
	u.cleared("tablet-2:op=stuck")
	u.Fault("ns-1:leader=lost")
	u.stops("tablet-2:start=fail", "tablets[tablet-2]/renew/start", "fail .*Start .* success")
	if got := u.failover(); got != "true" {
		t.Errorf("H4: nobody put auto_failover back: it is %q", got)
	}
}

// A nameserver isn't stopped when it has become the only one.
func TestOpenmldbKeepsANameserver(t *testing.T) {
	t.Parallel()
	u := upgrading(t, []string{"ns-2:version=old"})
	u.GoOn().Stopped("failure", "nameservers[ns-2]/version", "fail its log says so")
	u.cleared("ns-2:version=old")
	u.On("ns-2", "cd '"+u.Host("ns-2").Vars["home"]+"' && bash bin/start.sh restart nameserver")
	u.Remedy("retry")
	u.Stepgate("resume", "--auto").Stopped("gate", "nameservers[ns-1]/stop")
	u.Fault("ns-2:process=killed")
	// H19: it would be the only one.
	u.GoOn().Stopped("failure", "nameservers[ns-1]/stop", "fail another one can take over")
	if did := strings.Join(u.Did("start.sh"), "\n"); strings.Contains(did, "ns-1 stop nameserver") {
		t.Errorf("H19: the only nameserver was stopped:\n%s", did)
	}
}

// A tablet's whole way back: leaders go back to it when its partitions are loaded.
func TestOpenmldbGoesBackTheWholeWay(t *testing.T) {
	t.Parallel()
	u := upgrading(t, []string{"tablet-1:version=old"})
	u.GoOn().Stopped("failure", "tablets[tablet-1]/version", "fail its log says so")
	u.cleared("tablet-1:version=old")
	u.Fault("tablet-1:recover=slow")
	p := u.Sit("resume", "--plain")
	p.Types(p.Reads(`(?s)\n *(\d+) roll back: .*number> `)[1])
	p.Types(p.Reads(`(?s)\n *(\d+) all of them .*how far> `)[1])
	for _, step := range []string{"Start the tablet", "Replace bin", "Stop the tablet", "auto_failover is as it was", "Move the leaders off"} {
		p.Types(p.Reads(`(?s)\nundo: [0-9.]+ ` + step + ` .*\n *(\d+) go: .*number> `)[1])
		p.Reads(`type y to roll back> `)
		p.Types("y")
	}
	p.Reads(`(?s)\nfailure: [0-9.]+ Move the leaders off .*number> `)
	p.Types("q")
	p.Ends()
	loaded, moved := strings.Index(p.Saw(), "pass every partition is loaded"), strings.Index(p.Saw(), "tablets[tablet-1]/pre ns-1 rolling back")
	if loaded < 0 || moved < loaded || strings.Contains(p.Saw(), "get empty table status") {
		t.Errorf("H13: leaders are moved back to partitions that aren't loaded:\n%s", p.Saw())
	}
	if got := u.failover(); got != "true" {
		t.Errorf("H4: after the way back auto_failover is %q", got)
	}
}
