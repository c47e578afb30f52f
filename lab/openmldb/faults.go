package openmldb

import "stepgate/lab/site"

var (
	tablets     = []string{tabletRole}
	operations  = []string{"ops"}
	servers     = []string{nameserverRole, tabletRole, taskmanagerRole} // that ZooKeeper knows
	taskmanager = []string{taskmanagerRole}
)

var faults = []site.FaultKind{
	{What: "start", Value: "fail", Means: "the component ends at once when it is started"},
	{What: "start", Value: "hang", Means: "the component runs but never answers"},
	{What: "stop", Value: "survive", Means: "the component ignores SIGTERM"},
	{What: "version", Value: "old", Means: "what is started runs the old version, whatever is on disk"},
	{What: "mode", Value: "mon", Means: "the host's init starts the component under bin/mon: give it when the lab is made"},
	{What: "disk", Value: "full", Means: "cp finds no space left on the host, and df says so"},
	{What: "process", Value: "killed", Means: "the component's process is killed; cleared, init starts it again", On: servers},
	{What: "leader", Value: "lost", Means: "the nameserver doesn't lead while another one can", On: []string{nameserverRole}},
	{What: "preupgrade", Value: "fail", Means: "pre-upgrade of this tablet dies of an exception", On: tablets},
	{What: "changeleader", Value: "fail", Means: "a change of leader from or to this tablet fails", On: tablets},
	{What: "addreplica", Value: "fail", Means: "a replica that is added on this tablet fails for want of memory", On: tablets},
	{What: "op", Value: "stuck", Means: "operations on this tablet stay kDoing", On: tablets},
	{What: "recover", Value: "slow", Means: "its partitions are loaded only a minute after it came", On: tablets},
	{What: "recover", Value: "never", Means: "its partitions stay kTableLoading", On: tablets},
	{What: "warnings", Value: "words", Means: "a table that it holds has a warning of several words: showtablestatus leaves the row out", On: tablets},
	{What: "table", Value: "single", Means: "there is a table risk.limits, with its one replica on this tablet; it stays", On: tablets},
	{What: "table", Value: "alone", Means: "this tablet alone holds everything, so that no other is a target for a replica; it stays so", On: tablets},
	{What: "failover", Value: "off", Means: "somebody switches auto_failover off; cleared, on", On: operations},
	{What: "zk", Value: "down", Means: "ZooKeeper doesn't answer new clients", On: operations},
	{What: "writes", Value: "stuck", Means: "no table gets rows, and inserts fail", On: operations},
	{What: "stat", Value: "stale", Means: "notes of somebody's pre-upgrade lie in .stat of the operations directory; cleared, not any more", On: operations},
	{What: "stat", Value: "away", Means: "when pre-upgrade has written its notes, somebody renames the file to FILE.away", On: operations},
	{What: "pip", Value: "notfound", Means: "the package index doesn't have the version", On: operations},
	{What: "jobs", Value: "running", Means: "somebody's offline job runs, and what is submitted doesn't end; cleared, they finish", On: taskmanager},
	{What: "spark", Value: "missing", Means: "no job finds bin/spark-submit", On: taskmanager},
	{What: "spark", Value: "yarn", Means: "the properties name Yarn and jars on HDFS; cleared, not any more", On: taskmanager},
}
