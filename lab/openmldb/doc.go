// Package openmldb simulates an OpenMLDB cluster: the nameserver, tablet, API server
// and task manager processes, the ZooKeeper they meet in, and the programs an
// operator uses, bin/start.sh, bin/mon, bin/openmldb, tools/openmldb_ops.py, pip and
// hdfs.
//
// [Cluster] is the whole truth about tables, partitions, operations and offline
// jobs. It lives in the lab process and is asked over a loopback port that stands
// for ZooKeeper; a nameserver answers only while it is the leader, a tablet only for
// its own partitions, each from a process of its own. Jobs run in the task manager's
// process, and end with it.
//
// It imports lab/site, lab/userland and lab/wire, and nothing else of the project.
//
// The invariant: what an operator sees is what OpenMLDB 0.8 and 0.9 show, with
// its exit codes that are 0 after errors, its silences and its races. Only the
// waits are shorter, divided by the lab's speed. One thing is kinder than the
// original: when the whole site boots, its tablets load their own partitions, as
// if a boot script had run recoverdata.
//
// # What a runbook gets
//
// The inventory has the groups ops and python_sdk (ns-1), nameserver (ns-1, ns-2),
// tablet (tablet-1 to tablet-3), apiserver (api-1) and taskmanager (task-1), and per
// host ssh, endpoint and home (the deploy directory); task-1 also has spark_home. The
// parameters are cluster, zk, zk_root, ops_dir, statdir, old_version, new_version,
// new_package_dir, new_spark_dir, pip, probe_db, probe_table, probe_write, writes and
// single. Called as on a real host, with the deploy directory as cwd:
//
//	bash bin/start.sh start|stop|restart nameserver|tablet|apiserver [mon]
//	SPARK_HOME=$spark_home bash bin/start.sh start taskmanager [mon]
//	./bin/openmldb --version
//	./bin/openmldb --zk_cluster=$zk --zk_root_path=$zk_root --role=ns_client --interactive=false --cmd=showns
//	./bin/openmldb --role=client --endpoint=$endpoint --interactive=false --cmd=gettablestatus
//	echo 'show components;' | ./bin/openmldb --zk_cluster=$zk --zk_root_path=$zk_root --role=sql_client --interactive=false
//	python tools/openmldb_ops.py --openmldb_bin_path=./bin/openmldb --zk_cluster=$zk --zk_root_path=$zk_root --cmd=pre-upgrade --endpoints=$endpoint --statfile=FILE
//	curl http://$endpoint/dbs/DB -d '{"mode": "online", "sql": "select * from TABLE limit 1"}'
//	pip show openmldb, pip install openmldb==VERSION
//	hdfs dfs -test|-ls|-mkdir|-put|-rm
//
// The SQL client is offline until it is told `set @@execute_mode='online'`, as the
// original is: a query without it is a job of the task manager.
//
// The version that a task manager runs is that of its jars: the name of
// taskmanager/lib/openmldb-taskmanager-VERSION.jar, which its log
// taskmanager/bin/logs/taskmanager.log has in the class path that Java's ZooKeeper
// client prints. A job fails when Spark's jars are of another version, when they are
// replaced under it, and when they aren't there.
//
// An operation that failed, number 1, and a job that finished, number 1, are older
// than the lab.
package openmldb
