package run

import (
	"strings"
	"testing"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

const forwardBook = `+++
+++
# Change {#change}

- [ ] The way in {#forward}

  ~~~sh {.background}
  tunnel
  ~~~
  ~~~sh {.check until=30s}
  ready
  ~~~
  ~~~sh {.rollback}
  close
  ~~~
~~~sh {#load .background.monitor}
load
~~~
- [ ] Do {#do}

  ~~~sh
  true
  ~~~

# After {#after}

- [ ] Look {#look}
`

// backgrounds is what is to be kept alive, and how it stands.
func (w *world) backgrounds() string {
	var out []string
	for _, b := range w.r.Backgrounds() {
		s := b.Cell.Plan.Step.Book.ID
		switch {
		case b.Up():
			s += " up"
		case b.Latest == nil:
			s += " never started"
		case b.Latest.Down != nil:
			s += " down"
		case b.Latest.Stray:
			s += " stray"
		default:
			s += " starting"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func (w *world) keeps(t *testing.T, want string) {
	t.Helper()
	if got := w.backgrounds(); got != want {
		t.Errorf("kept alive: %q, should be %q", got, want)
	}
}

// up lets the latest start of a cell's background command be seen to run.
func (w *world) up(t *testing.T, path, monitor string) {
	t.Helper()
	c := w.cell(t, path)
	w.do(t, BackgroundUp{Cell: c.Key, Attempt: c.LatestStart(monitor, plan.Local).Intent.Attempt})
}

func (w *world) down(t *testing.T, path string, ended bool) {
	t.Helper()
	c := w.cell(t, path)
	w.do(t, BackgroundDown{Cell: c.Key, Attempt: c.LatestStart("", "").Intent.Attempt, Exit: new(1), Ended: ended})
}

// A background command succeeds when the checks behind it hold, is started again when it
// ends, and is no longer to run when its section is over.
func TestABackgroundCommandIsKept(t *testing.T) {
	t.Parallel()
	w := runOf(t, forwardBook)
	w.do(t, w.command(t, "change/forward"))
	c := w.cell(t, "change/forward")
	if _, follow := Next(w.r).(Follow); !follow || !c.Starting() || c.inDoubt() {
		t.Errorf("it is sent: %#v", Next(w.r))
	}
	w.keeps(t, "forward starting")
	w.refuses(t, Outcome{Cell: c.Key, Attempt: attemptOf(c), Verdict: checks.Pass}, "up or down")
	w.refuses(t, Interrupted{Cell: c.Key, Attempt: attemptOf(c), Why: "link lost"}, "up or down")
	w.up(t, "change/forward", "")
	if _, verify := Next(w.r).(Verify); !verify {
		t.Errorf("it is up: %#v", Next(w.r))
	}
	// It ends, and is started again, while it is waited for.
	w.down(t, "change/forward", false)
	w.keeps(t, "forward down")
	again := w.keep(w.r.Backgrounds()[0])
	other := again
	other.Dispatch.Body += "--other\n"
	w.refuses(t, other, "what would run is not what was started before")
	w.do(t, again)
	w.refuses(t, w.keep(w.r.Backgrounds()[0]), "has not ended")
	w.up(t, "change/forward", "")
	w.do(t, taken(w.cell(t, "change/forward"), After, checks.Pass))
	if c = w.cell(t, "change/forward"); c.Status != Succeeded || len(c.Attempts) != 1 || len(c.Keeps) != 1 || c.Keeps[0].Intent.No != 2 {
		t.Errorf("%s after %d and %d starts", c.Status, len(c.Attempts), len(c.Keeps))
	}
	w.do(t, WatchBegun{Cell: w.cell(t, "change/load").Key})
	w.keeps(t, "forward up, load never started")
	w.do(t, w.keep(w.r.Backgrounds()[1]))
	w.up(t, "change/load", "change/load")
	w.keeps(t, "forward up, load up")
	w.runs(t, checks.Pass, "change/do")
	w.keeps(t, "")
	if strays := w.r.Strays(); len(strays) != 2 || strays[0].Cell.Key.Step != "change/forward" || strays[1].Monitor == nil {
		t.Errorf("to be ended: %v", strays)
	}
	w.do(t, ManualDone{Cell: w.cell(t, "after/look").Key})
	if _, end := Next(w.r).(End); !end {
		t.Errorf("the run is closed before they have ended: %#v", Next(w.r))
	}
	w.refuses(t, RunClosed{How: Done}, "has not ended")
	w.do(t, w.downOf(w.cell(t, "change/forward"), true), w.downOf(w.cell(t, "change/load"), true))
	w.do(t, RunClosed{How: Done})
}

// A background command that isn't ready has failed for certain: nobody has to find out
// whether it has run, and its process ends before it is sent again or rolled back.
func TestABackgroundCommandThatFails(t *testing.T) {
	t.Parallel()
	begin := func() *world {
		w := runOf(t, forwardBook)
		w.do(t, w.command(t, "change/forward"))
		return w
	}
	for name, test := range map[string]struct {
		fail   func(w *world)
		status Status
		reason Reason
		alive  bool
	}{
		"it ends at once": {func(w *world) { w.down(t, "change/forward", false) }, Failed, ExitCode, false},
		"nobody knows how": {func(w *world) {
			w.do(t, BackgroundDown{Cell: w.cell(t, "change/forward").Key, Attempt: attemptOf(w.cell(t, "change/forward"))})
		}, Failed, HostDied, false},
		"the run is left": {func(w *world) { w.up(t, "change/forward", ""); w.down(t, "change/forward", true) }, Failed, EndedHere, false},
		"it is not ready": {func(w *world) {
			w.up(t, "change/forward", "")
			w.do(t, taken(w.cell(t, "change/forward"), After, checks.Fail))
		}, Failed, CheckFailed, true},
		"nobody can tell": {func(w *world) {
			w.up(t, "change/forward", "")
			w.do(t, taken(w.cell(t, "change/forward"), After, checks.Unknown))
		}, Unknown, CheckFailed, true},
		"a crash, not up":    {func(w *world) { w.do(t, LeaseTaken{Holder: "another"}) }, Failed, Crashed, true},
		"a crash, not ready": {func(w *world) { w.up(t, "change/forward", ""); w.do(t, LeaseTaken{Holder: "another"}) }, Failed, Crashed, true},
	} {
		w := begin()
		test.fail(w)
		c := w.cell(t, "change/forward")
		if c.Status != test.status || c.Reason != test.reason || c.inDoubt() {
			t.Errorf("%s: %s (%s), in doubt %v", name, c.Status, c.Reason, c.inDoubt())
		}
		if waits(w.r) != WaitFailure {
			t.Errorf("%s: it waits for %q", name, waits(w.r))
		}
		w.keeps(t, "")
		if alive := len(w.r.Strays()) == 1; alive != test.alive {
			t.Errorf("%s: to be ended: %v", name, alive)
		}
		undo := w.copy()
		undo.do(t, RollbackRequested{Cell: c.Key})
		w.do(t, Retried{Cell: c.Key})
		if test.alive {
			for _, w := range []*world{w, undo} {
				if _, end := Next(w.r).(End); !end {
					t.Errorf("%s: its process is not waited for: %#v", name, Next(w.r))
				}
			}
			w.refuses(t, w.command(t, "change/forward"), "has not ended")
			undo.refuses(t, undo.intent(undo.cell(t, "change/forward"), RoleRollback), "has not ended")
			undo.down(t, "change/forward", true)
			w.down(t, "change/forward", true)
		}
		undo.do(t, undo.intent(undo.cell(t, "change/forward"), RoleRollback))
		w.do(t, w.command(t, "change/forward"))
		w.up(t, "change/forward", "")
		w.keeps(t, "forward up")
	}
}

// Whoever takes a run over ends what the one before him has started, and then starts it
// anew, without a gate.
func TestATakeoverStartsAnew(t *testing.T) {
	t.Parallel()
	w := runOf(t, forwardBook)
	w.do(t, w.command(t, "change/forward"))
	w.up(t, "change/forward", "")
	w.do(t, taken(w.cell(t, "change/forward"), After, checks.Pass), WatchBegun{Cell: w.cell(t, "change/load").Key})
	w.do(t, LeaseTaken{Holder: "another"})
	w.keeps(t, "forward stray, load never started")
	if strays := w.r.Strays(); len(strays) != 1 || strays[0].Up() {
		t.Errorf("to be ended: %v", strays)
	}
	w.refuses(t, w.keep(w.r.Backgrounds()[0]), "has not ended")
	w.down(t, "change/forward", true)
	w.do(t, w.keep(w.r.Backgrounds()[0]))
	w.up(t, "change/forward", "")
	w.keeps(t, "forward up, load never started")
	// A RERUN ends it; leaving the step as it was starts it once more.
	c := w.cell(t, "change/forward")
	w.do(t, RerunOverride{Cell: c.Key, Typed: c.RerunPhrase()})
	w.keeps(t, "load never started")
	w.down(t, "change/forward", true)
	w.do(t, CellSkipped{Cell: c.Key, Reason: "as it was"})
	w.keeps(t, "forward down, load never started")
	w.do(t, w.keep(w.r.Backgrounds()[0]))
	// Done on a person's word, it is theirs.
	w.do(t, RerunOverride{Cell: c.Key, Typed: c.RerunPhrase()})
	w.down(t, "change/forward", true)
	w.do(t, NotDispatched{Cell: c.Key, Why: "not reached"}, OutcomeResolved{Cell: c.Key, Attempt: attemptOf(c), Succeeded: true, Method: ByOperator, Reason: "I started one"})
	w.keeps(t, "load never started")
}
