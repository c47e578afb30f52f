package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/gate"
)

// loginFrames are the screens of logins, of guests' wishes and of lost links.
var loginFrames = []shot{
	{"login-password", asksPassword, typed("s3cret")},
	{"login-again", func(t *testing.T) *story {
		s := asksPassword(t)
		s.prompt = &run.Prompt{ID: "p2", Kind: "interactive", Host: "tablet-1", Text: "验证码 (OTP): ", Echo: true, Again: "Permission denied, please try again.", Detail: []string{"请输入手机上的六位数字。"}}
		return s
	}, typed("1234")},
	{"login-hostkey", asksKey, typed("ye")},
	{"wish-abort", func(t *testing.T) *story {
		s := tablets(t).preflight()
		return s.guest("ann", run.AbortRequested{Why: "the market opens at 9"})
	}, nil},
	{"wish-pause", func(t *testing.T) *story {
		s := busy(t)
		return s.guest("ann", run.PauseRequested{Why: "磁盘快满了"})
	}, nil},
	{"reconnecting", func(t *testing.T) *story {
		s := busy(t)
		s.busy.What = "link lost, reconnecting, try 3; the command may still be running"
		return s
	}, nil},
	{"returning", func(t *testing.T) *story {
		s := busy(t)
		s.busy = &run.Activity{What: "reconnect", Since: s.at.Add(-72 * time.Second), Timeout: 10 * time.Minute}
		return s
	}, nil},
}

func asksPassword(t *testing.T) *story {
	s := busy(t)
	s.prompt = &run.Prompt{ID: "p1", Kind: "password", Host: "ops-1", Text: "ops@10.0.0.1's password: "}
	return s
}

func asksKey(t *testing.T) *story {
	s := tablets(t).preflight()
	s.prompt = &run.Prompt{
		ID: "k1", Kind: "host key", Host: "tablet-1", Must: "yes", Text: "Is this the key of tablet-1?",
		Detail: []string{
			"tablet-1:22 shows a key that isn't known: ssh-ed25519",
			"SHA256:uNiVztksCsDhcc0u9e8BrVpoAXvbm1rsmA9dJ8UPMTk",
			"It is written to /home/li/.ssh/known_hosts.\x1b]52;c;ZXZpbA==\x07",
		},
	}
	return s
}

// guest is an event of somebody who doesn't drive the run.
func (s *story) guest(who string, e run.Event) *story {
	s.then(e)
	s.run.Wishes[len(s.run.Wishes)-1].Actor = who
	return s
}

func responses(c *asked) []run.Respond {
	var out []run.Respond
	for _, a := range c.got {
		if r, ok := a.(run.Respond); ok {
			out = append(out, r)
		}
	}
	return out
}

func TestLogin(t *testing.T) {
	t.Parallel()
	paste := func(s string) tea.Msg { return tea.PasteMsg{Content: s} }
	tests := []struct {
		name string
		tell func(*testing.T) *story
		wait time.Duration
		msgs []tea.Msg
		want []run.Respond
	}{
		{"typed", asksPassword, gate.Grace, append(typed("a b"), stroke("enter")), []run.Respond{{Prompt: "p1", Text: "a b"}}},
		{"blanks at its ends are its own", asksPassword, gate.Grace, append(typed(" a "), stroke("enter")), []run.Respond{{Prompt: "p1", Text: " a "}}},
		{"sent once", asksPassword, gate.Grace, append(typed("a"), press("enter", "enter", "b", "enter", "esc")...), []run.Respond{{Prompt: "p1", Text: "a"}}},
		{"corrected", asksPassword, gate.Grace, append(typed("a中"), press("backspace", "b", "enter")...), []run.Respond{{Prompt: "p1", Text: "ab"}}},
		{"pasted byte for byte", asksPassword, gate.Grace, []tea.Msg{paste("pw\u200b\t\u00a0x\n"), stroke("enter")}, []run.Respond{{Prompt: "p1", Text: "pw\u200b\t\u00a0x"}}},
		{"two lines are no password", asksPassword, gate.Grace, []tea.Msg{paste("one\ntwo"), stroke("enter")}, nil},
		{"nobody's is empty", asksPassword, gate.Grace, press("enter"), nil},
		{"declined", asksPassword, gate.Grace, append(typed("abc"), stroke("esc")), []run.Respond{{Prompt: "p1", Decline: true}}},
		{"ctrl+c declines", asksPassword, gate.Grace, press("ctrl+c"), []run.Respond{{Prompt: "p1", Decline: true}}},
		{"too early", asksPassword, 0, append(typed("note"), stroke("enter")), nil},
		{"keys that go on are swallowed until they pause", asksPassword, 400 * time.Millisecond, append(typed("a long note that goes on and on"), stroke("enter")), nil},
		{"a key is confirmed", asksKey, gate.Grace, append(typed("yes"), stroke("enter")), []run.Respond{{Prompt: "k1", Text: "yes"}}},
		{"a key isn't, by y", asksKey, gate.Grace, append(typed("y"), stroke("enter")), nil},
		{"a key isn't, by Yes", asksKey, gate.Grace, append(typed("Yes"), stroke("enter")), nil},
		{"a key isn't, by a paste", asksKey, gate.Grace, []tea.Msg{paste("yes"), stroke("enter")}, nil},
		{"a key isn't, by Enter", asksKey, gate.Grace, press("enter"), nil},
		{"an empty code is one", func(t *testing.T) *story {
			s := asksPassword(t)
			s.prompt = &run.Prompt{ID: "i1", Kind: "interactive", Host: "ops-1", Text: "Press enter for a push: "}
			return s
		}, gate.Grace, press("enter"), []run.Respond{{Prompt: "i1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st, ctl := atGate(t, tt.tell(t), 80, 24)
			st.View()
			st.now = st.now.Add(tt.wait)
			st.send(tt.msgs...)
			got := responses(ctl)
			if len(got) != len(tt.want) || len(got) != len(ctl.got) {
				t.Fatalf("asked for %+v, want %+v", ctl.got, tt.want)
			}
			for i, w := range tt.want {
				if got[i] != w {
					t.Errorf("response %d is %+v, want %+v", i, got[i], w)
				}
			}
		})
	}
}

// A login stands in front of whatever is open, and gives it back.
func TestLoginComesFirst(t *testing.T) {
	t.Parallel()
	s := chineseGate(t)
	st, ctl := atGate(t, s, 80, 40)
	st.now = st.now.Add(gate.Grace)
	st.send(typed("tab")...)
	s.prompt = &run.Prompt{ID: "p1", Kind: "sudo", Host: "tablet-1", Text: "[sudo] password"}
	st.Update(snapMsg{s.snap()})
	st.send(typed("let-1")...) // meant for the gate
	if frame := st.text(); !strings.Contains(frame, "Login: tablet-1") || strings.Contains(frame, "*") {
		t.Fatalf("what was meant for the gate was taken for a password:\n%s", frame)
	}
	st.now = st.now.Add(gate.Grace)
	st.send(append(typed("pw"), stroke("enter"))...)
	if r := responses(ctl); len(r) != 1 || r[0].Text != "pw" {
		t.Fatalf("asked for %+v", ctl.got)
	}
	s.prompt = nil
	st.Update(snapMsg{s.snap()})
	st.send(press("enter")...) // once too often
	if len(answers(ctl)) != 0 {
		t.Fatalf("a key meant for the login answered the gate: %+v", ctl.got)
	}
	st.now = st.now.Add(gate.Grace)
	st.send(append(typed("let-1"), stroke("enter"))...)
	if got := answers(ctl); len(got) != 1 || got[0].Typed != "tablet-1" {
		t.Errorf("answers: %+v", got)
	}
}

// The rest of a password whose login has given up goes nowhere: not to the keys
// of the run, and not into a note.
func TestLoginWithdrawnWhileTyping(t *testing.T) {
	t.Parallel()
	s := tablets(t).preflight()
	st, ctl := atGate(t, s, 80, 24)
	st.send(append(press("n"), typed("note: ")...)...)
	s.prompt = &run.Prompt{ID: "p1", Kind: "password", Host: "ops-1"}
	st.Update(snapMsg{s.snap()})
	st.now = st.now.Add(gate.Grace)
	st.send(typed("hun")...)
	s.prompt = nil
	st.Update(snapMsg{s.snap()})
	st.send(append(typed("ter2"), tea.PasteMsg{Content: "hunter2"}, stroke("enter"))...)
	if frame := st.text(); strings.Contains(frame, "ter2") || len(ctl.got) != 0 {
		t.Fatalf("it went into %+v\n%s", ctl.got, frame)
	}
	st.now = st.now.Add(gate.Grace)
	st.send(append(typed("seen"), stroke("enter"))...)
	if len(ctl.got) != 1 || ctl.got[0] != (run.AddNote{Text: "note: seen"}) {
		t.Errorf("the note is %+v", ctl.got)
	}
}

// The next question of a login takes no key that was meant for the one before.
func TestLoginAsksAgain(t *testing.T) {
	t.Parallel()
	s := asksPassword(t)
	st, ctl := atGate(t, s, 80, 24)
	st.now = st.now.Add(gate.Grace)
	ctl.err = errors.New("the login has ended")
	st.send(append(typed("pw"), stroke("enter"))...)
	if frame := st.text(); !strings.Contains(frame, "the login has ended") {
		t.Errorf("the refusal isn't shown:\n%s", frame)
	}
	ctl.err = nil
	s.prompt = &run.Prompt{ID: "p2", Kind: "password", Host: "ops-1", Again: "that password was refused"}
	st.Update(snapMsg{s.snap()})
	st.send(append(typed("old"), stroke("enter"))...)
	if n := len(responses(ctl)); n != 1 {
		t.Fatalf("%d answers", n)
	}
	if frame := st.text(); !strings.Contains(frame, "that password was refused") {
		t.Errorf("why it asks again isn't shown:\n%s", frame)
	}
}

// Nothing that is typed into a login is ever drawn.
func TestPasswordIsNeverDrawn(t *testing.T) {
	t.Parallel()
	st, _ := atGate(t, asksPassword(t), 120, 40)
	st.now = st.now.Add(gate.Grace)
	for _, m := range append(typed("hunter2"), tea.PasteMsg{Content: "hunter2"}, tea.WindowSizeMsg{Width: 70, Height: 20}, stroke("enter")) {
		st.send(m)
		if frame := st.View().Content; strings.Contains(frame, "hunter2") || strings.Contains(frame, "hun") {
			t.Fatalf("it is drawn:\n%s", frame)
		}
	}
}

func TestWishToAbort(t *testing.T) {
	t.Parallel()
	s := tablets(t).preflight()
	st, ctl := atGate(t, s, 80, 24)
	st.Update(snapMsg{s.guest("ann", run.AbortRequested{Why: "no"}).snap()})
	st.send(press("a", "enter")...) // typed before it appeared
	if len(ctl.got) != 0 {
		t.Fatalf("asked for %+v", ctl.got)
	}
	st.now = st.now.Add(gate.Grace)
	st.send(press("a")...)
	st.View()
	st.send(append(typed("abort"), stroke("enter"))...)
	if len(ctl.got) != 1 || run.VerbOf(ctl.got[0]) != run.VerbAbort {
		t.Fatalf("asked for %+v", ctl.got)
	}
	st.Update(snapMsg{s.snap()})
	if st.top() != nil {
		t.Error("the same wish is asked about twice")
	}
}
