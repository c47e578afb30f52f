package rehearsal_test

import (
	"regexp"
	"strings"
	"testing"

	"stepgate/runbooks/rehearsal"
)

// upgrade is a rehearsal of OpenMLDB's upgrade.
type upgrade struct {
	*rehearsal.Rehearsal
	t *testing.T
}

// upgrading begins one, with a writer into the scene's probe table. What the cluster
// isn't given time for is a failure soon.
func upgrading(t *testing.T, faults []string, args ...string) *upgrade {
	t.Helper()
	args = append([]string{"-e", "probe_write=insert into features.events values (:n, 2.0)", "-e", "settle=8s", "-e", "stop_time=4s", "-e", "stall=5m"}, args...)
	return &upgrade{rehearsal.BeginWith(t, "openmldb-upgrade", "openmldb", faults, args...), t}
}

// cleared takes a fault away.
func (u *upgrade) cleared(faults ...string) {
	u.t.Helper()
	for _, f := range faults {
		what, _, _ := strings.Cut(f, "=")
		u.Fault(what + "=")
	}
}

// Before anything is changed. What is only looked at is looked at together, so that a
// person hears of all of it.
func TestOpenmldbStopsBeforeAnythingIsChanged(t *testing.T) {
	t.Parallel()
	stops := []struct{ fault, step, says string }{
		{"tablet-2:disk=full", "preflight/room", "✗ .*KiB free, three times the new bin"},
		{"api-1:disk=full", "preflight/apiserver-room[api-1]", "✗ .*KiB free, three times the new bin;"},
		{"task-1:disk=full", "preflight/taskmanager-room[task-1]", "✗ .*KiB free, twice the new Spark"},
		{"tablet-3:warnings=words", "preflight/tables", "✗ .*no table has a warning"},
		{"ns-1:stat=stale", "preflight/leftovers", `✗ .len\(lines\) == 0`},
	}
	var faults []string
	for _, f := range stops {
		faults = append(faults, f.fault)
	}
	u := upgrading(t, faults)
	for _, f := range stops {
		u.GoOn().Stopped("failure", f.step)
		u.cleared(f.fault)
		u.Remedy("retry")
	}
	said := u.Good("export", "last")
	for _, says := range stops {
		if !regexp.MustCompile(says.says).MatchString(said) {
			t.Errorf("%s: nobody says %q", says.step, says.says)
		}
	}
	if did := u.Did("start.sh"); len(did) > 0 {
		t.Errorf("something was changed: %v", did)
	}
}

// The branches that a cluster may need: components under mon, one of which has lost its
// mon, auto_failover off, a table with one replica that may be down, Spark on Yarn.
func TestOpenmldbTakesTheBranchesThatTheClusterNeeds(t *testing.T) {
	t.Parallel()
	u := upgrading(t, []string{"ns-1:failover=off", "ns-2:mode=mon", "tablet-1:mode=mon", "task-1:mode=mon", "tablet-2:table=single", "task-1:spark=yarn"}, "-e", "single=allow")
	home := u.Host("tablet-1").Vars["home"]
	u.On("tablet-1", "kill -9 $(tr -d '\\0' <'"+home+"/bin/tablet.pid')")

	u.GoOn().Stopped("failure", "taskmanagers[task-1]/yarn-named", "fail where they are replaced")
	u.On("task-1", "cd '"+u.Host("task-1").Vars["home"]+`' && hdfs dfs -mkdir /openmldb/0.9.2 &&
hdfs dfs -put "`+u.Host("task-1").Vars["spark_home"]+`"/jars/* /openmldb/0.9.2 &&
hdfs dfs -put taskmanager/lib/openmldb-batchjob-0.9.2.jar /openmldb/openmldb-batchjob-0.9.2.jar &&
sed -i -e 's,^spark.yarn.jars=.*,spark.yarn.jars=hdfs:///openmldb/0.9.2/*,' -e 's,^batchjob.jar.path=.*,batchjob.jar.path=hdfs:///openmldb/openmldb-batchjob-0.9.2.jar,' conf/taskmanager.properties`)
	u.Remedy("retry")
	u.GoOn().Done()
	did := strings.Join(u.Did("start.sh"), "\n")
	for _, want := range []string{"ns-2 start nameserver mon", "tablet-1 start tablet mon", "task-1 start taskmanager mon", "tablet-2 start tablet\n", "ns-1 start nameserver\n"} {
		if !strings.Contains(did+"\n", want) {
			t.Errorf("nobody did %q:\n%s", want, did)
		}
	}
	tools := strings.Join(u.Did("openmldb_ops.py"), "\n")
	if n := strings.Count(tools, "--cmd=recoverdata"); n != 3 {
		t.Errorf("recoverdata was called %d times:\n%s", n, tools)
	}
}
