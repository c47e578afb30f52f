package rehearsal_test

import (
	"encoding/json"
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
	stops := []struct{ hazard, fault, step, says string }{
		{"H9", "tablet-2:disk=full", "preflight/room", "✗ .*KiB free, three times the new bin"},
		{"H9", "api-1:disk=full", "preflight/apiserver-room[api-1]", "✗ .*KiB free, three times the new bin;"},
		{"H9", "task-1:disk=full", "preflight/taskmanager-room[task-1]", "✗ .*KiB free, twice the new Spark"},
		{"H15", "tablet-3:warnings=words", "preflight/tables", "✗ .*no table has a warning"},
		{"H6", "ns-1:stat=stale", "preflight/leftovers", `✗ .len\(lines\) == 0`},
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
			t.Errorf("%s, %s: nobody says %q", says.hazard, says.step, says.says)
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
	for _, host := range []string{"ns-1", "ns-2", "tablet-1", "tablet-2", "tablet-3", "api-1"} {
		u.On(host, "cd '"+u.Host(host).Vars["home"]+"' && bin/openmldb --version | grep -q 'version 0[.]9[.]2' && bin.*.old/openmldb --version | grep -q 'version 0[.]8[.]4' && diff -r conf conf.*.old")
	}
	u.Remedy("retry")
	u.GoOn().Done()
	u.hazards()
	u.uninterrupted()
}

// hazards looks at a run that went through for what the public documents leave out.
// What has to stop a run is shown where it does: H1, H8, H15 and H17 to H20.
func (u *upgrade) hazards() {
	u.t.Helper()
	starts, tools := strings.Join(u.Did("start.sh"), "\n")+"\n", strings.Join(u.Did("openmldb_ops.py"), "\n")+"\n"
	said := u.Good("export", "last")
	statdir := regexp.QuoteMeta(u.Cluster.Params["statdir"])
	for _, h := range []struct{ id, what, in, says string }{
		{"H2", "only the exact line of success is", said, `✓ .any\(lines, # == "Start " \+ component \+ " success"\)`},
		{"H3", "a stop is judged by process and port", said, `✓ .len\(lines\) == 0. – the process has gone and its port is closed`},
		{"H4", "auto_failover is left as it was, here off", said, `as it was at the start; saw .*"false", failover: "false"`},
		{"H5", "tables are listed in SQL", said, `✓ .all\(tables_before, # in found\)`},
		{"H6", "the notes of each tablet are a file of their own, by an absolute path", tools, `--cmd=pre-upgrade .*--statfile=` + statdir + `/openmldb\.\w+\.tablet-1\.stat.*\n(?s:.*)--statfile=` + statdir + `/openmldb\.\w+\.tablet-2\.stat`},
		{"H7", "one endpoint at a time", tools, `--cmd=pre-upgrade --endpoints=127[.0-9]+:\d+ `},
		{"H9", "bin is replaced while nothing runs", said, `✓ .len\(lines\) == 0. – still stopped`},
		{"H10", "one tablet is through before the next one begins", starts, `tablet-1 stop tablet\ntablet-1 start tablet mon\ntablet-2 stop tablet\ntablet-2 start tablet\ntablet-3 stop tablet\ntablet-3 start tablet\n`},
		{"H11", "auto_failover is asked for, and off means recoverdata for each tablet", tools, `(?s)(--cmd=recoverdata.*){3}`},
		{"H12", "old failures are known by their number", said, `captured .failed_before. = .\["1"\]`},
		{"H13", "leaders go back to partitions that are loaded", said, `✓ .all\(table\(stdout, "tid"\), .state == "kTableNormal"\). – every partition is loaded`},
		{"H14", "a table with one replica may be down, where that was chosen", tools, `--cmd=pre-upgrade .*--allow_single_replica`},
		{"H16", "mon is kept, also where it had died", starts, `ns-2 start nameserver mon\nns-1 stop nameserver\nns-1 start nameserver\ntablet-1 stop tablet\ntablet-1 start tablet mon`},
		{"H21", "the tools are the new ones", tools, `--openmldb_bin_path=\S*/openmldb-0\.9\.2/bin/openmldb`},
	} {
		if !regexp.MustCompile(h.says).MatchString(h.in) {
			u.t.Errorf("%s, %s: no %q in\n%s\n%s", h.id, h.what, h.says, starts, tools)
		}
	}
}

// uninterrupted expects reads to have gone on while tablets went, as somebody beside
// the cluster saw it.
func (u *upgrade) uninterrupted() {
	u.t.Helper()
	var seen struct {
		Monitors []struct {
			Monitor             string
			Succeeded, Failures int
			Gaps                []struct{ Steps []struct{ Step string } }
		}
	}
	if err := json.Unmarshal([]byte(u.Good("show", "last", "--monitors", "--json")), &seen); err != nil {
		u.t.Fatal(err)
	}
	for _, m := range seen.Monitors {
		if m.Succeeded == 0 {
			u.t.Errorf("%s has seen nothing", m.Monitor)
		}
		for _, gap := range m.Gaps {
			for _, s := range gap.Steps {
				if m.Monitor == "reads" && strings.HasPrefix(s.Step, "tablets[") {
					u.t.Errorf("reads failed at %s", s.Step)
				}
			}
		}
	}
	if len(seen.Monitors) != 2 {
		u.t.Errorf("it has %d monitors, not a reader and a writer", len(seen.Monitors))
	}
}
