package engine_test

import (
	"strings"
	"testing"

	"stepgate/executor/executortest"
	"stepgate/runbook"
	"stepgate/runbook/run"
)

// asking makes a question of a manual step.
func asking(id string, q runbook.Question) func(*runbook.Runbook) {
	return func(rb *runbook.Runbook) {
		s := stepOf(rb, id)
		s.Kind, s.Question = runbook.Ask, &q
	}
}

func TestAQuestionIsAskedOnceForARun(t *testing.T) {
	t.Parallel()
	q := runbook.Question{Param: runbook.Param{Name: "color", Type: runbook.TypeChoice, Choices: []string{"red", "green"}, Required: true}}
	st := newStage(t, paired+"## Each {#each each=pair}\n\n"+step("q")+step("paint", sh("", `echo "$color"`)), asking("q", q))
	d := st.start()
	d.at(run.WaitAsk, "each[a]/q")
	d.refused(run.Reply{Value: "blue"}, "one of red, green")
	d.refused(run.Go{}, "")
	d.do(run.Reply{Value: "green"})
	d.at(run.WaitGo, "each[a]/paint")
	d.do(run.Go{})
	d.at(run.WaitGo, "each[b]/paint") // the answer is kept
	d.do(run.Go{})
	d.closed()
	var asked []run.Asked
	for _, r := range st.events() {
		switch e := r.Event.(type) {
		case run.Asked:
			asked = append(asked, e)
		case run.Intent:
			if !strings.Contains(envText(e.Dispatch), "color=green") {
				t.Errorf("%s runs with %s", e.Cell, envText(e.Dispatch))
			}
		}
	}
	if len(asked) != 2 || asked[0].Repeated || !asked[1].Repeated || asked[1].Value != "green" {
		t.Errorf("asked %+v", asked)
	}
}

func envText(d run.Dispatch) string {
	var out []string
	for _, v := range d.Env {
		out = append(out, v.Name+"="+v.Value)
	}
	return strings.Join(out, " ")
}

func TestAQuestionForEachHostIsAskedForEach(t *testing.T) {
	t.Parallel()
	q := runbook.Question{Param: runbook.Param{Name: "size", Type: runbook.TypeInt, Required: true}, PerHost: true}
	st := newStage(t, paired+"## Each {#each each=pair}\n\n"+step("q")+step("cut", sh("", "cut")), asking("q", q))
	d := st.start()
	d.at(run.WaitAsk, "each[a]/q")
	d.refused(run.Reply{Value: "much"}, "whole number")
	d.do(run.Reply{Value: "1"})
	d.at(run.WaitGo, "each[a]/cut")
	d.do(run.Go{})
	d.at(run.WaitAsk, "each[b]/q")
	d.do(run.Reply{Value: "2"})
	d.at(run.WaitGo, "each[b]/cut")
	d.do(run.Go{})
	d.closed()
	var sizes []string
	for _, r := range st.events() {
		if in, ok := r.Event.(run.Intent); ok {
			for _, v := range in.Dispatch.Env {
				if v.Name == "size" {
					sizes = append(sizes, in.Cell.Target+v.Value)
				}
			}
		}
	}
	if got := strings.Join(sizes, " "); got != "a1 b2" {
		t.Errorf("sizes %q", got)
	}
}

// probing makes a probe of a step's first precondition.
func probing(id string) func(*runbook.Runbook) {
	return func(rb *runbook.Runbook) {
		s := stepOf(rb, id)
		s.Done, s.Before = s.Before[:1], s.Before[1:]
	}
}

func TestAStepThatIsDoneAlreadyIsNotRun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		exit int
		want []string
		wait run.Wait
	}{
		"it is done":                         {0, nil, run.WaitManual},
		"it is not done":                     {1, []string{"drop"}, run.WaitGate},
		"whether it is done can't be told":   {127, nil, run.WaitFailure},
		"the probe is ended by a signal too": {137, nil, run.WaitFailure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, front+step("drop", caution, sh(".check", "is"), sh(".check", "may"), sh(".irreversible", "drop"))+step("tick"), probing("drop"))
			st.set("is", executortest.Script{Exit: tt.exit})
			d := st.start()
			d.at(run.WaitGo, "drop")
			d.do(run.Go{})
			s := d.until("what follows", func(s *run.Snapshot) bool { return s.Wait == tt.wait && s.Busy == nil })
			if tt.wait == run.WaitGate {
				d.answer()
				s = d.at(run.WaitManual, "tick")
			}
			st.wantRan(tt.want...)
			if c := s.Run.Cell(run.Key{Step: "drop", Target: "local"}); tt.exit == 0 && c.Status != run.Succeeded {
				t.Errorf("it is %s", c.Status)
			}
		})
	}
}

func TestFinishThenStop(t *testing.T) {
	t.Parallel()
	st := newStage(t, paired+"## Each {#each each=pair}\n\n"+step("one", sh("", "one"))+step("two", sh("", "two")))
	held, end := hold(t, executortest.Script{})
	st.set("one@a", held)
	d := st.start()
	d.at(run.WaitGo, "each[a]/one")
	d.do(run.Go{})
	st.await("one")
	s := d.e.Snapshot()
	if got := strings.Join(s.Finish, " "); got != "each[a]/one each[a] each" {
		t.Errorf("it can stop behind %q", got)
	}
	d.do(run.FinishThenStop{After: "each[a]"}) // while the command runs
	end()
	d.at(run.WaitGo, "each[a]/two")
	d.do(run.Go{})
	s = d.until("the pause", func(s *run.Snapshot) bool { return s.Wait == run.WaitPaused })
	if !s.Run.Paused {
		t.Error("it is not paused")
	}
	st.wantRan("one@a", "two@a")
	d.do(run.Continue{})
	d.at(run.WaitGo, "each[b]/one")
}

func TestAnInstanceIsPostponed(t *testing.T) {
	t.Parallel()
	st := newStage(t, trio+"## Each {#each each=trio}\n\n"+step("one", sh("", "one")))
	st.set("one@a", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "each[a]/one")
	d.do(run.Go{})
	d.at(run.WaitFailure, "each[a]/one")
	d.do(run.Postpone{Why: "its disk is being changed"})
	for _, h := range []string{"b", "c"} {
		d.at(run.WaitGo, "each["+h+"]/one")
		d.do(run.Go{})
	}
	d.at(run.WaitFailure, "each[a]/one")
	st.set("one@a", executortest.Script{})
	d.do(run.Retry{})
	d.closed()
}

func TestAnAlwaysStepIsCalledOutOfItsPlace(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+"## S {#s}\n\n"+step("one", sh("", "one"))+step("open", sh("", "open")),
		func(rb *runbook.Runbook) { stepOf(rb, "open").Always = true })
	st.set("one", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "s/one")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "s/one")
	if len(s.Always) != 1 {
		t.Fatalf("always: %v", s.Always)
	}
	d.do(run.Call{Cell: s.Always[0]})
	d.at(run.WaitGo, "s/open")
	d.do(run.Go{})
	d.at(run.WaitFailure, "s/one")
	st.wantRan("one", "open")
}

func TestNeighbouringChecksAreTakenTogether(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("x", sh(".check", "x"))+step("y", sh(".check", "y"))+step("z", sh(".check", "z"))+step("one", sh("", "one")))
	st.set("x", executortest.Script{Exit: 1})
	st.set("z", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "x")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "x")
	for step, want := range map[string]run.Status{"x": run.Failed, "y": run.Succeeded, "z": run.Failed} {
		if got := status(s, step, "local"); got != want {
			t.Errorf("%s is %s, want %s", step, got, want)
		}
	}
}
