package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
)

// onlooker is a screen of a run that li drives.
func onlooker(s *story, w, h int, msgs ...tea.Msg) *still {
	st := pose(s, w, h)
	st.o.Watching = true
	st.drop(func(dialog) bool { return true })
	snap := s.snap()
	for i, a := range snap.Actions {
		snap.Actions[i] = run.Availability{Verb: a.Verb, Why: "watching; it is driven by li@bastion"}
		if a.Verb == run.VerbNote || a.Verb == run.VerbPause {
			snap.Actions[i].Why = ""
		}
	}
	for _, m := range append([]tea.Msg{snapMsg{snap}}, msgs...) {
		st.Update(m)
	}
	return st
}

// Who watches a run looks at all of it: no gate, remedy or wish opens, and no key
// acts; each says who drives it.
func TestWatchingActsOnNothing(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(*testing.T) *story{
		"gate": func(t *testing.T) *story { return tablets(t).atStop() },
		"failed": func(t *testing.T) *story {
			return tablets(t).stopFails().then(run.AbortRequested{Why: "wrong cluster"})
		},
		"canary": func(t *testing.T) *story { return five(t).canary() },
		"ready":  func(t *testing.T) *story { return tablets(t).preflight() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := onlooker(tell(t), 120, 40)
			if st.top() != nil || !strings.Contains(st.text(), "watching  run 7k2m") {
				t.Fatalf("%T is open:\n%s", st.top(), st.text())
			}
			for _, k := range []string{"enter", "a", "d", "r", "s", "e", "f", "p", "b", "E", "L", "I", "C", "x", "F", "v", ":", "S", "J", "R"} {
				st.word = ""
				_, cmd := st.Update(stroke(k))
				if st.top() != nil || st.sent || !strings.Contains(st.text(), "watching; it is driven by li@bastion") {
					t.Errorf("%s opens %T, command %v:\n%s", k, st.top(), cmd != nil, st.text())
				}
			}
			if n := st.needed(); n != (need{}) {
				t.Errorf("the onlooker is called: %+v", n)
			}
			if foot := st.foot(); strings.Contains(foot, "run") && strings.Contains(foot, "auto") {
				t.Errorf("the footer offers what it refuses: %s", foot)
			}
		})
	}
}

func TestWatchingFrames(t *testing.T) {
	t.Parallel()
	golden(t, "watching-80x24", onlooker(tablets(t).atStop(), 80, 24).text())
	golden(t, "watching-120x40", onlooker(tablets(t).atStop(), 120, 40, press("d")...).text())
}

// That the driver has gone stands in the header.
func TestWatchingWithoutADriver(t *testing.T) {
	t.Parallel()
	st := onlooker(tablets(t).preflight().then(run.LeaseReleased{Why: "left"}), 80, 24)
	if got := st.text(); !strings.Contains(got, "nobody drives it  run 7k2m") {
		t.Errorf("got:\n%s", got)
	}
}

// What looks works as ever; a note and a wish go to the controller.
func TestWatchingLooks(t *testing.T) {
	t.Parallel()
	st := onlooker(tablets(t).stopFails(), 120, 40, press("up", "up")...)
	if !st.tree.Away() {
		t.Error("the cursor stays where it was")
	}
	for _, m := range press("enter") { // back to the run
		st.Update(m)
	}
	if st.tree.Away() {
		t.Error("enter doesn't lead back")
	}
	for _, m := range press("m") {
		st.Update(m)
	}
	if _, ok := st.top().(*matrixPage); !ok {
		t.Errorf("m opens %T", st.top())
	}
	st.Update(stroke("esc"))
	st.Update(stroke("n"))
	if _, ok := st.top().(*textDialog); !ok {
		t.Errorf("n opens %T", st.top())
	}
	st.Update(stroke("esc"))
	if st.Update(stroke("P")); !st.sent {
		t.Error("the wish for a pause isn't sent")
	}
}
