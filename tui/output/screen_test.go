package output

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/text/hostile"
	"stepgate/tui/theme"
)

// drawnAs are the lines that bytes become, fed in pieces of that size.
func drawnAs(in string, size int) []string {
	var rows []*row
	s := newScreen(0, func(r *row) { rows = append(rows, r) }, nil)
	for at := 0; at < len(in); at += size {
		s.write(int64(at), []byte(in[at:min(at+size, len(in))]))
	}
	s.end(int64(len(in)))
	var out []string
	for _, r := range rows {
		out = append(out, string(r.bytes()))
	}
	return out
}

// Programs draw their progress as on a terminal; each case also comes byte by byte.
func TestScreen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"lines", "one\ntwo\n\nfour", []string{"one", "two", "", "four"}},
		{"CRLF", "one\r\ntwo\r\n", []string{"one", "two"}},
		{"curl", "  0  100\r 50  100\r100  100\ndone\n", []string{"100  100", "done"}},
		{"a shorter text over a longer one", "downloading\rdone", []string{"doneloading"}},
		{"erased behind the cursor", "downloading\rdone\x1b[K\n", []string{"done"}},
		{"the whole line erased", "working\r\x1b[2Kdone\n", []string{"done"}},
		{"tqdm", " 10%|█         |\r 20%|██        |\r100%|██████████|\n", []string{"100%|██████████|"}},
		{"docker pull", "a: Waiting\nb: Waiting\n\x1b[2A\x1b[2K\ra: Pulling\x1b[2B\r\x1b[1A\x1b[2K\rb: Done\x1b[1B\r", []string{"a: Pulling", "b: Done"}},
		{"more lines than before", "a\n\x1b[1Ab\nc\nd\n", []string{"b", "c", "d"}},
		{"erased below", "a\nb\nc\n\x1b[2A\x1b[Jx\n", []string{"a", "x", ""}},
		{"backspaces", "50%\b\b\b60%\b\b\b\b\b\b70%\n", []string{"70%"}},
		{"a spinner", "|\b/\b-\b\\\b \b", []string{""}},
		{"a column", "abcdef\x1b[3GX\x1b[1GY\n", []string{"YbXdef"}},
		{"right and left", "ab\x1b[2Cc\x1b[3DX\n", []string{"abXc"[:2] + "X c"}},
		{"taken out", "abcdef\r\x1b[2Pgh\n", []string{"ghef"}},
		{"tabs", "a\tb\n停\tc\n\tx\n", []string{"a       b", "停      c", "        x"}},
		{"half of a wide character", "停止\r a\n", []string{" a止"}},
		{"the other half", "停止\r\x1b[1Cb\n", []string{" b止"}},
		{"wide over narrow", "abcdef\r停止\n", []string{"停止ef"}},
		{"the cursor hidden", "\x1b[?25lx\x1b[?25h\n", []string{"x"}},
		{"further up than there is anything", "a\n\x1b[99Ab\n", []string{"b"}},
		{"cut from its line's beginning", "x\x1b[1Ay", []string{"xy"}},
		{"the screen cleared", "a\n\x1b[2J\x1b[Hb\n", []string{"a", "⟨CSI H⟩b"}},
		{"another screen", "\x1b[?1049hvi\x1b[?1049l\n", []string{"⟨CSI ?1049h⟩vi⟨CSI ?1049l⟩"}},
		{"a scroll region", "\x1b[1;5rx\x1b7\x1b8", []string{"⟨CSI 1;5r⟩x⟨ESC 7⟩⟨ESC 8⟩"}},
		{"repeated", "x\x1b[20000000b", []string{"x⟨CSI 20000000b⟩"}},
		{"a number beyond reason", "x\x1b[12345A", []string{"x⟨CSI 12345A⟩"}},
		{"a title", "\x1b]0;t\ab", []string{"⟨OSC 0⟩b"}},
		{"a title that doesn't end", "\x1b]0;t\x1b[1mb\rc", []string{"c␛]0;tb"[:0] + "c]0;tb"}},
		{"a bell", "a\ab", []string{"a␇b"}},
	} {
		for _, size := range []int{1 << 20, 1, 3} {
			if got := drawnAs(c.in, size); !slices.Equal(got, c.want) {
				t.Errorf("%s, %d at a time: got %q, want %q", c.name, size, got, c.want)
			}
		}
	}
}

// A line longer than a row goes on in the next one; nothing of it is lost.
func TestLongLines(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"x", "宽", "\x1b[31mr"} {
		in := strings.Repeat(unit, 20_000)
		got := drawnAs(in, 1<<20)
		if joined := strings.Join(got, ""); joined != ansi.Strip(in) || len(got) < 3 {
			t.Errorf("%q: %d bytes in %d rows, want %d", unit, len(joined), len(got), len(ansi.Strip(in)))
		}
		for _, l := range got {
			if len(l) > maxLine+utf8.UTFMax {
				t.Errorf("%q: a row of %d bytes", unit, len(l))
			}
		}
	}
}

// Colours are those that were asked for, as far as the theme lets them be.
func TestColours(t *testing.T) {
	t.Parallel()
	in := "\x1b[1;31mred\x1b[0m \x1b[38;5;208morange\x1b[39m \x1b[38;2;1;2;3mnearly black\x1b[m \x1b[30;40mhidden\x1b[0m \x1b[7mreversed\x1b[27m \x1b[8mconcealed\n"
	draw := func(o theme.Options) string {
		var p Pane
		p.Static("x", in, "")
		return strings.Join(p.Lines(theme.New(o), 80, 3), "\n")
	}
	const said = "red orange nearly black hidden reversed concealed"
	dark, light, none := draw(theme.Options{}), draw(theme.Options{Light: true}), draw(theme.Options{NoColor: true})
	for _, got := range []string{dark, light, none} {
		if ansi.Strip(got) != said {
			t.Errorf("the text is %q", ansi.Strip(got))
		}
	}
	if dark == light {
		t.Error("a light background changes nothing")
	}
	if regexp.MustCompile(`\x1b\[[0-9;]*[34]8;`).MatchString(none) || !strings.Contains(none, "\x1b[1m") {
		t.Errorf("without colours it is %q", none)
	}
	for _, want := range []string{"38;2;255;135;0morange", ";1m"} {
		if !strings.Contains(dark, want) && !strings.Contains(dark, "\x1b[1;") {
			t.Errorf("%q isn't in %q", want, dark)
		}
	}
	for _, never := range []string{"38;2;1;2;3m", "\x1b[8m", "\x1b[5m"} {
		if strings.Contains(dark, never) {
			t.Errorf("%q is in %q", never, dark)
		}
	}
}

// ours are the sequences that a pane draws with.
var ours = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// Whatever is printed, on either stream, in whatever pieces, wrapped or cut: what is
// drawn is text and colours of our own, and fits.
func TestTortureT13Pane(t *testing.T) {
	t.Parallel()
	cases, err := hostile.Corpus()
	if err != nil {
		t.Fatal(err)
	}
	th := theme.New(theme.Options{})
	n := 0
	for i, c := range cases {
		var k kept
		k.streams[i%2] = c.Text
		p := k.open(t)
		for _, w := range []int{1, 37, 100} {
			check(t, c.Name, p.Lines(th, w, 20), w, 20)
			p.Wrap()
			check(t, c.Name+", cut", p.Lines(th, w, 20), w, 20)
			p.Sideways(w)
			check(t, c.Name+", to the right", p.Lines(th, w, 20), w, 20)
			p.Wrap()
			n++
		}
		check(t, c.Name+", its tail", p.Tail(th, 60, 12), 60, 12)
		p.Home()
		k.pump(t, p)
		check(t, c.Name+", its beginning", p.Lines(th, 80, 20), 80, 20)
		if why := hostile.Harm(strings.ReplaceAll(p.Copy(), "\n", "")); why != "" {
			t.Errorf("%s: what is copied holds %s", c.Name, why)
		}
	}
	tally.Add(t, tally.Cases, n)
}

func check(t testing.TB, name string, lines []string, w, h int) {
	t.Helper()
	if len(lines) > h {
		t.Errorf("%s: %d lines, want at most %d", name, len(lines), h)
	}
	for _, l := range lines {
		s := ours.ReplaceAllString(l, "")
		if why := hostile.Harm(s); why != "" || strings.Contains(s, "\n") {
			t.Errorf("%s: a line holds %q", name, why)
		}
		if n := ansi.StringWidth(l); n > w {
			t.Errorf("%s: a line of %d cells, want at most %d: %.200q", name, n, w, l)
		}
	}
}

// Any bytes, cut anywhere, become the same text, and nothing but text.
func FuzzScreen(f *testing.F) {
	for _, s := range []string{
		"a\x1b[2Ab\x1b[K", "停\r\x1b[Cx\b\b", "\u1100\b\x1b[C\u1100\b\x1b[C\u1161", "\x1b]0;a\tb\bc\n", "e\r\u0301", "a\tb\t\x1b[P", "\x1b[31;38;5;1m\x1b[48;2;1;2m",
		"\U0001f1e9\b\U0001f1ea\x1b[A\n", "\xe4\xb8\r\xad",
	} {
		f.Add(s, 1)
	}
	f.Fuzz(func(t *testing.T, in string, size int) {
		if size = 1 + (size&0x7fffffff)%7; len(in) > 1<<12 {
			return
		}
		whole := drawnAs(in, 1<<20)
		if got := drawnAs(in, size); !slices.Equal(got, whole) {
			t.Fatalf("%q: %d at a time it is %q, else %q", in, size, got, whole)
		}
		for _, l := range whole {
			if why := hostile.Harm(l); why != "" || !utf8.ValidString(l) || strings.ContainsAny(l, "\n\x1b") {
				t.Fatalf("%q became %q: %s", in, l, why)
			}
		}
	})
}

// How fast bytes become lines, and are searched.
func BenchmarkScreen(b *testing.B) {
	for name, unit := range map[string]string{
		"log":      "2026-03-14T22:00:00Z INFO tablet-1 partition 12 of table 8 is now led by tablet-2\n",
		"short":    "y\n",
		"coloured": "\x1b[32mINFO\x1b[0m tablet-1 partition 12 of table 8 is now \x1b[1mled\x1b[0m by tablet-2\n",
		"progress": " 42% [=================>                      ] 312 MB of 1.1 GB, 12 s left\r",
		"Chinese":  "正在把主副本从 tablet-1 迁移到 tablet-2，请稍候，可能需要几分钟\n",
	} {
		data := []byte(strings.Repeat(unit, (1<<20)/len(unit)))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for range b.N {
				s := newScreen(0, nil, nil)
				for at := 0; at < len(data); at += slice {
					s.write(int64(at), data[at:min(at+slice, len(data))])
				}
			}
		})
		b.Run("search/"+name, func(b *testing.B) {
			pattern, err := NewPattern("nowhere")
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			read := func(_ context.Context, _ string, _ int, from int64, most int) ([]byte, int64, int64, error) {
				return data[from:min(int(from)+most, len(data))], from, int64(len(data)), nil
			}
			for range b.N {
				s := Scan{doc: []segment{{to: int64(len(data))}}, room: 10, state: &scanning{pattern: pattern}}
				for {
					r, err := s.Search(b.Context(), read)
					if err != nil {
						b.Fatal(err)
					}
					if s.from = r.upto; r.done {
						break
					}
				}
			}
		})
	}
}
