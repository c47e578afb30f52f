package tui

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/theme"
)

// sentPast are the sequences that an update sends past the screen.
func sentPast(cmd tea.Cmd) (out []string) {
	if cmd == nil {
		return nil
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range m {
			out = append(out, sentPast(c)...)
		}
	case tea.RawMsg:
		out = append(out, m.Msg.(string))
	}
	return out
}

// attended is a still model that may call a person.
func attended(s *story, n Notify, env ...string) *still {
	st := &still{now: s.at}
	st.app = newApp(context.Background(), nil, silence{}, Options{Now: func() time.Time { return st.now }, Notify: n, Env: append(env, "TERM=xterm")})
	st.ticking, st.due = true, s.at // the clock is moved by hand
	st.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	return st
}

const gateCall = "\x1b]9;stepgate: at the gate: 2.2 Stop the tablet on tablet-1\a"

// A person who isn't looking is called once for each wait, and nobody who is.
func TestAPersonIsCalled(t *testing.T) {
	t.Parallel()
	both := Notify{Bell: true, OSC9: true, After: 10 * time.Second}
	for _, tt := range []struct {
		name  string
		n     Notify
		env   string
		looks tea.Msg
		ran   time.Duration
		want  string
	}{
		{"looks away", both, "", tea.BlurMsg{}, time.Second, gateCall + "\a"},
		{"looks", both, "", tea.FocusMsg{}, time.Hour, ""},
		{"nobody says, after long", both, "", nil, 11 * time.Second, gateCall + "\a"},
		{"nobody says, after short", both, "", nil, 9 * time.Second, ""},
		{"bell only", Notify{Bell: true}, "", tea.BlurMsg{}, time.Second, "\a"},
		{"never", Notify{}, "", tea.BlurMsg{}, time.Hour, ""},
		{"through tmux", Notify{OSC9: true}, "TMUX=/tmp/tmux-0/default,1,0", tea.BlurMsg{}, time.Second, "\x1bPtmux;\x1b" + gateCall + "\x1b\\"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := busy(t)
			st := attended(s, tt.n, tt.env)
			got := ""
			step := func(m tea.Msg) {
				_, cmd := st.Update(m)
				got += strings.Join(sentPast(cmd), "")
			}
			step(snapMsg{s.snap()})
			if tt.looks != nil {
				step(tt.looks)
			}
			s.at = s.at.Add(tt.ran)
			st.now = s.at
			k := s.cell("tablets[tablet-1]/pre@ops-1").Key
			s.busy = nil
			s.then(run.Outcome{Cell: k, Attempt: s.run.Cell(k).Latest().Intent.Attempt, Verdict: 2})
			stop := s.cell("tablets[tablet-1]/stop@tablet-1").Key
			s.then(verdict(run.Before, stop, 2, "", ""))
			step(snapMsg{s.gate(stop).snap()})
			step(snapMsg{s.snap()})
			step(tickMsg{-1})
			step(tea.FocusMsg{})
			step(tea.BlurMsg{})
			if got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
		})
	}
}

// What is sent holds nothing of a host's or a runbook's that a terminal would obey.
func TestACallIsText(t *testing.T) {
	t.Parallel()
	s := busy(t)
	st := attended(s, Notify{OSC9: true})
	st.Update(snapMsg{s.snap()})
	st.Update(tea.BlurMsg{})
	s.prompt = &run.Prompt{ID: "p", Kind: "password", Host: "tablet\x07\x1b]52;c;ZXZpbA==\x07-1"}
	_, cmd := st.Update(snapMsg{s.snap()})
	got := sentPast(cmd)
	if len(got) != 1 || strings.Count(got[0], "\x07") != 1 || strings.Count(got[0], "\x1b") != 1 || !strings.Contains(got[0], "asks for a password") {
		t.Errorf("sent %q", got)
	}
}

// The window's title says where the run stands.
func TestTitle(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]*story{
		"◆ gate · 3/11 · OpenMLDB: upgrade the tablets":    tablets(t).atStop(),
		"✗ failed · 3/11 · OpenMLDB: upgrade the tablets":  tablets(t).stopFails(),
		"? unknown · 2/11 · OpenMLDB: upgrade the tablets": unknown(t),
		"▶ running · 2/11 · OpenMLDB: upgrade the tablets": busy(t),
		"▶ next · 2/11 · OpenMLDB: upgrade the tablets":    tablets(t).preflight(),
		"✗ aborted · 4/11 · OpenMLDB: upgrade the tablets": closed(t),
		"◆ gate · 1/6 · 数据库集群滚动升级：所有计算节点逐个替换":              chineseGate(t),
	} {
		if got := pose(s, 80, 24).View().WindowTitle; got != want {
			t.Errorf("the title is %q, want %q", got, want)
		}
	}
}

// recorder keeps what is written to a terminal.
type recorder struct {
	*terminal
	mu  sync.Mutex
	all strings.Builder
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	r.all.Write(p)
	r.mu.Unlock()
	return r.terminal.Write(p)
}

func (r *recorder) WriteString(s string) (int, error) { return r.Write([]byte(s)) }

// A whole program asks for focus, calls, and leaves the window's title as it was.
func TestProgramCallsAndGivesTheTitleBack(t *testing.T) {
	s := tablets(t).preflight()
	term := newTerminal(t, 80, 24)
	rec := &recorder{terminal: term}
	f := newFake(s.snap())
	c := &clock{at: s.at}
	over := make(chan error, 1)
	go func() {
		_, err := Run(t.Context(), f, f, Options{
			In: term.in, Out: rec, Env: xterm(), Now: c.now, Theme: theme.Options{NoColor: true},
			Size: [2]int{80, 24}, Notify: Notify{Bell: true, OSC9: true},
		})
		over <- err
	}()
	term.until(t, "next: 2.1")
	term.press(t, "\x1b[O") // the focus is gone
	term.press(t, "n")
	term.until(t, "What should stand on the timeline?")
	term.press(t, "\x03")
	term.shows(t, "no dialog", func(screen string) bool { return !strings.Contains(screen, "timeline?") })
	s.did(s.cell("tablets[tablet-1]/pre@ops-1").Key, 3, time.Second)
	f.set(s.snap(), "")
	term.until(t, "failed: 2.1")
	c.add(time.Second)
	term.press(t, "\x03")
	select {
	case err := <-over:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("it doesn't end:\n%s", term.screen())
	}
	all := rec.all.String()
	for _, want := range []string{"\x1b[22;2t", "\x1b[?1004h", "\x1b]2;▶ next", "\x1b]9;stepgate: failed: 2.1 Move the leaders off tablet-1 on ops-1\a\a", "\x1b]2;✗ failed", "\x1b[?1004l", "\x1b[23;2t"} {
		i := strings.Index(all, want)
		if i < 0 {
			t.Fatalf("%q isn't there, or not in its place", want)
		}
		if !strings.Contains(want, "]9;") && want != "\x1b]2;✗ failed" {
			all = all[i:]
		}
	}
}
