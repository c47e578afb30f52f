package engine_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

// shm is whether this machine has a place for a language's text.
func shm(t *testing.T) {
	t.Helper()
	if info, err := os.Stat("/dev/shm"); err != nil || !info.IsDir() {
		t.Skip("NOT TESTED: this machine has no /dev/shm, so that languages can't be tried")
	}
}

func TestAFenceOfALanguage(t *testing.T) {
	t.Parallel()
	shm(t)
	w := newWorld(t, `+++
title = "T"
[params.name]
default = "o'neil \"x\""
[languages.dos]
run = 'cat "$STEPGATE_BODY"; ls -l "$STEPGATE_BODY" | cut -c1-10; echo "${STEPGATE_FENCE-unset}"; echo "$STEPGATE_BODY" >>bodies'
literal = "c"
+++
- [ ] Ask {#ask}

  `+"```dos {.check}"+`
  print({{name}})
  `+"```"+`
  `+"```expect"+`
  lines[0] == "print(\"o'neil \\\"x\\\"\")"
  lines[1] == "-rw-------"
  lines[2] == "unset"
  `+"```"+`
- [ ] Do {#do}

  `+"```dos"+`
  run({{name}})
  `+"```"+`
- [ ] Tick {#tick}
`)
	d := w.start()
	d.at(run.WaitGo, "ask")
	d.do(run.Go{})
	s := d.until("the check", func(s *run.Snapshot) bool {
		return s.Busy == nil && s.Wait != run.WaitNothing && s.Current.Step != "ask" || s.Wait == run.WaitFailure
	})
	if s.Wait == run.WaitFailure {
		t.Fatalf("%+v", at1(s).Checks[run.Before].Checks[0])
	}
	d.do(run.Go{})
	s = d.at(run.WaitManual, "tick")
	a := s.Run.Cell(run.Key{Step: "do", Target: "local"}).Latest()
	out, _, _, err := d.e.Output(t.Context(), a.Intent.Attempt, 0, 0, 1000)
	if err != nil || string(out) != "run(\"o'neil \\\"x\\\"\")\n-rw-------\nunset\n" {
		t.Errorf("output %q, %v", out, err)
	}
	for _, body := range lines(w.read("bodies")) {
		if _, err := os.Stat(body); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", body, err)
		}
	}
	if n := len(lines(w.read("bodies"))); n != 2 {
		t.Errorf("%d bodies", n)
	}
}

func TestAPollEndsWhenItsFailIfIsTrue(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("wait", sh(`.check until=1h every=20ms fail_if="exit == 3"`, "look"), capture("n = lines[0]")))
	st.set("look", executortest.Script{Exit: 1, Stdout: "starting\n"})
	d := st.start()
	d.at(run.WaitGo, "wait")
	d.do(run.Go{})
	s := d.until("two tries", func(s *run.Snapshot) bool { return s.Busy != nil && len(s.Busy.Looks) == 1 && s.Busy.Looks[0].Try > 1 })
	if got := string(s.Busy.Looks[0].Last.Values["n"]); got != `"starting"` {
		t.Errorf("shown meanwhile: %q", got)
	}
	st.set("look", executortest.Script{Exit: 3, Stdout: "broken\n"})
	s = d.at(run.WaitFailure, "wait")
	res := at1(s).Checks[run.Before].Checks[0]
	if res.Verdict.String() != "fail" || res.Values != nil {
		t.Errorf("%s, %v", res.Verdict, res.Values)
	}
	first, last := res.Tried[0], res.Tried[len(res.Tried)-1]
	if len(res.Tried) != 2 || first.No != 1 || last.No != res.Tries || string(last.Values["n"]) != `"broken"` {
		t.Errorf("of %d tries are kept %+v", res.Tries, res.Tried)
	}
}

func lines(s string) []string { return strings.Fields(s) }

// A try that can't be told anything from begins the hold anew.
func TestAnUnknownTryRestartsTheHold(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("wait", sh(".check until=100h every=5ms hold=1h", "look"))+step("tick"))
	clock := &clock{at: time.Now()}
	st.now = clock.now
	d := st.start()
	d.at(run.WaitGo, "wait")
	last := func(want checks.Verdict, after int) *run.Look {
		t.Helper()
		s := d.until(want.String(), func(s *run.Snapshot) bool {
			return s.Busy != nil && len(s.Busy.Looks) == 1 && s.Busy.Looks[0].Last.Tries > after && s.Busy.Looks[0].Last.Verdict == want
		})
		return &s.Busy.Looks[0]
	}
	d.do(run.Go{})
	if l := last(checks.Pass, 0); l.Held.IsZero() || l.Hold != time.Hour {
		t.Errorf("while it holds, %v of %v are shown", l.Held, l.Hold)
	}
	st.set("look", executortest.Script{Exit: 127})
	l := last(checks.Unknown, 1)
	if !l.Held.IsZero() {
		t.Errorf("it doesn't hold, and is shown to since %v", l.Held)
	}
	tries := l.Last.Tries
	clock.add(2 * time.Hour)
	tries = last(checks.Unknown, tries+1).Last.Tries // it began after that
	st.set("look", executortest.Script{})
	tries = last(checks.Pass, tries).Last.Tries
	last(checks.Pass, tries+2) // two hours after the first that passed it doesn't hold yet
	clock.add(2 * time.Hour)
	s := d.at(run.WaitManual, "tick")
	res := s.Run.Cell(run.Key{Step: "wait", Target: "local"}).Checks[run.Before].Checks[0]
	var seen []string
	for _, t := range res.Tried {
		seen = append(seen, t.Verdict.String())
	}
	if got := strings.Join(seen, " "); got != "pass unknown pass pass" {
		t.Errorf("kept tries: %s", got)
	}
}
