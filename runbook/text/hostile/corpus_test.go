package hostile_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/text"
	"stepgate/runbook/text/hostile"
)

// Whatever it is and however it is cut: what the sanitizer makes of it holds
// only what a terminal shows, and is left alone by a second one.
func TestTortureT13Sanitizer(t *testing.T) {
	t.Parallel()
	cases, err := hostile.Corpus()
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 400 {
		t.Fatalf("the corpus has %d cases, 400 are needed", len(cases))
	}
	cuts := tally.Size(t, 2)
	seen := map[string]bool{}
	for i, c := range cases {
		if seen[c.Name] {
			t.Errorf("two cases are called %q", c.Name)
		}
		seen[c.Name] = true
		block, line := text.Block(text.Untrusted(c.Text)), text.Line(text.Untrusted(c.Text))
		for _, got := range []string{block, line} {
			if why := hostile.Harm(got); why != "" {
				t.Errorf("%s leaves %s: %.200q", c.Name, why, got)
			}
		}
		if again := text.Block(text.Untrusted(block)); again != block {
			t.Errorf("%s: a second look makes %.200q of %.200q", c.Name, again, block)
		}
		if again := text.Line(text.Untrusted(line)); again != line {
			t.Errorf("%s: a second look makes %.200q of %.200q", c.Name, again, line)
		}
		if strings.Contains(line, "\n") {
			t.Errorf("%s: its line has several", c.Name)
		}
		r := rand.New(rand.NewPCG(13, uint64(i)))
		for range cuts {
			if got := pieces(r, c.Text); got != block {
				t.Errorf("%s: cut into pieces it becomes %.200q, in one %.200q", c.Name, got, block)
			}
		}
	}
	tally.Add(t, tally.Cases, len(cases)*(cuts+2))
}

// pieces is the text through a sanitizer in pieces of any length.
func pieces(r *rand.Rand, s string) string {
	var clean text.Sanitizer
	var out []byte
	longest := 1 + r.IntN(len(s)/16+8)
	for len(s) > 0 {
		n := min(1+r.IntN(longest), len(s))
		out = clean.Append(out, []byte(s[:n]))
		s = s[n:]
	}
	return string(clean.Flush(out))
}

// Of what is shown as it is, Harm finds nothing; of each kind of harm, something.
func TestHarm(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"停止 tablet-1 ✓ ⟨OSC 52⟩ ␛\n": false, "\x1b[2J": true, "\u009b2J": true, "\x7f": true, "a\tb": false, "a\rb": true, "\xff": true,
		"\u202e": true, "\u200b": true, "\U000e0041": true, "e" + strings.Repeat("\u0301", 99): true, "\ufffd": false,
	} {
		if got := hostile.Harm(s); (got != "") != want {
			t.Errorf("%q: %q", s, got)
		}
	}
}
