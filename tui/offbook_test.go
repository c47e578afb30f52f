package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/gate"
	"stepgate/tui/theme"
)

// looking is a failure whose remedies were put aside.
var looking = presses("esc")

// leavingTheBook are the ways out of the runbook, by keys alone.
var leavingTheBook = []deed{
	{"a command where the run stands", failed, presses(looking, ":", typed("uptime"), "enter"), []run.Action{run.AdHoc{Where: "tablet-1", Body: "uptime"}}},
	{"from the failure dialog", failed, presses(":", typed("uptime"), "enter"), []run.Action{run.AdHoc{Where: "tablet-1", Body: "uptime"}}},
	{"at another place", failed, presses(looking, ":", "tab", typed("ops"), "enter", typed("df -h"), "enter"), []run.Action{run.AdHoc{Where: "ops-1", Body: "df -h"}}},
	{"where the cursor is", failed, presses(looking, "up", ":", typed("w"), "enter"), []run.Action{run.AdHoc{Where: "ops-1", Body: "w"}}},
	{"on this machine", failed, presses(looking, ":", typed("w"), "tab", typed("this machine"), "enter", "enter"), []run.Action{run.AdHoc{Where: "local", Body: "w"}}},
	{"by the list's cursor", failed, presses(looking, ":", "tab", "down", "enter", typed("w"), "enter"), []run.Action{run.AdHoc{Where: "tablet-2", Body: "w"}}},
	{"nowhere", failed, presses(looking, ":", "tab", typed("no such"), "enter", "esc", typed("w"), "enter"), []run.Action{run.AdHoc{Where: "tablet-1", Body: "w"}}},
	{"a command called off", failed, presses(looking, ":", typed("uptime"), "esc"), nil},
	{"no command", failed, presses(looking, ":", "enter"), nil},
	{"what was typed before comes back", failed, presses(looking, ":", typed("a"), "enter", ":", typed("b"), "enter", ":", "up", "up", "enter"), []run.Action{
		run.AdHoc{Where: "tablet-1", Body: "a"}, run.AdHoc{Where: "tablet-1", Body: "b"}, run.AdHoc{Where: "tablet-1", Body: "a"},
	}},
	{"a value that would be filled", failed, presses(looking, ":", typed("echo {{host}}"), "enter"), nil},
	{"lines are not joined to a command", failed, presses(looking, ":", []tea.Msg{tea.PasteMsg{Content: "rm a\nrm b"}}, "enter"), nil},
	{"not while something runs", busy, presses(":", typed("w"), "enter"), nil},
	{"a shell", failed, presses(looking, "S", "enter"), []run.Action{run.AdHoc{Where: "tablet-1", TTY: true}}},
	{"a shell elsewhere", failed, presses(looking, "S", typed("ops"), "enter"), []run.Action{run.AdHoc{Where: "ops-1", TTY: true}}},
	{"no shell", failed, presses(looking, "S", "esc"), nil},

	{"a jump needs a step", ready, presses("J", "x"), nil},
	{"a jump", ready, presses("down", "J", typed("known good"), "enter"), []run.Action{jumpTo("tablets[tablet-1]/stop", "tablet-1", "known good", "")}},
	{"a jump needs a reason", ready, presses("down", "J", "enter"), nil},
	{"a jump over a gate", ready, presses("down", "down", "J", typed("jump"), "enter", typed("done by hand"), "enter"), []run.Action{jumpTo("tablets[tablet-1]/replace", "tablet-1", "done by hand", "jump")}},
	{"a jump over a gate has to be typed", ready, presses("down", "down", "J", typed("done"), "enter", "esc"), nil},
	{"a jump back", ready, presses("up", "J", typed("x"), "enter"), nil},

	{"again", manual, presses("ctrl+p", typed("components"), "enter", "R", "y", "enter"), []run.Action{run.Again{Cell: run.Key{Step: "preflight/components", Target: "ops-1"}}}},
	{"again is asked", manual, presses("up", "R", "enter"), nil},
	{"again what ran has to be typed", func(t *testing.T) *story { return tablets(t).stopFails() }, presses(looking, "up", "R", typed("RERUN tablets[tablet-1]/pre ops-1"), "enter"), []run.Action{
		run.Again{Cell: run.Key{Step: "tablets[tablet-1]/pre", Target: "ops-1"}, Typed: "RERUN tablets[tablet-1]/pre ops-1"},
	}},
	{"again what isn't done", ready, presses("R", "u"), nil},
	{"no editor", failed, presses(looking, "v"), nil},
}

func jumpTo(step, target, reason, phrase string) run.Action {
	return run.Jump{To: run.Key{Step: step, Target: target}, Reason: reason, Typed: phrase}
}

func TestOffBook(t *testing.T) {
	t.Parallel()
	for _, tt := range leavingTheBook {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st, ctl := atGate(t, tt.tell(t), 100, 30)
			st.now = st.now.Add(gate.Grace)
			for _, m := range tt.keys {
				st.send(m)
				st.View() // what is typed is shown
			}
			if !slices.Equal(ctl.got, tt.want) {
				t.Errorf("asked for %#v, want %#v\n%s", ctl.got, tt.want, st.text())
			}
		})
	}
}

// What can't be done is said, with the reason.
func TestOffBookRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		tell func(*testing.T) *story
		keys []tea.Msg
		want string
	}{
		{"busy", busy, press(":"), "ad hoc does not apply: something is going on"},
		{"no step chosen", ready, press("J"), "move to the step to go on at first: down and up, or ctrl+p"},
		{"backwards", ready, presses("ctrl+p", typed("tell the channel"), "enter", "J"), "jump does not apply: it is succeeded"},
		{"through", ready, presses("ctrl+p", typed("tell the channel"), "enter", "R"), "what it stands in is through"},
		{"nothing to repeat", ready, press("R"), "run again does not apply: 2.1 Move the leaders off tablet-1 on ops-1: it is pending"},
		{"has not failed", ready, press("v"), "edit and retry does not apply: it has not failed"},
		{"no editor", failed, presses(looking, "v"), "there is no editor here"},
		{"lines", failed, presses(looking, ":", []tea.Msg{tea.PasteMsg{Content: "rm a\nrm b"}}), "more than one line: nothing was taken"},
		{"destructive", failed, presses(looking, ":", typed("rm -rf /var/tmp/x")), "This looks destructive"},
		{"harmless", failed, presses(looking, ":", typed("uptime")), "It runs at once: no gate comes first."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st, ctl := atGate(t, tt.tell(t), 120, 40)
			st.now = st.now.Add(gate.Grace)
			st.send(tt.keys...)
			if got := st.text(); !strings.Contains(got, tt.want) || len(ctl.got) > 0 {
				t.Errorf("asked for %v; %q isn't said:\n%s", ctl.got, tt.want, got)
			}
		})
	}
}

// desk is an operator's editor and pager.
type desk struct {
	edit func(name, text string) (string, error)
}

func (d desk) Edit(_ context.Context, t Streams, name, text string) (string, error) {
	if _, err := io.WriteString(t.Out, "the editor has "+name+"\r\n"); err != nil {
		return "", err
	}
	return d.edit(name, text)
}

func (desk) Page(_ context.Context, t Streams, _ string, write func(io.Writer) error) error {
	return write(t.Out)
}

// A failed command is changed in the editor, which has the terminal meanwhile; what
// changed is shown, and only then asked for.
func TestEditAndRetry(t *testing.T) {
	s := failed(t)
	term := newGlass(t, 90, 30)
	f := newFake(s.snap())
	c := &clock{at: s.at}
	got := make(chan string, 4)
	next := make(chan func(string) (string, error), 4)
	o := Options{In: term.tty, Out: term.tty, Env: xterm(), Now: c.now, Theme: theme.Options{NoColor: true}}
	o.Outside = desk{edit: func(name, text string) (string, error) {
		got <- name + ": " + text
		return (<-next)(text)
	}}
	over := make(chan outcome, 1)
	go func() {
		left, err := Run(t.Context(), f, f, o)
		over <- outcome{left, err}
	}()
	term.until(t, "failed: 2.2 Stop the tablet")
	c.add(gate.Grace)
	term.types(t, "\x1b")
	term.until(t, "remedies")
	edits := func(with func(string) (string, error), want string) {
		t.Helper()
		next <- with
		c.add(gate.Grace)
		term.types(t, "v")
		select {
		case text := <-got:
			if !strings.HasPrefix(text, "step-stop.sh: bash bin/start.sh ") {
				t.Errorf("the editor got %q", text)
			}
		case o := <-over:
			t.Fatalf("the screen was left: %v", o.err)
		case <-time.After(time.Minute):
			t.Fatalf("the editor was not begun:\n%s", term)
		}
		term.until(t, want)
		c.add(gate.Grace)
	}
	edits(func(s string) (string, error) { return s, nil }, "nothing was changed")
	edits(func(string) (string, error) { return "", errors.New("the editor has broken") }, "nothing was changed: the editor has broken")
	edits(func(string) (string, error) { return " \n", nil }, "nothing was left of the command")
	edits(func(string) (string, error) { return "echo {{host}}\n", nil }, "This can't be run: {{host}} in a command")
	term.types(t, "y\x1b") // it can't
	term.until(t, "the command stays as it was")
	edits(func(s string) (string, error) { return strings.Replace(s, "stop", "stop --force", 1), nil }, "+ bash bin/start.sh stop --force tablet")
	edits(func(s string) (string, error) { return strings.Replace(s, "--force", "--now", 1), nil }, "+ bash bin/start.sh stop --now tablet")
	term.types(t, "y")
	if a, ok := (<-f.did).(run.Edit); !ok || a.Body != "bash bin/start.sh stop --now tablet\n" {
		t.Errorf("asked for %#v", a)
	}
	c.add(gate.Grace)
	term.types(t, "q")
	if o := <-over; o.err != nil {
		t.Error(o.err)
	}
}

// What an editor made of a command that has changed meanwhile isn't taken.
func TestEditedTooLate(t *testing.T) {
	t.Parallel()
	s := failed(t)
	st, ctl := atGate(t, s, 100, 30)
	c := s.run.Cell(s.snap().Current)
	e := edited{key: c.Key, seq: c.Seq, was: "a\n", is: "b\n"}
	s.then(run.Retried{Cell: c.Key})
	st.Update(snapMsg{s.snap()})
	st.send(outsideMsg{editedMsg{edited: e}})
	if got := st.text(); !strings.Contains(got, "the run has moved on meanwhile: nothing was changed") || len(ctl.got) > 0 {
		t.Errorf("asked for %v\n%s", ctl.got, got)
	}
}

// The cursor goes to a command beside the runbook once it has ended, and stays where
// the operator has put it.
func TestTheCursorShowsWhatWasRunAside(t *testing.T) {
	t.Parallel()
	s := failed(t)
	st, _ := atGate(t, s, 100, 30)
	aside := func(body string) run.Key {
		ask, err := s.run.AdHocAsked(run.AdHoc{Where: "tablet-2", Body: body})
		if err != nil {
			t.Fatal(err)
		}
		s.then(ask)
		st.Update(snapMsg{s.snap()})
		s.did(ask.Cell, 0, 0)
		st.Update(snapMsg{s.snap()})
		return ask.Cell
	}
	if k := aside("uptime"); st.selected() == nil || st.selected().Key != k {
		t.Errorf("the cursor is on %v", st.selected())
	}
	if k := aside("w"); st.selected().Key != k {
		t.Errorf("the cursor stays on %v", st.selected().Key)
	}
	st.tree.Visit(s.cell("preflight/tell").Key)
	if aside("df"); st.selected().Key != s.cell("preflight/tell").Key {
		t.Errorf("the cursor has left its place for %v", st.selected().Key)
	}
}

func changed(t *testing.T, is string) tea.Msg {
	s := failed(t)
	c := s.run.Cell(s.snap().Current)
	was, err := s.run.EditText(c)
	if err != nil {
		t.Fatal(err)
	}
	return outsideMsg{editedMsg{edited: edited{key: c.Key, seq: c.Seq, was: was, is: is}}}
}

// offBookFrames are the screens of what leaves the runbook, and of finding one's way.
func offBookFrames(t *testing.T) []shot {
	return []shot{
		{"command", failed, presses(looking, ":", typed("df -h /data"))},
		{"command-destructive", failed, presses(looking, ":", typed("rm -rf /data/old   "))},
		{"command-where", failed, presses(looking, ":", "tab")},
		{"shell", failed, presses(looking, "S")},
		{"jump", ready, press("down", "J")},
		{"jump-gates", ready, press("down", "down", "J")},
		{"again", failed, presses(looking, "up", "R")},
		{"edit", failed, []tea.Msg{changed(t, "# 先看一下\nbash bin/start.sh stop --force tablet \n")}},
		{"edit-refused", failed, []tea.Msg{changed(t, "echo {{host}}\n")}},
		{"palette", ready, press("ctrl+p")},
		{"palette-words", ready, presses("ctrl+p", typed("stop"))},
		{"palette-failure", failed, press("ctrl+p")},
		{"palette-chinese", chinese, presses("ctrl+p", typed("停止"))},
		{"help-failure", failed, press("?")},
		{"help-search", ready, presses("?", "/", typed("palette"))},
		{"note", busy, presses("n", typed("客户反馈：写入变慢"))},
		{"evidence", manual, presses("e", typed("posted"))},
	}
}

// What is left out has to have been on the screen to its end when gates are among it:
// until then the word isn't taken.
func TestALongJumpIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	var book strings.Builder
	book.WriteString("+++\ntitle = \"升级\"\n+++\n# 升级\n\n")
	for i := range 60 {
		fmt.Fprintf(&book, "- [ ] 停止节点 %d {#s%d .irreversible}\n\n  ```sh\n  echo %d\n  ```\n  ```sh {.check}\n  true\n  ```\n", i, i, i)
	}
	st, ctl := atGate(t, tell(t, book.String(), nil), 80, 24)
	st.send(presses("G", "J")...)
	if got := st.text(); !strings.Contains(got, "59 steps are left out, each of them behind a gate.") || !strings.Contains(got, "gate, irreversible") {
		t.Fatalf("it doesn't say what is left out:\n%s", got)
	}
	st.send(presses(typed("jump"), "enter")...)
	if got := st.text(); strings.Contains(got, "> j") || !strings.Contains(got, "Type jump") {
		t.Fatalf("the word was taken before the list was read:\n%s", got)
	}
	for pages := 0; !strings.Contains(st.text(), "停止节点 58"); pages++ {
		if pages > 20 {
			t.Fatalf("the list has no end:\n%s", st.text())
		}
		st.now = st.now.Add(gate.Drawn)
		st.send(press("pgdown")...)
	}
	st.send(presses(typed("jump"), "enter", typed("换成新集群"), "enter")...)
	if len(ctl.got) != 1 || ctl.got[0] != (run.Jump{To: st.snap.Run.Cells[59].Key, Reason: "换成新集群", Typed: "jump"}) {
		t.Errorf("asked for %#v\n%s", ctl.got, st.text())
	}
}
