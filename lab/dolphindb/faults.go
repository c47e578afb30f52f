package dolphindb

import "stepgate/lab/site"

var servers = []string{"server"}

// faults are those of processes, files and programs.
var faults = []site.FaultKind{
	{What: "start", Value: "fail", Means: "a controller or agent that is started ends at once", On: servers},
	{What: "start", Value: "port", Means: "a controller or agent that is started finds its port in use: error code 98", On: servers},
	{What: "start", Value: "licence", Means: "a controller or agent that is started finds the licence expired", On: servers},
	{What: "start", Value: "disk", Means: "a controller or agent that is started finds the disk full", On: servers},
	{What: "datanode", Value: "fail", Means: "a data node that the agent starts ends at once", On: servers},
	{What: "datanode", Value: "port", Means: "a data node that the agent starts finds its port in use: error code 98", On: servers},
	{What: "datanode", Value: "licence", Means: "a data node that the agent starts finds the licence expired", On: servers},
	{What: "datanode", Value: "disk", Means: "a data node that the agent starts finds the disk full", On: servers},
	{What: "stop", Value: "survive", Means: "DolphinDB's processes ignore SIGTERM", On: servers},
	{What: "stop", Value: "slow", Means: "DolphinDB's processes take two minutes to flush when they are stopped", On: servers},
	{What: "upgrade", Value: "missing-tag", Means: "upgrade.sh ends without UpgradeSuccess, exit code 0; the old program stays", On: servers},
	{What: "upgrade", Value: "rc1", Means: "upgrade.sh ends without UpgradeSuccess, exit code 1; the old program stays", On: servers},
	{What: "disk", Value: "full", Means: "df tells that nothing is free on the machine's disks", On: servers},
	{What: "config", Value: "tutorial", Means: "configuration files have the tutorial's wrong addresses (when the lab is made)", On: servers},
	{What: "package", Value: "broken", Means: "the package misses its end (when the lab is made)", On: []string{"ops"}},
	{What: "licence", Value: "small", Means: "the licence that was applied for allows three nodes (when the lab is made)", On: []string{"ops"}},
}
