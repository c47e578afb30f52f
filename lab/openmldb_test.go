package lab_test

import (
	"regexp"
	"strconv"
	"syscall"
	"testing"
)

func TestOpenmldb(t *testing.T) {
	t.Parallel()
	s := running(t)
	bin := "cd '" + s.home("ns-1") + "' && ./bin/openmldb "
	const leader = `ns leader: {ns-1}\n`
	rows := 0
	play(t, s, []call{
		{
			fact: "--version is that of the file", host: "ns-1", cmd: bin + "--version",
			stdout: `openmldb version 0\.8\.4\n`,
		},
		{
			fact: "an unknown flag is an error of gflags", host: "ns-1", cmd: bin + "--rolle=client",
			exit: 1, stderr: `ERROR: unknown command line flag 'rolle'\n`,
		},
		{
			fact: "showns: leader line, header, dashes, rows", host: "ns-1", cmd: s.ns("showns"),
			stdout: leader + `  endpoint +real_endpoint +role\n-+\n  {ns-1} +- +leader\n  {ns-2} +- +standby\n`,
		},
		{
			fact: "showtablet: kHealthy", host: "ns-1", cmd: s.ns("showtablet"),
			stdout: leader + `  endpoint +real_endpoint +state +age\n-+\n(  {tablet-1} +- +kHealthy +\d+[sm]\n)(  {tablet-2} +- +kHealthy +\d+[sm]\n)(  {tablet-3} +- +kHealthy +\d+[sm]\n)`,
		},
		{
			fact: "showtable: role and is_alive per replica", host: "ns-1", cmd: s.ns("showtable profiles") + " --database=risk",
			stdout: leader + `  name +tid +pid +endpoint +role +is_alive +offset +record_cnt +memused +diskused\n-+\n` +
				`  profiles  5    0    {tablet-3}  leader    yes       1158    1158        105\.378KB  0\n` +
				`  profiles  5    0    {tablet-1}  follower  yes .*\n  profiles  5    1    {tablet-1}  leader .*\n  profiles  5    1    {tablet-2}  follower .*\n`,
		},
		{
			fact: "confget: key value", host: "ns-1", cmd: s.ns("confget auto_failover"),
			stdout: leader + `  key            value\n-+\n  auto_failover  true\n`,
		},
		{
			fact: "confset changes what confget shows", host: "ns-1", cmd: s.ns("confset auto_failover false"),
			stdout: leader + `set auto_failover ok\n`, effect: func(s *site) { s.autoFailover("false") },
		},
		{
			fact: "a failure is text with error msg, rc 0", host: "ns-1", cmd: s.ns("confset auto_failover maybe"),
			stdout: leader + `failed to set auto_failover\. error msg: invalid parameter\n`, effect: func(s *site) { s.autoFailover("false") },
		},
		{
			fact: "changeleader makes an operation and the leader moves", host: "ns-1", cmd: s.ns("changeleader profiles 0 " + s.endpoint("tablet-1")),
			stdout: leader + `change leader ok\. If there are writing operations while changing a leader, it may cause data loss\.\n`,
			effect: func(s *site) {
				s.settled()
				s.matches("showtable", s.run("ns-1", s.ns("showtable profiles")).stdout,
					`(?s).* 0 +{tablet-3}  follower  no .* 0 +{tablet-1}  leader    yes .*`)
			},
		},
		{
			fact: "recovertable brings the old leader back as a follower", host: "ns-1", cmd: s.ns("recovertable profiles 0 " + s.endpoint("tablet-3")),
			stdout: leader + `recover table ok\n`, effect: (*site).healthy,
		},
		{
			fact: "changeleader to a tablet without the partition: error msg, rc 0", host: "ns-1", cmd: s.ns("changeleader profiles 0 " + s.endpoint("tablet-2")),
			stdout: leader + `failed to change leader\. error msg: .+\n`,
		},
		{
			fact: "addreplica and delreplica change the number of replicas", host: "ns-1",
			cmd:    s.ns("addreplica profiles 0 " + s.endpoint("tablet-2")),
			stdout: leader + `AddReplica ok\n`,
			effect: func(s *site) {
				s.settled()
				s.matches("warning", s.run("ns-1", s.sql("show table status like 'risk'")).stdout,
					`(?s).*real replica number 3 does not match the configured replicanum 2.*`)
				s.matches("delreplica", s.run("ns-1", s.ns("delreplica profiles 0 "+s.endpoint("tablet-2"))).stdout, leader+`DelReplica ok\n`)
				s.settled()
			},
		},
		{
			fact: "showopstatus: ids grow, - for what is empty", host: "ns-1", cmd: s.ns("showopstatus"),
			stdout: leader + `  op_id +op_type +name +pid +status +start_time +execute_time +end_time +cur_task +for_replica_cluster\n-+\n` +
				`  1 +kReAddReplicaOP +users +1 +kFailed .*\n  2 +kChangeLeaderOP +profiles +0 +kDone +\d{14} +\d+s +\d{14} +- +-\n  3 +kReAddReplicaOP .*\n  4 +kAddReplicaOP .*\n  5 +kDelReplicaOP .*\n`,
		},
		{
			fact: "ZooKeeper down: rc 0", host: "ns-1", cmd: bin + "--zk_cluster=127.0.0.1:1 --zk_root_path=/openmldb --role=ns_client --interactive=false --cmd=showns",
			stdout: `zk client init failed\n`,
		},
		{
			fact: "ZooKeeper empty: rc 0", host: "ns-1", cmd: bin + "--zk_cluster=" + s.Params["zk"] + " --zk_root_path=/other --role=ns_client --interactive=false --cmd=showns",
			stdout: `get children failed\n`,
		},
		{
			fact: "the standby doesn't answer: error msg, rc 0", host: "ns-1", cmd: bin + "--endpoint=" + s.endpoint("ns-2") + " --role=ns_client --interactive=false --cmd=showtablet",
			stdout: `failed to showtablet\. error msg: nameserver is not leader\n`,
		},
		{
			fact: "gettablestatus: mode and state of a tablet's partitions", host: "ns-1", cmd: s.tablet("tablet-1", "gettablestatus"),
			stdout: `  tid +pid +offset +mode +state +enable_expire +ttl +ttl_offset +memused +compress_type\n-+\n(  \d +\d +\d+ +kTable(Leader|Follower) +kTableNormal .*\n){9}`,
		},
		{
			fact: "a tablet that isn't there: error msg, rc 0", host: "ns-1", cmd: bin + "--role=client --endpoint=127.0.0.1:1 --interactive=false --cmd=gettablestatus",
			stdout: `failed to gettablestatus\. error msg: .*connection refused\n`,
		},
		{
			fact: "show components: dash groups, a blank in Connect_time, closing line", host: "ns-1", cmd: s.sql("show components;"),
			stdout: ` -+ -+ -+ -+ -+\n  Endpoint +Role +Connect_time +Status +Ns_role +\n -+ -+ -+ -+ -+\n` +
				`(  \S+ +tablet +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d   online   NULL +\n){3}  {ns-1} +nameserver +\S+ \S+   online   master +\n  {ns-2} +nameserver +\S+ \S+   online   standby +\n  {task-1} +taskmanager +\S+ \S+   online   NULL +\n -+ -+ -+ -+ -+\n\n6 rows in set\n`,
		},
		{
			fact: "show table status: internal databases only with LIKE", host: "ns-1", cmd: s.sql("show table status"),
			stdout: `(?s) -.*  Table_id +Table_name +Database_name +Storage_type +Rows +Memory_data_size +Disk_data_size +Partition +Partition_unalive +Replica +Offline_path +Offline_format +Offline_symbolic_paths +Warnings +\n.*3 rows in set\n`,
			effect: func(s *site) {
				s.matches("with LIKE", s.run("ns-1", s.sql("show table status like '%'")).stdout, `(?s).* JOB_INFO .* GLOBAL_VARIABLES .*\n5 rows in set\n`)
			},
		},
		{
			fact: "a read is served while leaders are alive", host: "ns-1", cmd: s.sql("set @@execute_mode='online'; select * from features.users limit 1; select count(*) from features.events;"),
			stdout: `(?s).*1 rows in set\n.*count\(\*\).*1 rows in set\n`,
		},
		{
			fact: "rows of the written table grow", host: "ns-1", before: func(s *site) { rows = s.rows("events") },
			cmd: s.sql("set @@execute_mode='online'; insert into features.events values (1, 2.0);"), stdout: ``,
			effect: func(s *site) { s.eventually("more rows", func() bool { return s.rows("events") > rows+2 }) },
		},
		{
			fact: "a bad statement is text, rc 0", host: "ns-1", cmd: s.sql("drop universe;"), stdout: `Error: Syntax error: .*\n`,
		},
	})
}

// rows is a table's number of rows, by the SQL client.
func (s *site) rows(name string) int {
	s.t.Helper()
	m := regexp.MustCompile(` ` + name + ` +\S+ +memory +(\d+) `).FindStringSubmatch(s.run("ns-1", s.sql("show table status like '%'")).stdout)
	if m == nil {
		s.t.Fatalf("no table %q", name)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestNameserverLeaderHandsOver(t *testing.T) {
	t.Parallel()
	s := running(t)
	const (
		first  = `(?s).*ns leader: {ns-1}\n.*{ns-1} +- +leader\n  {ns-2} +- +standby\n`
		second = `(?s).*ns leader: {ns-2}\n.*{ns-2} +- +leader\n`
	)
	s.matches("showns", s.run("ns-1", s.ns("showns")).stdout, first)
	if err := syscall.Kill(s.pid("ns-1", "nameserver"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.says("the standby leads", "ns-2", s.ns("showns"), `\Ans leader: `+regexp.QuoteMeta(s.endpoint("ns-2"))+`\n`)
	s.matches("showns", s.run("ns-1", s.ns("showns")).stdout, second)
	s.matches("start", s.run("ns-1", s.startSh("ns-1", "start nameserver")).stdout, `(?s).*Start nameserver success\n`)
	s.matches("showns", s.run("ns-1", s.ns("showns")).stdout, second+`  {ns-1} +- +standby\n`)
	s.matches("components", s.run("ns-1", s.sql("show components;")).stdout, `(?s).*{ns-2} +nameserver .* master .*{ns-1} +nameserver .* standby .*`)
}

func TestStoppedTabletGoesAndComesBack(t *testing.T) {
	t.Parallel()
	s := running(t)
	if n := s.leaders("tablet-1"); n == 0 {
		t.Fatal("tablet-1 leads nothing")
	}
	s.run("tablet-1", s.startSh("tablet-1", "stop tablet"))
	s.matches("showtablet", s.run("ns-1", s.ns("showtablet")).stdout, `(?s).*{tablet-1} +- +kOffline .*{tablet-2} +- +kHealthy .*`)
	s.settled()
	s.matches("showtable", s.run("ns-1", s.ns("showtable")).stdout, `(?s).*{tablet-1} +follower +no .*`)
	s.matches("operations", s.run("ns-1", s.ns("showopstatus")).stdout, `(?s).*kChangeLeaderOP .* kDone .*kOfflineReplicaOP .* kDone .*`)
	if out := s.run("ns-1", s.ns("showtable")).stdout; regexp.MustCompile(regexp.QuoteMeta(s.endpoint("tablet-1")) + ` +leader`).MatchString(out) {
		t.Errorf("tablet-1 still leads:\n%s", out)
	}
	s.matches("status", s.run("ns-1", s.sql("show table status like 'features'")).stdout, `(?s).* events +features +memory +\d+ +\d+ +0 +4 +4 .*`)

	s.fault("tablet-1:recover=never")
	s.run("tablet-1", s.startSh("tablet-1", "start tablet"))
	s.says("partitions load", "ns-1", s.tablet("tablet-1", "gettablestatus"), "kTableLoading")
	s.matches("a load that never ends", s.run("ns-1", s.ns("showopstatus")).stdout, `(?s).*kReAddReplicaOP .* kDoing .* kLoadTable .*`)
	s.matches("H5: a warning of several words", s.run("ns-1", s.sql("show table status like '%'")).stdout, `(?s).*state is kTableLoading.*`)
	s.fault("tablet-1:recover=")
	s.healthy()
	if n := s.leaders("tablet-1"); n != 0 {
		t.Errorf("%d leaders came back by themselves", n)
	}
}
