package engine_test

import (
	"strings"
	"testing"

	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

// Checks that were taken along with one that didn't hold are taken again along with
// it, up to the first that still doesn't hold.
func TestChecksAreTakenAgainTogether(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh(".check", "one"))+step("two", sh(".check", "two"))+step("three", sh(".check", "three"))+step("tick"))
	for _, name := range []string{"one", "two", "three"} {
		st.set(name, executortest.Script{Exit: 1})
	}
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	failed := func(want string) *run.Snapshot {
		return d.until("failed: "+want, func(s *run.Snapshot) bool {
			var got []string
			for _, c := range s.Run.Cells {
				if c.Status == run.Failed {
					got = append(got, c.Key.Step)
				}
			}
			return s.Wait == run.WaitFailure && s.Busy == nil && strings.Join(got, " ") == want
		})
	}
	failed("one two three")
	d.do(run.Retry{}) // nothing is mended: the others aren't asked again
	failed("one two three")
	st.set("one", executortest.Script{})
	st.set("three", executortest.Script{})
	d.do(run.Retry{})
	if s := failed("two three"); s.Current.Step != "two" {
		t.Errorf("it stands at %s", s.Current)
	}
	st.set("two", executortest.Script{})
	d.do(run.Retry{})
	d.at(run.WaitManual, "tick")
}
