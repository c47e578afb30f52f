package run

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"stepgate/checks"
)

// undoableStep has a rollback; finalStep can't be undone.
func undoableStep(id string) string {
	return fmt.Sprintf("- [ ] Do %s {#%s}\n\n  ```sh\n  do\n  ```\n  ```sh {.rollback}\n  undo\n  ```\n", id, id)
}

func finalStep(id string) string {
	return fmt.Sprintf("- [ ] Drop %s {#%s .irreversible}\n\n  > [!CAUTION]\n  > The old data\n  > are gone.\n\n  ```sh\n  drop\n  ```\n", id, id)
}

const groups = "+++\n[groups.trio]\nvars = [\"zone\"]\n+++\n# T\n\n"

// keys are the steps of a reach.
func keys(r Reach) (paths []string) {
	for _, k := range r.Cells {
		paths = append(paths, k.Step)
	}
	return paths
}

func TestHowFarARollbackGoes(t *testing.T) {
	t.Parallel()
	w := parsed(t, groups+undoableStep("top")+"## W {#w each=trio}\n\n"+undoableStep("one")+undoableStep("two"), nil)
	w.follow(t)
	w.runs(t, checks.Pass, "top", "w[a]/one", "w[a]/two", "w[b]/one")
	w.runs(t, checks.Fail, "w[b]/two")
	got := map[RollbackScope][]string{}
	for _, r := range w.r.RollBacks(w.cell(t, "w[b]/two")) {
		got[r.Scope] = keys(r)
	}
	for scope, want := range map[RollbackScope][]string{
		RollbackStep: {"w[b]/two"}, RollbackInstance: {"w[b]/two", "w[b]/one"},
		RollbackSection: {"w[b]/two", "w[b]/one", "w[a]/two", "w[a]/one"},
	} {
		if !slices.Equal(got[scope], want) {
			t.Errorf("%s undoes %q, want %q", scope, got[scope], want)
		}
	}
}

// Which rollbacks an irreversible step closes, and which it leaves.
func TestWalls(t *testing.T) {
	t.Parallel()
	zones := "## Z {#z each=\"zone of trio\"}\n\n" + undoableStep("drain") +
		"### S {#s each=zone}\n\n" + undoableStep("stop") + finalStep("drop")
	for name, c := range map[string]struct {
		book         string
		ran          []string
		open, closed []string
	}{
		"on the run": {
			groups + undoableStep("one") + finalStep("two") + undoableStep("three"),
			[]string{"one", "two", "three"},
			[]string{"three"},
			[]string{"one"},
		},
		"in an instance": {
			groups + undoableStep("top") + "## W {#w each=trio batch=2}\n\n" + undoableStep("one") + finalStep("two"),
			[]string{"top", "w[a]/one", "w[b]/one", "w[a]/two"},
			[]string{"w[b]/one"},
			[]string{"w[a]/one", "top"},
		},
		"in a zone's host": {
			groups + zones,
			[]string{"z[z1]/drain", "z[z1]/s[a]/stop", "z[z1]/s[a]/drop", "z[z1]/s[c]/stop"},
			[]string{"z[z1]/s[c]/stop"},
			[]string{"z[z1]/s[a]/stop", "z[z1]/drain"},
		},
		"in the next zone": {
			groups + zones,
			[]string{"z[z1]/drain", "z[z1]/s[a]/stop", "z[z1]/s[a]/drop", "z[z1]/s[c]/stop", "z[z1]/s[c]/drop", "z[z2]/drain", "z[z2]/s[b]/stop"},
			[]string{"z[z2]/drain", "z[z2]/s[b]/stop"},
			[]string{"z[z1]/drain", "z[z1]/s[a]/stop", "z[z1]/s[c]/stop"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := parsed(t, c.book, nil)
			w.follow(t)
			w.runs(t, checks.Pass, c.ran...)
			for _, path := range c.open {
				if wall := w.r.wall(w.cell(t, path)); wall != nil {
					t.Errorf("%s closes the rollback of %s", wall.Key, path)
				}
			}
			for _, path := range c.closed {
				if w.r.wall(w.cell(t, path)) == nil {
					t.Errorf("nothing closes the rollback of %s", path)
				}
				cell := w.cell(t, path)
				for _, e := range []Event{RollbackRequested{Cell: cell.Key}, RollbackPlanned{Scope: RollbackStep, Cells: []Key{cell.Key}}} {
					if err := w.copy().add(e); err == nil || !strings.Contains(err.Error(), "can't be undone: The old data are gone.") {
						t.Errorf("%s of %s: %v", Kind(e), path, err)
					}
				}
			}
		})
	}
}

func TestARollbackQueueIsTakenOneByOne(t *testing.T) {
	t.Parallel()
	w := parsed(t, groups+undoableStep("one")+undoableStep("two")+undoableStep("three"), nil)
	w.runs(t, checks.Pass, "one", "two")
	w.runs(t, checks.Fail, "three")
	reaches := w.r.RollBacks(w.cell(t, "three"))
	w.then(t, RollbackPlanned{Scope: RollbackSection, Cells: reaches[len(reaches)-1].Cells})
	w.asks(t, WaitUndo, "three")
	if err := w.add(RollbackRequested{Cell: w.cell(t, "one").Key}); err == nil {
		t.Error("an older one is rolled back first")
	}
	undo := func(path string, v checks.Verdict) {
		t.Helper()
		c := w.cell(t, path)
		w.then(t, RollbackRequested{Cell: c.Key})
		w.then(t, w.intent(w.cell(t, path), RoleRollback))
		w.then(t, Outcome{Cell: c.Key, Attempt: attemptOf(w.cell(t, path)), Verdict: v})
	}
	undo("three", checks.Pass)
	w.asks(t, WaitUndo, "two")
	undo("two", checks.Fail)
	w.asks(t, WaitFailure, "two") // it doesn't go past one that failed
	undo("two", checks.Pass)
	w.asks(t, WaitUndo, "one")
	w.then(t, RollbackPlanned{Scope: RollbackSection}) // the rest stays as it is
	w.asks(t, WaitFailure, "two")
	if c := w.cell(t, "one"); c.Status != Succeeded {
		t.Errorf("what was dropped is %s", c.Status)
	}
}

func TestAStepIsCalledOutOfItsPlace(t *testing.T) {
	t.Parallel()
	always := "- [ ] Balance again {#balance .always when=\"ran('one')\"}\n\n  ```sh\n  balance\n  ```\n"
	w := parsed(t, groups+"## S {#s}\n\n"+undoableStep("one")+undoableStep("two")+always, nil)
	if open := w.r.Callable(); len(open) != 0 {
		t.Errorf("%s is offered before its section is entered", open[0].Key)
	}
	w.runs(t, checks.Pass, "s/one")
	w.runs(t, checks.Fail, "s/two")
	ask := w.asks(t, WaitFailure, "s/two")
	offers := w.r.Offers(ask, false, w.now)
	if offers[0].Verb != VerbCall || !offers[0].OK() {
		t.Errorf("first comes %+v", offers[0])
	}
	i := slices.IndexFunc(offers, func(a Availability) bool { return a.Verb == VerbAbort })
	if says := offers[i].Says; !strings.Contains(says, "not done yet: Balance again") {
		t.Errorf("abort says %q", says)
	}
	w.then(t, Called{Cell: w.cell(t, "s/balance").Key})
	if d, ok := Next(w.r).(Decide); !ok || d.Cell.Key.Step != "s/balance" {
		t.Fatalf("after the call comes %#v", Next(w.r))
	}
	w.then(t, WhenDecided{Cell: w.cell(t, "s/balance").Key, Applies: true})
	w.asks(t, WaitGo, "s/balance")
	w.runs(t, checks.Pass, "s/balance")
	w.asks(t, WaitFailure, "s/two")
	if w.r.Called != nil {
		t.Error("it is still called")
	}
}
