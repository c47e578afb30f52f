package rehearsal_test

import (
	"strings"
	"testing"

	"stepgate/runbooks/rehearsal"
)

// What the stories of this package rest on: a fault stops a run, a person's remedy lets
// it go on, and the ledger outlives the cluster.
func TestAFaultStopsAndARemedyGoesOn(t *testing.T) {
	t.Parallel()
	r := rehearsal.Begin(t, "openmldb", "tablet-1:preupgrade=fail")
	if got := r.On("tablet-2", "pwd"); strings.TrimSpace(got) != r.Root("tablet-2")+"/home/"+r.Host("tablet-2").User {
		t.Errorf("logged in at %q", got)
	}
	r.GoOn().Stopped("failure", "tablets[tablet-1]/pre", "requests.exceptions.ConnectionError", "it leads nothing that has another replica")
	r.Fault("tablet-1:preupgrade=")
	r.Remedy("retry")
	r.GoOn().Done()
	starts := r.Did("start.sh")
	if len(starts) == 0 || len(r.Did("ledger")) != 0 {
		t.Errorf("the ledger has %v", starts)
	}
}
