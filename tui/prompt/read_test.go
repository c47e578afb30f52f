package prompt

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"stepgate/tui/theme"
)

// A phrase counts only once what it is about has been on the screen to its end.
func TestPhraseAfterReading(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{})
	p := New(Config{Title: "Roll back", Phrase: "y", Body: func(*theme.Theme, int) []string {
		return strings.Split(strings.Repeat("line\n", 30), "\n")
	}})
	key := func(text string, code rune) { p.Key(tea.KeyPressMsg{Text: text, Code: code}) }
	draw := func() string { return p.Render(th, 40, 12) }
	if s := draw(); !strings.Contains(s, "read on to the end first") {
		t.Errorf("nothing says that there is more:\n%s", s)
	}
	key("y", 'y')
	if draw(); p.Enter() {
		t.Fatal("a phrase was taken before its text had been read")
	}
	for range 10 {
		key(" ", tea.KeySpace)
		draw()
	}
	key("y", 'y')
	if s := draw(); !p.Enter() {
		t.Errorf("the phrase is refused, though everything was read:\n%s", s)
	}
}
