package engine_test

import (
	"slices"
	"strings"
	"testing"

	"stepgate/executor/executortest"
	"stepgate/runbook"
	"stepgate/runbook/run"
)

// What an open gate shows is overtaken by an answer that is given elsewhere meanwhile:
// it is shown anew, with the answer, before anybody types its phrase.
func TestAGateThatIsOvertakenIsShownAnew(t *testing.T) {
	t.Parallel()
	q := runbook.Question{Param: runbook.Param{Name: "color", Type: runbook.TypeChoice, Choices: []string{"red", "green"}, Required: true}}
	st := newStage(t, paired+"## Each {#each each=pair max_failures=1}\n\n"+step("drop", caution, sh("", "drop"))+step("q"),
		asking("q", q), func(rb *runbook.Runbook) { stepOf(rb, "drop").Always = true })
	st.set("drop@a", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "each[a]/drop")
	d.do(run.Go{})
	d.at(run.WaitGate, "each[a]/drop")
	d.answer()
	d.at(run.WaitGo, "each[b]/drop") // within the budget
	d.do(run.Go{})
	s := d.at(run.WaitGate, "each[b]/drop")
	early := at1(s).Gate
	if got := envText(*early.Dispatch); strings.Contains(got, "color=") {
		t.Fatalf("the gate shows %s", got)
	}

	st.set("drop@a", executortest.Script{})
	d.do(run.Call{Cell: run.Key{Step: "each[a]/drop", Target: "a"}})
	d.at(run.WaitFailure, "each[a]/drop")
	d.do(run.Retry{})
	d.at(run.WaitGate, "each[a]/drop")
	d.answer()
	d.at(run.WaitAsk, "each[a]/q")
	d.do(run.Reply{Value: "green"})

	s = d.at(run.WaitGo, "each[b]/drop")
	if want := "the gate is closed: what would run is no longer what was shown"; s.Notice != want {
		t.Errorf("notice %q, want %q", s.Notice, want)
	}
	d.do(run.Go{})
	s = d.at(run.WaitGate, "each[b]/drop")
	if got := envText(*at1(s).Gate.Dispatch); !strings.Contains(got, "color=green") || at1(s).Gate.Gate == early.Gate {
		t.Errorf("the gate %s shows %s", at1(s).Gate.Gate, got)
	}
	d.answer()
	d.closed()
	st.wantRan("drop@a", "drop@a", "drop@b")
}

// Cells behind one gate go one after the other: what the first brings about may
// change what the next would run, which is then not what anybody has seen.
func TestWhatIsOvertakenByItsPeersIsNotSent(t *testing.T) {
	t.Parallel()
	st := newStage(t, trio+step("drop", caution,
		sh(`on=trio env.SEEN="len(filter(hosts('trio'), (.v ?? '') != ''))"`, "drop"), capture("v = trim(stdout)")))
	st.set("drop", executortest.Script{Stdout: "x\n"})
	d := st.start()
	for i, h := range []string{"a", "b", "c"} {
		s := d.at(run.WaitGo, "drop")
		if i > 0 {
			if want := "what would run is no longer what was shown"; !strings.HasPrefix(s.Notice, "the gate is closed: ") || !strings.HasSuffix(s.Notice, want) {
				t.Errorf("notice %q, want %q", s.Notice, want)
			}
		}
		d.do(run.Go{})
		s = d.at(run.WaitGate, "drop")
		if g := at1(s).Gate; s.Current.Target != h || !strings.Contains(envText(*g.Dispatch), "SEEN="+string(rune('0'+i))) {
			t.Errorf("the gate of %s shows %s", s.Current, envText(*g.Dispatch))
		}
		d.answer()
	}
	d.closed()
	st.wantRan("drop@a", "drop@b", "drop@c")
	var void []string
	for _, r := range st.events() {
		if g, ok := r.Event.(run.GateClosed); ok && g.Void {
			void = append(void, g.Cell.Target)
		}
	}
	if want := []string{"b", "c", "c"}; !slices.Equal(void, want) {
		t.Errorf("void are the gates of %q, want %q", void, want)
	}
}
