package engine_test

import (
	"slices"
	"testing"

	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

// The numbers that the tries of a poll would capture are seen while it goes on.
func TestAPollShowsHowItsNumbersGo(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("wait", sh(`.check until=1h every=5ms fail_if="exit == 3"`, "look"),
		expect("number(lines[0]) == 1"), capture("n = number(lines[0])\n  word = lines[1]")))
	st.set("look", executortest.Script{Stdout: "9\nmany\n"})
	d := st.start()
	d.at(run.WaitGo, "wait")
	d.do(run.Go{})
	trend := func(what string, last float64) []run.Trend {
		t.Helper()
		var got []run.Trend
		d.until(what, func(s *run.Snapshot) bool {
			if s.Busy == nil || len(s.Busy.Looks) != 1 || len(s.Busy.Looks[0].Trends) != 1 {
				return false
			}
			got = s.Busy.Looks[0].Trends
			vs := got[0].Values
			return vs[len(vs)-1] == last
		})
		return got
	}
	first := trend("nine", 9)
	n := len(first[0].Values)
	st.set("look", executortest.Script{Stdout: "3.5\nfew\n"})
	then := trend("fewer", 3.5)
	if first[0].Name != "n" || len(first[0].Values) != n || !slices.Contains(then[0].Values, 9) {
		t.Errorf("first %v, then %v", first, then)
	}
	d.until("more tries than are kept", func(s *run.Snapshot) bool {
		l := s.Busy.Looks[0]
		return l.Try > run.MaxTrend+5 && len(l.Trends[0].Values) == run.MaxTrend
	})
	st.set("look", executortest.Script{Stdout: "1\none\n"})
	d.until("the end", func(s *run.Snapshot) bool { return s.Wait == run.WaitClosed })
}
