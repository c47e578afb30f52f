package engine_test

import (
	"strings"
	"testing"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// offBook is a command beside the plan, as it is now.
func offBook(s *run.Snapshot, n int) *run.Cell {
	if len(s.Run.OffBook) < n {
		return nil
	}
	return s.Run.OffBook[n-1]
}

// asked waits until a command beside the plan is over, and the run waits again.
func (d *driver) asked(n int) *run.Cell {
	d.t.Helper()
	s := d.until("the command", func(s *run.Snapshot) bool {
		c := offBook(s, n)
		return s.Busy == nil && c != nil && (c.Status.Settled() || c.Status == run.Failed || c.Status == run.Unknown)
	})
	return offBook(s, n)
}

// A failed command is edited: its gate shows the new text, whatever the step was,
// and exactly that runs; the run closes with exceptions.
func TestAFailedCommandIsEdited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, front+step("one", sh("", "echo tried >>log; test -e there"), sh(".check", "grep -q mended log"))+step("tick"))
	d := w.start()
	d.at(run.WaitGo, "one")
	d.refused(run.Edit{Body: "true"}, "it has not failed")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "one")
	text, err := s.Run.EditText(at1(s))
	if err != nil || text != "echo tried >>log; test -e there\n" {
		t.Fatalf("to be edited: %q, %v", text, err)
	}
	for body, why := range map[string]string{
		text: "unchanged", "  \n": "empty", "echo \u202e": "⟨U+202E⟩", "echo {{host}}": `"$host"`,
	} {
		d.refused(run.Edit{Body: body}, why)
	}
	const mended = "echo mended >>log; echo $STEPGATE_STEP"
	d.do(run.Edit{Body: mended})
	s = d.at(run.WaitGate, "one")
	c := at1(s)
	if c.Gate.Dispatch.Body != mended+"\n" || c.Gate.Phrase != "one" || c.Gate.Reversible || c.Edited.Was != text || w.read("log") != "tried\n" {
		t.Errorf("the gate shows %+v, phrase %q; edited %+v", c.Gate.Dispatch, c.Gate.Phrase, c.Edited)
	}
	g := c.Gate
	d.refused(run.Answer{Gate: g.Gate, Typed: g.Phrase, Pre: "stepgate run --approve one"}, "pre-grant")
	d.at(run.WaitGate, "one")
	d.answer()
	d.at(run.WaitManual, "tick")
	d.do(run.MarkDone{})
	if s = d.closed(); s.Run.Closed != run.DoneExceptions || w.read("log") != "tried\nmended\n" {
		t.Errorf("closed as %q, log %q", s.Run.Closed, w.read("log"))
	}
}

// What was edited stays so: it passes a gate at every attempt, also for another
// driver, and can be edited once more.
func TestAnEditedCommandIsGatedAtEveryAttempt(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh(".idempotent", "one"))+step("tick"))
	for _, name := range []string{"one", "two"} {
		st.set(name, executortest.Script{Exit: 1})
	}
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitFailure, "one")
	d.do(run.Edit{Body: "two"})
	d.at(run.WaitGate, "one")
	d.leave("detached")
	d = st.resume() // the gate is shown anew
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitGate, "one")
	d.answer()
	d.at(run.WaitFailure, "one")
	d.do(run.Retry{})
	if s := d.at(run.WaitGate, "one"); at1(s).Gate.Dispatch.Body != "two\n" {
		t.Errorf("the gate shows %q", at1(s).Gate.Dispatch.Body)
	}
	s := d.e.Snapshot()
	d.do(run.Answer{Gate: at1(s).Gate.Gate, Typed: ""})
	d.at(run.WaitGo, "one")
	st.wantRan("one", "two")
	d.do(run.Go{})
	d.at(run.WaitGate, "one")
	d.answer()
	s = d.at(run.WaitFailure, "one")
	if text, err := s.Run.EditText(at1(s)); err != nil || text != "two\n" {
		t.Errorf("to be edited: %q, %v", text, err)
	}
	d.do(run.Edit{Body: "three"})
	s = d.at(run.WaitGate, "one")
	if at1(s).Edited.Was != "one\n" {
		t.Errorf("the runbook's text is %q", at1(s).Edited.Was)
	}
	d.answer()
	d.at(run.WaitManual, "tick")
	st.wantRan("one", "two", "two", "three")
}

// What can't be undone and was sent is edited by a RERUN only.
func TestAnIrreversibleCommandIsEditedByRerun(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("drop", caution, sh(".irreversible", "drop"))+step("tick"))
	st.set("drop", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "drop")
	d.do(run.Go{})
	d.at(run.WaitGate, "drop")
	d.answer()
	s := d.at(run.WaitFailure, "drop")
	phrase := s.Action(run.VerbEdit).Phrase
	if phrase != "RERUN drop local" {
		t.Errorf("phrase %q", phrase)
	}
	d.refused(run.Edit{Body: "gently"}, "phrase")
	if n := st.count("Edited"); n != 0 {
		t.Errorf("%d edits are journaled that were refused", n)
	}
	d.do(run.Edit{Body: "gently", Typed: phrase})
	d.at(run.WaitGate, "drop")
	st.wantRan("drop")
	d.answer()
	d.at(run.WaitManual, "tick")
	st.wantRan("drop", "gently")
}

// A command beside the plan runs where it is wanted, with the runbook's prelude and
// values; that it fails stops nothing.
func TestACommandBesideThePlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "+++\ntitle = \"T\"\n[params.port]\ndefault = \"4567\"\n[prelude]\nsh = 'greet() { echo \"hello $1\"; }'\n+++\n"+
		step("one", sh("", "echo one >>log"))+step("tick"))
	d := w.start()
	d.at(run.WaitGo, "one")
	d.do(run.AdHoc{Where: plan.Local, Body: `greet "$port" >>log; echo "$STEPGATE_STEP" >>log`})
	c := d.asked(1)
	if c.Status != run.Succeeded || c.Key.String() != "adhoc/1@local" || w.read("log") != "hello 4567\nadhoc/1\n" {
		t.Errorf("%s is %s (%s), log %q", c.Key, c.Status, c.Detail, w.read("log"))
	}
	d.at(run.WaitGo, "one")
	d.do(run.AdHoc{Where: plan.Local, Body: "false; echo went on >>log"})
	c = d.asked(2)
	if c.Status != run.Failed || c.Reason != run.ExitCode {
		t.Errorf("%s is %s (%s)", c.Key, c.Status, c.Reason)
	}
	for want, a := range map[string]run.AdHoc{
		"empty": {Where: plan.Local}, `no host "x"`: {Where: "x", Body: "df"}, "no interpreter": {Where: plan.Local, Interpreter: "lua", Body: "df"},
		"terminal": {Where: plan.Local, TTY: true}, `"$port"`: {Where: plan.Local, Body: "echo {{port}}"}, "⟨U+200B⟩": {Where: plan.Local, Body: "echo a\u200bb"},
	} {
		d.refused(a, want)
	}
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitManual, "tick")
	d.do(run.MarkDone{})
	s := d.closed()
	settled, total, _ := s.Run.Progress()
	if s.Run.Closed != run.DoneExceptions || settled != 2 || total != 2 || len(s.Run.OffBook) != 2 || w.read("log") != "hello 4567\nadhoc/1\none\n" {
		t.Errorf("closed as %q, %d of %d, log %q", s.Run.Closed, settled, total, w.read("log"))
	}
}

// What looks destructive passes a gate with the host's name; declined, or left, it is
// dropped.
func TestADestructiveCommandBesideThePlanIsGated(t *testing.T) {
	t.Parallel()
	st := newStage(t, paired+step("one", sh("", "one"))+step("tick"))
	d := st.start()
	d.at(run.WaitGo, "one")
	for n, answer := range []string{"", "y", "b", "a"} {
		d.do(run.AdHoc{Where: "a", Body: "rm -rf /data/old"})
		s := d.until("the gate", func(s *run.Snapshot) bool { return s.Wait == run.WaitGate && s.Busy == nil })
		g := at1(s).Gate
		if g.Phrase != "a" || g.Dispatch.Where != "a" || g.Dispatch.Body != "rm -rf /data/old\n" {
			t.Errorf("the gate shows %+v, phrase %q", g.Dispatch, g.Phrase)
		}
		d.refused(run.AdHoc{Where: "a", Body: "df"}, "gate")
		d.refused(run.Jump{To: run.Key{Step: "tick"}, Reason: "r"}, "gate")
		d.do(run.Answer{Gate: g.Gate, Typed: answer})
		want := run.Skipped
		if answer == "a" {
			want = run.Succeeded
		}
		if c := d.asked(n + 1); c.Status != want {
			t.Errorf("%q: %s is %s", answer, c.Key, c.Status)
		}
		d.at(run.WaitGo, "one")
	}
	st.wantRan("rm -rf /data/old@a")
	d.do(run.AdHoc{Where: plan.Local, Interpreter: "python3", Body: "print(1)"})
	d.until("the gate", func(s *run.Snapshot) bool { return s.Wait == run.WaitGate })
	d.leave("detached")
	d = st.resume()
	s := d.at(run.WaitGo, "one")
	if c := offBook(s, 5); c.Status != run.Skipped || c.Skip == "" {
		t.Errorf("for the next driver %s is %s: %q", c.Key, c.Status, c.Skip)
	}
	st.wantRan("rm -rf /data/old@a")
}

// One whose fate is unknown stops the run until it is settled; another may be asked
// for meanwhile, also while the run is paused.
func TestACommandBesideThePlanThatIsUnknownStopsTheRun(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh("", "one"))+step("tick"))
	st.set("sweep", executortest.Script{Fate: executor.Died})
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Pause{})
	d.at(run.WaitPaused, "one")
	d.do(run.AdHoc{Where: plan.Local, Body: "sweep"})
	d.at(run.WaitPaused, "adhoc/1")
	d.do(run.Continue{})
	d.at(run.WaitUnknown, "adhoc/1")
	d.do(run.AdHoc{Where: plan.Local, Body: "df"})
	if c := d.asked(2); c.Status != run.Succeeded {
		t.Errorf("%s is %s", c.Key, c.Status)
	}
	s := d.at(run.WaitUnknown, "adhoc/1")
	for _, v := range []run.Verb{run.VerbSkip, run.VerbRetry, run.VerbEdit, run.VerbRollBack, run.VerbExclude} {
		if s.Action(v).OK() {
			t.Errorf("%s is offered", v)
		}
	}
	d.do(run.MarkFailed{Reason: "it has swept half"})
	s = d.at(run.WaitGo, "one")
	if c := offBook(s, 1); c.Status != run.Failed || c.Reason != run.DecidedFailed {
		t.Errorf("%s is %s (%s)", c.Key, c.Status, c.Reason)
	}
	st.wantRan("sweep", "df")
	d.do(run.Abort{Why: "enough"})
	d.closed()
	if n := st.calls("Discard"); n != 1 {
		t.Errorf("its host is cleared %d times", n)
	}
}

// A shell takes the operator's terminal, and nothing of it is kept.
func TestAShellBesideThePlan(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh("", "one"))+step("tick"))
	st.lend = lend(nil, nil)
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.AdHoc{Where: "a", TTY: true})
	c := d.asked(1)
	in := c.Latest().Intent
	if c.Status != run.Succeeded || in.Dispatch.Body != run.LoginShell || !in.Dispatch.TTY || c.Latest().Outcome.Bytes != [2]int64{} {
		t.Errorf("%s is %s: %+v", c.Key, c.Status, in.Dispatch)
	}
	d.at(run.WaitGo, "one")
}

// A jump leaves out what stands before a step, gates by a word, and nothing that is
// required.
func TestAJump(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh("", "one"))+step("gate", caution, sh("", "gate"))+step("two", sh("", "two"))+
		strings.Replace(step("must", sh("", "must")), "{#must}", "{#must .required}", 1)+step("last", sh("", "last")))
	st.set("one", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "one")
	two, last := run.Key{Step: "two", Target: plan.Local}, run.Key{Step: "last", Target: plan.Local}
	l := s.Run.LeapTo(two)
	if l.Why != "" || l.Phrase != "jump" || len(l.Over) != 2 || len(l.Gates) != 1 {
		t.Errorf("leap %+v", l)
	}
	d.refused(run.Jump{To: last, Reason: "r", Typed: "jump"}, "requires must")
	d.refused(run.Jump{To: two, Reason: " ", Typed: "jump"}, "reason")
	d.refused(run.Jump{To: two, Reason: "done by hand"}, "type jump")
	d.do(run.Jump{To: two, Reason: "done by hand", Typed: "jump"})
	s = d.at(run.WaitGo, "two")
	for _, c := range s.Run.Cells[:2] {
		if c.Status != run.Skipped || c.Skip != "done by hand" {
			t.Errorf("%s is %s: %q", c.Key, c.Status, c.Skip)
		}
	}
	d.refused(run.Jump{To: s.Run.Cells[0].Key, Reason: "r"}, "run again")
	st.wantRan("one")
}

// A step that has succeeded is run again by a RERUN, through a gate; left out then, it
// is done as before.
func TestAStepIsRunAgain(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+"## Part {#part}\n\n"+strings.Replace(step("stop", sh("", "stop")), "{#stop}", "{#stop .required}", 1)+step("look", sh(".check", "look"))+step("swap", sh("", "swap"))+step("left", sh("", "left"))+step("tick"))
	st.set("swap", executortest.Script{Exit: 1})
	d := st.start()
	for _, id := range []string{"stop", "look", "swap"} {
		d.at(run.WaitGo, "part/"+id)
		d.do(run.Go{})
	}
	s := d.at(run.WaitFailure, "part/swap")
	stop, look, left := s.Run.Cells[0], s.Run.Cells[1], s.Run.Cells[3]
	if got := len(s.Run.Repeatables()); got != 2 {
		t.Errorf("%d can be done again", got)
	}
	phrase := s.Run.Repeatable(stop).Phrase
	if phrase != "RERUN part/stop local" || s.Run.Repeatable(look).Phrase != "" {
		t.Errorf("phrases %q, %q", phrase, s.Run.Repeatable(look).Phrase)
	}
	d.refused(run.Again{Cell: stop.Key}, "typed")
	d.refused(run.Again{Cell: left.Key}, "pending")
	d.do(run.Again{Cell: stop.Key, Typed: phrase})
	d.at(run.WaitGo, "part/stop")
	d.do(run.Go{})
	d.at(run.WaitGate, "part/stop")
	d.do(run.Skip{Reason: "it is still stopped"})
	if s = d.at(run.WaitFailure, "part/swap"); s.Run.Cells[0].Status != run.Succeeded {
		t.Errorf("left out again, it is %s", s.Run.Cells[0].Status)
	}
	st.wantRan("stop", "swap")
	d.do(run.Again{Cell: stop.Key, Typed: phrase})
	d.at(run.WaitGo, "part/stop")
	d.do(run.Go{})
	d.at(run.WaitGate, "part/stop")
	d.answer()
	d.at(run.WaitFailure, "part/swap")
	st.wantRan("stop", "swap", "stop")
	d.do(run.Again{Cell: look.Key})
	d.at(run.WaitGo, "part/look")
	d.do(run.Go{})
	d.at(run.WaitFailure, "part/swap")
	d.do(run.Skip{Reason: "not today"})
	d.at(run.WaitGo, "part/left")
	d.do(run.Again{Cell: run.Key{Step: "part/swap", Target: plan.Local}, Typed: "RERUN part/swap local"})
	d.at(run.WaitGo, "part/swap")
}

// A secret is neither kept with a text nor with a reason.
func TestASecretIsNotTypedIntoACommand(t *testing.T) {
	t.Parallel()
	w := newWorldOn(t, front+step("one", sh("", "test -e there"))+step("tick"), nil, keeping)
	d := w.start()
	d.at(run.WaitGo, "one")
	d.refused(run.AdHoc{Where: plan.Local, Body: "mysql -p'" + given + "'"}, "secret")
	d.do(run.AdHoc{Where: plan.Local, Body: `printf %s "$pw" | wc -c >length`})
	if c := d.asked(1); c.Status != run.Succeeded || strings.TrimSpace(w.read("length")) != "13" {
		t.Errorf("%s is %s, and its secret has %s characters", c.Key, c.Status, w.read("length"))
	}
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitFailure, "one")
	d.refused(run.Edit{Body: "echo " + given}, "secret")
	d.do(run.Jump{To: run.Key{Step: "tick"}, Reason: "it is " + given})
	d.at(run.WaitManual, "tick")
	w.onDisk(given)
}
