package run

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

const rolling = "+++\n[groups.trio]\n+++\n## Walk {#w each=trio %s}\n\n" +
	"- [ ] One {#one}\n\n  ```sh\n  one\n  ```\n" +
	"- [ ] Two {#two}\n\n  ```sh\n  two\n  ```\n"

func walking(t *testing.T, attributes string) *world {
	t.Helper()
	w := parsed(t, strings.Replace(rolling, "%s", attributes, 1), nil)
	w.follow(t)
	return w
}

func TestABatchGoesInLockstep(t *testing.T) {
	t.Parallel()
	w := walking(t, "batch=2")
	if ask := w.asks(t, WaitGo, "w[a]/one", "w[b]/one"); ask.Parallel != 2 {
		t.Errorf("%d go at a time, want 2", ask.Parallel)
	}
	w.runs(t, checks.Pass, "w[a]/one")
	w.asks(t, WaitGo, "w[b]/one") // a waits for b
	w.runs(t, checks.Pass, "w[b]/one")
	w.asks(t, WaitGo, "w[a]/two", "w[b]/two")
	w.runs(t, checks.Pass, "w[a]/two", "w[b]/two")
	w.asks(t, WaitGo, "w[c]/one")
	if got := w.r.Batches["w"]; len(got) != 2 || !slices.Equal(got[0], []string{"a", "b"}) || !slices.Equal(got[1], []string{"c"}) {
		t.Errorf("batches %v", got)
	}
}

func TestAFailureWithinTheBudgetIsComeBackTo(t *testing.T) {
	t.Parallel()
	w := walking(t, "batch=2 max_failures=1")
	w.runs(t, checks.Fail, "w[a]/one")
	w.asks(t, WaitGo, "w[b]/one")
	w.runs(t, checks.Pass, "w[b]/one", "w[b]/two")
	w.asks(t, WaitGo, "w[c]/one") // the next batch
	w.runs(t, checks.Pass, "w[c]/one", "w[c]/two")
	w.asks(t, WaitFailure, "w[a]/one") // at the end
}

func TestOverTheBudgetTheWalkStops(t *testing.T) {
	t.Parallel()
	w := walking(t, "max_failures=1")
	w.runs(t, checks.Fail, "w[a]/one", "w[b]/one")
	w.asks(t, WaitFailure, "w[a]/one")
	w = walking(t, "max_failures=1")
	w.then(t, InstanceExcluded{Walk: "w", Instance: "a", Reason: "broken"}) // counts too
	w.runs(t, checks.Fail, "w[b]/one")
	w.asks(t, WaitFailure, "w[b]/one")
}

func TestDoubtStopsAWalkWhateverTheBudget(t *testing.T) {
	t.Parallel()
	w := walking(t, "batch=3 max_failures=3")
	c := w.cell(t, "w[b]/one")
	w.then(t, w.intent(c, RoleCommand))
	w.then(t, Interrupted{Cell: c.Key, Attempt: attemptOf(w.cell(t, "w[b]/one")), Why: "link lost"},
		Probed{Cell: c.Key, Attempt: attemptOf(w.cell(t, "w[b]/one")), Fate: "died"})
	w.asks(t, WaitUnknown, "w[b]/one")
}

func TestTheCanarySoaks(t *testing.T) {
	t.Parallel()
	w := walking(t, "batch=2 canary=1 soak=10m")
	w.runs(t, checks.Pass, "w[a]/one", "w[a]/two")
	through := w.now
	ask := w.asks(t, WaitBatch, "w[b]/one")
	if !slices.Equal(ask.Keys, []string{"b", "c"}) || !ask.Soak.Equal(through.Add(10*time.Minute)) {
		t.Errorf("%v are next, and the soak is over at %s", ask.Keys, ask.Soak)
	}
	offer := func(now time.Time) Availability { return w.r.Offers(ask, false, now)[0] }
	if a := offer(through.Add(4 * time.Minute)); a.Verb != VerbGo || a.Why != "the soak lasts for another 6m0s" {
		t.Errorf("before the soak is over go is %+v", a)
	}
	enter := BatchEntered{Walk: "w", Hosts: ask.Keys}
	if err := w.add(enter); err == nil {
		t.Error("the next batch is entered before the soak is over")
	}
	w.now = ask.Soak
	if a := offer(w.now); !a.OK() {
		t.Errorf("after the soak go is refused: %s", a.Why)
	}
	w.then(t, enter)
	w.asks(t, WaitGo, "w[b]/one", "w[c]/one")
}

func TestACanaryThatFailsStopsTheWalk(t *testing.T) {
	t.Parallel()
	w := walking(t, "canary=1 max_failures=2")
	w.runs(t, checks.Fail, "w[a]/one")
	w.asks(t, WaitFailure, "w[a]/one")
}

// each tells where the walk stands, in the order that it takes.
func TestEachFollowsTheOrder(t *testing.T) {
	t.Parallel()
	w := parsed(t, strings.Replace(rolling, "%s", "order_by=\"host < 'b'\"", 1), nil)
	c := w.cell(t, "w[a]/one")
	if got := w.r.Names(c, "a")["each"]; !reflect.DeepEqual(got, plan.Each(0, 3)) {
		t.Errorf("before the order is known: %v", got)
	}
	w.then(t, WalkOrdered{Walk: "w", Hosts: []string{"b", "c", "a"}})
	for i, id := range []string{"w[b]/one", "w[c]/one", "w[a]/one"} {
		c := w.cell(t, id)
		if got := w.r.Names(c, c.Key.Target)["each"]; !reflect.DeepEqual(got, plan.Each(i, 3)) {
			t.Errorf("%s: %v", id, got)
		}
		if got := w.r.Text(c, "{{each.index}} {{each.last}}"); got != fmt.Sprint(i, " ", i == 2) {
			t.Errorf("%s: %q", id, got)
		}
	}
}

func TestAnInstanceGoesToTheEnd(t *testing.T) {
	t.Parallel()
	w := walking(t, "")
	w.runs(t, checks.Fail, "w[a]/one")
	w.asks(t, WaitFailure, "w[a]/one")
	walk, key := w.r.Instance(w.cell(t, "w[a]/one"))
	w.then(t, WalkOrdered{Walk: "w", Hosts: w.r.Postponed(walk, key), Why: "its disk is being changed"})
	w.asks(t, WaitGo, "w[b]/one")
	w.runs(t, checks.Pass, "w[b]/one", "w[b]/two", "w[c]/one", "w[c]/two")
	w.asks(t, WaitFailure, "w[a]/one")
	if why := w.r.canPostpone(w.cell(t, "w[a]/one")).Why; why != "nothing else of the walk is left to do" {
		t.Errorf("the last one can go to the end: %q", why)
	}
	if err := w.add(WalkOrdered{Walk: "w", Hosts: []string{"c", "b", "a"}, Why: "two at once"}); err == nil {
		t.Error("an order that moves more than one is taken")
	}
}

func TestAnInstanceIsTakenOut(t *testing.T) {
	t.Parallel()
	w := walking(t, "")
	w.runs(t, checks.Fail, "w[a]/one")
	if err := w.add(InstanceExcluded{Walk: "w", Instance: "a"}); err == nil {
		t.Error("it is taken out without a reason")
	}
	w.then(t, InstanceExcluded{Walk: "w", Instance: "a", Reason: "its disk is dead"})
	w.asks(t, WaitGo, "w[b]/one")
	if err := w.add(w.intent(w.cell(t, "w[a]/two"), RoleCommand)); err == nil {
		t.Error("a command is sent to a host that was taken out")
	}
	if out := w.r.Includable(); len(out) != 1 || out[0] != (Include{Walk: "w", Instance: "a"}) {
		t.Errorf("these can be put back: %v", out)
	}
	w.then(t, InstanceIncluded{Walk: "w", Instance: "a"})
	if out := w.r.Includable(); len(out) > 0 {
		t.Errorf("still out: %v", out)
	}
	if c := w.cell(t, "w[a]/one"); c.Status != Failed {
		t.Errorf("put back it is %s, want failed, as it was", c.Status)
	}
	w.asks(t, WaitFailure, "w[a]/one")
}

func TestWhatIsRequiredKeepsItsInstance(t *testing.T) {
	t.Parallel()
	w := parsed(t, strings.Replace(strings.Replace(rolling, "%s", "", 1), "{#two}", "{#two .required}", 1), nil)
	w.follow(t)
	w.runs(t, checks.Fail, "w[a]/one")
	err := w.add(InstanceExcluded{Walk: "w", Instance: "a", Reason: "broken"})
	if err == nil || !strings.Contains(err.Error(), "the runbook requires w[a]/two") {
		t.Errorf("it is taken out: %v", err)
	}
}

func TestFinishThenStop(t *testing.T) {
	t.Parallel()
	w := walking(t, "")
	c := w.cell(t, "w[a]/one")
	if got := w.r.Finishable(c); !slices.Equal(got, []string{"w[a]/one", "w[a]", "w"}) {
		t.Errorf("open around it are %q", got)
	}
	w.then(t, StopRequested{After: "w[a]"})
	w.runs(t, checks.Pass, "w[a]/one")
	w.asks(t, WaitGo, "w[a]/two")
	w.runs(t, checks.Pass, "w[a]/two")
	if !w.r.Paused || w.r.Stop != "" {
		t.Fatalf("it goes on after %q%s", w.r.Stop, w.story())
	}
	if len(w.r.Batches["w"]) != 1 {
		t.Error("another batch was entered before it stopped")
	}
	w.then(t, Continued{})
	w.asks(t, WaitGo, "w[b]/one")
}

func TestAGroupStopsAtTheFirstThatDoesNotSucceed(t *testing.T) {
	t.Parallel()
	w := parsed(t, "+++\n[groups.trio]\n+++\n- [ ] One {#one}\n\n  ```sh {on=trio parallel=2}\n  one\n  ```\n", nil)
	if ask := w.asks(t, WaitGo, "one", "one", "one"); ask.Parallel != 2 {
		t.Errorf("%d go at a time, want 2", ask.Parallel)
	}
	w.runs(t, checks.Pass, "one@a")
	w.runs(t, checks.Fail, "one@b")
	if ask := w.asks(t, WaitFailure, "one"); ask.Cell.Key.Target != "b" {
		t.Errorf("it stops at %s", ask.Cell.Key)
	}
}

func TestNeighbouringChecksAreAllTaken(t *testing.T) {
	t.Parallel()
	check := func(id string) string {
		return "- [ ] Check " + id + " {#" + id + "}\n\n  ```sh {.check}\n  true\n  ```\n"
	}
	w := parsed(t, "+++\n+++\n# T\n\n"+check("x")+check("y")+"- [ ] Do {#do}\n\n  ```sh\n  true\n  ```\n"+check("z"), nil)
	w.asks(t, WaitGo, "x")
	w.then(t, taken(w.cell(t, "x"), Before, checks.Fail))
	take, ok := Next(w.r).(Take)
	if !ok || take.Cell.Key.Step != "y" {
		t.Fatalf("behind a red check comes %#v", Next(w.r))
	}
	w.then(t, taken(take.Cell, Before, checks.Fail))
	w.asks(t, WaitFailure, "x") // and z stands behind a command
	w.then(t, Retried{Cell: w.cell(t, "x").Key})
	w.then(t, taken(w.cell(t, "x"), Before, checks.Pass))
	w.asks(t, WaitFailure, "y")
}

func TestNeighbouringChecksStandUnderHeadingsToo(t *testing.T) {
	t.Parallel()
	check := func(id string) string {
		return "## " + id + " {#" + id + "}\n\n```sh {.check}\ntrue\n```\n\n"
	}
	w := parsed(t, "+++\n+++\n# T\n\n"+check("x")+check("y")+"## do {#do}\n\n```sh\ntrue\n```\n\n"+check("z"), nil)
	first, ok := Next(w.r).(Ask)
	if !ok {
		t.Fatalf("at first comes %#v", Next(w.r))
	}
	w.then(t, taken(first.Cell, Before, checks.Fail))
	take, ok := Next(w.r).(Take)
	if !ok || !strings.HasPrefix(take.Cell.Key.Step, "y/") {
		t.Fatalf("behind a red check comes %#v", Next(w.r))
	}
	w.then(t, taken(take.Cell, Before, checks.Pass))
	if ask, ok := Next(w.r).(Ask); !ok || ask.Wait != WaitFailure || ask.Cell.Key != first.Cell.Key {
		t.Fatalf("z stands behind a command, yet next is %#v", Next(w.r))
	}
}
