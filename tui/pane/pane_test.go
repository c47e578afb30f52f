package pane

import (
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"stepgate/tui/theme"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		w        int
		want     []string
	}{
		{"words", "the quick brown fox", 10, []string{"the quick", "brown fox"}},
		{"long word", "a verylongwordindeed b", 8, []string{"a", "verylong", "wordinde", "ed b"}},
		{"exact", "abcd efgh", 4, []string{"abcd", "efgh"}},
		{"line breaks stay", "a\n\nb", 5, []string{"a", "", "b"}},
		{"wide characters break anywhere", "升级前请确认集群状态", 8, []string{"升级前请", "确认集群", "状态"}},
		{"mixed", "把 tablet-1 上的主副本迁走", 12, []string{"把 tablet-1", "上的主副本迁", "走"}},
		{"no line begins with a full stop", "请确认状态。然后继续", 10, []string{"请确认状", "态。然后继", "续"}},
		{"no line ends with an opening quote", "打开「上海」机房", 6, []string{"打开", "「上", "海」机", "房"}},
		{"indent stays", "    $ run", 20, []string{"    $ run"}},
		{"tab", "a\tb", 20, []string{"a    b"}},
		{"nothing fits", "宽", 1, []string{"宽"}},
		{"marks stay with their letter", "cafe\u0301 e\u0301e\u0301", 4, []string{"cafe\u0301", "e\u0301e\u0301"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Wrap(tt.in, tt.w); !slices.Equal(got, tt.want) {
				t.Errorf("Wrap(%q, %d) = %q, want %q", tt.in, tt.w, got, tt.want)
			}
		})
	}
	if got := Wrap("a", 0); got != nil {
		t.Errorf("in no width: %q", got)
	}
}

// Wrapping loses nothing but blanks, and no line is too wide.
func TestWrapKeepsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune("ab -/，。（中文字「」é\n"))).Draw(t, "text")
		w := rapid.IntRange(2, 30).Draw(t, "w")
		lines := Wrap(s, w)
		for _, l := range lines {
			if n := ansi.StringWidth(l); n > w {
				t.Fatalf("line %q is %d cells wide, %d are allowed", l, n, w)
			}
		}
		squeeze := strings.NewReplacer(" ", "", "\n", "")
		if got, want := squeeze.Replace(strings.Join(lines, "")), squeeze.Replace(s); got != want {
			t.Fatalf("wrapped %q, got %q", want, got)
		}
	})
}

func TestWrapSpansKeepsStyles(t *testing.T) {
	t.Parallel()
	bold := lipgloss.NewStyle().Bold(true)
	got := WrapSpans([]Span{{Text: "plain "}, {Text: "bold words", Style: bold}}, 10)
	want := []string{"plain " + bold.Render("bold"), bold.Render("words")}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		left, right string
		w           int
		want        string
	}{
		{"left", "right", 12, "left   right"},
		{"a long left side", "42s", 12, "a long … 42s"},
		{"left", "", 6, "left  "},
		{"left", "toolong", 5, "tool…"},
		{"标题很长很长", "完成", 10, "标题… 完成"},
	}
	for _, tt := range tests {
		if got := Row(tt.left, tt.right, tt.w, "…"); got != tt.want {
			t.Errorf("Row(%q, %q, %d) = %q, want %q", tt.left, tt.right, tt.w, got, tt.want)
		}
	}
}

func TestFlow(t *testing.T) {
	t.Parallel()
	got := Flow([]string{"on tablet-1", "in /opt/openmldb", "sh"}, " · ", 22)
	if want := []string{"on tablet-1", "in /opt/openmldb · sh"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBoxIsExact(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{})
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 60).Draw(t, "w"), rapid.IntRange(1, 20).Draw(t, "h")
		b := Box{
			Title: rapid.SampledFrom([]string{"", "Steps", "停止节点进程并等待"}).Draw(t, "title"),
			Right: rapid.SampledFrom([]string{"", "tablet-2", "很长的主机名称"}).Draw(t, "right"),
		}
		lines := strings.Split(b.Render(th, []string{"内容", strings.Repeat("x", 90)}, w, h), "\n")
		if len(lines) != h {
			t.Fatalf("%d lines, want %d", len(lines), h)
		}
		for _, l := range lines {
			if n := ansi.StringWidth(l); n != w {
				t.Fatalf("line %q is %d cells wide, want %d", l, n, w)
			}
		}
	})
}

func TestScroll(t *testing.T) {
	t.Parallel()
	lines := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
	var s Scroll
	steps := []struct {
		name string
		do   func()
		top  int
		end  bool
	}{
		{"start", func() {}, 0, false},
		{"down", func() { s.By(3, 10, 4) }, 3, false},
		{"past the end", func() { s.By(99, 10, 4) }, 6, true},
		{"up", func() { s.By(-2, 10, 4) }, 4, false},
		{"show a line above", func() { s.Show(1, 10, 4) }, 1, false},
		{"show a line below", func() { s.Show(8, 10, 4) }, 5, false},
		{"around", func() { s.Around(5, 10, 3) }, 4, false},
		{"fewer lines", func() { s.By(0, 2, 4) }, 0, true},
	}
	for _, st := range steps {
		st.do()
		total := 10
		if st.name == "fewer lines" {
			total = 2
		}
		if s.Top != st.top || s.AtEnd(total, 4) != st.end {
			t.Errorf("%s: top %d, at end %v; want %d, %v", st.name, s.Top, s.AtEnd(total, 4), st.top, st.end)
		}
	}
	if got := s.Window(lines, 3); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("window %q", got)
	}
}

// The short way to a line's width leads to what the long one does.
func TestWidth(t *testing.T) {
	t.Parallel()
	pieces := []string{
		"a", " ", "~", "é", "e\u0301", "宽", "│", "─", "╭", "▁", "█", "⠋", "✓", "✗", "◆", "…", "·", "▶", "\ufe0f", "\u200d", "👍", "👍🏽",
		"\x1b[1;38;2;1;2;3m", "\x1b[m", "\x1b[0m", "\x1b]0;t\a", "\x1b[2J", "\x1b", "\x7f", "\t", "\xff", "\u0301", "🇩", "🇪", "한", "ᄒ", "ᅡ",
	}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "pieces"), "")
		if got, want := Width(s), ansi.StringWidth(s); got != want {
			t.Fatalf("%q is %d wide, not %d", s, want, got)
		}
	})
}
