package tui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"pgregory.net/rapid"

	"stepgate/runbook/run"
	"stepgate/tui/gate"
)

// asked is a controller that keeps what it is asked for.
type asked struct {
	got []run.Action
	err error
}

func (c *asked) Do(_ context.Context, _ run.Key, _ uint64, a run.Action) error {
	c.got = append(c.got, a)
	return c.err
}

// silence is a source of which nothing has printed anything.
type silence struct{}

func (silence) Snapshot() *run.Snapshot  { return nil }
func (silence) Changes() <-chan struct{} { return nil }

func (silence) Events(context.Context, uint64, int) ([]run.Record, error) {
	return nil, nil
}

func (silence) Output(_ context.Context, _ string, _ int, from int64, _ int) ([]byte, int64, int64, error) {
	return nil, from, from, nil
}

// play performs a command at once and hands its messages to the model.
func play(a *app, cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range m {
			play(a, c)
		}
	case doneMsg, respondedMsg:
		_, next := a.Update(m)
		play(a, next)
	}
}

func atGate(t *testing.T, s *story, w, h int) (*still, *asked) {
	t.Helper()
	ctl := &asked{}
	st := &still{now: s.at}
	st.app = newApp(context.Background(), ctl, silence{}, Options{Now: func() time.Time { return st.now }})
	st.ticking = true // the clock is moved by hand
	st.Update(tea.WindowSizeMsg{Width: w, Height: h})
	st.Update(snapMsg{s.snap()})
	return st, ctl
}

// pressed is how long a person takes for a key.
const pressed = 75 * time.Millisecond

// send is a person at the keys: none follows another at once.
func (s *still) send(msgs ...tea.Msg) {
	for _, m := range msgs {
		s.now = s.now.Add(pressed)
		_, cmd := s.Update(m)
		play(s.app, cmd)
	}
}

func answers(c *asked) []run.Answer {
	var out []run.Answer
	for _, a := range c.got {
		if ans, ok := a.(run.Answer); ok {
			out = append(out, ans)
		}
	}
	return out
}

func TestGate(t *testing.T) {
	t.Parallel()
	phrase := typed("tablet-1")
	tests := []struct {
		name string
		wait time.Duration
		h    int
		msgs []tea.Msg
		want []string // the phrases of the answers; "" declines
	}{
		{"phrase", gate.Grace, 40, append(phrase, press("enter")...), []string{"tablet-1"}},
		{"enter alone is No", gate.Grace, 40, press("enter"), []string{""}},
		{"esc declines", gate.Grace, 40, append(phrase[:3:3], press("esc")...), []string{""}},
		{"ctrl+c declines", gate.Grace, 40, press("ctrl+c"), []string{""}},
		{"wrong phrase answers nothing", gate.Grace, 40, append(typed("tablet-2"), press("enter", "enter")...), nil},
		{"too early", 0, 40, append(typed("tab"), press("enter", "esc")...), nil},
		{"pasted", gate.Grace, 40, []tea.Msg{tea.PasteMsg{Content: "tablet-1"}, tea.PasteMsg{Content: "tablet-1\r"}}, nil},
		{"pasted, then enter", gate.Grace, 40, []tea.Msg{tea.PasteMsg{Content: "tablet-1"}, stroke("enter")}, []string{""}},
		{"blanks from scrolling", gate.Grace, 40, append(append(typed("   "), phrase...), press("enter")...), []string{"tablet-1"}},
		{"corrected", gate.Grace, 40, append(append(typed("tablet-x"), press("backspace", "1")...), press("enter")...), []string{"tablet-1"}},
		{"answered once", gate.Grace, 40, append(append(phrase, press("enter")...), press("enter", "esc", "enter")...), []string{"tablet-1"}},
		{"not read to the end", gate.Grace, 15, append(phrase, press("enter")...), []string{""}},
		{"read, then typed", gate.Grace, 15, append(append(press("pgdown", "pgdown", "pgdown", "pgdown"), phrase...), press("enter")...), []string{"tablet-1"}},
		{"too small a screen", gate.Grace, 14, append(append(press("pgdown", "pgdown"), phrase...), press("enter")...), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st, ctl := atGate(t, chineseGate(t), 80, tt.h)
			st.now = st.now.Add(tt.wait)
			st.send(tt.msgs...)
			got := answers(ctl)
			if len(got) != len(tt.want) {
				t.Fatalf("answers: %+v, want %q", got, tt.want)
			}
			for i, w := range tt.want {
				if got[i].Typed != w || got[i].Gate == "" || got[i].Pre != "" {
					t.Errorf("answer %d is %+v, want %q", i, got[i], w)
				}
			}
		})
	}
}

// A terminal that doesn't mark a paste delivers the phrase at once, and Enter at times.
func TestGateTakesAPhraseFromAHandOnly(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, chineseGate(t), 80, 40)
	st.now = st.now.Add(gate.Grace)
	atOnce := func(msgs ...tea.Msg) {
		for _, m := range msgs {
			_, cmd := st.Update(m)
			play(st.app, cmd)
		}
	}
	says := func(what string) {
		t.Helper()
		if got := answers(ctl); len(got) != 0 {
			t.Fatalf("a burst answered: %+v", got)
		}
		if frame := st.text(); !strings.Contains(frame, what) {
			t.Errorf("nothing says %q:\n%s", what, frame)
		}
	}
	atOnce(append(typed("tablet-1"), stroke("enter"))...)
	says(gate.Pasted)
	st.now = st.now.Add(pressed)
	atOnce(typed("tablet-1")...)
	st.send(stroke("enter"))
	says(gate.Pasted)
	atOnce(tea.KeyPressMsg{Code: 't', Text: "tablet-1"})
	says(gate.Pasted)
	st.send(typed("tablet-1")...)
	atOnce(stroke("enter"))
	says("answer once more")
	st.send(stroke("enter"))
	if got := answers(ctl); len(got) != 1 || got[0].Typed != "tablet-1" {
		t.Errorf("answers: %+v", got)
	}
}

// A gate that is covered by something the operator is typing into has not
// appeared yet, and what is typed goes to where it was meant.
func TestGateOpensBehindWhatIsBeingTyped(t *testing.T) {
	t.Parallel()
	s := chinese(t)
	st, ctl := atGate(t, s, 80, 40)
	st.send(press("n")...)
	st.send(typed("ok tablet-1")...)
	st.Update(snapMsg{chineseGateAfter(t, s)})
	st.now = st.now.Add(time.Hour)
	st.send(press("enter")...) // ends the note
	if len(answers(ctl)) != 0 {
		t.Fatalf("typing into a note answered the gate: %+v", ctl.got)
	}
	st.send(press("enter")...) // still meant for the note
	if len(answers(ctl)) != 0 {
		t.Fatalf("a key typed as the gate came to light answered it: %+v", ctl.got)
	}
	if n, ok := ctl.got[0].(run.AddNote); !ok || n.Text != "ok tablet-1" {
		t.Errorf("the note is %+v", ctl.got)
	}
	st.now = st.now.Add(gate.Grace)
	st.send(press("enter")...)
	if got := answers(ctl); len(got) != 1 || got[0].Typed != "" {
		t.Errorf("answers: %+v, want one that declines", got)
	}
}

func chineseGateAfter(t *testing.T, s *story) *run.Snapshot {
	t.Helper()
	s.did(s.cell("[tablet-1]/pre@tablet-1").Key, 0, time.Second)
	k := s.cell("[tablet-1]/stop@tablet-1").Key
	s.then(verdict(run.Before, k, 2, "", ""))
	return s.gate(k).snap()
}

func TestGateRefusedCanBeAnsweredAgain(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, chineseGate(t), 80, 40)
	ctl.err = errors.New("append to the journal: disk full")
	st.now = st.now.Add(gate.Grace)
	st.send(append(typed("tablet-1"), stroke("enter"))...)
	if frame := st.text(); !strings.Contains(frame, "disk full") {
		t.Errorf("the refusal isn't shown:\n%s", frame)
	}
	ctl.err = nil
	st.send(append(typed("tablet-1"), stroke("enter"))...)
	if got := answers(ctl); len(got) != 2 || got[1].Typed != "tablet-1" {
		t.Errorf("answers: %+v", got)
	}
}

// Random keys, pastes and sizes never answer with anything but the exact
// phrase, typed, or a refusal.
func TestGateUnderRandomKeys(t *testing.T) {
	t.Parallel()
	s := chineseGate(t)
	keys := []string{"t", "a", "b", "l", "e", "-", "1", "2", "y", "enter", "esc", "backspace", "pgdown", "pgup", "up", "down", "tab", "ctrl+c", "中", " "}
	rapid.Check(t, func(rt *rapid.T) {
		st, ctl := atGate(t, s, 80, rapid.IntRange(10, 40).Draw(rt, "h"))
		shown := st.now
		var line string // what a careful reader believes was typed
		for range rapid.IntRange(1, 60).Draw(rt, "n") {
			st.now = st.now.Add(time.Duration(rapid.IntRange(0, 300).Draw(rt, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				st.send(tea.PasteMsg{Content: "tablet-1"})
			case 1:
				st.send(tea.WindowSizeMsg{Width: rapid.IntRange(20, 140).Draw(rt, "w"), Height: rapid.IntRange(5, 50).Draw(rt, "h")})
			case 2, 3, 4:
				k := rapid.SampledFrom(keys).Draw(rt, "key")
				st.send(stroke(k))
				line = follow(line, k)
			default: // type on towards the phrase, so that grants are reached too
				k := "enter"
				if i := len(line); i < len("tablet-1") && strings.HasPrefix("tablet-1", line) {
					k = "tablet-1"[i : i+1]
				}
				st.send(stroke(k))
				line = follow(line, k)
			}
			for _, ans := range answers(ctl) {
				if ans.Typed != "" && ans.Typed != "tablet-1" {
					rt.Fatalf("answered with %q", ans.Typed)
				}
				if st.now.Sub(shown) < gate.Grace {
					rt.Fatalf("answered %v after the gate appeared", st.now.Sub(shown))
				}
				if ans.Typed != "" && !strings.Contains(line, "tablet-1") {
					rt.Fatalf("granted though only %q was typed", line)
				}
			}
			if len(answers(ctl)) > 1 {
				rt.Fatalf("answered %d times", len(answers(ctl)))
			}
		}
	})
}

// follow keeps every character that was typed, erased ones too.
func follow(line, k string) string {
	if len([]rune(k)) == 1 {
		return line + k
	}
	return line
}
