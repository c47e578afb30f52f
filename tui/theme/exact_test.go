package theme

import (
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// In ASCII, what marks a tab, a blank or a control character can't be taken for the
// text, and is as wide as elsewhere.
func TestExactInASCII(t *testing.T) {
	t.Parallel()
	th := New(Options{ASCII: true, NoColor: true})
	const rev, off = "\x1b[7m", "\x1b[m"
	for in, want := range map[string]string{
		"echo a.":        "echo a.",
		"echo a·":        "echo a" + rev + " " + off,
		"→       b":      rev + ">" + off + "       b",
		"a␍":             "a" + rev + "M" + off,
		"a␛[2J⟨U+202E⟩b": "a" + rev + "[" + off + "[2J" + rev + "<" + off + "U+202E" + rev + ">" + off + "b",
	} {
		got := th.Exact(th.Text, in)
		if got != want {
			t.Errorf("%q is drawn as %q, want %q", in, got, want)
		}
		if ansi.StringWidth(got) != ansi.StringWidth(in) {
			t.Errorf("%q is %d cells wide, drawn %d", in, ansi.StringWidth(in), ansi.StringWidth(got))
		}
		if uni := New(Options{NoColor: true}); uni.Exact(uni.Text, in) != in {
			t.Errorf("%q is drawn otherwise where there is more than ASCII", in)
		}
	}
}
