package tui

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/checks"
	"stepgate/runbook/run"
)

var update = flag.Bool("update", false, "write the golden frames anew")

// still is a model without a program around it: no clock, no goroutine.
type still struct {
	*app
	now     time.Time
	printed printouts // of attempts, where there is a Source
}

func pose(s *story, w, h int, msgs ...tea.Msg) *still {
	st := &still{now: s.at}
	st.app = newApp(context.Background(), nil, nil, Options{Now: func() time.Time { return st.now }})
	st.ticking = true // the clock is moved by hand
	st.Update(tea.WindowSizeMsg{Width: w, Height: h})
	st.Update(snapMsg{s.snap()})
	st.now = st.now.Add(time.Second)
	for _, m := range msgs {
		st.Update(m)
	}
	return st
}

func (s *still) text() string {
	lines := strings.Split(ansi.Strip(s.View().Content), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

func press(keys ...string) []tea.Msg {
	var out []tea.Msg
	for _, k := range keys {
		out = append(out, stroke(k))
	}
	return out
}

func stroke(k string) tea.KeyPressMsg {
	switch k {
	case "enter":
		return tea.KeyPressMsg{Code: tea.KeyEnter}
	case "esc":
		return tea.KeyPressMsg{Code: tea.KeyEscape}
	case "tab":
		return tea.KeyPressMsg{Code: tea.KeyTab}
	case "up":
		return tea.KeyPressMsg{Code: tea.KeyUp}
	case "down":
		return tea.KeyPressMsg{Code: tea.KeyDown}
	case "pgdown":
		return tea.KeyPressMsg{Code: tea.KeyPgDown}
	case "pgup":
		return tea.KeyPressMsg{Code: tea.KeyPgUp}
	case "backspace":
		return tea.KeyPressMsg{Code: tea.KeyBackspace}
	case "ctrl+c":
		return tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(k)[0], Text: k}
}

func typed(s string) []tea.Msg { return press(strings.Split(s, "")...) }

// shot is a screen whose picture is kept.
type shot struct {
	name string
	tell func(t *testing.T) *story
	msgs []tea.Msg
}

// frames are the screens of the run itself.
var frames = []shot{
	{"run-first", tablets, nil},
	{"run-manual", func(t *testing.T) *story {
		s := tablets(t)
		return s.then(s.first("components@ops-1"))
	}, nil},
	{"run-ready", func(t *testing.T) *story { return tablets(t).preflight() }, nil},
	{"run-busy", busy, nil},
	{"run-poll", polling, nil},
	{"run-elsewhere", busy, press("down", "down")},
	{"gate", func(t *testing.T) *story { return tablets(t).atStop() }, nil},
	{"gate-typed", func(t *testing.T) *story { return tablets(t).atStop() }, append(press("pgdown", "pgdown", "pgdown"), typed("y")...)},
	{"failure", func(t *testing.T) *story { return tablets(t).stopFails() }, nil},
	{"failure-skip", func(t *testing.T) *story { return tablets(t).stopFails() }, append(press("s"), typed("known fault")...)},
	{"failure-rollback", func(t *testing.T) *story { return tablets(t).stopFails() }, press("b")},
	{"unknown", unknown, nil},
	{"help", func(t *testing.T) *story { return tablets(t).preflight() }, press("?")},
	{"interrupt", busy, press("ctrl+c")},
	{"stop", busy, press("x")},
	{"chinese", chinese, nil},
	{"chinese-gate", chineseGate, nil},
	{"chinese-failure", chineseFailure, nil},
	{"closed", closed, nil},
	{"closed-watched", func(t *testing.T) *story {
		return heldGreen(t).then(run.MonitorAcknowledged{Watches: []run.Watch{writes}, Reason: "the switch itself"}, run.RunClosed{How: run.Aborted})
	}, nil},
}

func (s *story) first(tail string) run.Event {
	return verdict(run.Before, s.cell(tail).Key, 2, "len(lines): 9", "tablet-1 online\n")
}

func busy(t *testing.T) *story {
	s := tablets(t).preflight()
	k := s.cell("tablets[tablet-1]/pre@ops-1").Key
	s.begin(k)
	s.busy = &run.Activity{What: "command", Since: s.at, Attempt: s.run.Cell(k).Latest().Intent.Attempt, Timeout: 20 * time.Minute}
	return s
}

func polling(t *testing.T) *story {
	s := tablets(t).atStop()
	k := s.cell("tablets[tablet-1]/stop@tablet-1").Key
	s.grant(k).did(k, 0, 3*time.Second)
	s.busy = &run.Activity{What: "check", Phase: run.After, Since: s.at.Add(-5 * time.Second), Looks: []run.Look{{
		Where: "tablet-1", Try: 3, Since: s.at.Add(-5 * time.Second), Until: time.Minute, Every: 2 * time.Second,
		Last: run.CheckResult{Tries: 2, Ran: true, Stdout: "LISTEN 0 128 *:9520\n", Rows: verdict(run.After, k, 1, "lines: 1", "").Checks[0].Rows},
	}}}
	return s
}

func unknown(t *testing.T) *story {
	s := busy(t)
	k := s.cell("tablets[tablet-1]/pre@ops-1").Key
	s.busy = nil
	at := s.run.Cell(k).Latest().Intent.Attempt
	return s.then(run.Interrupted{Cell: k, Attempt: at, Why: string(run.LinkLost)}, run.Probed{Cell: k, Attempt: at, Fate: "died"})
}

func chinese(t *testing.T) *story {
	return tell(t, chineseBook, nil)
}

func chineseGate(t *testing.T) *story {
	s := chinese(t)
	s.did(s.cell("[tablet-1]/pre@tablet-1").Key, 0, 90*time.Second)
	k := s.cell("[tablet-1]/stop@tablet-1").Key
	s.then(verdict(run.Before, k, 2, "标准输出：没有主副本", "没有主副本\n"))
	return s.gate(k)
}

func chineseFailure(t *testing.T) *story {
	s := chineseGate(t)
	k := s.cell("[tablet-1]/stop@tablet-1").Key
	s.grant(k).did(k, 0, 3*time.Second)
	return s.then(verdict(run.After, k, checks.Fail, "标准输出：端口仍在监听", "端口 9520 仍在监听，进程号 4711，请先确认它不再服务客户端\n"))
}

func closed(t *testing.T) *story {
	s := tablets(t).stopFails()
	k := s.cell("tablets[tablet-1]/stop@tablet-1").Key
	return s.then(run.CellSkipped{Cell: k, Reason: "known fault, ticket 4711"}, run.RunClosed{How: run.Aborted, Why: "window over"})
}

func TestFrames(t *testing.T) {
	t.Parallel()
	for _, f := range slices.Concat(frames, differenceFrames, gateFrames, runFrames, matrixFrames, waitFrames, loginFrames, offBookFrames(t)) {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			name := f.name + map[int]string{80: "-80x24", 120: "-120x40"}[size[0]]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got := pose(f.tell(t), size[0], size[1], f.msgs...).text()
				golden(t, name, got)
			})
		}
	}
	t.Run("too-small", func(t *testing.T) {
		t.Parallel()
		golden(t, "too-small", pose(busy(t), 40, 10).text())
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	goldenAt(t, filepath.Join("testdata", "frames", name+".txt"), got)
}

func goldenAt(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("no golden frame: %v; look at the new one with go test ./tui -run Frames -update", err)
	}
	if got != string(want) {
		t.Errorf("the screen differs from %s\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}
