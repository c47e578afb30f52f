package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/gate"
)

// A gate that comes up behind a note on a large screen hasn't been read when the screen
// is small by the time the note is closed.
func TestACoveredGateIsNotRead(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, tell(t, longBook(), nil), 120, 80)
	st.send(press("n")...)
	st.Update(snapMsg{longGate(t).snap()})
	st.now = st.now.Add(time.Minute)
	st.send(tea.WindowSizeMsg{Width: 120, Height: 20})
	st.send(press("esc")...)
	st.now = st.now.Add(gate.Grace)
	st.send(append(typed("tablet-1"), stroke("enter"))...)
	if got := answers(ctl); len(got) > 0 && got[0].Typed != "" {
		t.Fatalf("granted without having been on the screen: %+v", got)
	}
}

// What stood on the screen for less than a frame hasn't been read.
func TestASizeThatWasNeverDrawnShowsNothing(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, longGate(t), 120, 20)
	st.now = st.now.Add(gate.Grace)
	for _, h := range []int{200, 20} { // within a frame
		_, cmd := st.Update(tea.WindowSizeMsg{Width: 120, Height: h})
		play(st.app, cmd)
	}
	st.send(append(typed("tablet-1"), stroke("enter"))...)
	if got := answers(ctl); len(got) > 0 && got[0].Typed != "" {
		t.Fatalf("granted without having been drawn: %+v", got)
	}
}

// What the runbook sets for a command stands there though the command doesn't name it,
// and names that begin alike are told apart however long they are.
func TestAGateShowsWhatIsSet(t *testing.T) {
	t.Parallel()
	long := "the_name_of_a_variable_that_is_rather_long"
	book := fmt.Sprintf("+++\ntitle = \"t\"\n[groups.tablet]\nmin = 1\n[params.%s_a]\n[params.%s_b]\n+++\n# T\n\n- [ ] Cut {#cut on=tablet .irreversible}\n\n"+
		"  > [!CAUTION]\n  > final\n\n  ```sh {env.KUBECONFIG=\"'/etc/kube/'+host\"}\n  kubectl --context a delete \"$%s_a\" \"$%s_b\"\n  ```\n", long, long, long, long)
	s := tell(t, book, map[string]string{long + "_a": "first", long + "_b": "second"})
	k := s.cell("cut@tablet-1").Key
	st := pose(s.gate(k), 100, 60)
	got := st.text()
	for _, want := range []string{"$KUBECONFIG", "/etc/kube/tablet-1", "$" + long + "_a", "$" + long + "_b", "first", "second"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q isn't there:\n%s", want, got)
		}
	}
}

// A gate of which something changes while it is read has to be read again, and what was
// typed is gone.
func TestAGateThatChangesIsReadAgain(t *testing.T) {
	t.Parallel()
	s := longGate(t)
	st, ctl := atGate(t, s, 120, 80)
	st.now = st.now.Add(gate.Grace)
	st.send(typed("tablet-1")...)
	s.then(verdict(run.Before, s.cell("[tablet-1]/cut@tablet-1").Key, 2, "", "it still holds\n"))
	st.send(snapMsg{s.snap()})
	if got := st.text(); !strings.Contains(got, "what is shown here has changed: read it again") {
		t.Errorf("nothing says so:\n%s", got)
	}
	st.now = st.now.Add(gate.Grace)
	st.send(press("enter")...)
	if got := answers(ctl); len(got) != 1 || got[0].Typed != "" {
		t.Errorf("answers: %+v", got)
	}
}

// So has one that changes while the screen is too small for it.
func TestAGateThatChangesUnseenIsReadAgain(t *testing.T) {
	t.Parallel()
	s := longGate(t)
	st, ctl := atGate(t, s, 120, 80)
	st.now = st.now.Add(gate.Grace)
	st.send(press("x", "backspace")...)
	st.send(tea.WindowSizeMsg{Width: 40, Height: 10})
	asks := *s.snap()
	asks.Prompt = &run.Prompt{ID: "p", Kind: "password", Host: "tablet-1"}
	st.send(snapMsg{&asks}, snapMsg{s.snap()})
	s.then(verdict(run.Before, s.cell("[tablet-1]/cut@tablet-1").Key, 2, "", "it still holds\n"))
	st.send(snapMsg{s.snap()}, tea.WindowSizeMsg{Width: 120, Height: 20})
	st.now = st.now.Add(time.Minute)
	st.send(append(typed("tablet-1"), stroke("enter"))...)
	if got := answers(ctl); len(got) > 0 && got[0].Typed != "" {
		t.Fatalf("granted though it has changed: %+v", got)
	}
}
