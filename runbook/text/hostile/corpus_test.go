package hostile_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

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
			if why := harmful(got); why != "" {
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

// harmful says what of a text must not reach a terminal, or "".
func harmful(s string) string {
	if !utf8.ValidString(s) {
		return "broken UTF-8"
	}
	for _, r := range s {
		if r != '\n' && r != utf8.RuneError && text.Hidden(r) {
			return text.Token(r)
		}
	}
	for rest := s; rest != ""; {
		one, _ := ansi.FirstGraphemeCluster(rest, ansi.GraphemeWidth)
		if len(one) > 128 {
			return "a character of very many"
		}
		rest = rest[max(len(one), 1):]
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r == 0x7f || r < 0x20 && r != '\n' }) || bytes.ContainsAny([]byte(s), "\x1b") {
		return "a control character"
	}
	return ""
}
