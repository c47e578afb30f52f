// Package openmldb simulates an OpenMLDB cluster: the nameserver and tablet
// processes, the ZooKeeper they meet in, and the programs an operator uses,
// bin/start.sh, bin/openmldb and tools/openmldb_ops.py.
//
// [Cluster] is the whole truth about tables, partitions and operations. It lives
// in the lab process and is asked over a loopback port that stands for
// ZooKeeper; a nameserver answers only while it is the leader, a tablet only for
// its own partitions, each from a process of its own.
//
// It imports lab/site and nothing else of the project.
//
// The invariant: what an operator sees is what OpenMLDB 0.8 and 0.9 show, with
// its exit codes that are 0 after errors, its silences and its races. Only the
// waits are shorter, divided by the lab's speed. One thing is kinder than the
// original: when the whole site boots, its tablets load their own partitions, as
// if a boot script had run recoverdata.
package openmldb
