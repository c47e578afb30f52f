package tui

import (
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/theme"
)

// looks are the ways in which terminals can show the screens.
var looks = []struct {
	name string
	o    theme.Options
}{
	{"dark", theme.Options{}},
	{"light", theme.Options{Light: true}},
	{"16", theme.Options{Basic: true}},
	{"16-light", theme.Options{Basic: true, Light: true}},
	{"no-color", theme.Options{NoColor: true}},
	{"ascii", theme.Options{ASCII: true, NoColor: true}},
}

// colour is a sequence that sets one.
var colour = regexp.MustCompile("\x1b\\[[0-9;]*(3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")

// The run, a gate and a failure as they are sent to the terminal, styles and all.
func TestFramesWithStyles(t *testing.T) {
	t.Parallel()
	for _, f := range []shot{
		{"run", polling, nil},
		{"gate", func(t *testing.T) *story { return tablets(t).atStop() }, nil},
		{"failure", func(t *testing.T) *story { return tablets(t).stopFails() }, nil},
		{"unknown", unknown, nil},
	} {
		for _, l := range looks {
			t.Run(f.name+"-"+l.name, func(t *testing.T) {
				t.Parallel()
				st := pose(f.tell(t), 80, 24)
				st.app.o.Theme = l.o
				st.theme = theme.New(l.o)
				for _, d := range st.dialogs {
					if g, ok := d.(*gateDialog); ok {
						g.d.Paint(st.theme)
					}
				}
				drawn := st.View().Content
				golden(t, f.name+"-"+l.name+"-ansi", drawn+"\n")
				if i := strings.IndexFunc(drawn, func(r rune) bool { return r > '~' }); l.o.ASCII && i >= 0 {
					t.Errorf("%q isn't ASCII", drawn[i:min(i+20, len(drawn))])
				}
				if l.o.NoColor && colour.MatchString(drawn) {
					t.Errorf("there are colours: %q", colour.FindString(drawn))
				}
			})
		}
	}
}

// gateFrames are gates with more to say.
var gateFrames = []shot{
	{"gate-irreversible", irreversible, nil},
	{"gate-window", inWindow, nil},
	{"gate-stale", func(t *testing.T) *story {
		s := irreversible(t)
		s.at = s.at.Add(7 * time.Minute) // nobody has answered
		return s
	}, press("pgdown")},
}

// irreversible stands at the gate behind which what the first tablet has been through
// can't be undone any more.
func irreversible(t *testing.T) *story {
	s := tablets(t).atStop()
	k := s.cell("tablets[tablet-1]/stop@tablet-1").Key
	s.grant(k).did(k, 0, 3*time.Second)
	s.then(verdict(run.After, k, 2, "lines: 0", ""))
	next := s.cell("tablets[tablet-1]/replace@tablet-1").Key
	s.then(verdict(run.Before, next, 2, "exit 0", "--- bin.conf\n+++ new.conf\n@@ -1 +1 @@\n-threads 8\n+threads 16\n"))
	return s.gate(next)
}

// inWindow is a gate in a change window that is too short for what follows.
func inWindow(t *testing.T) *story {
	s := irreversible(t)
	s.until = s.at.Add(25 * time.Minute)
	s.usual = map[string]time.Duration{}
	for _, c := range s.run.Cells {
		s.usual[c.Key.StepID()] = 6 * time.Minute
	}
	return s
}

// A theme that is told late, by the terminal's answer, leaves what has been read of a
// gate as it is.
func TestAnswersOfTheTerminalLeaveAGateAsItIs(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, chineseGate(t), 80, 40)
	st.now = st.now.Add(time.Second)
	st.send(typed("tablet")...)
	st.send(tea.BackgroundColorMsg{Color: theme.New(theme.Options{}).Strong.GetForeground()})
	st.send(append(typed("-1"), stroke("enter"))...)
	if got := answers(ctl); len(got) != 1 || got[0].Typed != "tablet-1" {
		t.Errorf("answers: %+v\n%s", got, st.text())
	}
	if !st.o.Theme.Light {
		t.Error("the background isn't taken for light")
	}
}
