// Package cluster is the truth of a simulated DolphinDB cluster: which processes
// run, who leads, which databases there are, where their rows lie and which
// replicas may be read and written.
//
// The truth is held by the lab process and advanced by a clock and by every
// question. A simulated server process comes by [Dial] and [Link.Join], telling
// what it read from its configuration, and stays for as long as its connection;
// what is asked of it, it passes on by [Eval].
//
// # What lies in files
//
// A member's directories ([Member].Dirs) hold what a real one's do, and only
// while the member runs are they read or written: a restored copy, an empty
// directory or a directory moved to another machine has the effect that it would
// have.
//
//	dfsMetaDir    of a controller: the databases, tables, chunks and replicas
//	raft          of a controller: its term, and the node list that the group keeps
//	chunkMetaDir  of a data node: the version of each of its chunks
//	volumes       of a data node: the rows
//
// Each is written in the format of its writer's version, and a process of an
// older version refuses to come ([Refused]).
//
// # The Raft group
//
// Controllers with dfsHAMode=Raft whose cluster.nodes are equal form a group; more than half of the
// controllers that the list names have to be there before one is elected, 8 to 16
// seconds later. Only a controller whose log is as new as that of the others can
// be. A group that has a leader keeps its list: a controller that comes later and
// is on it joins, whatever its own file says. A restart of all takes the list of
// the files, which has to be equal; the fault nodescfg=stale lets the list kept
// in the raft directories win instead, until saveClusterNodes.
//
// # Chunks
//
// A write goes to the live replicas that are not recovering, and is acknowledged
// when a majority of the controllers has it. Where there is none it waits, then
// fails. A data node that comes has each of its chunks RECOVERING until it has
// reported it or has caught up; when a leader is elected all chunks are.
//
// All durations are those of the original, divided by the speed of the lab.
//
// The invariant: no acknowledged row is lost while a live complete replica
// exists, no two controllers of a group lead in the same term, and nobody leads
// without a majority.
package cluster
