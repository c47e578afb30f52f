package tui

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

// upgradeForm is the start form of an upgrade of which the command line gave a part.
func upgradeForm() Form {
	number := func(s string) error {
		if _, err := strconv.Atoi(s); err != nil {
			return fmt.Errorf("%q is not a whole number", s)
		}
		return nil
	}
	return Form{
		Title: "OpenMLDB: rolling upgrade", Facts: []string{"inventory hosts.toml"},
		Fields: []Field{
			{Question: Question{Name: "cluster", Prompt: "Cluster", Help: "What people call it.", Default: "prod-features"}, From: "-e"},
			{Question: Question{Name: "zk", Prompt: "ZooKeeper", Help: "host:port, several separated by commas."}},
			{Question: Question{Name: "root", Prompt: "ZooKeeper root path", Default: "/openmldb", Type: "path"}},
			{Question: Question{Name: "keep", Prompt: "How many old packages stay", Type: "int", Validate: number}},
			{Question: Question{Name: "writes", Prompt: "Writers during the upgrade", Type: "choice", Choices: []string{"stopped", "running"}}},
			{Question: Question{Name: "dry", Prompt: "Only look", Type: "bool", Default: "false"}},
			{Question: Question{Name: "password", Prompt: "Password of the database", Secret: true}, From: "environment", Given: true},
			{Question: Question{Name: "token", Prompt: "Token", Secret: true}},
			{Question: Question{Name: "note", Prompt: "变更单号，写在每条记录里，方便日后查找是谁做的变更"}, Optional: true},
		},
	}
}

// poseForm is a form on a screen, without a program around it.
func poseForm(f Form, w, h int, msgs ...tea.Msg) *form {
	m := newForm(context.Background(), f, Options{})
	settle(m, m.Init())
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	for _, msg := range msgs {
		_, cmd := m.Update(msg)
		settle(m, cmd)
	}
	return m
}

// settle has commands done that look at something, and takes what they say.
func settle(m tea.Model, cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			settle(m, c)
		}
	case tea.QuitMsg:
	default:
		_, next := m.Update(msg)
		settle(m, next)
	}
}

// plainText is a frame without colours and blanks at the ends of lines.
func plainText(content string) string {
	lines := strings.Split(ansi.Strip(content), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

func then(parts ...any) (out []tea.Msg) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out = append(out, typed(p)...)
		case []tea.Msg:
			out = append(out, p...)
		case tea.Msg:
			out = append(out, p)
		}
	}
	return out
}

func begin() []tea.Msg { return []tea.Msg{tea.KeyPressMsg{Code: 's', Mod: tea.ModCtrl}} }

func TestFormFrames(t *testing.T) {
	t.Parallel()
	long := upgradeForm()
	for i := range 60 {
		long.Fields = append(long.Fields, Field{Question: Question{Name: fmt.Sprintf("value_%d", i), Prompt: fmt.Sprintf("Value %d", i), Default: "x"}})
	}
	for _, c := range []struct {
		name string
		form Form
		msgs []tea.Msg
	}{
		{"form", upgradeForm(), nil},
		{"form-wrong", upgradeForm(), then("10.0.0.1:2181", press("enter", "enter"), "many")},
		{"form-missing", upgradeForm(), begin()},
		{"form-choice", upgradeForm(), press("tab", "tab", "tab")},
		{"form-secret", upgradeForm(), press("tab", "tab", "tab", "tab", "tab")},
		{"form-long", long, press("up", "up", "up", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab")},
		{"form-last", upgradeForm(), press("tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab")},
	} {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			name := fmt.Sprintf("%s-%dx%d", c.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				golden(t, name, plainText(poseForm(c.form, size[0], size[1], c.msgs...).View().Content))
			})
		}
	}
}

// complete are the keys that give the form what it lacks.
func complete() []tea.Msg {
	return then("10.0.0.1:2181", press("enter", "enter"), "3", press("enter"), "r", press("enter", "enter", "enter"), "geheim")
}

// There are a few ways out, and each does one thing.
func TestEveryWayOutOfTheForm(t *testing.T) {
	t.Parallel()
	ctrlC := press("ctrl+c")
	for _, c := range []struct {
		name string
		msgs []tea.Msg
		ends bool
		err  error
		says string
	}{
		{"esc before anything is typed", press("esc"), true, ErrCancelled, ""},
		{"esc over what was typed asks", then("10", press("esc")), false, nil, "esc once more leaves"},
		{"esc twice leaves", then("10", press("esc", "esc")), true, ErrCancelled, ""},
		{"a key between takes the first esc back", then("10", press("esc"), "1", press("esc")), false, nil, "esc once more leaves"},
		{"ctrl+c", then("10", ctrlC), true, context.Canceled, ""},
		{"begin with values missing", begin(), false, nil, "4 values are missing"},
		{"begin with one value wrong", then(complete(), press("up", "up", "up", "up"), "x", begin()), false, nil, "one value is missing or not valid"},
		{"begin", then(complete(), begin()), true, nil, ""},
		{"enter behind the last value begins", then(complete(), press("enter", "enter", "enter")), true, nil, ""},
		{"enter on a value that is wrong stays", then(press("enter")), false, nil, "a value is needed here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := poseForm(upgradeForm(), 100, 30)
			ended := false
			for _, msg := range c.msgs {
				_, cmd := m.Update(msg)
				ended = ended || quits(cmd)
			}
			if ended != c.ends || !errors.Is(m.err, c.err) {
				t.Fatalf("ended: %v with %v, want %v with %v\n%s", ended, m.err, c.ends, c.err, plainText(m.View().Content))
			}
			if !strings.Contains(plainText(m.View().Content), c.says) {
				t.Errorf("it doesn't say %q:\n%s", c.says, plainText(m.View().Content))
			}
		})
	}
}

// The answers are what stood on the screen; a secret that was given and left alone
// isn't among them.
func TestFormAnswers(t *testing.T) {
	t.Parallel()
	m := poseForm(upgradeForm(), 100, 30, complete()...)
	want := map[string]string{
		"cluster": "prod-features", "zk": "10.0.0.1:2181", "root": "/openmldb", "keep": "3", "writes": "running",
		"dry": "false", "token": "geheim", "note": "",
	}
	if got := m.answers(); !maps.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
	if s := plainText(m.View().Content); strings.Contains(s, "geheim") {
		t.Errorf("the secret is shown:\n%s", s)
	}
	m = poseForm(upgradeForm(), 100, 30, then(complete(), press("up"), "neu")...)
	if got := m.answers()["password"]; got != "neu" {
		t.Errorf("a given secret was typed anew, and is %q", got)
	}
	m = poseForm(upgradeForm(), 100, 30, tea.PasteMsg{Content: "10.0.0.1:2181\n"})
	if got := m.answers()["zk"]; got != "10.0.0.1:2181" {
		t.Errorf("pasted: %q", got)
	}
}

// What only the world knows is asked beside the screen, and nothing begins before it
// has answered.
func TestFormLooks(t *testing.T) {
	t.Parallel()
	f := Form{Title: "T", Fields: []Field{{
		Question: Question{Name: "inventory", Prompt: "Inventory"},
		Look: func(_ context.Context, v string) error {
			if v != "hosts.toml" {
				return fmt.Errorf("there is no file %q", v)
			}
			return nil
		},
	}}}
	m := newForm(context.Background(), f, Options{})
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	var looks []tea.Cmd
	for _, msg := range typed("hosts.tom") {
		_, cmd := m.Update(msg)
		looks = append(looks, cmd)
	}
	for _, cmd := range looks {
		settle(m, cmd)
	}
	if s := plainText(m.View().Content); !strings.Contains(s, `there is no file "hosts.tom"`) {
		t.Errorf("what was found isn't said:\n%s", s)
	}
	_, look := m.Update(stroke("l"))
	if _, cmd := m.Update(begin()[0]); quits(cmd) {
		t.Fatal("it began before the file was looked at")
	}
	if s := plainText(m.View().Content); !strings.Contains(s, "looking") {
		t.Errorf("it doesn't say that it looks:\n%s", s)
	}
	msg := look()
	if b, ok := msg.(tea.BatchMsg); ok {
		msg = b[0]()
	}
	if _, cmd := m.Update(msg); !quits(cmd) || m.answers()["inventory"] != "hosts.toml" {
		t.Errorf("it doesn't begin once the file is known to be there: %v", m.answers())
	}
}

func TestFormTakesTheMouse(t *testing.T) {
	t.Parallel()
	m := poseForm(upgradeForm(), 100, 30, complete()...)
	lines := strings.Split(plainText(m.View().Content), "\n")
	at := func(what string) tea.MouseClickMsg {
		for y, l := range lines {
			if strings.Contains(l, what) {
				return tea.MouseClickMsg{X: 6, Y: y, Button: tea.MouseLeft}
			}
		}
		t.Fatalf("%q isn't on the screen", what)
		return tea.MouseClickMsg{}
	}
	m.Update(at("How many old"))
	m.Update(stroke("1"))
	if got := m.answers()["keep"]; got != "31" {
		t.Errorf("after a click the key went elsewhere: keep is %q", got)
	}
	if _, cmd := m.Update(at("once all values")); quits(cmd) {
		t.Error("one click began")
	}
	if _, cmd := m.Update(at("once all values")); !quits(cmd) {
		t.Error("a click on the button that has the keys doesn't begin")
	}
}

// Whatever is typed at whatever size, the form fits.
func TestFormFits(t *testing.T) {
	t.Parallel()
	keys := []string{"中", "a", "1", "enter", "backspace", "down", "up", "tab", "?", " "}
	rapid.Check(t, func(rt *rapid.T) {
		w, h := rapid.IntRange(1, 200).Draw(rt, "w"), rapid.IntRange(1, 60).Draw(rt, "h")
		m := poseForm(upgradeForm(), w, h)
		for range rapid.IntRange(0, 20).Draw(rt, "n") {
			m.Update(stroke(rapid.SampledFrom(keys).Draw(rt, "key")))
			lines := strings.Split(m.View().Content, "\n")
			if len(lines) != h {
				rt.Fatalf("at %dx%d the form has %d lines", w, h, len(lines))
			}
			for i, l := range lines {
				if n := ansi.StringWidth(l); n != w {
					rt.Fatalf("at %dx%d line %d is %d cells wide: %q", w, h, i, n, ansi.Strip(l))
				}
			}
		}
	})
}
