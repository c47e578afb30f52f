package wording

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stepgate/runbook/run"
)

func TestExact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"echo a\n":              {"echo a"},
		"echo a":                {"echo a"},
		"a \\ \nb\n":            {`a \·`, "b"},
		"a\tb\n":                {"a→      b"},
		"\tif x\n\t\ty\n":       {"→       if x", "→       →       y"},
		"a \t \n":               {"a·→     ·"},
		"停止\t宽\n":               {"停止→   宽"},
		"a\n\n\n":               {"a", "", ""},
		"a\r\nb\u202e\x1b[2J":   {"a␍", "b⟨U+202E⟩␛[2J"},
		strings.Repeat("\n", 3): {"", "", ""},
	} {
		if got := Exact(in); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Texts that differ are shown differently.
func TestExactTellsApart(t *testing.T) {
	t.Parallel()
	texts := rapid.StringOf(rapid.SampledFrom([]rune("ab \t\n\\停\u00a0\r\u200b")))
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts.Draw(t, "a"), texts.Draw(t, "b")
		if strings.TrimSuffix(a, "\n") != strings.TrimSuffix(b, "\n") && slices.Equal(Exact(a), Exact(b)) {
			t.Fatalf("%q and %q look the same: %q", a, b, Exact(a))
		}
	})
}

// The end of the last line isn't seen; the fingerprint tells it, and the prelude.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	if got := Fingerprint(&run.Dispatch{Body: "echo a\n"}); got != "1 line, 7 bytes, SHA-256 914cefaded94d45f…" {
		t.Errorf("it is %q", got)
	}
	if a, b := Fingerprint(&run.Dispatch{Prefix: "set -e\n", Body: "echo a"}), Fingerprint(&run.Dispatch{Body: "echo a"}); a == b || !strings.HasPrefix(a, "2 lines, 13 bytes") {
		t.Errorf("with a prelude it is %q, without %q", a, b)
	}
}
