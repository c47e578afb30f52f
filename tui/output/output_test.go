package output

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/text"
	"stepgate/tui/theme"
)

var plainTheme = theme.New(theme.Options{NoColor: true})

func lines(p *Pane, w, h int) []string {
	var out []string
	for _, l := range p.Lines(plainTheme, w, h) {
		out = append(out, ansi.Strip(l))
	}
	return out
}

func want(t *testing.T, p *Pane, w, h int, lines_ ...string) {
	t.Helper()
	if got := lines(p, w, h); !slices.Equal(got, lines_) {
		t.Errorf("got %q, want %q", got, lines_)
	}
}

// kept is what a journal keeps of an attempt: of each stream the bytes outside its gap.
type kept struct {
	streams [2]string
	gap     [2][2]int
	reads   int
	bytes   int
}

func (k *kept) read(_ context.Context, _ string, stream int, from int64, most int) ([]byte, int64, int64, error) {
	k.reads++
	s, gap := k.streams[stream], k.gap[stream]
	end, at := len(s), int(from)
	if at >= gap[0] && at < gap[1] {
		at = gap[1]
	}
	to := min(at+most, end)
	if at < gap[0] {
		to = min(to, gap[0])
	}
	if at >= end {
		return nil, max(from, int64(end)), int64(end), nil
	}
	k.bytes += to - at
	return []byte(s[at:to]), int64(at), int64(end), nil
}

// pump has a pane read all that it wants.
func (k *kept) pump(t *testing.T, p *Pane) {
	t.Helper()
	for range 10_000 {
		q, ok := p.Want()
		if !ok {
			return
		}
		r, err := q.Read(t.Context(), k.read)
		if err != nil {
			t.Fatal(err)
		}
		if !p.Take(r) {
			return
		}
	}
	t.Fatal("the pane never has enough")
}

// open shows an attempt of which all is known.
func (k *kept) open(t *testing.T) *Pane {
	t.Helper()
	var p Pane
	p.Reset("a1")
	p.Grow([2]int64{int64(len(k.streams[0])), int64(len(k.streams[1]))})
	lines(&p, 40, 4)
	k.pump(t, &p)
	return &p
}

// look draws, and reads what is wanted for it.
func (k *kept) look(t *testing.T, p *Pane, w, h int) []string {
	t.Helper()
	lines(p, w, h)
	k.pump(t, p)
	return lines(p, w, h)
}

func TestStreamsInTheOrderInWhichTheyGrew(t *testing.T) {
	t.Parallel()
	var k kept
	var p Pane
	p.Reset("a1")
	print := func(stream int, s string) {
		k.streams[stream] += s
		p.Grow([2]int64{int64(len(k.streams[0])), int64(len(k.streams[1]))})
	}
	print(0, "one\ntw")
	print(1, "bad\n")
	k.pump(t, &p)
	print(0, "o\n")
	print(1, "worse\n")
	print(0, "three\n")
	k.pump(t, &p)
	want(t, &p, 20, 9, "one", "two", "bad", "worse", "three")
	p.Toggle()
	want(t, &p, 20, 9, "one", "two", "three")
	p.Toggle()
	want(t, &p, 20, 9, "bad", "worse")
	again := k.open(t)
	want(t, again, 20, 9, "one", "two", "three", "bad", "worse")
}

func TestFollowsUntilScrolled(t *testing.T) {
	t.Parallel()
	var k kept
	p := k.open(t)
	put := func(s string) {
		k.streams[0] += s
		p.Grow([2]int64{int64(len(k.streams[0]))})
		k.pump(t, p)
	}
	for i := range 10 {
		put(fmt.Sprintf("%d\n", i))
	}
	want(t, p, 9, 3, "7", "8", "9")
	p.Scroll(-2)
	put("10\n")
	want(t, p, 9, 3, "5", "6", "7")
	if p.Following() {
		t.Error("follows although the operator scrolled away")
	}
	p.Scroll(99)
	want(t, p, 9, 3, "8", "9", "10")
	put("11\n")
	want(t, p, 9, 3, "9", "10", "11")
	p.Home()
	want(t, p, 9, 3, "0", "1", "2")
	p.End()
	want(t, p, 9, 3, "9", "10", "11")
}

// numbered are lines of 16 bytes that tell where they stand.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %010d\n", i)
	}
	return b.String()
}

// Whatever the size, the beginning, the end and what is between are shown, and what
// is held and read for it is bounded.
func TestAWindowOverMuch(t *testing.T) {
	t.Parallel()
	const n = 400_000
	k := kept{streams: [2]string{numbered(n), "at last\n"}}
	p := k.open(t)
	bounded := func(when string) {
		t.Helper()
		if len(p.w.rows) > 2*maxRows || p.w.held > 2*maxHeld {
			t.Errorf("%s: %d rows of %d bytes are held", when, len(p.w.rows), p.w.held)
		}
	}
	if got := k.look(t, p, 40, 3); got[0] != "line 0000399998" || got[2] != "at last" {
		t.Errorf("the end is %q", got)
	}
	if k.bytes > 1<<20 {
		t.Errorf("%d bytes were read to show the end", k.bytes)
	}
	p.Home()
	k.pump(t, p)
	if got := k.look(t, p, 40, 3); got[0] != "line 0000000000" || got[2] != "line 0000000002" {
		t.Errorf("the beginning is %q", got)
	}
	at := 0
	for range 3000 { // down, a page at a time
		p.Scroll(20)
		at += 20
		if got := k.look(t, p, 40, 20); got[0] != fmt.Sprintf("line %010d", at) {
			t.Fatalf("%d lines down is %q", at, got[0])
		}
		bounded("down")
	}
	for range 1500 {
		p.Scroll(-20)
		at -= 20
		if got := k.look(t, p, 40, 20); got[0] != fmt.Sprintf("line %010d", at) {
			t.Fatalf("back at line %d is %q", at, got[0])
		}
		bounded("up")
	}
	if got := p.Place(); got != "480.3 kB of 6.4 MB" {
		t.Errorf("the place is %q", got)
	}
	p.End()
	k.pump(t, p)
	if got := k.look(t, p, 40, 3); got[2] != "at last" || !p.Following() {
		t.Errorf("the end again is %q", got)
	}
	for range 1000 {
		p.Scroll(-7)
		k.look(t, p, 40, 20)
	}
	if got := k.look(t, p, 40, 20); got[0] != fmt.Sprintf("line %010d", n+1-20-999*7) {
		t.Errorf("so many lines up from the end is %q", got[0])
	}
	bounded("up from the end")
}

// What isn't kept is told where it would stand, from above and from below.
func TestAGapIsTold(t *testing.T) {
	t.Parallel()
	all := numbered(300_000)
	k := kept{streams: [2]string{all}, gap: [2][2]int{{1_600_000, 4_000_000}}}
	p := k.open(t)
	p.Home()
	k.pump(t, p)
	const told = "(2.4 MB not kept: 2400000 bytes)"
	seen := func(step int) bool {
		for range 3000 {
			p.Scroll(step)
			if got := k.look(t, p, 40, 50); slices.Contains(got, told) {
				i := slices.Index(got, told)
				if i == 0 || i == len(got)-1 {
					continue
				}
				if got[i-1] != "line 0000099999" || got[i+1] != "line 0000250000" {
					t.Errorf("around the gap stand %q", got[i-1:i+2])
				}
				return true
			}
		}
		return false
	}
	if !seen(40) {
		t.Error("the gap isn't told on the way down")
	}
	p.End()
	k.pump(t, p)
	if !seen(-40) {
		t.Error("the gap isn't told on the way up")
	}
	p.Scroll(-60)
	if got := k.look(t, p, 40, 5); !strings.HasPrefix(got[0], "line 00000999") {
		t.Errorf("above the gap stands %q", got)
	}
}

// A command that prints faster than anybody reads: what is shown is the end, and
// what is read for it doesn't depend on how much there is.
func TestWhatComesTooFastIsLeftOut(t *testing.T) {
	t.Parallel()
	var k kept
	k.streams[0] = strings.Repeat("y\n", 8<<20)
	var p Pane
	p.Reset("a1")
	for i := range 16 {
		p.Grow([2]int64{int64(i+1) << 20})
		before := k.bytes
		k.pump(t, &p)
		if n := k.bytes - before; n > slice {
			t.Errorf("%d bytes were read for one frame", n)
		}
		want(t, &p, 9, 2, "y", "y")
	}
	if len(p.w.rows) > 2*maxRows {
		t.Errorf("%d rows are held", len(p.w.rows))
	}
}

// An answer to what was asked before the operator went elsewhere changes nothing.
func TestLateAnswers(t *testing.T) {
	t.Parallel()
	k := kept{streams: [2]string{numbered(100_000)}}
	p := k.open(t)
	k.look(t, p, 40, 3)
	p.Home()
	q, ok := p.Want()
	if !ok {
		t.Fatal("nothing is read at the beginning")
	}
	late, err := q.Read(t.Context(), k.read)
	if err != nil {
		t.Fatal(err)
	}
	p.Toggle()
	k.pump(t, p)
	p.Take(late)
	if got := k.look(t, p, 40, 2); got[1] != "line 0000099999" {
		t.Errorf("the end became %q", got)
	}
	p.Reset("a2")
	p.Take(late)
	if !p.Empty() {
		t.Errorf("another attempt shows %q", lines(p, 40, 3))
	}
}

func TestWrapsAndCutsByCells(t *testing.T) {
	t.Parallel()
	var p Pane
	p.Static("check", "升级完成abc\n", "警告\n")
	want(t, &p, 6, 9, "升级完", "成abc", "警告")
	want(t, &p, 20, 9, "升级完成abc", "警告")
	if got := p.Tail(plainTheme, 20, 1); len(got) != 1 || ansi.Strip(got[0]) != "警告" {
		t.Errorf("tail %q", got)
	}
	p.Wrap()
	want(t, &p, 6, 9, "升级…", "警告")
	p.Sideways(1)
	want(t, &p, 8, 9, " 级完成…", " 告")
	p.Sideways(4)
	want(t, &p, 8, 9, " 成abc", "")
	p.Wrap()
	want(t, &p, 20, 9, "升级完成abc", "警告")
}

// The result of statements is a table as soon as it can be read, whatever pieces
// it comes in; what isn't one stays as it came.
func TestRows(t *testing.T) {
	t.Parallel()
	drawn := func(p *Pane) string { return strings.Join(lines(p, 40, 10), "\n") }
	var k kept
	var p Pane
	p.Reset("a")
	p.Rows()
	for _, part := range []string{"zone\tsta", "tus\nzone1\t已同步\n", "z2\t\\N\n"} {
		k.streams[0] += part
		p.Grow([2]int64{int64(len(k.streams[0]))})
		k.pump(t, &p)
	}
	k.streams[1] = "a warning\n"
	p.Grow([2]int64{int64(len(k.streams[0])), 10})
	k.pump(t, &p)
	if got, want := drawn(&p), "zone   status\n-----  ------\nzone1  已同步\nz2     NULL\n(2 rows)\na warning"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	p.Reset("b")
	k = kept{streams: [2]string{"zone\tstatus\n"}}
	p.Grow([2]int64{12})
	k.pump(t, &p)
	if got := drawn(&p); strings.Contains(got, "row") {
		t.Errorf("what a script printed became a table: %q", got)
	}
	p.Table("c", text.Grid{Columns: []string{"n"}, Rows: [][]text.Cell{{{Text: "7"}}}}, "")
	if got := drawn(&p); got != "n\n-\n7\n(1 row)" {
		t.Errorf("a result is %q", got)
	}
}

// An output that is a difference is coloured as one; what only looks like it in places
// isn't.
func TestDifference(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{})
	const d = "--- a\n+++ b\n@@ -1,2 +1,2 @@\n 端口\n-x\n+y\n"
	gone, come := th.Bad.UnsetBold().Render("-x"), th.Good.Render("+y")
	var p Pane
	p.Static("a difference", d, "")
	if got := strings.Join(p.Lines(th, 20, 10), "\n"); !strings.Contains(got, gone) || !strings.Contains(got, come) || !strings.Contains(got, th.Strong.Render("--- a")) {
		t.Errorf("%q", got)
	}
	for name, s := range map[string]string{"more is said": d + "done\n", "a list": "- x\n+ y\n", "its own colours": strings.Replace(d, "-x", "\x1b[35m-x\x1b[0m", 1)} {
		p.Static(name, s, "")
		if got := strings.Join(p.Lines(th, 20, 10), "\n"); strings.Contains(got, gone) {
			t.Errorf("%s: %q", name, got)
		}
	}
	p.Static("anew", d, d)
	if got := strings.Join(p.Tail(th, 20, 2), "\n"); !strings.Contains(got, gone) {
		t.Errorf("the tail of stderr: %q", got)
	}
}
