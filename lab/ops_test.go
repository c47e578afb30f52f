package lab_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOps(t *testing.T) {
	t.Parallel()
	s := running(t)
	stat := filepath.Join(s.Params["statdir"], "stat")
	pre := func(more string) string {
		return s.ops("--cmd=pre-upgrade --endpoints=" + s.endpoint("tablet-2") + " --statfile=" + stat + more)
	}
	post := s.ops("--cmd=post-upgrade --endpoints=" + s.endpoint("tablet-2") + " --statfile=" + stat)
	failover := func(want string) func(*site) {
		return func(s *site) {
			s.autoFailover(want)
			s.run("ns-1", s.ns("confset auto_failover true"))
		}
	}
	lines := func(s *site) []string {
		data, err := os.ReadFile(stat)
		if err != nil {
			s.t.Fatal(err)
		}
		return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	}
	const opened = `showns\n(?s:.*)INFO: ns leader: {ns-1}\n`
	led := s.leaders("tablet-2")
	play(t, s, []call{
		{
			fact: "H1: an unknown command exits 0", host: "ns-1", cmd: s.ops("--cmd=pre_upgrade"),
			stdout: `unsupported cmd: pre_upgrade\navailable cmds: \[.*'pre-upgrade', 'post-upgrade', 'showopstatus', 'showtablestatus'\]\n`,
		},
		{
			fact: "H1: a cluster that can't be reached exits 0", host: "ns-1",
			cmd:    "cd '" + s.home("ns-1") + "' && python tools/openmldb_ops.py --openmldb_bin_path=./bin/openmldb --zk_cluster=127.0.0.1:1 --zk_root_path=/openmldb --cmd=showopstatus",
			stderr: `ERROR: connect OpenMLDB failed, get ns failed\n`,
		},
		{
			fact: "an unknown option exits 2", host: "ns-1", cmd: s.ops("--command=x"), exit: 2, stderr: `(?s)Usage: .*error: .*command\n`,
		},
		{
			fact: "prettytable is there", host: "ns-1", cmd: "python -c 'import prettytable'",
		},
		{
			fact: "tables are framed, on stdout", host: "ns-1", cmd: s.ops("--cmd=showopstatus"),
			stdout: `(\+-+){11}\+\n\| +db +\| op_id \| +op_type +\| +name \| pid \| +status +\| +start_time +\| execute_time \| +end_time +\| cur_task \| for_replica_cluster \|\n(\+-+){11}\+\n\| features \|   1   \| kReAddReplicaOP \| users \|  1  \| kFailed \|.*\|\n(\+-+){11}\+\n`,
			stderr: opened + `showdb\n`,
		},
		{
			fact: "showtablestatus filters by database", host: "ns-1", cmd: s.ops("--cmd=showtablestatus --filter=ris%"),
			stdout: `(?s)\+.*\| Partition_unalive \| Replica \|.*\|\s+profiles\s+\|\s+risk\s+\|.*\|\n\+[-+]+\n`, stderr: opened,
		},
		{
			fact: "H4: without --endpoints an exception leaves auto_failover off", host: "ns-1", cmd: s.ops("--cmd=pre-upgrade"), exit: 1,
			stderr: `(?s).*WARNING: must provide --endpoints\nTraceback .*AttributeError: 'NoneType' object has no attribute 'split'\n`, effect: failover("false"),
		},
		{
			fact: "H4: an unknown endpoint is a KeyError", host: "ns-1", cmd: s.ops("--cmd=pre-upgrade --endpoints=127.0.0.1:1"), exit: 1,
			stderr: `(?s).*KeyError: '127\.0\.0\.1:1'\n`, effect: failover("false"),
		},
		{
			fact: "H4: a missing statfile is an exception of post-upgrade", host: "ns-1", cmd: post, exit: 1,
			stderr: `(?s).*INFO: check all ops are complete\n.*INFO: start to post-upgrade {tablet-2}\n.*FileNotFoundError: \[Errno 2\] No such file or directory: '.*/stat'\n`,
			effect: failover("false"),
		},
		{
			fact: "an exception in the middle (fault) moves nothing and leaves auto_failover off", host: "ns-1",
			before: func(s *site) { s.fault("tablet-2:preupgrade=fail") }, cmd: pre(""), exit: 1,
			stderr: `(?s).*Traceback .*ConnectionResetError.*`,
			effect: func(s *site) {
				failover("false")(s)
				s.fault("tablet-2:preupgrade=")
				if n := s.leaders("tablet-2"); n != led {
					s.t.Errorf("%d of %d leaders are left", n, led)
				}
			},
		},
		{
			fact: "H1, H17: a failed change of leader exits 0, with what was moved noted", host: "ns-1",
			before: func(s *site) { s.fault("tablet-2:changeleader=fail") }, cmd: pre(""),
			stderr: `(?s).*ERROR: job 2 execute failed\nERROR: change leader failed\. \S+ \S+ \d\n.*confset auto_failover true\n.*`,
			effect: func(s *site) {
				failover("true")(s)
				s.fault("tablet-2:changeleader=")
				if got := lines(s); len(got) != 1 || got[0] != "" {
					s.t.Errorf("the statfile is %q", got)
				}
			},
		},
		{
			fact: "pre-upgrade moves every leader and notes it", host: "ns-1", cmd: pre(""),
			stderr: `(?s).*INFO: start to pre-upgrade {tablet-2}\n.*INFO: change leader of table partition features events 2 in '{tablet-2}' to '' False\n.*INFO: waiting \d+ kChangeLeaderOP .*confset auto_failover true\n.*`,
			effect: func(s *site) {
				s.autoFailover("true")
				s.healthy()
				if n := s.leaders("tablet-2"); n != 0 {
					s.t.Errorf("%d leaders are left", n)
				}
				if got := lines(s); len(got) != led || !strings.Contains(strings.Join(got, "\n"), s.endpoint("tablet-2")+",features,events,3,2,\n") {
					s.t.Errorf("the statfile is %q", got)
				}
			},
		},
		{
			fact: "H6: another endpoint's lines go to the end of the same file; H7: only the first endpoint counts", host: "ns-1",
			cmd:    s.ops("--cmd=pre-upgrade --endpoints=" + s.endpoint("tablet-3") + "," + s.endpoint("tablet-1") + " --statfile=" + stat),
			stderr: `(?s).*WARNING: must provide --endpoints with only one endpoint\n.*start to pre-upgrade {tablet-3}\n.*`,
			effect: func(s *site) {
				got := lines(s)
				if len(got) <= led || !strings.HasPrefix(got[0], s.endpoint("tablet-2")+",") || !strings.HasPrefix(got[led], s.endpoint("tablet-3")+",") {
					s.t.Errorf("the statfile is %q", got)
				}
			},
		},
		{
			fact: "H6: post-upgrade of one endpoint brings its leaders back and removes the whole file", host: "ns-1", cmd: post,
			stderr: `(?s).*INFO: start to post-upgrade {tablet-2}\n.*confset auto_failover true\n.*`,
			effect: func(s *site) {
				s.autoFailover("true")
				s.healthy()
				if n := s.leaders("tablet-2"); n < led {
					s.t.Errorf("%d of %d leaders came back", n, led)
				}
				if n := s.leaders("tablet-3"); n != 0 {
					s.t.Errorf("%d leaders of tablet-3, whose lines were in the file, came back", n)
				}
				if _, err := os.Stat(stat); err == nil {
					s.t.Error("the statfile is left")
				}
			},
		},
		{
			fact: "H12: --filter=kFailed shows all of history", host: "ns-1", cmd: s.ops("--cmd=showopstatus --filter=kFailed"),
			stdout: `(?s)\+.*\|   2   \| kChangeLeaderOP \|.* kFailed .*\|   1   \| kReAddReplicaOP \|.* kFailed .*`, stderr: anything,
			effect: func(s *site) {
				if out := s.run("ns-1", s.ops("--cmd=showopstatus --filter=kFailed")).stdout; strings.Count(out, "kFailed") != 2 || strings.Contains(out, "kDone") {
					s.t.Errorf("got\n%s", out)
				}
			},
		},
	})
}

func TestOpsAfterARestartWithoutAutoFailover(t *testing.T) {
	t.Parallel()
	s := running(t)
	stat := filepath.Join(s.Params["statdir"], "stat")
	post := s.ops("--cmd=post-upgrade --endpoints=" + s.endpoint("tablet-1") + " --statfile=" + stat)
	if r := s.run("ns-1", s.ns("confset auto_failover false")+"; "+s.ops("--cmd=pre-upgrade --endpoints="+s.endpoint("tablet-1")+" --statfile="+stat)); r.exit != 0 {
		t.Fatalf("got %+v", r)
	}
	s.run("tablet-1", s.startSh("tablet-1", "stop tablet"))
	play(t, s, []call{
		{
			fact: "H4: recoverdata with a tablet down dies of a refused connection, if it led", host: "ns-1",
			before: func(s *site) {
				s.run("tablet-2", s.startSh("tablet-2", "stop tablet"))
				s.run("ns-1", s.ns("confset auto_failover true"))
			},
			cmd: s.ops("--cmd=recoverdata"), exit: 1, stderr: `(?s).*Traceback .*ConnectionError: .*/TabletServer/LoadTable .*Connection refused.*`,
			effect: func(s *site) {
				s.autoFailover("false")
				s.run("tablet-2", s.startSh("tablet-2", "start tablet"))
			},
		},
		{
			fact: "H13: post-upgrade right after the start finds no table, keeps the file, exits 0", host: "ns-1",
			before: func(s *site) { s.run("tablet-1", s.startSh("tablet-1", "start tablet")) },
			cmd:    post, stderr: `(?s).*ERROR: get empty table status for partition \d_\d from {tablet-1}\n.*`,
			effect: func(s *site) {
				if _, err := os.Stat(stat); err != nil {
					s.t.Error(err)
				}
			},
		},
		{
			fact: "H5: tables with a warning are missing in showtablestatus", host: "ns-1", cmd: s.ops("--cmd=showtablestatus"),
			stdout: anything, stderr: anything,
			effect: func(s *site) {
				tool, sql := s.run("ns-1", s.ops("--cmd=showtablestatus")).stdout, s.run("ns-1", s.sql("show table status like '%'")).stdout
				if strings.Contains(tool, " events ") || !strings.Contains(sql, " events ") || !strings.Contains(sql, "state is kNotFound") {
					s.t.Errorf("got\n%s\n%s", tool, sql)
				}
			},
		},
		{
			fact: "recoverdata repairs every table, and does nothing to healthy ones", host: "ns-1", cmd: s.ops("--cmd=recoverdata"),
			stderr: `(?s).*INFO: recover events in features\n.*INFO: events in features recover success\n.*`,
			effect: func(s *site) {
				s.healthy()
				s.matches("recoverdata again", s.run("ns-1", s.ops("--cmd=recoverdata")).stderr, `(?s).*INFO: events in features is healthy\n.*`)
			},
		},
		{
			fact: "post-upgrade now works, and warns where a leader is back already", host: "ns-1",
			before: func(s *site) {
				data, err := os.ReadFile(stat)
				if err != nil {
					s.t.Fatal(err)
				}
				doubled := append(data, data...) // H6: a rerun of pre-upgrade repeats lines
				if err := os.WriteFile(stat, doubled, 0o644); err != nil {
					s.t.Fatal(err)
				}
			},
			cmd: post, stderr: `(?s).*WARNING: \S+ \S+ \d in {tablet-1} is already leader\n.*`,
			effect: func(s *site) {
				s.healthy()
				if s.leaders("tablet-1") == 0 {
					s.t.Error("no leader came back")
				}
			},
		},
	})
}

func TestOpsWithSingleReplicas(t *testing.T) {
	t.Parallel()
	s := running(t)
	stat := filepath.Join(s.Params["statdir"], "stat")
	// profiles/1 is led by tablet-1, with one follower on tablet-2.
	s.run("ns-1", s.ns("delreplica profiles 1 "+s.endpoint("tablet-2")))
	s.settled()
	args := "--endpoints=" + s.endpoint("tablet-1") + " --statfile=" + stat
	replicas := func(s *site) int {
		return strings.Count(s.run("ns-1", s.ns("showtable profiles")).stdout, "\n  profiles  5    1    ")
	}
	play(t, s, []call{
		{
			fact: "--allow_single_replica leaves the partition where it is", host: "ns-1", cmd: s.ops("--cmd=pre-upgrade --allow_single_replica " + args),
			stderr: anything,
			effect: func(s *site) {
				if n := s.leaders("tablet-1"); n != 1 {
					s.t.Errorf("%d leaders are left", n)
				}
				if r := s.run("ns-1", s.ops("--cmd=post-upgrade "+args)); r.exit != 0 {
					s.t.Errorf("post-upgrade: %+v", r)
				}
			},
		},
		{
			fact: "without it the partition gets a replica on the tablet with the fewest partitions", host: "ns-1", cmd: s.ops("--cmd=pre-upgrade " + args),
			stderr: `(?s).*INFO: change leader of table partition risk profiles 1 in '{tablet-1}' to '{tablet-2}' True\naddreplica profiles 1 {tablet-2}\nAddReplica ok\n.*`,
			effect: func(s *site) {
				if n := s.leaders("tablet-1"); n != 0 || replicas(s) != 2 {
					s.t.Errorf("%d leaders are left, %d replicas", n, replicas(s))
				}
				data, err := os.ReadFile(stat)
				if err != nil || !strings.Contains(string(data), ",risk,profiles,5,1,"+s.endpoint("tablet-2")+"\n") {
					s.t.Errorf("the statfile is %q, %v", data, err)
				}
			},
		},
		{
			fact: "post-upgrade removes it again", host: "ns-1", cmd: s.ops("--cmd=post-upgrade " + args),
			stderr: `(?s).*delreplica profiles 1 {tablet-2}\n.*`,
			effect: func(s *site) {
				if n := s.leaders("tablet-1"); n == 0 || replicas(s) != 1 {
					s.t.Errorf("%d leaders, %d replicas", n, replicas(s))
				}
			},
		},
	})
}
