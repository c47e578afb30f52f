package lab_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepgate/lab"
)

// replicas counts the replicas of a partition, by the nameserver.
func (s *site) replicas(table, pid string) int {
	s.t.Helper()
	row := regexp.MustCompile(`(?m)^  ` + table + ` +\d+ +` + pid + ` `)
	return len(row.FindAllString(s.run("ns-1", s.ns("showtable "+table)).stdout, -1))
}

// operation waits until the last operation is of a type and in a state.
func (s *site) operation(kind, state string) {
	s.t.Helper()
	s.eventually(kind+" "+state, func() bool {
		rows := strings.Split(strings.TrimSpace(s.run("ns-1", s.ns("showopstatus")).stdout), "\n")
		last := rows[len(rows)-1]
		return strings.Contains(last, kind+" ") && strings.Contains(last, " "+state+" ")
	})
}

func TestFaultsOfTables(t *testing.T) {
	t.Parallel()
	s := running(t)
	status := s.sql("show table status like '%'")
	play(t, s, []call{
		{
			fact: "table=single: a table with one replica", host: "ns-1",
			before: func(s *site) {
				s.fault("tablet-2:table=single")
				s.sees("show table status like '%';", ` limits +risk `)
			},
			cmd: s.ns("showtable limits"), stdout: `(?s).*\n  limits +6 +0 +{tablet-2} +leader +yes [^\n]*\n`,
		},
		{
			fact: "addreplica=fail: the operation is kFailed and no replica is left", host: "ns-1",
			before: func(s *site) { s.fault("tablet-3:addreplica=fail") },
			cmd:    s.ns("addreplica limits 0 " + s.endpoint("tablet-3")), stdout: `ns leader: \S+\nAddReplica ok\n`,
			effect: func(s *site) {
				s.operation("kAddReplicaOP", "kFailed")
				if n := s.replicas("limits", "0"); n != 1 {
					s.t.Errorf("%d replicas", n)
				}
				s.fault("tablet-3:addreplica=")
			},
		},
		{
			fact: "H5: warnings=words: the row is missing in the tool's listing, not in SQL's, and nothing is unalive", host: "ns-1",
			before: func(s *site) {
				s.fault("tablet-1:warnings=words")
				s.sees("show table status like '%';", `mode inconsistent`)
			},
			cmd: status, stdout: `(?s).* events +features +memory +\d+ +\d+ +0 +4 +0 +3 .*\[pid=0\]\[tablet={tablet-1}\]: leader/follower mode inconsistent .*`,
			effect: func(s *site) {
				if out := s.run("ns-1", s.ops("--cmd=showtablestatus")).stdout; strings.Contains(out, " events ") || !strings.Contains(out, " users ") {
					s.t.Errorf("got\n%s", out)
				}
				s.fault("tablet-1:warnings=")
			},
		},
		{
			fact: "op=stuck: an operation of this tablet stays kDoing until it is cleared", host: "ns-1",
			before: func(s *site) { s.fault("tablet-3:op=stuck") },
			cmd:    s.ns("changeleader profiles 0 auto"), stdout: `(?s).*change leader ok.*`,
			effect: func(s *site) {
				s.operation("kChangeLeaderOP", "kDoing")
				s.matches("events grow", s.run("ns-1", s.sql("set @@execute_mode='online'; select count(*) from risk.profiles;")).stdout, `(?s).*1 rows in set\n`)
				s.operation("kChangeLeaderOP", "kDoing")
				s.fault("tablet-3:op=")
				s.operation("kChangeLeaderOP", "kDone")
			},
		},
		{
			fact: "recover=slow: after a restart partitions stay kTableLoading for a while", host: "tablet-3",
			before: func(s *site) { s.fault("tablet-3:recover=slow") },
			cmd:    s.startSh("tablet-3", "restart tablet"), stdout: `(?s).*Start tablet success\n`,
			effect: func(s *site) {
				s.operation("kReAddReplicaOP", "kInited")
				s.matches("loading", s.run("ns-1", s.tablet("tablet-3", "gettablestatus")).stdout, `(?s).* kTableFollower +kTableLoading .*`)
				s.healthy()
				s.fault("tablet-3:recover=")
				s.settled()
			},
		},
		{
			fact: "writes=stuck: no table grows, and inserts fail, until it is cleared", host: "ns-1",
			before: func(s *site) {
				s.fault("ns-1:writes=stuck")
				s.says("inserts fail", "ns-1", s.sql("set @@execute_mode='online'; insert into features.users values (1, 2.0);"), "put failed")
			},
			cmd: "true",
			effect: func(s *site) {
				before := s.rows("events")
				if after := s.rows("events"); after != before {
					s.t.Errorf("%d rows became %d", before, after)
				}
				s.fault("ns-1:writes=")
				s.eventually("events grow", func() bool { return s.rows("events") > before })
			},
		},
		{
			fact: "H18: table=alone: no target for a replica, told as an error, rc 0", host: "ns-1",
			before: func(s *site) {
				s.fault("tablet-1:table=alone")
				s.eventually("tablet-1 has everything", func() bool { return s.replicas("events", "0") == 1 && s.leaders("tablet-1") == 11 })
			},
			cmd:    s.ops("--cmd=pre-upgrade --endpoints=" + s.endpoint("tablet-1")),
			stderr: `(?s).*ERROR: can not find endpoint to add replica to\. features events 0 in {tablet-1}\n.*confset auto_failover true\n.*`,
			effect: func(s *site) {
				if n := s.leaders("tablet-1"); n != 11 {
					s.t.Errorf("%d leaders are left", n)
				}
			},
		},
	})
}

func TestFaultsOfProcesses(t *testing.T) {
	t.Parallel()
	s := running(t)
	play(t, s, []call{
		{
			fact: "process=killed: a second tablet goes down; cleared, init starts it", host: "ns-1",
			before: func(s *site) {
				s.fault("tablet-3:process=killed")
				s.says("tablet-3 is offline", "ns-1", s.ns("showtablet"), regexp.QuoteMeta(s.endpoint("tablet-3"))+` +- +kOffline`)
			},
			cmd: s.sql("show components;"), stdout: `(?s).*  {tablet-3} +tablet +\S+ \S+ +offline .*`,
			effect: func(s *site) {
				s.fault("tablet-3:process=")
				s.healthy()
			},
		},
		{
			fact: "version=old: the file is new, what runs is old", host: "tablet-2",
			before: func(s *site) { s.fault("tablet-2:version=old") },
			cmd: s.startSh("tablet-2", "stop tablet") + " >/dev/null && cp -p '" + s.Params["new_package_dir"] + "/bin/openmldb' bin/openmldb && ./bin/openmldb --version" +
				" && bash bin/start.sh start tablet >/dev/null; tail -n 1 logs/tablet.log logs/tablet.INFO",
			stdout: `openmldb version 0\.9\.2\n(?s:.* with version 0\.8\.4\n.* with version 0\.8\.4\n)`,
			effect: func(s *site) {
				s.runsVersion("tablet-2", "0.8.4")
				s.fault("tablet-2:version=")
				s.run("tablet-2", s.startSh("tablet-2", "stop tablet")+"; bash bin/start.sh start tablet")
				s.runsVersion("tablet-2", "0.9.2")
				s.healthy()
				s.settled()
			},
		},
		{
			fact: "zk=down: the clients say so, rc 0; a tablet asked by itself answers", host: "ns-1",
			before: func(s *site) { s.fault("ns-1:zk=down") },
			cmd:    s.ns("showns") + "; echo 'show components;' | ./bin/openmldb --zk_cluster=" + s.Params["zk"] + " --zk_root_path=/openmldb --role=sql_client --interactive=false; " + s.tablet("tablet-1", "gettablestatus") + " | head -n 1",
			stdout: `zk client init failed\nError: init failed: zk client init failed\n  tid +pid .*\n`,
		},
		{
			fact: "H1: zk=down: the tool can't connect, rc 0", host: "ns-1", cmd: s.ops("--cmd=showopstatus"),
			stderr: `ERROR: connect OpenMLDB failed, get ns failed\n`,
			effect: func(s *site) {
				s.fault("ns-1:zk=")
				s.healthy()
			},
		},
		{
			fact: "leader=lost: another nameserver leads, although the old one runs", host: "ns-1",
			before: func(s *site) {
				s.fault("ns-1:leader=lost")
				s.says("ns-2 leads", "ns-1", s.ns("showns"), `\Ans leader: `+regexp.QuoteMeta(s.endpoint("ns-2"))+`\n`)
			},
			cmd: s.ns("showns"), stdout: `(?s).*  {ns-2} +- +leader\n  {ns-1} +- +standby\n`,
			effect: func(s *site) { s.fault("ns-1:leader=") },
		},
		{
			fact: "H4: the tool keeps the leader that it found: when another one leads in the middle it dies, and auto_failover stays off", host: "ns-1",
			before: func(s *site) {
				s.fault("tablet-1:op=stuck")
				s.run("ns-1", "{ { "+s.ops("--cmd=pre-upgrade --endpoints="+s.endpoint("tablet-1")+" --statfile=$HOME/stat")+"; }; echo rc $?; } >~/pre 2>&1 </dev/null &")
				s.says("pre-upgrade waits", "ns-1", "cat ~/pre", "INFO: waiting ")
				s.fault("ns-2:leader=lost")
				s.says("pre-upgrade has ended", "ns-1", "cat ~/pre", `\nrc `)
			},
			cmd: "cat ~/pre", stdout: `(?s).*ns leader: {ns-2}\n.*IndexError: list index out of range\nrc 1\n`,
			effect: func(s *site) {
				s.autoFailover("false")
				s.fault("tablet-1:op=")
				s.fault("ns-2:leader=")
				s.run("ns-1", s.ns("confset auto_failover true"))
				s.settled()
			},
		},
		{
			fact: "H11: failover=off: somebody has switched it off; what is set afterwards stays", host: "ns-1",
			before: func(s *site) {
				s.fault("ns-1:failover=off")
				s.says("auto_failover is off", "ns-1", s.ns("confget auto_failover"), "auto_failover  false")
			},
			cmd: s.ns("confset auto_failover true"), stdout: `(?s).*set auto_failover ok\n`,
			effect: func(s *site) { s.autoFailover("true") },
		},
	})
}

func TestFaultsOfNotes(t *testing.T) {
	t.Parallel()
	s := create(t, lab.Options{Faults: []string{"ns-1:stat=stale", "ns-1:failover=off"}})
	s.start()
	left := filepath.Join(s.Params["ops_dir"], ".stat")
	s.eventually("notes are left over", func() bool { _, err := os.Stat(left); return err == nil })
	s.autoFailover("false")
	stat := filepath.Join(s.Params["statdir"], "stat")
	play(t, s, []call{
		{
			fact: "H6: stat=stale: post-upgrade with the tool's default file takes somebody's notes for its own", host: "ns-1",
			cmd:    "cut -d , -f 1,2,3 '" + left + "'",
			stdout: `{tablet-1},features,users\n`,
			effect: func(s *site) {
				s.fault("ns-1:stat=")
				s.eventually("the notes are gone", func() bool { _, err := os.Stat(left); return err != nil })
			},
		},
		{
			fact: "stat=away: the leaders have moved, and their notes lie elsewhere", host: "ns-1",
			before: func(s *site) { s.fault("ns-1:stat=away") },
			cmd:    s.ops("--cmd=pre-upgrade --endpoints=" + s.endpoint("tablet-1") + " --statfile=" + stat), stderr: anything,
			effect: func(s *site) {
				if _, err := os.Stat(stat); err == nil || s.leaders("tablet-1") != 0 {
					s.t.Errorf("the notes: %v; %d leaders", err, s.leaders("tablet-1"))
				}
				s.fault("ns-1:stat=")
			},
		},
		{
			fact: "H4: post-upgrade without its notes dies", host: "ns-1", cmd: s.ops("--cmd=post-upgrade --endpoints=" + s.endpoint("tablet-1") + " --statfile=" + stat), exit: 1,
			stderr: `(?s).*FileNotFoundError: .*`,
		},
		{
			fact: "brought back, they serve", host: "ns-1",
			cmd:    "mv '" + stat + ".away' '" + stat + "' && " + s.ops("--cmd=post-upgrade --endpoints="+s.endpoint("tablet-1")+" --statfile="+stat),
			stderr: anything,
			effect: func(s *site) {
				if s.leaders("tablet-1") == 0 {
					s.t.Error("no leader came back")
				}
			},
		},
	})
}
