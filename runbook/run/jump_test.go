package run

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stepgate/checks"
)

// leap says what a jump to a step would leave out, or why it can't be.
func (w *world) leap(t *testing.T, path string) (over, why string) {
	t.Helper()
	l := w.r.LeapTo(w.cell(t, path).Key)
	var names []string
	for _, c := range l.Over {
		names = append(names, c.Key.Step)
	}
	return strings.Join(names, " "), l.Why
}

func (w *world) jump(t *testing.T, path string) {
	t.Helper()
	to := w.cell(t, path).Key
	w.then(t, w.r.LeapTo(to).Jumped(to, "done by hand"))
	w.follow(t)
}

// In a walk a jump goes the walk's way: it leaves out what the whole batch has
// before the step, and no host.
func TestAJumpInAWalk(t *testing.T) {
	t.Parallel()
	w := walking(t, "batch=2")
	for _, path := range []string{"w[a]/one", "w[b]/one"} {
		if _, why := w.leap(t, path); why != "nothing stands before it" {
			t.Errorf("to %s: %q", path, why)
		}
	}
	if over, why := w.leap(t, "w[b]/two"); over != "w[a]/one w[b]/one" || why != "" {
		t.Errorf("leaves out %q, %q", over, why)
	}
	w.jump(t, "w[b]/two")
	w.asks(t, WaitGo, "w[a]/two", "w[b]/two")
	if over, why := w.leap(t, "w[c]/one"); over != "w[a]/two w[b]/two" || why != "" { // the next batch
		t.Errorf("leaves out %q, %q", over, why)
	}
	w.runs(t, checks.Pass, "w[a]/two", "w[b]/two")
	w.asks(t, WaitGo, "w[c]/one")
}

// Hosts that have stopped elsewhere aren't jumped over, unless the jump leaves the
// walk; the one that has stopped can be gone on with.
func TestAJumpPastFailures(t *testing.T) {
	t.Parallel()
	w := walking(t, "max_failures=1")
	w.runs(t, checks.Fail, "w[a]/one")
	w.asks(t, WaitGo, "w[b]/one")
	if over, why := w.leap(t, "w[b]/two"); over != "w[b]/one" || why != "" {
		t.Errorf("leaves out %q, %q", over, why)
	}
	if over, why := w.leap(t, "w[a]/two"); over != "w[a]/one" || why != "" {
		t.Errorf("leaves out %q, %q", over, why)
	}
	w.jump(t, "w[a]/two")
	w.asks(t, WaitGo, "w[a]/two")
	w = parsed(t, strings.Replace(rolling, "%s", "max_failures=1", 1)+"\n## End {#end}\n\n- [ ] Last {#last}\n", nil)
	w.follow(t)
	w.runs(t, checks.Fail, "w[a]/one")
	w.runs(t, checks.Pass, "w[b]/one", "w[b]/two")
	if over, why := w.leap(t, "end/last"); over != "w[a]/one w[a]/two w[c]/one w[c]/two" || why != "" {
		t.Errorf("leaves out %q, %q", over, why)
	}
	w.jump(t, "end/last")
	w.asks(t, WaitManual, "end/last")
}

// A batch that a jump goes into, past all of one of its instances, is the one that
// would have been entered.
func TestAJumpIntoABatch(t *testing.T) {
	t.Parallel()
	w := parsed(t, "+++\n[groups.trio]\n+++\n## Before {#before}\n\n- [ ] Zero {#zero}\n\n  ```sh {on=local}\n  zero\n  ```\n"+
		"## Walk {#w each=trio batch=2}\n\n### Inner {#in each=trio}\n\n- [ ] One {#one}\n\n  ```sh\n  one\n  ```\n", nil)
	w.follow(t)
	w.jump(t, "w[b]/in[a]/one")
	w.asks(t, WaitGo, "w[b]/in[a]/one")
	if got := w.r.Batches["w"]; len(got) != 1 || !slices.Equal(got[0], []string{"a", "b"}) {
		t.Errorf("the walk is at %q", got)
	}
}

func TestWhereAJumpIsRefused(t *testing.T) {
	t.Parallel()
	if _, why := walking(t, "canary=1").leap(t, "w[b]/one"); why != "the batch of b has not been entered" {
		t.Errorf("behind a canary: %q", why)
	}
	w := parsed(t, strings.Replace(rolling, "%s", `order_by="host"`, 1), nil)
	if _, why := w.leap(t, "w[a]/two"); why != "in which order w goes is not known yet" {
		t.Errorf("into a walk without an order: %q", why)
	}
	w = walking(t, "")
	if _, why := w.leap(t, "w[c]/two"); why != "the batch of c has not been entered" {
		t.Errorf("over a host that nothing was done at: %q", why)
	}
	c := w.cell(t, "w[a]/one")
	w.then(t, w.intent(c, RoleCommand))
	if _, why := w.leap(t, "w[a]/two"); why != "something is going on" {
		t.Errorf("while a command runs: %q", why)
	}
	w.then(t, Interrupted{Cell: c.Key, Attempt: attemptOf(w.cell(t, "w[a]/one")), Why: "link lost"})
	if _, why := w.leap(t, "w[a]/two"); !strings.Contains(why, "settle that first") {
		t.Errorf("while it is in doubt: %q", why)
	}
}

// Wherever a run stands and nothing has failed, a jump that is allowed leads to its
// step, or to what goes together with it.
func TestAJumpLeadsToItsStep(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := &driver{world: newWorld(t, drawPlan(t)), t: t}
		for range rapid.IntRange(0, 12).Draw(t, "steps before") {
			if !d.step() {
				return
			}
		}
		if _, asks := Next(d.r).(Ask); !asks {
			return
		}
		to := rapid.SampledFrom(d.r.Cells).Draw(t, "to").Key
		l := d.r.LeapTo(to)
		if l.Why != "" {
			return
		}
		d.must(l.Jumped(to, "r"))
		for !d.r.Cell(to).Status.Settled() { // a question may be answered as earlier
			switch n := Next(d.r).(type) {
			case Ask:
				if !slices.ContainsFunc(n.Cells(), func(c *Cell) bool { return c.Key.StepID() == to.StepID() }) {
					t.Fatalf("after a jump to %s it stands at %s (%s):%s", to, n.Cell.Key, n.Wait, d.story())
				}
				return
			case Decide:
				d.must(WhenDecided{Cell: n.Cell.Key, Applies: true})
			default:
				if !d.step() {
					t.Fatalf("after a jump to %s it is over", to)
				}
			}
		}
	})
}
