package markdown

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"stepgate/tui/theme"
)

func TestRender(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"paragraphs", "one *two*\nthree\n\n**four** `five`", "one two three\n\nfour five"},
		{"bullets", "- a\n- b\n  - c", "• a\n• b\n  • c"},
		{"numbers", "3. a\n4. b", "3. a\n4. b"},
		{"loose list", "- a\n\n- b", "• a\n\n• b"},
		{"tasks", "- [x] done\n- [ ] open", "• [x] done\n• [ ] open"},
		{"quote", "> said\n> so", "│ said so"},
		{"code", "```sh\nls -l\n\techo\n```", "  ls -l\n          echo"},
		{"link", "see [the page](https://x.example/y)", "see the page\n(https://x.example/y)"},
		{"comment", "a <!-- hidden --> b\n\n<!-- hidden -->\n\nc", "a  b\n\nc"},
		{"table", "| a | bb |\n|---|---|\n| 主 | 1 |", "a   bb\n──────\n主  1"},
		{"hard break", "a  \nb", "a\nb"},
		{"wide lines join without a blank", "请确认\n状态 ok\nthen", "请确认状态 ok then"},
		{"escapes do nothing", "a \x1b[31mred\x1b]0;t\a b", "a red⟨OSC 0⟩ b"},
		{"empty", "  \n", ""},
	}
	th := theme.New(theme.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got string
			for _, l := range Render(th, tt.in, 24) {
				got += strings.TrimRight(ansi.Strip(l), " ") + "\n"
			}
			got = strings.TrimSuffix(got, "\n")
			if got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

// Whatever the source, no line is too wide and nothing but our own styles gets
// through.
func TestRenderFits(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{NoColor: true})
	rapid.Check(t, func(t *rapid.T) {
		src := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{
			"- ", "1. ", "> ", "| a | b |\n|--|--|\n", "```\n", "# ", "**", "`", "字", "word ", "\n", "\n\n", "    ", "<b>", "\x1b[2J", "\u202e", "[x](y)", "---\n",
		})).Draw(t, "parts"), "")
		w := rapid.IntRange(1, 40).Draw(t, "w")
		for _, l := range Render(th, src, w) {
			if n := ansi.StringWidth(l); n > w {
				t.Fatalf("line %q is %d cells wide, %d are allowed", l, n, w)
			}
			if s := ansi.Strip(l); strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e }) {
				t.Fatalf("line %q holds a control character", l)
			}
		}
	})
}
