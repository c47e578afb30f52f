package tui

import (
	"context"
	"fmt"
	"image/color"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/run"
	"stepgate/tui/gate"
)

// longLines is how many lines the command of longBook has.
const longLines = 40

// longBook has a gate that no screen shows at once.
func longBook() string {
	var b strings.Builder
	b.WriteString("+++\ntitle = \"长\"\nconfirm = \"{{host}}\"\n[groups.tablet]\nmin = 1\n+++\n# 长 {each=tablet}\n\n- [ ] Cut {#cut .irreversible}\n\n  > [!CAUTION]\n  > final\n\n")
	b.WriteString("  ```sh {.check}\n  true\n  ```\n  ```sh\n")
	for i := range longLines {
		fmt.Fprintf(&b, "  : part-%02d%s\n", i, strings.Repeat(" y tablet-1", i%9))
	}
	b.WriteString("  ```\n  ```sh {.check}\n  true\n  ```\n")
	return b.String()
}

// longGate stands at the gate of longBook.
func longGate(t *testing.T) *story {
	s := tell(t, longBook(), nil)
	k := s.cell("[tablet-1]/cut@tablet-1").Key
	s.then(verdict(run.Before, k, 2, "", "ok\n"))
	return s.gate(k)
}

// longGateEdited stands there once more, with another text than the runbook's.
func longGateEdited(t *testing.T) *story {
	s := longGate(t)
	k := s.cell("[tablet-1]/cut@tablet-1").Key
	s.grant(k).did(k, 1, time.Second)
	d := s.run.Cell(k).Latest().Intent.Dispatch
	s.then(run.Edited{Cell: k, Was: d.Body, Body: strings.ReplaceAll(d.Body, ": part", "echo part")})
	s.then(run.RerunOverride{Cell: k, Typed: s.run.Cell(k).RerunPhrase()}, verdict(run.Before, k, 2, "", "ok\n"))
	return s.gate(k)
}

// keyboard sends anything to a gate and keeps what a person would have meant.
type keyboard struct {
	*still
	r       *rand.Rand
	ctl     *asked
	story   *story
	appears time.Time       // the gate, or what gave it back
	typed   string          // by keys, since
	pace    time.Duration   // between keys
	drawn   time.Time       // the last frame
	seen    map[string]bool // parts of the command that have been on the screen
	checked *run.Snapshot   // the gate with its checks taken again
	changed bool            // that is what is shown
}

// T16: whatever is typed, pasted, clicked or resized, and whatever comes in
// between: a gate opens once, for its exact phrase, typed by hand after every
// line of what it opens has been on the screen.
func TestTortureT16Keys(t *testing.T) {
	t.Parallel()
	n := tally.Size(t, 5000)
	opened, granted := 0, 0
	gates := []*story{longGate(t), longGateEdited(t)}
	var checked []*run.Snapshot // what it becomes when the checks are taken again
	for _, s := range gates {
		again := *s
		again.then(verdict(run.Before, s.cell("[tablet-1]/cut@tablet-1").Key, 2, "", "it still holds\n"))
		checked = append(checked, again.snap())
	}
	for i := range n {
		s := gates[i%len(gates)]
		kb := &keyboard{r: rand.New(rand.NewPCG(16, uint64(i))), story: s, pace: pressed, seen: map[string]bool{}, checked: checked[i%len(gates)]}
		kb.still, kb.ctl = atGate(t, s, 60+kb.r.IntN(80), 15+kb.r.IntN(40))
		kb.appears = kb.now
		for range 8 + kb.r.IntN(30) {
			kb.one()
			got := answers(kb.ctl)
			if len(got) == 0 {
				continue
			}
			if why := kb.wrong(got); why != "" {
				opened++
				t.Errorf("seed %d: answered with %+v: %s", i, got, why)
			}
			if got[0].Typed != "" {
				granted++
			}
			break
		}
	}
	if granted < n/50 {
		t.Errorf("of %d gates %d were ever opened: nothing was tested", n, granted)
	}
	tally.Add(t, tally.Cases, n)
	tally.Add(t, tally.OpenedGates, opened)
}

// wrong says why an answer must not have been given, or "".
func (kb *keyboard) wrong(got []run.Answer) string {
	g := kb.story.cell("[tablet-1]/cut@tablet-1").Gate
	switch a := got[0]; {
	case len(got) > 1:
		return "more than once"
	case a.Gate != g.Gate:
		return "another gate's"
	case kb.now.Sub(kb.appears) < gate.Grace:
		return "before anybody could have seen it"
	case a.Typed == "":
		return "" // a No
	case a.Typed != g.Phrase:
		return "not its phrase"
	case !subsequence(kb.typed, g.Phrase):
		return fmt.Sprintf("only %q was typed", kb.typed)
	}
	for i := range longLines {
		if part := fmt.Sprintf("part-%02d", i); !kb.seen[part] {
			return part + " was never on the screen"
		}
	}
	return ""
}

// subsequence reports whether the characters of want stand in s, in their order.
func subsequence(s, want string) bool {
	for _, r := range s {
		if want != "" && strings.HasPrefix(want, string(r)) {
			want = want[len(string(r)):]
		}
	}
	return want == ""
}

// one is something that happens at the keyboard.
func (kb *keyboard) one() {
	phrase := "tablet-1"
	kb.now = kb.now.Add(time.Duration(kb.r.IntN(400)) * time.Millisecond)
	switch kb.r.IntN(22) {
	case 0:
		kb.send(tea.PasteMsg{Content: phrase + []string{"", "\r", "\n"}[kb.r.IntN(3)]})
	case 1:
		kb.send(tea.WindowSizeMsg{Width: 1 + kb.r.IntN(160), Height: 1 + kb.r.IntN(60)})
	case 2: // a paste that the terminal doesn't mark
		for _, m := range append(typed(phrase), stroke("enter")) {
			_, cmd := kb.Update(m)
			play(kb.app, cmd)
		}
	case 3:
		kb.pace = 30 * time.Millisecond // a key that is held down
		for range kb.r.IntN(8) {
			kb.press([]string{"pgdown", " "}[kb.r.IntN(2)])
		}
		kb.pace = pressed
		kb.send(tea.MouseWheelMsg{Button: tea.MouseWheelDown}, tea.MouseClickMsg{Button: tea.MouseLeft, X: 10, Y: kb.r.IntN(20)})
	case 4: // a login in between, which somebody types into
		snap := kb.story.snap()
		if kb.changed {
			snap.Run = kb.checked.Run
		}
		snap.Prompt = &run.Prompt{ID: "p", Kind: "password", Host: "tablet-1"}
		kb.send(snapMsg{snap})
		kb.press(append(strings.Split(phrase, ""), "enter")...)
		back := kb.story.snap()
		if kb.changed {
			back = kb.checked
		}
		kb.send(snapMsg{back})
		kb.appears, kb.typed = kb.now, ""
	case 5, 6, 7:
		kb.press([]string{"y", "1", "中", "backspace", "pgup", "up", "down", "tab", "é", "t"}[kb.r.IntN(10)])
	case 8, 9, 10:
		kb.press("pgdown", "pgdown")
	case 11:
		kb.press("enter")
	case 16: // the wheel, slowly and faster than any screen is drawn
		for range kb.r.IntN(30) {
			kb.now = kb.now.Add(time.Duration(kb.r.IntN(90)) * time.Millisecond)
			kb.at(tea.MouseWheelMsg{Button: tea.MouseWheelDown, X: kb.r.IntN(80), Y: kb.r.IntN(40)})
		}
	case 17: // clicks anywhere but on what declines
		for range kb.r.IntN(12) {
			m := tea.MouseClickMsg{Button: tea.MouseLeft, X: kb.r.IntN(kb.layout.w + 1), Y: kb.r.IntN(kb.layout.h + 1)}
			if kb.r.IntN(2) == 0 {
				m.Y = kb.layout.h - 1
			}
			kb.send(m)
		}
	case 18:
		for range 1 + kb.r.IntN(8) { // dragged to other sizes within a frame
			kb.at(tea.WindowSizeMsg{Width: 60 + kb.r.IntN(100), Height: 15 + kb.r.IntN(150)})
		}
		kb.at(tea.WindowSizeMsg{Width: 80, Height: 15 + kb.r.IntN(30)})
	case 19:
		kb.send([]tea.Msg{tea.FocusMsg{}, tea.BlurMsg{}, tickMsg{-1}, tea.BackgroundColorMsg{Color: color.White}, stroke("ctrl+c")}[kb.r.IntN(4)])
	case 20: // keys of other screens
		kb.press([]string{"m", "T", ":", "?", "J", "R", "v", "S", "B", "/", "z", "Z", "a"}[kb.r.IntN(13)])
		kb.send(tea.KeyPressMsg{Code: 'p', Mod: tea.ModCtrl}, tea.KeyPressMsg{Code: 't', Text: phrase})
	case 21: // what there is to read changes
		if kb.changed = !kb.changed; kb.changed {
			kb.send(snapMsg{kb.checked})
		} else {
			kb.send(snapMsg{kb.story.snap()})
		}
		kb.appears, kb.typed, kb.seen = kb.now, "", map[string]bool{}
	default: // a person who reads, types the phrase, and makes a mistake at times
		for g, ok := kb.top().(*gateDialog); ok && !kb.layout.small && !g.d.Ready() && kb.r.IntN(12) > 0; {
			kb.press("pgdown")
		}
		keys := strings.Split(phrase, "")
		if kb.r.IntN(3) == 0 {
			keys[kb.r.IntN(len(keys))] = "x"
		}
		kb.press(append(keys, "enter")...)
	}
}

// at is something that happens at this very moment.
func (kb *keyboard) at(m tea.Msg) {
	kb.look()
	_, cmd := kb.Update(m)
	play(kb.app, cmd)
}

// send lets time pass, in which a frame may be drawn, before each message.
func (kb *keyboard) send(msgs ...tea.Msg) {
	for _, m := range msgs {
		kb.now = kb.now.Add(kb.pace)
		kb.at(m)
	}
}

// look notes what a screen shows that is drawn twenty times a second at most.
func (kb *keyboard) look() {
	if kb.now.Sub(kb.drawn) < time.Second/20 {
		return
	}
	kb.drawn = kb.now
	g, ok := kb.top().(*gateDialog)
	if !ok || kb.layout.small {
		return
	}
	for _, part := range strings.Fields(ansi.Strip(g.render(kb.app, kb.layout.body.w, kb.layout.body.h))) {
		if strings.HasPrefix(part, "part-") {
			kb.seen[part] = true
		}
	}
}

// press is a person at the keys, who at times holds one down.

func (kb *keyboard) press(keys ...string) {
	for _, k := range keys {
		if len(answers(kb.ctl)) > 0 {
			return
		}
		kb.send(stroke(k))
		if len([]rune(k)) == 1 && kb.now.Sub(kb.appears) >= gate.Grace {
			kb.typed += k
		}
	}
}

// The end of the input is no answer, at whatever point it comes.
func TestTortureT16EndOfInput(t *testing.T) {
	s := chineseGate(t)
	n := tally.Size(t, 9)
	for i := range n {
		term := newTerminal(t, 80, 40)
		f := newFake(s.snap())
		c := &clock{at: s.at}
		ctx, cancel := context.WithCancel(t.Context())
		over := show(ctx, term, f, c, false)
		term.until(t, "Gate:")
		c.add(time.Second)
		part := "tablet-1"[:i%9]
		term.press(t, part)
		if part != "" {
			term.until(t, "> "+part)
		}
		_ = term.keys.Close()
		cancel()
		<-over
		select {
		case a := <-f.did:
			t.Errorf("behind %q the end of the input asked for %#v", part, a)
		default:
		}
	}
	tally.Add(t, tally.Faults, n)
	tally.Add(t, tally.OpenedGates, 0)
}
