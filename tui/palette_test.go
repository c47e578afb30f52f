package tui

import (
	"fmt"
	"strings"
	"testing"

	"stepgate/runbook/run"
	"stepgate/tui/gate"
	"stepgate/tui/keys"
)

// What is chosen in the palette is exactly what its key does where it was opened.
func TestPaletteDoesWhatKeysDo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		tell func(*testing.T) *story
		from []string // keys that lead to the screen
		in   keys.Scope
	}{
		{"run screen", ready, nil, keys.InRun},
		{"by hand", manual, nil, keys.InRun},
		{"busy", busy, nil, keys.InRun},
		{"elsewhere", ready, []string{"down"}, keys.InRun},
		{"failure", failed, nil, keys.InStop},
		{"unknown", unknown, nil, keys.InStop},
		{"looking around", failed, []string{"esc"}, keys.InRun},
		{"matrix", failed, []string{"esc", "m"}, keys.InMatrix},
		{"timeline", failed, []string{"esc", "T"}, keys.InTimeline},
		{"output", failed, []string{"esc", "z"}, keys.InPage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := func() (*still, *asked) {
				st, ctl := atGate(t, tt.tell(t), 120, 40)
				st.now = st.now.Add(gate.Grace)
				st.send(press(tt.from...)...)
				if got := st.inFront(); got != tt.in {
					t.Fatalf("it is the %s screen, not %s", got, tt.in)
				}
				return st, ctl
			}
			did := func(st *still, ctl *asked) string {
				return fmt.Sprintf("%#v\n%T\n%s", ctl.got, st.top(), st.text())
			}
			first, _ := at()
			first.send(press("ctrl+p")...)
			listed := first.top().(*paletteDialog).keys
			if len(listed) < 5 {
				t.Fatalf("the palette has %v", listed)
			}
			for i, e := range listed {
				byKey, keyCtl := at()
				byPalette, ctl := at()
				byPalette.send(press("ctrl+p")...)
				for range i {
					byPalette.send(press("down")...)
				}
				now := byPalette.now.Add(pressed)
				byKey.now, byPalette.now = now, now
				byKey.send(press(e.key)...)
				byPalette.send(press("enter")...)
				if e.why != "" {
					if got := byPalette.text(); len(ctl.got) > 0 || !strings.Contains(got, "not now: "+e.why) || byPalette.inFront() != keys.InPalette {
						t.Errorf("%s: asked for %v, and its reason is to be told:\n%s", e.name, ctl.got, got)
					}
					continue
				}
				if got, want := did(byPalette, ctl), did(byKey, keyCtl); got != want {
					t.Errorf("%s: the palette did\n%s\nits key\n%s", e.name, got, want)
				}
			}
		})
	}
}

// What has come up while the palette was open isn't answered by it.
func TestPaletteIsForWhatWasThere(t *testing.T) {
	t.Parallel()
	s := ready(t)
	st, ctl := atGate(t, s, 100, 30)
	st.send(presses("ctrl+p", typed("note"))...)
	gated := tablets(t).atStop()
	st.send(snapMsg{gated.snap()}, stroke("enter"))
	g, ok := st.top().(*gateDialog)
	if !ok || g.d.Typed() != "" || len(ctl.got) > 0 {
		t.Fatalf("in front is %T, asked for %v", st.top(), ctl.got)
	}
	if got := st.text(); !strings.Contains(got, "something has come up meanwhile; nothing was done") {
		t.Errorf("it isn't said:\n%s", got)
	}
}

// A step is found by its number, its title or its id, and shown, also from pages.
func TestPaletteGoesToSteps(t *testing.T) {
	t.Parallel()
	stop := run.Key{Step: "tablets[tablet-3]/stop", Target: "tablet-3"}
	for _, keys := range [][]string{
		{"ctrl+p", "2.2 stop tablet-3"},
		{"ctrl+p", "the tablet tablet-3"},
		{"ctrl+p", "[tablet-3]/stop"},
		{"m", "ctrl+p", "[tablet-3]/stop"},
		{"T", "ctrl+p", "[tablet-3]/stop"},
		{"z", "ctrl+p", "[tablet-3]/stop"},
	} {
		st, ctl := atGate(t, ready(t), 100, 30)
		for _, k := range keys[:len(keys)-1] {
			st.send(press(k)...)
		}
		st.send(presses(typed(keys[len(keys)-1]), "enter")...)
		if c := st.selected(); c == nil || c.Key != stop || len(ctl.got) > 0 || st.top() != nil {
			t.Errorf("%q: the cursor is on %v; in front is %T\n%s", keys, c, st.top(), st.text())
		}
	}
}

// Every key of the screens that find, read and ask does something there.
func TestHelpIsRead(t *testing.T) {
	t.Parallel()
	st, _ := atGate(t, failed(t), 80, 24)
	st.now = st.now.Add(gate.Grace)
	says := func(want string, is bool) {
		t.Helper()
		if got := st.text(); strings.Contains(got, want) != is {
			t.Errorf("%q on the screen: %v, want %v\n%s", want, !is, is, got)
		}
	}
	st.send(press("?")...)
	says("Here: failure", true)
	st.send(press("G")...)
	says("Here: failure", false)
	says("so does space until all has been read", true)
	st.send(press("g")...)
	says("Here: failure", true)
	st.send(press("down")...)
	says("Here: failure", false)
	st.send(press("k", "pgdown", "pgup")...)
	says("Here: failure", true)
	st.send(presses("/", typed("off-book"))...)
	says("run a command that isn't in the runbook", true)
	says("run a failed step again", false)
	st.send(presses(typed(" nonsense"), "enter")...)
	says("No key has these words.", true)
	st.send(press("esc")...)
	says("run a failed step again", true)
	st.send(press("esc")...)
	if _, back := st.top().(*stopDialog); !back {
		t.Errorf("in front is %T", st.top())
	}
}
