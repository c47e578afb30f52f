package run

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

// watchedBook has a monitor in front of everything that a person or the run begins.
const watchedBook = `+++
[groups.pair]
+++
# Change {#change}

~~~sh {#writes .monitor every=1s grace=2s}
beat
~~~
- [ ] Do {#do}

  ~~~sh
  true
  ~~~
  ~~~sh {.rollback}
  false
  ~~~
- [ ] By hand {#hand}
- [ ] Which {#which ask=which}
- [ ] Stop it {#stop .always}

  ~~~sh
  stop
  ~~~
## Each {#each each=pair}

~~~sh {#load .monitor}
load
~~~
- [ ] Drain {#drain}

  ~~~sh
  drain
  ~~~

# After {#after}

- [ ] Look {#look}

  ~~~sh {.irreversible}
  drop
  ~~~
`

func runOf(t *testing.T, src string) *world {
	t.Helper()
	return parsed(t, strings.ReplaceAll(src, "~~~", "```"), nil)
}

func (w *world) do(t *testing.T, events ...Event) {
	t.Helper()
	for _, e := range events {
		if err := w.add(e); err != nil {
			t.Fatalf("%v%s", err, w.story())
		}
	}
}

// refuses wants an event to be refused for a reason.
func (w *world) refuses(t *testing.T, e Event, why string) {
	t.Helper()
	var bad *TransitionError
	if err := w.copy().add(e); !errors.As(err, &bad) || !strings.Contains(bad.Why, why) {
		t.Errorf("%s: %v, should be refused as %q", Kind(e), err, why)
	}
}

func (w *world) command(t *testing.T, step string) Event {
	t.Helper()
	return w.intent(w.cell(t, step), RoleCommand)
}

var writes = Watch{"change/writes", plan.Local}

func waits(r *Run) Wait {
	if a, ok := Next(r).(Ask); ok {
		return a.Wait
	}
	return WaitNothing
}

// A monitor that was red holds everything that begins, in the plan's order or not, until
// a person has acknowledged it, also when it is green again; and nothing else.
func TestARedMonitorHoldsWhatBegins(t *testing.T) {
	t.Parallel()
	w := runOf(t, watchedBook)
	if len(w.r.Watched()) != 0 || w.r.Monitor(writes) != nil {
		t.Error("a monitor is watched before its step")
	}
	w.do(t, WatchBegun{Cell: w.cell(t, "change/writes").Key})
	if all := w.r.Watched(); len(all) != 1 || all[0].Watch != writes || all[0].Fence.Grace != 2*time.Second {
		t.Fatalf("watched: %v", all)
	}
	red := MonitorTurned{Watch: writes, Red: true, Since: t0}
	w.do(t, red)
	w.refuses(t, red, "it is so already")
	w.do(t, MonitorTurned{Watch: writes})
	if m := w.r.Monitor(writes); m.Red() || !m.Held() || waits(w.r) != WaitMonitor {
		t.Errorf("red %v, held %v, waits for %q", m.Red(), m.Held(), waits(w.r))
	}
	held := "change/writes was red"
	w.refuses(t, w.command(t, "change/do"), held)
	w.refuses(t, ManualDone{Cell: w.cell(t, "change/hand").Key}, held)
	w.refuses(t, Asked{Cell: w.cell(t, "change/which").Key, Name: "which", Value: "x"}, held)
	w.refuses(t, BatchEntered{Walk: "change/each", Hosts: []string{"a"}}, held)
	w.refuses(t, RunClosed{How: Done}, held)
	gate := w.copy()
	gate.do(t, gate.gate(gate.cell(t, "after/look")))
	gate.refuses(t, gate.grant(gate.cell(t, "after/look")), held)
	if l := w.r.LeapTo(w.cell(t, "after/look").Key); !strings.Contains(l.Why, held) {
		t.Errorf("a jump: %q", l.Why)
	}
	gate.do(t, gate.ack(), MonitorTurned{Watch: writes, Red: true}, gate.ack())
	ahead := gate.grant(gate.cell(t, "after/look"))
	ahead.Pre = "stepgate run --approve look"
	gate.refuses(t, ahead, "change/writes is red")
	gate.do(t, gate.grant(gate.cell(t, "after/look")))
	// Not held: what isn't the plan's, what a person brings forward, giving up.
	beside := w.copy()
	beside.do(t, AdHocAsked{Cell: Key{"adhoc/1", plan.Local}, Body: "df\n"})
	beside.do(t, beside.intent(beside.r.OffBook[0], RoleCommand))
	called := w.copy()
	called.do(t, Called{Cell: called.cell(t, "change/stop").Key}, called.command(t, "change/stop"))
	w.copy().do(t, RunClosed{How: Aborted})

	w.refuses(t, MonitorAcknowledged{Watches: []Watch{writes}}, "needs a reason")
	w.refuses(t, MonitorAcknowledged{Reason: "seen"}, "names no monitor")
	w.do(t, red, w.ack())
	m := w.r.Monitor(writes)
	if len(m.Episodes) != 2 || m.Held() || !m.Red() || m.Episodes[0].Reason != "seen" || m.Episodes[1].By != "op" || m.Episodes[0].Green.IsZero() {
		t.Errorf("episodes: %+v", m.Episodes)
	}
	w.refuses(t, w.ack(), "names no monitor")
	w.refuses(t, MonitorAcknowledged{Watches: []Watch{writes}, Reason: "again"}, "holds nothing")
	// Acknowledged and still red it holds nothing, until it was green once.
	w.do(t, w.command(t, "change/do"))
	w.do(t, MonitorTurned{Watch: writes}, MonitorTurned{Watch: writes, Red: true})
	if !w.r.Monitor(writes).Held() {
		t.Error("a new episode holds nothing")
	}
}

// What has failed is not held: it can be rolled back, and the way on is held again.
func TestAFailureIsNotHeld(t *testing.T) {
	t.Parallel()
	w := runOf(t, watchedBook)
	w.do(t, WatchBegun{Cell: w.cell(t, "change/writes").Key}, w.command(t, "change/do"))
	w.do(t, MonitorTurned{Watch: writes, Red: true})
	if _, ok := Next(w.r).(Follow); !ok {
		t.Errorf("what is in flight is held: %#v", Next(w.r))
	}
	c := w.cell(t, "change/do")
	w.do(t, Outcome{Cell: c.Key, Attempt: attemptOf(c), Verdict: checks.Fail})
	if waits(w.r) != WaitFailure {
		t.Fatalf("it waits for %q", waits(w.r))
	}
	ask := Next(w.r).(Ask)
	if list := w.r.Offers(ask, false, w.now); !slices.ContainsFunc(list, func(a Availability) bool { return a.Verb == VerbAcknowledge && a.OK() }) {
		t.Error("it can't be acknowledged at a failure")
	}
	back := w.copy()
	back.do(t, RollbackRequested{Cell: c.Key})
	back.do(t, back.intent(back.cell(t, "change/do"), RoleRollback))
	w.do(t, Retried{Cell: c.Key})
	if waits(w.r) != WaitMonitor {
		t.Errorf("a retry waits for %q", waits(w.r))
	}
	w.refuses(t, w.command(t, "change/do"), "was red")
	// Where a monitor holds the run, what was done can be undone instead.
	w.do(t, w.ack())
	w.do(t, w.command(t, "change/do"))
	c = w.cell(t, "change/do")
	w.do(t, Outcome{Cell: c.Key, Attempt: attemptOf(c), Verdict: checks.Pass}, MonitorTurned{Watch: writes}, MonitorTurned{Watch: writes, Red: true})
	ask = Next(w.r).(Ask)
	list := w.r.Offers(ask, false, w.now)
	if ask.Wait != WaitMonitor || list[0].Verb != VerbAcknowledge || list[1].Verb != VerbRollBack || !list[1].OK() {
		t.Errorf("at %s: %+v", ask.Wait, list[:2])
	}
}

// A monitor is watched from its step to the end of its section; in a walk in each
// instance, and not in one that was moved to the end.
func TestWhereAMonitorIsWatched(t *testing.T) {
	t.Parallel()
	w := runOf(t, watchedBook)
	w.do(t, WatchBegun{Cell: w.cell(t, "change/writes").Key})
	names := func() string {
		var out []string
		for _, m := range w.r.Watched() {
			out = append(out, m.Watch.String())
		}
		return strings.Join(out, " ")
	}
	c := w.command(t, "change/do").(Intent)
	w.do(t, c, Outcome{Cell: c.Cell, Attempt: c.Attempt, Verdict: checks.Pass}, ManualDone{Cell: w.cell(t, "change/hand").Key})
	w.do(t, Asked{Cell: w.cell(t, "change/which").Key, Name: "which", Value: "x"}, CellSkipped{Cell: w.cell(t, "change/stop").Key, Reason: "r"})
	w.do(t, BatchEntered{Walk: "change/each", Hosts: []string{"a"}}, WatchBegun{Cell: w.cell(t, "change/each[a]/load").Key})
	if got := names(); got != "change/writes change/each[a]/load@a" {
		t.Errorf("in the first instance: %s", got)
	}
	away := w.copy()
	away.do(t, WalkOrdered{Walk: "change/each", Hosts: []string{"b", "a"}, Why: "later"}, BatchEntered{Walk: "change/each", Hosts: []string{"b"}})
	if got := names(); got != "change/writes change/each[a]/load@a" {
		t.Errorf("a copy changes it: %s", got)
	}
	if list := away.r.Watched(); len(list) != 1 || away.r.Monitor(Watch{"change/each[a]/load", "a"}) == nil {
		t.Errorf("what was moved to the end is watched: %v", list)
	}
	away.do(t, BatchEntered{Walk: "change/each", Hosts: []string{"a"}})
	if list := away.r.Watched(); len(list) != 2 {
		t.Errorf("%d are watched when it has come back", len(list))
	}
	c = w.command(t, "change/each[a]/drain").(Intent)
	w.do(t, c, Outcome{Cell: c.Cell, Attempt: c.Attempt, Verdict: checks.Pass})
	if got := names(); got != "change/writes" {
		t.Errorf("when its section is over: %s", got)
	}
	if w.r.Monitor(Watch{"change/each[a]/load", "a"}) == nil {
		t.Error("what it showed is forgotten when its section is over")
	}
}

// A command at several hosts has its monitor at each of them, which is watched with the
// host's own cell.
func TestAMonitorAtEachHostOfACommand(t *testing.T) {
	t.Parallel()
	w := runOf(t, `+++
[groups.pair]
+++
# Change {#change}

- [ ] Drain {#drain on=pair}

  ~~~sh
  drain
  ~~~
  ~~~sh {#load .monitor}
  load
  ~~~
  ~~~sh {#all .monitor on=local}
  all
  ~~~
`)
	b := w.cell(t, "drain@b")
	w.do(t, w.intent(b, RoleCommand))
	var got []string
	for _, m := range w.r.Watched() {
		got = append(got, m.Watch.String()+" of "+m.Cell.Target)
	}
	if want := []string{"load@b of b", "all of a"}; !slices.Equal(got, want) {
		t.Errorf("watched: %q, should be %q", got, want)
	}
}

// A view with samples that the journal doesn't have yet leaves the run as it is, and so
// does the journal's having them.
func TestAViewWithFreshSamples(t *testing.T) {
	t.Parallel()
	w := runOf(t, watchedBook)
	w.do(t, WatchBegun{Cell: w.cell(t, "change/writes").Key})
	first := w.samples(w.r.Monitor(writes), "pp", 0)
	w.do(t, SampleBatch{Reserved: 2, Samples: []Samples{first}})
	count := func(r *Run) int { return r.Monitor(writes).Sum(t0, endless).Samples }
	before, fresh := w.r, w.samples(w.r.Monitor(writes), "pfp", 0)
	view := before.Sampled([]Samples{fresh})
	if count(before) != 2 || count(view) != 5 || before.Sampled(nil) != before {
		t.Errorf("%d samples, and %d in the view", count(before), count(view))
	}
	other := before.Sampled([]Samples{w.samples(w.r.Monitor(writes), "f", 0)})
	w.do(t, SampleBatch{Reserved: 5, Samples: []Samples{fresh}})
	if count(before) != 2 || count(view) != 5 || count(other) != 3 || count(w.r) != 5 {
		t.Errorf("%d, %d, %d and %d samples", count(before), count(view), count(other), count(w.r))
	}
	if got := w.r.Monitor(writes).Gaps(t0, endless); len(got) != 1 || got[0].Length != 20*time.Millisecond || got[0].Open {
		t.Errorf("gaps: %+v", got)
	}
	w.refuses(t, SampleBatch{Reserved: 5, Samples: []Samples{fresh}}, "was watched in that time already")
	w.refuses(t, SampleBatch{Reserved: 4}, "only grow")
	w.refuses(t, SampleBatch{Reserved: 5, Samples: []Samples{{Watch: Watch{"change/each[a]/load", "a"}}}}, "has not begun")
	last := w.samples(w.r.Monitor(writes), "p", 0)
	w.refuses(t, SampleBatch{Reserved: 9, Samples: []Samples{last, last}}, "was watched in that time already")
}

// What a monitor showed is asked for by the step, by the innermost instance, and in all.
func TestWhatIsAskedOfAMonitor(t *testing.T) {
	t.Parallel()
	w := runOf(t, watchedBook)
	sample := func(watch Watch, verdicts string) {
		t.Helper()
		s := w.samples(w.r.Monitor(watch), verdicts, 0)
		s.From = w.now // later than what was before
		w.do(t, SampleBatch{Reserved: w.r.SampleNumbers + 9, Samples: []Samples{s}})
	}
	asked := func(c *Cell, id, span, field string) any {
		t.Helper()
		m, ok := w.r.WorldAt(c).Monitor(id, span)
		if !ok {
			return nil
		}
		return m[field]
	}
	w.do(t, WatchBegun{Cell: w.cell(t, "change/writes").Key})
	if got := asked(w.cell(t, "change/do"), "writes", "", "samples"); got != nil {
		t.Errorf("before the first: %v samples", got)
	}
	sample(writes, "pff")
	w.runs(t, checks.Pass, "change/do")
	w.do(t, ManualDone{Cell: w.cell(t, "change/hand").Key})
	w.do(t, Asked{Cell: w.cell(t, "change/which").Key, Name: "which", Value: "x"}, CellSkipped{Cell: w.cell(t, "change/stop").Key, Reason: "r"})
	w.follow(t)
	load := Watch{"change/each[a]/load", "a"}
	w.do(t, WatchBegun{Cell: w.cell(t, "change/each[a]/load").Key})
	sample(writes, "pp")
	sample(load, "p")
	drain := w.intent(w.cell(t, "change/each[a]/drain"), RoleCommand)
	w.do(t, drain)
	sample(writes, "p")
	c := w.cell(t, "change/each[a]/drain")
	look := w.cell(t, "after/look")
	if _, ok := w.r.WorldAt(look).Monitor("writes", "step"); ok {
		t.Error("a step that hasn't begun sees what was before it")
	}
	begun := w.r.WorldAt(look).Since(w.r.Monitor(writes).Samples[2].From)
	if m, ok := begun.Monitor("writes", "step"); !ok || m["samples"] != 1 {
		t.Errorf("a step that begins sees %v", m)
	}
	for _, test := range []struct {
		id, span, field string
		want            any
	}{
		{"writes", "run", "samples", 6},
		{"writes", "", "samples", 3},
		{"writes", "step", "samples", 1},
		{"writes", "run", "failures", 2},
		{"writes", "", "failures", 0},
		{"load", "run", "succeeded", 1},
		{"load", "step", "samples", nil},
		{"nothing", "run", "samples", nil},
	} {
		if got := asked(c, test.id, test.span, test.field); got != test.want {
			t.Errorf("%s of monitor(%q, %q) is %v, should be %v", test.field, test.id, test.span, got, test.want)
		}
	}
}
