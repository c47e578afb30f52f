package lab_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// offline is a statement that the SQL client hands to the task manager, and waits for.
func (s *site) offline(statement string) string {
	return s.sql("set @@execute_mode='offline'; set @@sync_job=true; set @@job_timeout=600000; " + statement + ";")
}

// spark is a command line of start.sh with the caller's SPARK_HOME.
func (s *site) spark(args string) string {
	h := s.host("task-1").Vars
	return "cd '" + h["home"] + "' && SPARK_HOME='" + h["spark_home"] + "' bash bin/start.sh " + args
}

// replaces puts the new version's directory in the old one's place.
func (s *site) replaces(home, name, from string) string {
	return "cd '" + home + "' && rm -rf " + name + ".old && mv " + name + " " + name + ".old && cp -Rp '" + from + "' " + name
}

const (
	taskStarted = `Starting taskmanager \.\.\. \nSPARK_HOME: \S+/spark-3\.2\.1-bin-openmldbspark\nRewrite properties by \./conf/taskmanager\.properties\nprocess pid is \d+\nStart taskmanager success\n`
	taskRefused = "\x1b" + `\[1;31mStart taskmanager failed! Please check log in \./logs//taskmanager\[_mon\]\.log and \./taskmanager/bin/logs/taskmanager\.log ` + "\x1b" + `\[0m\n`
	taskStopped = `Stopping taskmanager \.\.\. \nStop taskmanager success\n`
	jobColumns  = `  job_id +job_type +state +start_time +end_time +parameter +cluster +application_id +error +db +name +pid +cur_task +component +\n`
)

func TestTaskManager(t *testing.T) {
	t.Parallel()
	s := running(t)
	home, spark := s.home("task-1"), s.host("task-1").Vars["spark_home"]
	java := func(s *site) {
		if out := s.run("task-1", "ps -o args= -p "+strconv.Itoa(s.pid("task-1", "taskmanager"))).stdout; !strings.HasPrefix(out, "java -cp ") || !strings.Contains(out, "TaskManagerServer") {
			s.t.Errorf("the process is %q", out)
		}
	}
	play(t, s, []call{
		{
			fact: "show components lists the active task manager", host: "ns-1", cmd: s.sql("show components;"),
			stdout: `(?s).*  {task-1} +taskmanager +\S+ \S+ +online +NULL .*`, effect: java,
		},
		{
			fact: "SHOW JOBS: header and what ran before", host: "ns-1", cmd: s.sql("show jobs;"),
			stdout: ` -[- ]+\n` + jobColumns + ` -[- ]+\n  1 +ImportOfflineData +FINISHED +\S+ \S+ +\S+ \S+ +/tmp/sql-\d+ +local\[\*\] .*\n -[- ]+\n\n1 rows in set\n`,
		},
		{
			fact: "the SQL client is offline by default: a query becomes a job that isn't waited for", host: "ns-1", cmd: s.sql("select 1;"),
			stdout: `(?s).*` + jobColumns + `.*  2 +RunBatchAndShow +Submitted .*1 rows in set\n`,
		},
		{
			fact: "the client can't insert in offline mode", host: "ns-1", cmd: s.sql("insert into features.events values (1, 2.0);"),
			stdout: `Error: Can not insert in offline mode, please set @@SESSION\.execute_mode='online'\n`,
		},
		{
			fact: "a synchronous query shows its result", host: "ns-1", cmd: s.offline("select 1"),
			stdout: ` -+\n  1 +\n -+\n  1 +\n -+\n\n1 rows in set\n`,
			effect: func(s *site) {
				s.matches("jobs", s.run("ns-1", s.sql("show jobs;")).stdout, `(?s).*  3 +RunBatchAndShow +FINISHED .*\n3 rows in set\n`)
			},
		},
		{
			fact: "SELECT INTO OUTFILE makes a directory on the task manager's host", host: "ns-1",
			cmd:    s.offline("select * from features.users into outfile 'file:///tmp/users'"),
			stdout: `(?s).*  4 +ExportOfflineData +FINISHED .*`,
			effect: func(s *site) {
				if _, err := os.Stat(filepath.Join(s.Dir, "hosts", "task-1", "tmp", "users", "_SUCCESS")); err != nil {
					s.t.Error(err)
				}
			},
		},
		{
			fact: "a job that fails is text, rc 0, and FAILED in the list", host: "ns-1",
			cmd:    s.offline("select * from features.users into outfile 'file:///tmp/users'"),
			stdout: `Error: \[2001\] sync offline query failed--ReturnCode\[-1\]--job 5 is FAILED: .*already exists\n`,
			effect: func(s *site) {
				s.matches("jobs", s.run("ns-1", s.sql("show job 5;")).stdout, `(?s).*  5 +ExportOfflineData +FAILED .*already exists.*`)
			},
		},
		{
			fact: "a fault: no job finds Spark", host: "ns-1", before: func(s *site) { s.fault("task-1:spark=missing") },
			cmd: s.offline("select 1"), stdout: `Error: .*job 6 is FAILED: java\.io\.IOException: Cannot run program ".*/bin/spark-submit": error=2, No such file or directory\n`,
			effect: func(s *site) { s.fault("task-1:spark=") },
		},
		{
			fact: "H8: a job under which Spark is replaced fails with mixed jars", host: "ns-1",
			before: func(s *site) {
				s.fault("task-1:jobs=running")
				s.sees("show jobs;", `  7 +ImportOfflineData +RUNNING `)
				s.run("ns-1", s.sql("select 1;"))
				s.sees("show job 8;", "RUNNING")
				s.run("task-1", "mv '"+spark+"' '"+spark+".old' && cp -Rp '"+s.Params["new_spark_dir"]+"' '"+spark+"'")
				s.fault("task-1:jobs=")
				s.sees("show job 8;", "FAILED")
			},
			cmd: s.sql("show jobs;"), stdout: `(?s).*  7 +ImportOfflineData +FINISHED .*  8 +RunBatchAndShow +FAILED .*java\.lang\.NoSuchMethodError.*`,
		},
		{
			fact: "U4: Spark of another version than the task manager's runs no job", host: "ns-1", cmd: s.offline("select 1"),
			stdout: `Error: .*job 9 is FAILED: java\.lang\.NoSuchMethodError.*openmldb-batchjob-0\.8\.4\.jar and openmldb-batch-0\.9\.2\.jar\)\n`,
		},
		{
			fact: "H8: a stop under a running job loses it", host: "task-1",
			before: func(s *site) {
				s.fault("task-1:jobs=running")
				s.sees("show jobs;", `  10 +ImportOfflineData +RUNNING `)
			},
			cmd: s.startSh("task-1", "stop taskmanager"), stdout: taskStopped,
			effect: func(s *site) {
				s.fault("task-1:jobs=")
				if pid := s.pid("task-1", "taskmanager"); pid != 0 || s.listens("task-1") {
					s.t.Errorf("pid file %d, listening %v", pid, s.listens("task-1"))
				}
				s.matches("components", s.run("ns-1", s.sql("show components;")).stdout, `(?s).*5 rows in set\n`)
			},
		},
		{
			fact: "without a task manager there are no jobs: text, rc 0", host: "ns-1", cmd: s.sql("show jobs; select 1;"),
			stdout: `Error: \[2001\] --ReturnCode\[1003\]--Fail to get TaskManager client\nError: \[2001\] async offline query failed--ReturnCode\[1003\]--Fail to get TaskManager client\n`,
		},
		{
			fact: "without SPARK_HOME it ends at once: red line, rc 0", host: "task-1", cmd: s.startSh("task-1", "start taskmanager"),
			stdout: `Starting taskmanager \.\.\. \nSPARK_HOME: \nRewrite properties by \./conf/taskmanager\.properties\nprocess pid is \d+\n` + taskRefused,
			effect: func(s *site) {
				s.matches("log", s.run("task-1", "cat '"+home+"/taskmanager/bin/logs/taskmanager.log'").stdout, `(?s).*should set config 'spark\.home' or environment variable 'SPARK_HOME'\n`)
			},
		},
		{
			fact: "bin and taskmanager replaced, it starts with the new version in its log", host: "task-1",
			before: func(s *site) {
				s.run("task-1", s.replaces(home, "taskmanager", s.Params["new_package_dir"]+"/taskmanager"))
				s.run("task-1", s.replaces(home, "bin", s.Params["new_package_dir"]+"/bin"))
			},
			cmd: s.spark("start taskmanager"), stdout: taskStarted,
			effect: func(s *site) {
				java(s)
				s.matches("log", s.run("task-1", "cat '"+home+"/taskmanager/bin/logs/taskmanager.log'").stdout,
					`(?s).* Client environment:java\.class\.path=.*/openmldb-taskmanager-0\.9\.2\.jar:.* Start TaskManager on \d+ with worker thread number 16\n`)
				s.matches("jobs", s.run("ns-1", s.sql("show job 10;")).stdout, `(?s).*  10 +ImportOfflineData +LOST .*`)
				s.matches("a job", s.run("ns-1", s.offline("select 1")).stdout, `(?s).*1 rows in set\n`)
			},
		},
		{
			fact: "a task manager that hangs is a success: only its process is looked at", host: "task-1",
			before: func(s *site) {
				s.run("task-1", s.startSh("task-1", "stop taskmanager"))
				s.fault("task-1:start=hang")
			},
			cmd: s.spark("start taskmanager"), stdout: taskStarted,
			effect: func(s *site) {
				if s.listens("task-1") {
					s.t.Error("it listens")
				}
				s.fault("task-1:start=")
			},
		},
	})
}

func TestYarnRunsWhatLiesOnHDFS(t *testing.T) {
	t.Parallel()
	s := running(t)
	home, spark := s.home("task-1"), s.host("task-1").Vars["spark_home"]
	lib := s.Params["new_package_dir"] + "/taskmanager/lib/"
	s.fault("task-1:spark=yarn")
	s.says("the properties name Yarn", "task-1", "cat '"+home+"/conf/taskmanager.properties'", `\nspark\.master=yarn\n`)
	play(t, s, []call{
		{
			fact: "spark.yarn.jars and batchjob.jar.path point to HDFS", host: "task-1", cmd: "grep hdfs: '" + home + "/conf/taskmanager.properties'; hdfs dfs -test -e hdfs:///openmldb/openmldb-batchjob.jar",
			stdout: `spark\.yarn\.jars=hdfs:///openmldb/spark/jars/\*\nbatchjob\.jar\.path=hdfs:///openmldb/openmldb-batchjob\.jar\noffline\.data\.prefix=hdfs:///openmldb/offline\n`,
		},
		{
			fact: "hdfs dfs -test says it by its exit code, of patterns too", host: "task-1", exit: 1,
			cmd: "hdfs dfs -test -e 'hdfs:///openmldb/spark/jars/*' && echo there; hdfs dfs -test -e /nowhere", stdout: `there\n`,
		},
		{
			fact: "hdfs dfs -put doesn't overwrite without -f", host: "task-1", cmd: "hdfs dfs -put " + lib + "openmldb-batchjob-0.9.2.jar hdfs:///openmldb/openmldb-batchjob.jar",
			exit: 1, stderr: "put: `hdfs:///openmldb/openmldb-batchjob\\.jar': File exists\n",
		},
		{
			fact: "the local distribution has no effect: with the old jars on HDFS no job of the new version runs", host: "ns-1",
			before: func(s *site) {
				s.run("task-1", s.startSh("task-1", "stop taskmanager"))
				s.run("task-1", s.replaces(home, "taskmanager", s.Params["new_package_dir"]+"/taskmanager"))
				s.run("task-1", "rm -r '"+spark+"/jars' && cp -Rp '"+s.Params["new_spark_dir"]+"/jars' '"+spark+"'")
				s.matches("start", s.run("task-1", s.spark("start taskmanager")).stdout, taskStarted)
			},
			cmd: s.offline("select 1"), stdout: `Error: .*is FAILED: java\.lang\.NoSuchMethodError.*\n`,
		},
		{
			fact: "with the new jars there jobs run", host: "ns-1",
			before: func(s *site) {
				s.matches("rm", s.run("task-1", "hdfs dfs -put "+lib+"openmldb-batchjob-0.9.2.jar /openmldb && hdfs dfs -rm '/openmldb/*-0.9.2.jar'").stdout, `Deleted /openmldb/openmldb-batchjob-0\.9\.2\.jar\n`)
				r := s.run("task-1", "hdfs dfs -put -f "+lib+"openmldb-batchjob-0.9.2.jar /openmldb/openmldb-batchjob.jar && hdfs dfs -mkdir -p /openmldb/new &&"+
					" hdfs dfs -put "+spark+"/jars/openmldb-batch-0.9.2.jar hdfs:///openmldb/new && hdfs dfs -ls /openmldb/new"+
					" && sed -i.old 's,/openmldb/spark/jars/,/openmldb/new/,' '"+home+"/conf/taskmanager.properties'")
				s.matches("hdfs", r.stdout, `Found 1 items\n-rw.* /openmldb/new/openmldb-batch-0\.9\.2\.jar\n`)
				s.run("task-1", s.spark("restart taskmanager"))
			},
			cmd: s.offline("select 1"), stdout: `(?s).*1 rows in set\n`,
		},
	})
}

func TestAPIServer(t *testing.T) {
	t.Parallel()
	s := running(t)
	url := "http://" + s.endpoint("api-1")
	ask := func(path, body string) string {
		if body == "" {
			return "curl -s " + url + path
		}
		return "curl -s " + url + path + " -d '" + strings.ReplaceAll(body, "'", `'\''`) + "'"
	}
	play(t, s, []call{
		{fact: "GET /status", host: "api-1", cmd: ask("/status", ""), stdout: `version: 0\.8\.4\napiserver_server: {api-1}\n`},
		{
			fact: "it isn't in show components", host: "ns-1", cmd: s.sql("show components;"), stdout: anything,
			effect: func(s *site) {
				if out := s.run("ns-1", s.sql("show components;")).stdout; strings.Contains(out, s.endpoint("api-1")) {
					s.t.Errorf("it's listed:\n%s", out)
				}
			},
		},
		{fact: "GET /dbs", host: "api-1", cmd: ask("/dbs", ""), stdout: `\{"code":0,"msg":"ok","dbs":\["features","risk"\]\}\n`},
		{
			fact: "GET /dbs/DB/tables", host: "api-1", cmd: ask("/dbs/risk/tables", ""),
			stdout: `\{"code":0,"msg":"ok","tables":\[\{"db":"risk","name":"profiles","partition_num":2,"replica_num":2,"tid":5\}\]\}\n`,
		},
		{
			fact: "POST /dbs/DB: an online query, in the database of the path", host: "api-1", cmd: ask("/dbs/features", `{"mode":"online","sql":"select * from users limit 1"}`),
			stdout: `\{"code":0,"msg":"ok","data":\{"schema":\["Int64","Double"\],"data":\[\[1,1\.0+\]\]\}\}\n`,
		},
		{
			fact: "the documented way to see whether it works", host: "api-1", cmd: ask("/dbs/foo", `{"mode":"online","sql":"show components;"}`),
			stdout: `\{"code":0,"msg":"ok","data":\{"schema":.*\["{tablet-1}","tablet",.*\}\n`,
		},
		{
			fact: "a failure is code -1 with HTTP 200", host: "api-1", cmd: ask("/dbs/features", `{"mode":"online","sql":"select * from nothing"}`) + " -w '%{http_code}'",
			stdout: `\{"code":-1,"msg":"table not exists: features\.nothing"\}\n200`,
		},
		{
			fact: "PUT inserts a row", host: "api-1", cmd: ask("/dbs/features/tables/users", `{"value":[[1, 2.0]]}`) + " -X PUT",
			stdout: `\{"code":0,"msg":"ok"\}\n`,
			effect: func(s *site) {
				if n := s.rows("users"); n != 10481 {
					s.t.Errorf("%d rows", n)
				}
			},
		},
		{
			fact: "it is stopped, replaced and started like the others", host: "api-1",
			cmd: s.startSh("api-1", "stop apiserver") + " && cp -p '" + s.Params["new_package_dir"] + "/bin/openmldb' bin/openmldb && bash bin/start.sh start apiserver; tail -n 1 logs/apiserver.log",
			stdout: `Stopping apiserver \.\.\. \nStop apiserver success\nStarting apiserver \.\.\. \nprocess pid is \d+\n(curl server status failed, retry later\n)*Start apiserver success\n` +
				`.* start apiserver on endpoint {api-1} with version 0\.9\.2\n`,
			effect: func(s *site) { s.runsVersion("api-1", "0.9.2") },
		},
		{
			fact: "without the cluster it doesn't start", host: "api-1",
			before: func(s *site) {
				s.run("api-1", s.startSh("api-1", "stop apiserver"))
				s.fault("ns-1:zk=down")
			},
			cmd: s.startSh("api-1", "start apiserver"), stdout: `(?s).*Start apiserver failed! .*`,
			effect: func(s *site) { s.fault("ns-1:zk=") },
		},
	})
}

func TestPip(t *testing.T) {
	t.Parallel()
	s := running(t)
	play(t, s, []call{
		{fact: "U5: pip show openmldb", host: "ns-1", cmd: "pip show openmldb", stdout: `Name: openmldb\nVersion: 0\.8\.4\n(?s:.*)`},
		{
			fact: "a version that isn't found exits 1, with the versions that are", host: "ns-1", before: func(s *site) { s.fault("ns-1:pip=notfound") },
			cmd: "pip install openmldb==0.9.2", exit: 1,
			stderr: `ERROR: Could not find a version that satisfies the requirement openmldb==0\.9\.2 \(from versions: .*0\.8\.4, .*\)\nERROR: No matching distribution found for openmldb==0\.9\.2\n`,
			effect: func(s *site) { s.fault("ns-1:pip=") },
		},
		{
			fact: "pip install openmldb==VERSION", host: "ns-1", cmd: "python -m pip install openmldb==0.9.2", stdout: `Collecting openmldb==0\.9\.2\n(?s:.*)Successfully installed openmldb-0\.9\.2\n`,
			effect: func(s *site) {
				s.matches("show", s.run("ns-1", "pip show openmldb").stdout, `Name: openmldb\nVersion: 0\.9\.2\n(?s:.*)`)
			},
		},
		{fact: "again: satisfied", host: "ns-1", cmd: "pip install openmldb==0.9.2", stdout: `Requirement already satisfied: .*\n`},
		{fact: "other packages are refused", host: "ns-1", cmd: "pip install numpy", exit: 1, stderr: `ERROR: this host's pip only installs .*\n`},
	})
}

// sees waits until what the SQL client says matches somewhere.
func (s *site) sees(statement, pattern string) {
	s.t.Helper()
	s.says(pattern, "ns-1", s.sql(statement), pattern)
}
