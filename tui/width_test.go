package tui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"stepgate/tui/theme"
)

// checkFrame fails when the screen isn't exactly as wide and high as the terminal.
func checkFrame(t interface{ Fatalf(string, ...any) }, a *app, w, h int) {
	content := a.View().Content
	lines := strings.Split(content, "\n")
	if len(lines) != h {
		t.Fatalf("at %dx%d the screen has %d lines\n%s", w, h, len(lines), ansi.Strip(content))
	}
	for i, l := range lines {
		if n := ansi.StringWidth(l); n != w {
			t.Fatalf("at %dx%d line %d is %d cells wide: %q", w, h, i, n, ansi.Strip(l))
		}
	}
}

var storyTellers = []func(*testing.T) *story{trending, trended, again, searching, offBook, editedStep, lost, degraded, someTimes, tablets, busy, polling, unknown, chinese, chineseGate, closed, stores, atGroupGate, soaking, inBatch, batchStops, excluded, undoing, undoScope, midBatch, takenOut, zones, aheadOnOne, func(t *testing.T) *story {
	return tablets(t).stopFails()
}}

// Whatever the size, the text and the keys: no line is too wide, nothing panics.
func TestEveryFrameFits(t *testing.T) {
	t.Parallel()
	stories := make([]*story, len(storyTellers))
	for i, tell := range storyTellers {
		stories[i] = tell(t)
	}
	keys := []string{"tab", "down", "up", "pgdown", "pgup", "o", "t", "?", "esc", "s", "n", "x", "b", "q", "m", "T", "space", "/", "G", "g", "l", "h", "ctrl+c", "A", "中", "y", "F", "C", "E", "L", "1", "enter"}
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.SampledFrom(stories).Draw(rt, "story")
		w, h := rapid.IntRange(1, 200).Draw(rt, "w"), rapid.IntRange(1, 60).Draw(rt, "h")
		st := pose(s, w, h)
		if rapid.Bool().Draw(rt, "ascii") {
			st.app.o.Theme.ASCII = true
			st.app.theme = theme.New(st.app.o.Theme)
		}
		checkFrame(rt, st.app, w, h)
		for range rapid.IntRange(0, 12).Draw(rt, "n") {
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0:
				w, h = rapid.IntRange(1, 200).Draw(rt, "w"), rapid.IntRange(1, 60).Draw(rt, "h")
				st.Update(tea.WindowSizeMsg{Width: w, Height: h})
			case 1:
				c := st.selected()
				if c == nil || c.Latest() == nil {
					continue
				}
				data := rapid.SampledFrom([]string{"正在停止节点……完成\n", "\x1b[2J\x1b[31mred\x1b]0;x\a\n", "进度 1%\r进度 99%\r", "plain", "\xff\xfe\n", strings.Repeat("宽", 90) + "\n"}).Draw(rt, "data")
				st.prints(rapid.IntRange(0, 1).Draw(rt, "stream"), data)
			case 2:
				st.now = st.now.Add(time.Second)
				st.Update(tickMsg{})
			default:
				st.Update(stroke(rapid.SampledFrom(keys).Draw(rt, "key")))
			}
			checkFrame(rt, st.app, w, h)
		}
	})
}
