package diff

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/theme"
)

// Signs tell what changed, so that it can be read without colours; what can't be
// seen otherwise is marked.
func TestLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, was, is string
		w             int
		want          []string
	}{
		{"same", "a\n", "a\n", 40, nil},
		{"one of three", "a\nb\nc\n", "a\nB\nc\n", 40, []string{"@@ -1,3 +1,3 @@", "  a", "- b", "+ B", "  c"}},
		{"a blank at the end", "a\n", "a \n", 40, []string{"@@ -1 +1 @@", "- a", "+ a·"}},
		{"a tab", "  a\n", "\ta\n", 40, []string{"@@ -1 +1 @@", "-   a", "+ →       a"}},
		{"a line end of another system", "a\n", "a\r\n", 40, []string{"@@ -1 +1 @@", "- a", "+ a␍"}},
		{"an empty line", "a\n", "a\n\n", 40, []string{"@@ -1 +1,2 @@", "  a", "+ "}},
		{"the last line's end", "a\n", "a", 60, []string{"@@ -1 +1 @@", "- a", "+ a", `\ No newline at end of file`}},
		{"wide characters are wrapped", "停止\n", "停止节点进程\n", 8, []string{"@@ -1 +…", "- 停止", "+ 停止节", "+ 点进程"}},
		{"escapes are shown", "a\n", "\x1b[2Ja\n", 40, []string{"@@ -1 +1 @@", "- a", "+ ␛[2Ja"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, l := range Lines(theme.New(theme.Options{}), tt.was, tt.is, tt.w) {
				if n := ansi.StringWidth(l); n > tt.w {
					t.Errorf("%q is %d cells wide, %d are allowed", l, n, tt.w)
				}
				got = append(got, ansi.Strip(l))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// Without a width nothing is cut or wrapped.
func TestUnified(t *testing.T) {
	t.Parallel()
	want := []string{"@@ -1,2 +1,2 @@", "  a", "- 停止", "+ 停止·", `\ No newline at end of file`}
	if got := Unified("a\n停止\n", "a\n停止 "); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Unified("a\n", "a\n"); len(got) != 0 {
		t.Errorf("of the same text: %q", got)
	}
}
