package engine_test

import (
	"slices"
	"strings"
	"testing"

	"stepgate/executor/executortest"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// straying is a run that is left in every way there is: a text is changed, commands
// are run beside it, one of them behind a gate, a step is run again, others are
// jumped over.
var straying = paired + step("mend", sh("", "mend")) + step("twice", sh("", "twice")) + step("wait") +
	step("left", caution, sh(".irreversible", "left")) + step("last", sh("", "last"))

var strayingOnce = []string{"mend", "mended", "twice", "twice", "peek", "rm -rf x@a", "last"}

func strayingStage(t *testing.T) *stage {
	st := newStage(t, straying)
	st.set("mend", executortest.Script{Exit: 1, Stdout: "it is broken\n"})
	st.set("peek", executortest.Script{Stdout: "a look\n"})
	return st
}

// strays is what leaves the runbook of [straying]; nil: nothing does now.
func strays(s *run.Snapshot) run.Action {
	if s.Run.Cells[0].Key.Step != "mend" {
		return nil
	}
	if s.Wait == run.WaitFailure && s.Current.Step == "mend" {
		return run.Edit{Body: "mended"}
	}
	if s.Wait != run.WaitManual || s.Current.Step != "wait" {
		return nil
	}
	for _, a := range []run.AdHoc{{Where: plan.Local, Body: "peek"}, {Where: "a", Body: "rm -rf x"}} {
		if !slices.ContainsFunc(s.Run.OffBook, func(c *run.Cell) bool {
			return c.Status == run.Succeeded && strings.TrimSpace(c.AdHoc.Body) == a.Body
		}) {
			return a
		}
	}
	twice := s.Run.Cells[1]
	sent := 0
	for _, a := range twice.Attempts {
		if a.Outcome != nil {
			sent++
		}
	}
	if sent < 2 {
		return run.Again{Cell: twice.Key, Typed: twice.RerunPhrase()}
	}
	last := run.Key{Step: "last", Target: plan.Local}
	return run.Jump{To: last, Reason: "not tonight", Typed: s.Run.LeapTo(last).Phrase}
}

func TestTheWholeRunThatIsLeftWithoutACrash(t *testing.T) {
	t.Parallel()
	st := strayingStage(t)
	d := st.start()
	if s := walk(t, d.e); s.Run.Closed != run.DoneExceptions {
		t.Errorf("closed as %q", s.Run.Closed)
	}
	got, want := st.ran(), slices.Sorted(slices.Values(strayingOnce))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("ran %q, want %q", got, want)
	}
}
