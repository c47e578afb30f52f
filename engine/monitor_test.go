package engine_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stepgate/cmd/torture/tally"
	"stepgate/engine"
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
	d.goes("change/writes", run.WaitGo, "change/change")
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
	d.goes("change/writes", run.WaitGo, "change/one")
	st.set("probe", executortest.Script{Exit: 1})
	s := d.at(run.WaitMonitor, "change/one")
	if !strings.Contains(s.Notice, "writes is red") {
		t.Errorf("notice %q", s.Notice)
	}
	d.refused(run.Go{}, "")
	st.set("probe", executortest.Script{})
	d.until("green", func(s *run.Snapshot) bool { return !s.Run.Monitor(writes).Red() })
	d.at(run.WaitMonitor, "change/one") // it has passed, and holds still
	d.refused(run.Acknowledge{Reason: "of something else", Episodes: 7}, "")
	d.acknowledge("a blip")
	d.goes("change/one", run.WaitManual, "change/tick")
	st.wantRan("one")
}

func TestAGateThatWasAnsweredBeforeItTurnedRedSendsNothing(t *testing.T) {
	t.Parallel()
	st := newStage(t, watched("every=100ms", step("one", caution, sh(".check", "may"), sh(".irreversible", "one")), step("tick")))
	d := st.start()
	d.goes("change/writes", run.WaitGo, "change/one")
	d.do(run.Go{})
	s := d.at(run.WaitGate, "change/one")
	script, release := hold(t, executortest.Script{})
	st.set("may", script)
	refused := make(chan error, 1)
	go func() {
		g := at1(s).Gate
		refused <- d.e.Do(t.Context(), s.Current, s.Seq, run.Answer{Gate: g.Gate, Typed: g.Phrase})
	}()
	d.until("the precondition", func(s *run.Snapshot) bool { return s.Busy != nil && s.Busy.What == "check" })
	st.set("probe", executortest.Script{Exit: 1})
	d.until("red", func(s *run.Snapshot) bool { return s.Run.Monitor(writes).Red() })
	release()
	if err := <-refused; err == nil || !strings.Contains(err.Error(), "writes") {
		t.Errorf("the answer is taken: %v", err)
	}
	d.at(run.WaitMonitor, "change/one")
	st.wantRan()
	d.acknowledge("known")
	d.at(run.WaitGo, "change/one") // it is red still, and doesn't hold again
	d.do(run.Go{})
	s = d.at(run.WaitGate, "change/one")
	if !s.Run.Monitor(writes).Red() {
		t.Error("it is green")
	}
	g := at1(s).Gate
	d.refused(run.Answer{Gate: g.Gate, Typed: g.Phrase, Pre: "stepgate run --approve one"}, "is red")
	st.wantRan()
	d.answer()
	d.at(run.WaitManual, "change/tick")
	st.wantRan("one")
	if n := st.count("GateGranted"); n != 1 {
		t.Errorf("%d grants", n)
	}
}

func TestARedMonitorComesGreenAfterGraceUnnoticed(t *testing.T) {
	t.Parallel()
	st := newStage(t, watched("every=100ms grace=1h", step("tick")))
	d := st.start()
	d.goes("change/writes", run.WaitManual, "change/tick")
	st.set("probe", executortest.Script{Exit: 1})
	d.samples(writes, 3)
	st.set("probe", executortest.Script{})
	s := d.samples(writes, 3)
	if m := s.Run.Monitor(writes); len(m.Episodes) != 0 || d.sum(writes).Failures == 0 || d.sum(writes).Longest.Length == 0 {
		t.Errorf("%+v, %+v", m.Episodes, d.sum(writes))
	}
}

func TestAMonitorGoesOnBehindAResume(t *testing.T) {
	t.Parallel()
	st := newStage(t, watched("every=100ms", step("tick")))
	d := st.start()
	d.goes("change/writes", run.WaitManual, "change/tick")
	st.set("probe", executortest.Script{Exit: 1})
	d.until("red", func(s *run.Snapshot) bool { return s.Run.Monitor(writes).Red() })
	d.leave("detached")
	before := st.numbers()
	st.reopen()
	d = st.resume()
	d.at(run.WaitMonitor, "change/tick")
	d.samples(writes, 2)
	st.set("probe", executortest.Script{})
	s := d.until("green", func(s *run.Snapshot) bool { return !s.Run.Monitor(writes).Red() })
	m := s.Run.Monitor(writes)
	sum := d.sum(writes)
	if len(m.Episodes) != 1 || sum.Unobserved == 0 || sum.Longest.Length+sum.Unobserved != sum.Longest.To.Sub(sum.Longest.From) {
		t.Errorf("%+v, %+v", m.Episodes, sum)
	}
	after := st.numbers()[len(before):]
	for _, n := range after {
		if slices.Contains(before, n) {
			t.Errorf("sample %s was there before the resume", n)
		}
	}
	if len(after) < 3 {
		t.Errorf("numbers %v", after)
	}
}

// numbers are those of the samples that were taken on this machine, in order.
func (st *stage) numbers() (out []string) {
	for _, c := range st.local().Calls() {
		for _, v := range c.Command.Env {
			if v.Name == "STEPGATE_SAMPLE" {
				out = append(out, v.Value)
			}
		}
	}
	return out
}

// Whichever write a process ends at, no number of a sample is given out twice, and what
// was red holds.
func TestTortureNumbersOfSamplesAreNeverReused(t *testing.T) {
	t.Parallel()
	st := newStage(t, watched("every=100ms", step("one", sh("", "one")), step("tick")))
	crashes := tally.Size(t, 12)
	for n := range crashes {
		j := &brokenJournal{left: 3 + n%9, durable: n%2 == 0}
		st.wrap = func(real engine.Journal) engine.Journal { j.Journal = real; return j }
		st.set("probe", executortest.Script{Exit: n % 3 % 2})
		if e := st.process(n == 0); e != nil {
			d := &driver{t: t, e: e, left: true}
			st.goOnUntilLatched(d)
			_ = e.Close(t.Context(), "crash") // the journal is broken
		}
		st.reopen()
	}
	seen, twice := map[string]bool{}, 0
	for _, n := range st.numbers() {
		if seen[n] {
			t.Errorf("sample %s was taken twice", n)
			twice++
		}
		seen[n] = true
	}
	if len(seen) == 0 {
		t.Error("no sample was taken")
	}
	st.wrap = nil
	if v, err := st.store.Verify(t.Context(), st.id); err != nil || !v.OK() {
		t.Errorf("verify: %+v, %v", v, err)
	}
	tally.Add(t, tally.Faults, crashes)
	tally.Add(t, tally.Duplicates, twice)
}

// goOnUntilLatched does what an operator would until nothing more can be journaled; at
// the tick it adds notes.
func (st *stage) goOnUntilLatched(d *driver) {
	for {
		s := d.until("a question", func(s *run.Snapshot) bool {
			return s.ReadOnly != "" || s.Busy == nil && s.Wait != run.WaitNothing
		})
		if s.ReadOnly != "" {
			return
		}
		var a run.Action = run.AddNote{Text: "on we go"}
		if s.Wait != run.WaitManual {
			a = next(st.t, s)
		} else if d.sum(writes).Samples == 0 {
			d.until("a sample", func(s *run.Snapshot) bool { return s.ReadOnly != "" || d.sum(writes).Samples > 0 })
		}
		_ = d.e.Do(st.t.Context(), s.Current, s.Seq, a) // what is refused is asked for again
	}
}

// A machine that slept, or whose clock was set, has no gap by that.
func TestASleepingMachineWatchesNothing(t *testing.T) {
	t.Parallel()
	st := newStage(t, watched("every=100ms", step("tick")))
	var ahead atomic.Int64
	st.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	d := st.start()
	d.goes("change/writes", run.WaitManual, "change/tick")
	d.samples(writes, 2)
	script, release := hold(t, executortest.Script{Exit: 1}) // what is under way when it falls asleep
	st.set("probe", script)
	for st.calls("Look") <= d.sum(writes).Samples { // until one is under way
		time.Sleep(time.Millisecond)
	}
	ahead.Add(int64(8 * time.Hour))
	release()
	st.set("probe", executortest.Script{})
	d.samples(writes, 2)
	sum := d.sum(writes)
	if sum.Unobserved < 8*time.Hour || sum.Unobserved > 8*time.Hour+time.Minute || sum.Good != sum.Samples || sum.Longest.Length != 0 {
		t.Errorf("asleep: %+v", sum)
	}
	ahead.Add(-int64(2 * time.Hour)) // set back, and its samples go on
	d.samples(writes, 2)
	ahead.Add(int64(2 * time.Hour)) // and forth again
	d.samples(writes, 2)
	if again := d.sum(writes); again.Unobserved != sum.Unobserved || again.Longest.Length != 0 {
		t.Errorf("set: %+v", again)
	}
}

// slowJournal is a journal whose writes wait.
type slowJournal struct {
	engine.Journal
	mu   sync.Mutex
	gate chan struct{}
}

func (j *slowJournal) stall() (release func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := make(chan struct{})
	j.gate = c
	return sync.OnceFunc(func() { close(c) })
}

func (j *slowJournal) Append(ctx context.Context, l engine.Lease, actor string, at time.Time, events ...run.Event) ([]run.Record, error) {
	j.mu.Lock()
	gate := j.gate
	j.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return j.Journal.Append(ctx, l, actor, at, events...)
}

func TestASlowJournalDelaysNoSample(t *testing.T) {
	t.Parallel()
	st := newStage(t, watched("every=100ms", step("tick")))
	j := &slowJournal{}
	st.wrap = func(real engine.Journal) engine.Journal { j.Journal = real; return j }
	d := st.start()
	d.goes("change/writes", run.WaitManual, "change/tick")
	d.samples(writes, 1)
	release := j.stall()
	defer release()
	st.set("probe", executortest.Script{Exit: 1})
	s := d.samples(writes, 8) // seen although the word that it is red can't be written
	if m := s.Run.Monitor(writes); m.Red() {
		t.Error("red before it is durable")
	}
	release()
	d.until("red", func(s *run.Snapshot) bool { return s.Run.Monitor(writes).Red() })
	if sum := d.sum(writes); sum.Unobserved != 0 {
		t.Errorf("%+v", sum)
	}
}

func TestAJournalThatCannotBeWrittenEndsTheSampling(t *testing.T) {
	t.Parallel()
	st := newStage(t, watched("every=100ms", step("tick")))
	j := &brokenJournal{left: -1}
	st.wrap = func(real engine.Journal) engine.Journal { j.Journal = real; return j }
	d := st.start()
	d.left = true
	d.goes("change/writes", run.WaitManual, "change/tick")
	d.samples(writes, 1)
	j.mu.Lock()
	j.left = 0
	j.mu.Unlock()
	st.set("probe", executortest.Script{Exit: 1})
	d.until("the latch", func(s *run.Snapshot) bool { return s.ReadOnly != "" })
	if err := d.e.Close(t.Context(), "latched"); err != nil {
		t.Errorf("close: %v", err)
	}
	looks := st.calls("Look")
	sum := d.sum(writes)
	if sum.Failures == 0 || looks > sum.Samples+2 {
		t.Errorf("%d looks, %+v", looks, sum)
	}
}

// Who waits with nothing to watch isn't woken by monitors that are over.
func TestNothingMovesWhenNothingIsWatched(t *testing.T) {
	t.Parallel()
	st := newStage(t, watched("every=100ms", step("one"))+"\n## After {#after}\n\n"+step("tick"))
	d := st.start()
	d.goes("change/writes", run.WaitManual, "change/one")
	d.samples(writes, 2)
	d.do(run.MarkDone{})
	s := d.at(run.WaitManual, "after/tick")
	looks, events := st.calls("Look"), len(st.events())
	time.Sleep(400 * time.Millisecond) // several samples' time: what doesn't come can't be awaited
	if now := d.e.Snapshot(); now != s || st.calls("Look") != looks || len(st.events()) != events {
		t.Errorf("%d looks, %d events, another snapshot: %t", st.calls("Look")-looks, len(st.events())-events, now != s)
	}
}
