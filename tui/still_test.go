package tui

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/keys"
)

// untouchable is a run that nobody may ask anything: neither its source nor its
// controller.
type untouchable struct{ t *testing.T }

func (u untouchable) Do(context.Context, run.Key, uint64, run.Action) error {
	u.t.Error("an action was sent while a message was taken")
	return nil
}

func (u untouchable) Snapshot() *run.Snapshot {
	u.t.Error("a view was asked for while a message was taken")
	return nil
}

func (u untouchable) Changes() <-chan struct{} {
	u.t.Error("changes were waited for while a message was taken")
	return nil
}

func (u untouchable) Output(context.Context, string, int, int64, int) ([]byte, int64, int64, error) {
	u.t.Error("output was read while a message was taken")
	return nil, 0, 0, nil
}

func (u untouchable) Events(context.Context, uint64, int) ([]run.Record, error) {
	u.t.Error("events were read while a message was taken")
	return nil, nil
}

// Taking a message, and drawing, never waits for anything: whatever a key asks for
// happens in the command that is returned. Each key is pressed on each screen.
func TestUpdateDoesNothingElse(t *testing.T) {
	t.Parallel()
	var all []string
	for _, b := range keys.Default().Bindings() {
		for _, k := range b.Keys {
			if !slices.Contains(all, k) {
				all = append(all, k)
			}
		}
	}
	beside := []shot{{"monitor-held", heldRed, nil}, {"monitor-chart", heldGreen, press("M")}, {"kept", tunnelUp, press("up")}}
	for _, f := range slices.Concat(frames, waitFrames, beside) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			st := pose(f.tell(t), 100, 30, f.msgs...)
			st.ctl, st.src = untouchable{t}, untouchable{t}
			for i, k := range all {
				for _, then := range []string{"x", "enter", "esc"} {
					st.now = st.now.Add(time.Second)
					st.Update(keyPress(k))
					st.Update(keyPress(then))
					st.sent = false
				}
				if i%8 == 0 {
					st.Update(tickMsg{st.pulse})
					_ = st.View()
				}
			}
		})
	}
}

// keyPress is a key press by the name that the keymap has for it.
func keyPress(k string) tea.KeyPressMsg {
	special := map[string]tea.KeyPressMsg{
		"left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight}, "home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd},
		"space": {Code: tea.KeySpace, Text: " "}, "shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift}, "f1": {Code: tea.KeyF1},
	}
	if m, ok := special[k]; ok {
		return m
	}
	if len(k) > 5 && k[:5] == "ctrl+" {
		return tea.KeyPressMsg{Code: rune(k[5]), Mod: tea.ModCtrl}
	}
	return stroke(k)
}

// Nothing moves on a screen on which nothing goes on: in no state is a timer armed, a
// gate's apart, whose checks grow old, and a soak's, which ends. While something goes
// on there is one, and it is the last when that has ended.
func TestNothingMovesByItself(t *testing.T) {
	t.Parallel()
	for _, f := range slices.Concat(frames, waitFrames) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := f.tell(t)
			st := &still{now: s.at}
			st.app = newApp(context.Background(), untouchable{t}, untouchable{t}, Options{Now: func() time.Time { return st.now }})
			st.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
			snap := s.snap()
			st.Update(snapMsg{snap})
			for _, m := range f.msgs {
				st.Update(m)
			}
			moves := snap.Busy != nil
			if idle := st.idle(); !moves && st.ticking != (idle > 0) {
				t.Errorf("a timer is armed: %v; something changes by itself in %v", st.ticking, idle)
			}
			if _, gate := st.top().(*gateDialog); !moves && st.ticking && !gate && snap.Soak.IsZero() && snap.Until.IsZero() {
				t.Error("a timer is armed though nothing moves")
			}
			if moves && !st.ticking {
				t.Error("nothing moves while something goes on")
			}
			if !moves {
				return
			}
			over := *snap
			over.Busy, over.Beside = nil, nil
			st.Update(snapMsg{&over})
			st.Update(tickMsg{st.pulse})
			if idle := st.idle(); st.ticking != (idle > 0) {
				t.Errorf("what went on has ended; a timer is armed: %v, and something changes in %v", st.ticking, idle)
			}
		})
	}
}

// lines100 is a stream of lines of 100 bytes, of any length, that nobody holds.
type lines100 struct {
	Source
	end *int64
}

func (l lines100) Output(_ context.Context, _ string, stream int, from int64, most int) ([]byte, int64, int64, error) {
	end := *l.end
	if stream != 0 {
		end = 0
	}
	if from >= end {
		return nil, max(from, end), end, nil
	}
	out := make([]byte, 0, most+100)
	for at := from / 100 * 100; at < min(from+int64(most), end); at += 100 {
		out = fmt.Appendf(out, "%012d %-86s\n", at/100, "INFO a line of what a command prints")
	}
	out = out[from%100:]
	return out[:min(int64(most), end-from, int64(len(out)))], from, end, nil
}

// command is a run in which a command is under way.
func command(t testing.TB) *story {
	t.Helper()
	s := tell(t, tabletsBook, map[string]string{"cluster": "prod-features", "ops_dir": "/opt/ops"}).preflight()
	k := s.cell("tablets[tablet-1]/pre@ops-1").Key
	s.begin(k)
	s.busy = &run.Activity{What: "command", Since: s.at, Attempt: s.run.Cell(k).Latest().Intent.Attempt}
	return s
}

// printingFrames draws a frame each time a command that has printed that much prints a
// line more.
func printingFrames(s *story, size int64) func() {
	st := pose(s, 120, 40)
	end := size
	st.src = lines100{nil, &end}
	st.reads(st.fetch(st.out.Lengths()))
	_ = st.View()
	return func() {
		end += 100
		snap := s.snap()
		busy := *snap.Busy
		busy.Bytes[0] = end
		snap.Busy = &busy
		st.now = st.now.Add(time.Second)
		_, cmd := st.Update(snapMsg{snap})
		st.reads(cmd)
		_ = st.View()
	}
}

// scrollingFrames draws a frame for each page that is turned in output of that size, to
// and fro in its middle.
func scrollingFrames(s *story, size int64) func() {
	st := pose(s, 120, 40)
	end := size
	st.src = lines100{nil, &end}
	st.reads(st.fetch(st.out.Lengths()))
	st.does("tab", "tab", "g", "pgdown", "pgdown")
	n := 0
	return func() {
		n++
		st.does([]string{"pgdown", "pgup", "pgup", "pgdown"}[n%4])
	}
}
