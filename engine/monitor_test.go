package engine_test

import (
	"strings"
	"testing"
	"time"

	"stepgate/executor/executortest"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// watched is a section with a monitor, and what comes behind it.
func watched(attrs string, rest ...string) string {
	return front + "## Change {#change}\n\n" + step("writes", sh(".monitor "+attrs, "probe")) + strings.Join(rest, "")
}

var writes = run.Watch{Monitor: "change/writes", Where: plan.Local}

// samples waits until a monitor has n more samples than now.
func (d *driver) samples(w run.Watch, n int) *run.Snapshot {
	d.t.Helper()
	count := func(s *run.Snapshot) int {
		if m := s.Run.Monitor(w); m != nil {
			return m.Sum(time.Time{}, time.Now().Add(24*time.Hour)).Samples
		}
		return 0
	}
	had := count(d.e.Snapshot())
	return d.until("samples", func(s *run.Snapshot) bool { return count(s) >= had+n })
}

func TestAMonitorIsSampledWhileTheRunWaitsAndUntilItsSectionIsOver(t *testing.T) {
	t.Parallel()
	st := newStage(t, watched("every=100ms", step("change", caution, sh("", "change")))+"\n## After {#after}\n\n"+step("tick"))
	d := st.start()
	d.at(run.WaitGo, "change/writes")
	d.do(run.Go{})
	d.at(run.WaitGo, "change/change")
	d.samples(writes, 3)
	d.do(run.Pause{})
	d.samples(writes, 3)
	d.do(run.Continue{})
	d.do(run.Go{})
	d.at(run.WaitGate, "change/change")
	d.samples(writes, 3)
	d.answer()
	s := d.at(run.WaitManual, "after/tick")
	m := s.Run.Monitor(writes)
	if len(s.Run.Watched()) != 0 || m == nil {
		t.Fatalf("watched %v, monitor %v", s.Run.Watched(), m)
	}
	looks := st.calls("Look")
	if sum := m.Sum(time.Time{}, time.Now()); sum.Samples != sum.Good || sum.Samples < 10 || sum.Longest.Length != 0 || sum.Unobserved != 0 {
		t.Errorf("%+v", sum)
	}
	d.do(run.MarkDone{})
	d.closed()
	if n := st.calls("Look"); n != looks {
		t.Errorf("%d looks behind its section", n-looks)
	}
	r, err := run.Fold(st.plan, st.events())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Monitor(writes).Sum(time.Time{}, time.Now()).Samples, m.Sum(time.Time{}, time.Now()).Samples; got != want {
		t.Errorf("the journal has %d samples, the screen had %d", got, want)
	}
}

func TestARedMonitorHoldsTheNextStepUntilItIsAcknowledged(t *testing.T) {
	t.Parallel()
	st := newStage(t, watched("every=100ms", step("one", sh("", "one")), step("tick")))
	d := st.start()
	d.at(run.WaitGo, "change/writes")
	d.do(run.Go{})
	d.at(run.WaitGo, "change/one")
	st.set("probe", executortest.Script{Exit: 1})
	s := d.at(run.WaitMonitor, "change/one")
	if !strings.Contains(s.Notice, "writes is red") {
		t.Errorf("notice %q", s.Notice)
	}
	d.refused(run.Go{}, "")
	st.set("probe", executortest.Script{})
	d.until("green", func(s *run.Snapshot) bool { return !s.Run.Monitor(writes).Red() })
	d.at(run.WaitMonitor, "change/one") // it has passed, and holds still
	d.do(run.Acknowledge{Reason: "a blip"})
	d.at(run.WaitGo, "change/one")
	d.do(run.Go{})
	d.at(run.WaitManual, "change/tick")
	st.wantRan("one")
}
