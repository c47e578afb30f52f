package tui

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/run"
	"stepgate/runbook/text/hostile"
	"stepgate/tui/theme"
)

func corpus(t *testing.T) []hostile.Case {
	t.Helper()
	cases, err := hostile.Corpus()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// colours is the only sequence that a frame holds.
var colours = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// Whatever a command prints, a host or a guest says, a server asks or a journal
// fails with: the frame is as wide and high as ever and holds nothing but text and
// its own colours.
func TestTortureT13Frames(t *testing.T) {
	t.Parallel()
	cases := corpus(t)
	said := min(tally.Size(t, 60), len(cases))
	check := func(st *still, w, h int, c hostile.Case, where string) {
		t.Helper()
		frame := st.View()
		if why := hostile.Harm(colours.ReplaceAllString(frame.Content, "")); why != "" {
			t.Fatalf("%s as %s: the frame holds %s", c.Name, where, why)
		}
		if why := hostile.Harm(frame.WindowTitle); why != "" || strings.Contains(frame.WindowTitle, "\n") {
			t.Fatalf("%s as %s: the title holds %s", c.Name, where, why)
		}
		checkFrame(t, st.app, w, h)
	}
	for i := range said {
		c := cases[i*len(cases)/said]
		for where, s := range saying(t, c.Text) {
			check(pose(s, 80, 24), 80, 24, c, where)
		}
	}
	prints := busy(t)
	for _, c := range cases {
		st := pose(prints, 100, 30)
		st.prints(0, c.Text)
		check(st, 100, 30, c, "output")
	}
	tally.Add(t, tally.Cases, len(cases)+said)
}

// saying are stories in which somebody from outside says s, by who.
func saying(t *testing.T, s string) map[string]*story {
	if len(s) > 4096 { // no such place holds more
		s = s[:4096]
	}
	fails := tablets(t).stopFails()
	fails.say = s
	fails.hosts["tablet-1"] = run.HostState{State: "lost", Error: s, Hint: s}
	asks := busy(t)
	asks.prompt = &run.Prompt{ID: "p", Kind: s, Host: s, Text: s, Detail: []string{s, s}, Again: s}
	key := busy(t)
	key.prompt = &run.Prompt{ID: "p", Kind: "host key", Host: s, Text: s, Detail: []string{s}, Must: "yes"}
	doing := busy(t)
	doing.busy.What = s
	doing.guest(s, run.PauseRequested{Why: s})
	wish := tablets(t).preflight().guest(s, run.AbortRequested{Why: s})
	skipped := tablets(t).stopFails()
	skipped.then(run.CellSkipped{Cell: skipped.cell("tablets[tablet-1]/stop@tablet-1").Key, Reason: s}, run.RunClosed{How: run.Aborted, Why: s})
	return map[string]*story{"a failure": fails, "a login": asks, "a host key": key, "an activity": doing, "a wish": wish, "an end": skipped}
}

// own is what the program writes to draw a frame: text, colours, moves of the
// cursor, erasures, a hidden cursor, and the bracket around a frame.
var own = regexp.MustCompile("^(?:[^\x00-\x1f\x7f-\u009f]|[\r\n\b\t]|\x1b\\[[0-9;:]*[mABCDGHJKLMPSTXbdf@]|\x1b\\[[0-9;]*r|\x1b\\[\\?(?:25|2026|7)[hl]|\x1bM)*$")

// On a real terminal, hostile output changes neither its modes nor its title nor
// its clipboard, and has it answer nothing.
func TestTortureT13Terminal(t *testing.T) {
	cases := corpus(t)
	s := busy(t)
	g := newGlass(t, 80, 24)
	f := newFake(s.snap())
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan outcome, 1)
	go func() {
		left, err := Run(ctx, f, f, Options{In: g.tty, Out: g.tty, Env: xterm(), Theme: theme.Options{NoColor: true}})
		over <- outcome{left, err}
	}()
	g.until(t, "running")
	k := s.cell("tablets[tablet-1]/pre@ops-1").Key
	var all strings.Builder
	shown := func(i int) {
		fmt.Fprintf(&all, "\n=== case %d ===\n", i)
		s.busy = &run.Activity{What: "command", Since: s.at, Attempt: s.run.Cell(k).Latest().Intent.Attempt, Bytes: [2]int64{int64(all.Len()), 0}}
		f.set(s.snap(), all.String())
		g.until(t, fmt.Sprintf("=== case %d ===", i))
	}
	shown(-1)
	_, from := g.since(0)
	answers := g.answers.n.Load()
	n := min(tally.Size(t, 40), len(cases))
	for i := range n {
		c := cases[i*len(cases)/n]
		all.WriteString(c.Text)
		shown(i)
		var said string
		if said, from = drawn(g, from); !own.MatchString(said) {
			t.Errorf("%s: the terminal was sent %.300q", c.Name, foreign(said))
		}
	}
	if g.answers.n.Load() != answers {
		t.Errorf("the terminal answered %d bytes", g.answers.n.Load()-answers)
	}
	cancel()
	<-over
	tally.Add(t, tally.Faults, n)
}

// drawn is what was sent since, up to the last whole sequence.
func drawn(g *glass, from int) (string, int) {
	said, _ := g.since(from)
	if i := strings.LastIndexByte(said, '\x1b'); i >= 0 && len(said)-i < 32 {
		said = said[:i]
	}
	said = strings.ToValidUTF8(said, "")
	return said, from + len(said)
}

// foreign is the first of what isn't the program's own.
func foreign(s string) string {
	for i, r := range s {
		if !own.MatchString(s[:i+len(string(r))]) && r != 0x1b {
			rest := s[i:]
			if esc := strings.LastIndexByte(s[:i], 0x1b); esc >= 0 && i-esc < 32 {
				if own.MatchString(s[:min(i+16, len(s))]) {
					continue
				}
				rest = s[esc:]
			}
			return rest[:min(len(rest), 64)]
		}
	}
	return s
}
