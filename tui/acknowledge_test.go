package tui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/gate"
	"stepgate/tui/theme"
)

// What a person's keys ask for, while a monitor that was red holds the run.
func TestAcknowledging(t *testing.T) {
	t.Parallel()
	for _, d := range []deed{
		{"enter alone", heldRed, presses("enter", "enter"), nil},
		{"a reason is needed", heldRed, presses("K", "enter"), nil},
		{"called off", heldRed, presses("K", typed("as announced"), "esc"), nil},
		{"with a reason", heldRed, presses("K", typed("as announced"), "enter"), []run.Action{run.Acknowledge{Reason: "as announced", Episodes: 1}}},
		{"once it is good again", heldGreen, presses("K", typed("over"), "enter"), []run.Action{run.Acknowledge{Reason: "over", Episodes: 1}}},
		{"from the run screen", heldRed, presses("esc", "K", typed("over"), "enter"), []run.Action{run.Acknowledge{Reason: "over", Episodes: 1}}},
		{"from the chart", heldRed, presses("M", "K", typed("over"), "enter"), []run.Action{run.Acknowledge{Reason: "over", Episodes: 1}}},
		{"by the cursor", heldRed, presses("down", "enter", typed("over"), "enter"), []run.Action{run.Acknowledge{Reason: "over", Episodes: 1}}},
		{"pause instead", heldRed, presses("P"), []run.Action{run.Pause{}}},
		{"nothing is red", sampling, presses("K", typed("over"), "enter"), nil},
		{"auto does not", heldGreen, presses("esc", "a"), nil},
	} {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			st, ctl := atGate(t, d.tell(t), 100, 30)
			st.now = st.now.Add(gate.Grace)
			st.send(d.keys...)
			if len(ctl.got) != len(d.want) || len(d.want) > 0 && ctl.got[0] != d.want[0] {
				t.Errorf("asked for %#v, want %#v\n%s", ctl.got, d.want, st.text())
			}
		})
	}
}

// The dialog opens by itself: what was typed before it stood there isn't meant for it.
func TestKeysBeforeAnAcknowledgement(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, heldRed(t), 100, 30)
	st.send(presses("K", "P")...)
	if _, stop := st.top().(*stopDialog); !stop || len(ctl.got) > 0 {
		t.Errorf("the top is %T, asked for %#v", st.top(), ctl.got)
	}
}

// A reason is for what was on the screen when it was asked for: what turns red while it
// is typed has to be looked at, and the dialog stands there again.
func TestRedWhileAReasonIsTyped(t *testing.T) {
	t.Parallel()
	s := heldGreen(t)
	st, ctl := atGate(t, s, 100, 30)
	st.now = st.now.Add(gate.Grace)
	st.send(presses("K", typed("as announced"))...)
	s.shows(writes, "f", func(int) float64 { return 3 }).turned(true)
	st.send(snapMsg{s.snap()})
	st.send(presses("enter")...)
	if len(ctl.got) > 0 || !strings.Contains(st.text(), "not acknowledged") {
		t.Fatalf("asked for %#v\n%s", ctl.got, st.text())
	}
	if _, stop := st.top().(*stopDialog); !stop {
		t.Fatalf("the top is %T", st.top())
	}
	st.now = st.now.Add(gate.Grace)
	st.send(presses("K", typed("once more"), "enter")...)
	if len(ctl.got) != 1 || ctl.got[0] != (run.Acknowledge{Reason: "once more", Episodes: 2}) {
		t.Errorf("asked for %#v", ctl.got)
	}
}

// Looked away from, the dialog comes back by itself when a monitor turns red once more;
// not because it has turned good.
func TestRedOnceMoreOpensTheDialog(t *testing.T) {
	t.Parallel()
	s := heldRed(t)
	st, _ := atGate(t, s, 100, 30)
	st.now = st.now.Add(gate.Grace)
	st.send(press("esc")...)
	s.shows(writes, "p", wave).turned(false)
	if st.send(snapMsg{s.snap()}); st.top() != nil {
		t.Fatalf("it is good again, and the top is %T", st.top())
	}
	s.shows(writes, "f", nil).turned(true)
	if st.send(snapMsg{s.snap()}); st.top() == nil {
		t.Fatal("it is red once more, and nothing opens")
	}
	s.then(run.MonitorAcknowledged{Watches: []run.Watch{writes}, Reason: "known"})
	if st.send(snapMsg{s.snap()}); st.top() != nil {
		t.Errorf("it was acknowledged, and the top is %T", st.top())
	}
}

// A person who isn't looking is called when a monitor turns red under a step that goes
// on, and the window's title says so.
func TestAPersonIsCalledToARedMonitor(t *testing.T) {
	t.Parallel()
	s := sampling(t)
	s.busy = &run.Activity{What: "command", Since: s.at}
	st := attended(s, Notify{OSC9: true, After: 10 * time.Second})
	st.Update(tea.BlurMsg{})
	st.Update(snapMsg{s.snap()})
	s.turned(true)
	_, cmd := st.Update(snapMsg{s.snap()})
	if got := strings.Join(sentPast(cmd), ""); got != "\x1b]9;stepgate: writes on ops-1 is red\a" {
		t.Errorf("sent %q", got)
	}
	if got := st.View().WindowTitle; !strings.HasPrefix(got, "✗ monitor red, running") {
		t.Errorf("the title is %q", got)
	}
	s.shows(writes, "ff", nil)
	if _, cmd := st.Update(snapMsg{s.snap()}); len(sentPast(cmd)) > 0 {
		t.Error("called twice")
	}
}

// A click on a monitor of the strip shows its chart, and nothing at a gate.
func TestTheStripByMouse(t *testing.T) {
	t.Parallel()
	st, _ := atGate(t, sampling(t), 120, 40)
	st.send(clickOn(t, st, "health 3 hosts"))
	if got := st.text(); !strings.Contains(got, "Monitor: health on tablet-1") {
		t.Errorf("got:\n%s", got)
	}
	st, _ = atGate(t, acknowledgedRed(t), 120, 40)
	st.now = st.now.Add(gate.Grace)
	st.send(clickOn(t, st, "health 3 hosts"))
	if _, at := st.top().(*gateDialog); !at {
		t.Errorf("the top is %T", st.top())
	}
}

// The chart leads to the step that the monitor begins at.
func TestTheChartLeadsToItsStep(t *testing.T) {
	t.Parallel()
	st, _ := atGate(t, sampling(t), 100, 30)
	st.send(presses("M", "tab", "enter")...)
	if row, _ := st.tree.Selected(); st.top() != nil || row.Key.Step != "health" {
		t.Errorf("it leads to %s, dialog %T", row.Key, st.top())
	}
}

// What nobody watches any more shows by itself, in time, though no sample comes; then
// nothing moves.
func TestUnobservedShowsByItself(t *testing.T) {
	t.Parallel()
	s := sampling(t)
	st, _ := atGate(t, s, 100, 30)
	idle := st.idle()
	if idle <= 0 || idle > time.Minute || strings.Contains(st.text(), "unobserved") {
		t.Fatalf("something changes in %v\n%s", idle, st.text())
	}
	for st.idle() > 0 {
		st.now = st.now.Add(st.idle())
		st.Update(tickMsg{st.pulse})
	}
	if got := st.text(); !strings.Contains(got, "? unobserved since 22:04:37") || !strings.Contains(got, "3 unobserved") {
		t.Errorf("got:\n%s", got)
	}
}

// The chart and the strip as they are sent to the terminal, styles and all.
func TestMonitorsWithStyles(t *testing.T) {
	t.Parallel()
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			st := pose(heldGreen(t), 80, 24)
			st.app.o.Theme = l.o
			st.theme = theme.New(l.o)
			for i, k := range []string{"esc", "M"} {
				st.Update(stroke(k))
				drawn := st.View().Content
				golden(t, []string{"monitor-strip", "monitor-chart"}[i]+"-"+l.name+"-ansi", drawn+"\n")
				if i := strings.IndexFunc(drawn, func(r rune) bool { return r > '~' }); l.o.ASCII && i >= 0 {
					t.Errorf("%q isn't ASCII", drawn[i:min(i+20, len(drawn))])
				}
				if l.o.NoColor && colour.MatchString(drawn) {
					t.Errorf("there are colours: %q", colour.FindString(drawn))
				}
			}
		})
	}
}
