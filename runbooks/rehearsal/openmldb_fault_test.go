package rehearsal_test

import (
	"strings"
	"testing"
)

// stops sets a fault, goes on, and expects the run to fail for it at that step.
func (u *upgrade) stops(fault, step string, says ...string) {
	u.t.Helper()
	u.Fault(fault)
	u.GoOn().Stopped("failure", step, says...)
}

// joined waits until the components have found each other again.
func (u *upgrade) joined() {
	u.t.Helper()
	p := u.Cluster.Params
	u.On("ns-1", `for i in $(seq 300); do
  echo 'show components;' | "`+p["new_package_dir"]+`/bin/openmldb" --zk_cluster=`+p["zk"]+` --zk_root_path=`+p["zk_root"]+` --role=sql_client --interactive=false | grep -q master && exit 0
  sleep 0.1
done
exit 1`)
}

// undone has a person roll a step back, as far as far says where there is a choice, and
// run it again: where it has a gate, with that phrase.
func (u *upgrade) undone(cell, far string, phrase ...string) {
	u.t.Helper()
	if far == "" {
		u.Remedy("roll back", "y")
	} else {
		u.Remedy("roll back", far, "y")
	}
	u.Remedy("retry", append([]string{"RERUN " + cell}, phrase...)...)
}

// One fault after the other, each mended by a person before the run goes on, as far as
// the task manager.
func TestOpenmldbGoesOnAfterEachFault(t *testing.T) {
	t.Parallel()
	u := upgrading(t, []string{"tablet-1:table=single"})

	u.stops("ns-2:stop=survive", "nameservers[ns-2]/stop", "fail the process has gone and its port is closed")
	u.cleared("ns-2:stop=survive")
	u.undone("nameservers[ns-2]/stop ns-2", "", "ns-2")
	// H1: it exits 0.
	u.stops("ns-2:start=fail", "nameservers[ns-2]/renew/start", "Start nameserver failed!", "fail .*Start .* success")
	u.cleared("ns-2:start=fail")
	u.Remedy("retry")

	u.stops("tablet-1:preupgrade=fail", "tablets[tablet-1]/pre", "requests.exceptions.ConnectionError")
	if got := u.failover(); got != "true" {
		t.Errorf("H4: the tool died, and auto_failover is %q", got)
	}
	u.cleared("tablet-1:preupgrade=fail")
	u.Remedy("retry")
	u.stops("tablet-2:changeleader=fail", "tablets[tablet-1]/post", "ERROR: change leader failed", "fail the tool reports no error")
	u.cleared("tablet-2:changeleader=fail")
	u.Remedy("retry")
	u.GoOn().Stopped("failure", "tablets[tablet-1]/failures", "fail no new failure")
	u.Remedy("skip", "it went through when it was tried again")
	u.stops("tablet-3:process=killed", "tablets[tablet-2]/pre", "fail all tablets are healthy")
	u.cleared("tablet-3:process=killed")
	u.joined()
	u.Fault("tablet-2:changeleader=fail")
	if said := u.Remedy("retry"); !strings.Contains(said, "ERROR: change leader failed") || !strings.Contains(said, "fail one line for each leader that had to move") {
		t.Errorf("H1, H17: a leader that doesn't move isn't told of:\n%s", said)
	}
	u.GoOn().Stopped("failure", "tablets[tablet-2]/pre")
	u.cleared("tablet-2:changeleader=fail")
	u.undone("tablets[tablet-2]/pre ns-1", "1", "y")
	u.stops("tablet-2:start=hang", "tablets[tablet-2]/renew/start", "curl server status failed", "fail .*Start .* success")
	u.cleared("tablet-2:start=hang")
	u.Fault("tablet-2:recover=never")
	u.undone("tablets[tablet-2]/renew/start tablet-2", "1", "y")
	u.GoOn().Stopped("failure", "tablets[tablet-2]/healthy", "fail nothing is in motion")
	u.cleared("tablet-2:recover=never")
	u.Remedy("retry")
	u.GoOn().Stopped("failure", "tablets[tablet-2]/failures", "fail no new failure")
	u.Remedy("skip", "it went through when it was tried again")

	u.stops("ns-1:stat=away", "tablets[tablet-3]/pre", "No such file")
	u.cleared("ns-1:stat=away")
	u.On("ns-1", `cd "`+u.Cluster.Params["statdir"]+`" && for f in *.away; do mv "$f" "${f%.away}"; done`)
	u.undone("tablets[tablet-3]/pre ns-1", "1", "y")
	u.Fault("tablet-3:recover=slow")
	u.stops("tablet-3:version=old", "tablets[tablet-3]/version", "fail its log says so")
	u.cleared("tablet-3:version=old")
	u.On("tablet-3", "cd '"+u.Host("tablet-3").Vars["home"]+"' && bash bin/start.sh restart tablet")
	u.Fault("ns-1:writes=stuck")
	u.Remedy("retry")
	u.GoOn().Stopped("failure", "writers/growth", "fail .*Rows")
	u.cleared("ns-1:writes=stuck")
	u.Remedy("retry")

	u.stops("api-1:start=fail", "apiservers[api-1]/renew/start", "Start apiserver failed!")
	u.cleared("api-1:start=fail")
	u.Remedy("retry")
	u.stops("task-1:disk=full", "taskmanagers[task-1]/stage", "fail KiB free, twice the new Spark")
	u.cleared("task-1:disk=full")
	u.Remedy("retry")
	u.stops("task-1:jobs=running", "taskmanagers[task-1]/idle", "fail every job has ended")
	spark := u.Host("task-1").Vars["spark_home"]
	if said := u.On("task-1", `diff -r "`+u.Cluster.Params["new_spark_dir"]+`" "`+spark+`" >/dev/null || echo old; ls -d "`+spark+`".*.new`); !strings.HasPrefix(said, "old\n") {
		t.Errorf("H8: Spark is changed under a job that runs: %s", said)
	}
}
