package openmldb

import "stepgate/lab/site"

var faults = []site.FaultKind{
	{What: "start", Value: "fail", Means: "the component ends at once when it is started"},
	{What: "start", Value: "hang", Means: "the component runs but never answers"},
	{What: "stop", Value: "survive", Means: "the component ignores SIGTERM"},
	{What: "preupgrade", Value: "fail", Means: "pre-upgrade of this tablet dies of an exception", On: []string{"tablet"}},
	{What: "changeleader", Value: "fail", Means: "a change of leader from or to this tablet fails", On: []string{"tablet"}},
	{What: "recover", Value: "never", Means: "its partitions stay kTableLoading", On: []string{"tablet"}},
}
