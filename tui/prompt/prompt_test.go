package prompt

import (
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/keys"
	"stepgate/tui/theme"
)

func press(p *Prompt, keys ...string) {
	for _, k := range keys {
		switch k {
		case "left":
			p.Key(tea.KeyPressMsg{Code: tea.KeyLeft})
		case "right":
			p.Key(tea.KeyPressMsg{Code: tea.KeyRight})
		case "home":
			p.Key(tea.KeyPressMsg{Code: tea.KeyHome})
		case "end":
			p.Key(tea.KeyPressMsg{Code: tea.KeyEnd})
		case "backspace":
			p.Key(tea.KeyPressMsg{Code: tea.KeyBackspace})
		case "delete":
			p.Key(tea.KeyPressMsg{Code: tea.KeyDelete})
		case "down":
			p.Key(tea.KeyPressMsg{Code: tea.KeyDown})
		case "up":
			p.Key(tea.KeyPressMsg{Code: tea.KeyUp})
		case "ctrl+u", "ctrl+k", "ctrl+w":
			p.Key(tea.KeyPressMsg{Code: rune(k[5]), Mod: tea.ModCtrl})
		default:
			for _, r := range k {
				p.Key(tea.KeyPressMsg{Code: r, Text: string(r)})
			}
		}
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		keys []string
		want string
	}{
		{"typed", []string{"a b"}, "a b"},
		{"in the middle", []string{"ac", "left", "b"}, "abc"},
		{"backspace takes one character", []string{"a中é", "backspace", "backspace"}, "a"},
		{"delete", []string{"abc", "home", "delete"}, "bc"},
		{"to the start", []string{"abc def", "left", "ctrl+u"}, "f"},
		{"to the end", []string{"abc", "home", "right", "ctrl+k"}, "a"},
		{"a word", []string{"stop the tablet", "ctrl+w"}, "stop the"},
		{"at the edges nothing happens", []string{"a", "right", "right", "home", "left", "backspace", "end", "delete"}, "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := New(Config{})
			press(p, tt.keys...)
			if got := p.Value(); got != tt.want {
				t.Errorf("value %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPaste(t *testing.T) {
	t.Parallel()
	free := New(Config{})
	press(free, "ab", "left")
	free.Paste(tea.PasteMsg{Content: "x\x1b[31m\ny"})
	if got := free.Value(); strings.ContainsAny(got, "\x1b\n") || !strings.HasPrefix(got, "ax") || !strings.HasSuffix(got, "yb") {
		t.Errorf("pasted: %q", got)
	}
	phrase := New(Config{Phrase: "abort"})
	phrase.Paste(tea.PasteMsg{Content: "abort"})
	if phrase.Value() != "" || phrase.Enter() {
		t.Errorf("a phrase was pasted: %q", phrase.Value())
	}
	press(phrase, "abort")
	if !phrase.Enter() {
		t.Error("the phrase was typed and not taken")
	}
}

// What doesn't fit on one line as it came is said, and where every byte counts,
// nothing of it is taken.
func TestPastedLines(t *testing.T) {
	t.Parallel()
	const more, joined = "more than one line", "joined to one"
	tests := []struct {
		name  string
		c     Config
		paste string
		want  string
		says  string
	}{
		{"lines become one", Config{}, "主库已切换\r\n  ticket 4711 \n\nbye\n", "主库已切换 ticket 4711 bye", joined},
		{"a line's end is not a line", Config{}, "posted\n", "posted", ""},
		{"exact: not lines", Config{Exact: true}, "a\nb", "", more},
		{"exact: a line", Config{Exact: true}, " ls -l  \n", " ls -l  ", ""},
		{"exact: nothing unseen", Config{Exact: true}, "ls\u202e", "", "can't be seen"},
		{"exact: no tab", Config{Exact: true}, "a\tb", "", "can't be seen"},
		{"too long", Config{}, strings.Repeat("长", 4097), "", "no more than 4096 characters"},
		{"as long as may be", Config{}, strings.Repeat("长", 4096), strings.Repeat("长", 4096), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := New(tt.c)
			p.Paste(tea.PasteMsg{Content: tt.paste})
			if got := p.Value(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if frame := ansi.Strip(p.Render(theme.New(theme.Options{}), 70, 12)); !strings.Contains(frame, tt.says) {
				t.Errorf("doesn't say %q:\n%s", tt.says, frame)
			}
		})
	}
}

// The dialog names the keys that the operator has, and goes by them.
func TestOtherKeys(t *testing.T) {
	t.Parallel()
	m, err := keys.Default().With(map[string][]string{
		"answer": {"f2"}, "close-dialog": {"f3"}, "page-down": {"f4"}, "up": {"f5"}, "down": {"f6"},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := func(n rune) tea.KeyPressMsg { return tea.KeyPressMsg{Code: tea.KeyF1 + n - 1} }
	p := New(Config{Keys: m, Choices: []string{"a", "b"}})
	p.Key(f(6))
	p.Key(f(6))
	p.Key(f(5))
	long := New(Config{Keys: m, Phrase: "y", Body: func(*theme.Theme, int) []string { return strings.Split(strings.Repeat("line\n", 40), "\n") }})
	th := theme.New(theme.Options{})
	first := ansi.Strip(p.Render(th, 60, 12)) + ansi.Strip(long.Render(th, 60, 12))
	for range 9 {
		long.Key(f(4))
		long.Render(th, 60, 12)
	}
	if p.Value() != "a" || long.Reading() {
		t.Errorf("the keys do not work: %q, %v", p.Value(), long.Reading())
	}
	for _, want := range []string{"f5 and f6 choose, f2 takes it, f3 leaves it", "press f2", "read on to the end first: space or f4"} {
		if !strings.Contains(first, want) {
			t.Errorf("doesn't say %q:\n%s", want, first)
		}
	}
}

func TestEnter(t *testing.T) {
	t.Parallel()
	no := errors.New("three is what it takes")
	tests := []struct {
		name  string
		c     Config
		keys  string
		taken bool
		says  string
	}{
		{"phrase", Config{Phrase: "y"}, "y", true, ""},
		{"wrong phrase", Config{Phrase: "y"}, "yy", false, "not what has to be typed"},
		{"no phrase", Config{Phrase: "y"}, "", false, "not what has to be typed"},
		{"optional", Config{}, "", true, ""},
		{"required", Config{Required: true}, "", false, "needed"},
		{"blanks are not enough", Config{Required: true}, "   ", false, "needed"},
		{"invalid", Config{Validate: func(string) error { return no }}, "2", false, no.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := New(tt.c)
			press(p, tt.keys)
			if got := p.Enter(); got != tt.taken {
				t.Fatalf("taken: %v", got)
			}
			if frame := ansi.Strip(p.Render(theme.New(theme.Options{}), 60, 12)); !strings.Contains(frame, tt.says) {
				t.Errorf("doesn't say %q:\n%s", tt.says, frame)
			}
		})
	}
}

func TestChoices(t *testing.T) {
	t.Parallel()
	p := New(Config{Choices: []string{"stopped", "running"}, Value: "stopped"})
	for _, step := range []struct{ key, want string }{{"down", "running"}, {"down", "stopped"}, {"up", "running"}} {
		press(p, step.key)
		if p.Value() != step.want {
			t.Errorf("after %s: %q, want %q", step.key, p.Value(), step.want)
		}
	}
}

// The cursor stays in sight in a long text.
func TestLongText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("很长的文字", 20) + "末"
	e := newEdit(long, false)
	th := theme.New(theme.Options{NoColor: true})
	for _, at := range []int{101, 50, 0} {
		e.m.SetCursor(at)
		got := ansi.Strip(e.draw(th, 20))
		if n := ansi.StringWidth(got); n > 20 {
			t.Errorf("at %d: %d cells", at, n)
		}
		if chars := []rune(long); at < len(chars) && !strings.Contains(got, string(chars[at])) {
			t.Errorf("at %d: %q lacks the character under the cursor", at, got)
		}
	}
}
