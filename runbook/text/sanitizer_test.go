package text_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"stepgate/runbook/text"
)

func TestBlock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"plain", "one\ntwo\n", "one\ntwo\n"},
		{"Chinese", "停止 tablet\u3000完成", "停止 tablet\u3000完成"},
		{"colour dropped", "\x1b[1;31mred\x1b[0m", "red"},
		{"erasure dropped", "\x1b[2Ka\x1b[J", "a"},
		{"charset dropped", "\x1b(Ba", "a"},
		{"cursor shown", "a\x1b[2Ab", "a⟨CSI 2A⟩b"},
		{"private mode shown", "\x1b[?1049h", "⟨CSI ?1049h⟩"},
		{"reset shown", "\x1bc", "⟨ESC c⟩"},
		{"status report shown", "\x1b[6n", "⟨CSI 6n⟩"},
		{"clipboard", "a\x1b]52;c;ZXZpbA==\x07b", "a⟨OSC 52⟩b"},
		{"title by ST", "\x1b]0;title\x1b\\b", "⟨OSC 0⟩b"},
		{"DCS APC PM SOS", "\x1bPq\x1b\\\x1b_a\x1b\\\x1b^p\x1b\\\x1bXs\x1b\\", "⟨DCS⟩⟨APC⟩⟨PM⟩⟨SOS⟩"},
		{"string cut by a line end", "\x1b]0;ti\nnext", "␛]0;ti\nnext"},
		{"string cut by the end", "\x1b]0;ti", "␛]0;ti"},
		{"string cut inside its ST", "\x1b]0;ti\x1b", "␛]0;ti␛"},
		{"string cut by a sequence", "\x1b]0;ti\x1b[31mx", "␛]0;tix"},
		{"sequence cut by text", "\x1b[12停", "␛[12停"},
		{"lone ESC", "\x1b", "␛"},
		{"C1 as UTF-8", "\u009b31mred", "⟨U+009B⟩31mred"},
		{"C1 as 8 bits", "\x9b31mred", "�31mred"},
		{"controls", "\x00\x07\x08\x7f", "␀␇␈␡"},
		{"CRLF", "a\r\nb\r\r\nc", "a\nb\nc"},
		{"overwriting CR", "10%\r20%\r", "10%\n20%\n"},
		{"CR split from LF by a colour", "a\r\x1b[0m\nb", "a\n\nb"},
		{"tabs", "a\tb\n停\tc", "a       b\n停      c"},
		{"bidi", "a\u202eb\u2066c\u200f", "a⟨U+202E⟩b⟨U+2066⟩c⟨U+200F⟩"},
		{"zero width", "a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩"},
		{"tag", "a\U000e0041", "a⟨U+E0041⟩"},
		{"no-break space", "a\u00a0b", "a b"},
		{"line separator", "a\u2028b", "a⟨U+2028⟩b"},
		{"selector", "⚠\ufe0f", "⚠"},
		{"invalid", "a\xffb\xe4\xb8", "a�b��"},
		{"overlong", "\xc0\xaf", "��"},
		{"surrogate", "\xed\xa0\x80", "���"},
		{"marks capped", "e" + strings.Repeat("\u0301", 9) + "x", "e" + strings.Repeat("\u0301", 4) + "x"},
		{"mark without a base", "\u0301a\n\u0301", "◌\u0301a\n◌\u0301"},
	} {
		if got := text.Block(text.Untrusted(c.in)); got != c.want {
			t.Errorf("%s: Block(%q)\n got %q\nwant %q", c.name, c.in, got, c.want)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"host-1":       "host-1",
		"a\nb\r\nc\td": "a␤b␍␤c d",
		"\rfake: $ ":   "␍fake: $ ",
		"\x1b]0;x\x07": "⟨OSC 0⟩",
		"end\r":        "end␍",
	} {
		if got := text.Line(text.Untrusted(in)); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStringSequencesAreBounded(t *testing.T) {
	t.Parallel()
	in := "\x1b]0;" + strings.Repeat("x", 100_000)
	if got, want := text.Block(text.Untrusted(in)), "␛"+in[1:]; got != want {
		t.Errorf("an endless string sequence lost text: %d bytes, want %d", len(got), len(want))
	}
}

func TestFindHidden(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		"rm -rf x\n\t":       -1,
		"echo 停止\u3000":      -1,
		"rm\u00a0-rf":        2,
		"echo \u202etxt":     5,
		"a\u200db":           1,
		"a\rb":               1,
		"\x1b[0m":            0,
		"ab\u3164":           2,
		"a\ufe0f":            1,
		"\xff":               0,
		"x\U000e0101":        1,
		"caf\u00e9 e\u0301":  -1,
		"plain `code` {a} $": -1,
	} {
		if got, _ := text.FindHidden(in); got != want {
			t.Errorf("FindHidden(%q) = %d, want %d", in, got, want)
		}
	}
}

func FuzzSanitizer(f *testing.F) {
	for _, s := range []string{
		"a\x1b[31mb", "\x1b]52;c;x\x07", "\x1b]0;\x1b]0;\x1b\\", "\r\r\n\r", "\u0301\t停\t", "\x1bP\x1b\x1b\\", "\xe4\xb8",
		"\x1b[\xe4\xb8\xad", "\u009d0;x\u009c", "e\u0301\u0301\u0301\u0301\u0301\u0301", "\x1b(\x1b)B", "⚠\ufe0f\u200d",
	} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		block := text.Block(text.Untrusted(in))
		if !utf8.ValidString(block) {
			t.Fatalf("not UTF-8: %q", block)
		}
		if i := strings.IndexFunc(block, func(r rune) bool { return r != '\n' && (r < 0x20 || r >= 0x7f && r < 0xa0) }); i >= 0 {
			t.Fatalf("a control character at %d of %q", i, block)
		}
		if again := text.Block(text.Untrusted(block)); again != block {
			t.Fatalf("not idempotent: %q, then %q", block, again)
		}
		line := text.Line(text.Untrusted(in))
		if strings.ContainsAny(line, "\n\r\t") || text.Line(text.Untrusted(line)) != line {
			t.Fatalf("Line(%q) = %q", in, line)
		}
		var s text.Sanitizer
		var got []byte
		step := max(1, cut%7)
		for rest := in; len(rest) > 0; {
			n := min(step, len(rest))
			got = s.Append(got, rest[:n])
			rest = rest[n:]
		}
		if got = s.Flush(got); !bytes.Equal(got, []byte(block)) {
			t.Fatalf("in chunks of %d: %q, at once: %q", step, got, block)
		}
	})
}

func BenchmarkSanitizer(b *testing.B) {
	for name, line := range map[string]string{
		"ascii":   "2026-11-20 10:00:00 INFO tablet endpoint=10.0.0.1:10921 state=kHealthy\n",
		"chinese": "正在停止 tablet 服务，请稍候，完成后将继续下一步\n",
	} {
		data := []byte(strings.Repeat(line, 1000))
		b.Run(name, func(b *testing.B) {
			var s text.Sanitizer
			dst := make([]byte, 0, 2*len(data))
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				dst = s.Append(dst[:0], data)
			}
		})
	}
}
