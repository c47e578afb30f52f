// Package openmldb simulates an OpenMLDB cluster: the nameserver and tablet
// processes, the ZooKeeper they meet in, and the programs an operator uses,
// bin/start.sh, bin/openmldb and tools/openmldb_ops.py.
//
// [Cluster] is the whole truth about tables, partitions and operations. It lives
// in the lab process and is asked over a loopback port that stands for
// ZooKeeper; a nameserver answers only while it is the leader, a tablet only for
// its own partitions, each from a process of its own.
//
// It imports lab/site and lab/userland, and nothing else of the project.
//
// The invariant: what an operator sees is what OpenMLDB 0.8 and 0.9 show, with
// its exit codes that are 0 after errors, its silences and its races. Only the
// waits are shorter, divided by the lab's speed. One thing is kinder than the
// original: when the whole site boots, its tablets load their own partitions, as
// if a boot script had run recoverdata.
//
// # What a runbook gets
//
// The inventory has the groups ops (ns-1), nameserver (ns-1, ns-2) and tablet
// (tablet-1 to tablet-3), and per host ssh, endpoint and home (the deploy
// directory). The parameters are cluster, zk, zk_root, ops_dir, statdir,
// old_version, new_version, new_package_dir, probe_db, probe_table, writes and
// single. Called as on a real host, with the deploy directory as cwd:
//
//	bash bin/start.sh start|stop|restart nameserver|tablet
//	./bin/openmldb --version
//	./bin/openmldb --zk_cluster=$zk --zk_root_path=$zk_root --role=ns_client --interactive=false --cmd=showns
//	./bin/openmldb --role=client --endpoint=$endpoint --interactive=false --cmd=gettablestatus
//	echo 'show components;' | ./bin/openmldb --zk_cluster=$zk --zk_root_path=$zk_root --role=sql_client --interactive=false
//	python tools/openmldb_ops.py --openmldb_bin_path=./bin/openmldb --zk_cluster=$zk --zk_root_path=$zk_root --cmd=pre-upgrade --endpoints=$endpoint --statfile=FILE
package openmldb
