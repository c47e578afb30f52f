package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepgate/engine"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

const front = "+++\ntitle = \"T\"\n+++\n"

func TestStepsRunInOrderAndTheRunCloses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, front+`
- [ ] One {#one}

  `+"```sh"+`
  echo one >>log
  echo out; echo err >&2
  `+"```"+`
- [ ] Look {#look}

  `+"```sh {.check}"+`
  cat log
  `+"```"+`
  `+"```expect"+`
  lines == ["one"]
  `+"```"+`
  `+"```capture"+`
  seen = lines[0]
  `+"```"+`
- [ ] Two {#two}

  `+"```sh"+`
  echo "two after $seen" >>log
  `+"```"+`
  `+"```sh {.check}"+`
  cat log
  `+"```"+`
  `+"```expect"+`
  stdout contains "two after one"
  `+"```"+`
- [ ] Tick {#tick}
`)
	d := w.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitGo, "look")
	d.do(run.Go{})
	d.at(run.WaitGo, "two")
	d.do(run.Go{})
	d.at(run.WaitManual, "tick")
	d.do(run.MarkDone{Evidence: "seen"})
	s := d.closed()
	if s.Run.Closed != run.Done {
		t.Errorf("closed as %q", s.Run.Closed)
	}
	if got := w.read("log"); got != "one\ntwo after one\n" {
		t.Errorf("log is %q", got)
	}
	one := s.Run.Cell(run.Key{Step: "one", Target: plan.Local})
	out, _, _, err := d.e.Output(t.Context(), one.Latest().Intent.Attempt, 0, 0, 100)
	if err != nil || string(out) != "out\n" {
		t.Errorf("output %q, %v", out, err)
	}
	d.leave("closed")
	if v, err := w.store.Verify(t.Context(), w.id); err != nil || !v.OK() {
		t.Errorf("verify: %+v, %v", v, err)
	}
}

func TestAGateOpensOnlyForItsPhrase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, front+`
- [ ] Drop {#drop confirm="drop it"}

  > [!CAUTION]
  > It is gone then.

  `+"```sh {.irreversible}"+`
  echo dropped >>log
  `+"```"+`
`)
	d := w.start()
	for _, typed := range []string{"", "y", "Drop it", "drop it ", "drop"} {
		d.at(run.WaitGo, "drop")
		d.do(run.Go{})
		s := d.at(run.WaitGate, "drop")
		g := s.Run.Cell(s.Current).Gate
		if g.Phrase != "drop it" || g.Dispatch == nil || !strings.HasSuffix(g.Dispatch.Body, "echo dropped >>log\n") {
			t.Fatalf("gate shows %+v", g)
		}
		d.do(run.Answer{Gate: g.Gate, Typed: typed})
		if got := w.read("log"); got != "" {
			t.Fatalf("after %q the command has run", typed)
		}
	}
	d.at(run.WaitGo, "drop")
	d.do(run.Go{})
	s := d.at(run.WaitGate, "drop")
	d.do(run.Answer{Gate: s.Run.Cell(s.Current).Gate.Gate, Typed: "drop it"})
	d.closed()
	if got := w.read("log"); got != "dropped\n" {
		t.Errorf("log is %q", got)
	}
}

func TestAGrantIsVoidWhenAPreconditionNoLongerHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, front+`
- [ ] Drop {#drop confirm="go"}

  > [!CAUTION]
  > Careful.

  `+"```sh {.check}"+`
  test ! -e stop
  `+"```"+`
  `+"```sh {.irreversible}"+`
  echo dropped >>log
  `+"```"+`
`)
	d := w.start()
	d.at(run.WaitGo, "drop")
	d.do(run.Go{})
	s := d.at(run.WaitGate, "drop")
	if err := os.WriteFile(filepath.Join(w.begin.Dir, "stop"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	d.do(run.Answer{Gate: s.Run.Cell(s.Current).Gate.Gate, Typed: "go"})
	s = d.at(run.WaitFailure, "drop")
	if c := s.Run.Cell(s.Current); c.Reason != run.Precondition || len(c.Attempts) != 0 {
		t.Errorf("cell is %s (%s) with %d attempts", c.Status, c.Reason, len(c.Attempts))
	}
	if got := w.read("log"); got != "" {
		t.Error("the command has run")
	}
}

func TestAFailureOffersItsRemedies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, front+`
- [ ] Move {#move}

  `+"```sh"+`
  echo move >>log
  test -e ready
  `+"```"+`
  `+"```sh {.rollback}"+`
  echo back >>log
  `+"```"+`
- [ ] Must {#must .required}

  `+"```sh"+`
  echo must >>log; false
  `+"```"+`
`)
	d := w.start()
	d.at(run.WaitGo, "move")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "move")
	for _, v := range []run.Verb{run.VerbRetry, run.VerbSkip, run.VerbMarkDone, run.VerbRollBack, run.VerbAbort} {
		if a := s.Action(v); !a.OK() {
			t.Errorf("%s is not offered: %s", v, a.Why)
		}
	}
	if a := s.Action(run.VerbMarkFailed); a.OK() {
		t.Error("mark failed is offered for what has failed")
	}
	d.do(run.RollBack{})
	s = d.until("rolled back", func(s *run.Snapshot) bool {
		return s.Wait == run.WaitFailure && s.Run.Cell(s.Current).Status == run.RolledBack
	})
	retry := s.Action(run.VerbRetry)
	if retry.Phrase != "RERUN move local" {
		t.Fatalf("retry after a rollback asks for %q", retry.Phrase)
	}
	if err := os.WriteFile(filepath.Join(w.begin.Dir, "ready"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	d.do(run.Retry{Typed: retry.Phrase})
	s = d.at(run.WaitGate, "move")
	d.do(run.Answer{Gate: s.Run.Cell(s.Current).Gate.Gate, Typed: "y"})
	d.at(run.WaitGo, "must")
	d.do(run.Go{})
	s = d.at(run.WaitFailure, "must")
	if a := s.Action(run.VerbSkip); a.OK() {
		t.Error("a required step may be skipped")
	}
	d.refused(run.RollBack{}, "no rollback")
	d.do(run.Abort{Why: "test"})
	if s := d.closed(); s.Run.Closed != run.Aborted {
		t.Errorf("closed as %q", s.Run.Closed)
	}
	if got := w.read("log"); got != "move\nback\nmove\nmust\n" {
		t.Errorf("log is %q", got)
	}
}

func TestLeavingWhileACommandRunsLeavesItRunning(t *testing.T) {
	t.Parallel()
	w := newWorld(t, front+`
- [ ] Long {#long}

  `+"```sh {timeout=1m}"+`
  echo begun >>log
  while ! test -e go; do sleep 0.05; done
  echo ended >>log
  echo bye
  `+"```"+`
- [ ] Tick {#tick}
`)
	d := w.start()
	d.at(run.WaitGo, "long")
	d.do(run.Go{})
	for w.read("log") != "begun\n" {
		time.Sleep(10 * time.Millisecond)
	}
	d.leave("detached")
	w.reopen()
	d = w.resume()
	s := d.until("attached again", func(s *run.Snapshot) bool {
		return s.Busy != nil && s.Busy.What == "command" && s.Run.Cell(s.Current).Status == run.Running
	})
	if err := d.e.Do(t.Context(), s.Current, s.Seq, run.Go{}); err == nil {
		t.Error("go is accepted while the command runs")
	}
	if err := os.WriteFile(filepath.Join(w.begin.Dir, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s = d.at(run.WaitManual, "tick")
	c := s.Run.Cell(run.Key{Step: "long", Target: plan.Local})
	if c.Status != run.Succeeded || len(c.Attempts) != 1 || w.read("log") != "begun\nended\n" {
		t.Errorf("%s after %d attempts, log %q", c.Status, len(c.Attempts), w.read("log"))
	}
}

func TestTwoDriversAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, front+"- [ ] Tick {#tick}\n")
	w.start().at(run.WaitManual, "tick")
	if _, err := engine.Resume(t.Context(), w.options(), w.plan, w.id); err == nil {
		t.Fatal("a second driver was let in")
	}
}

func TestATimeoutAsksAndAnAttemptCanBeStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, front+`
- [ ] Slow {#slow}

  `+"```sh {timeout=300ms}"+`
  echo begun >>log
  exec sleep 60
  `+"```"+`
`)
	d := w.start()
	d.at(run.WaitGo, "slow")
	d.do(run.Go{})
	s := d.at(run.WaitUnknown, "slow")
	c := s.Run.Cell(s.Current)
	if c.Status != run.Unknown || c.Reason != run.TimedOut || c.Latest().Fate != "running" {
		t.Fatalf("cell is %s (%s), fate %q", c.Status, c.Reason, c.Latest().Fate)
	}
	if a := s.Action(run.VerbRetry); a.OK() {
		t.Error("retry is offered while the command may run")
	}
	d.do(run.StopNow{Kill: true})
	s = d.at(run.WaitFailure, "slow")
	if c := s.Run.Cell(s.Current); c.Latest().Outcome == nil || c.Latest().Outcome.Exit != 137 {
		t.Errorf("outcome %+v", c.Latest().Outcome)
	}
}
