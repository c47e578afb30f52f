package output

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/theme"
)

func lines(p *Pane, w, h int) []string {
	var out []string
	for _, l := range p.Lines(theme.New(theme.Options{NoColor: true}), w, h) {
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

func TestStreams(t *testing.T) {
	t.Parallel()
	var p Pane
	p.Reset("a1")
	p.Take("a1", 0, 0, []byte("one\ntw"))
	p.Take("a1", 1, 0, []byte("bad\n"))
	p.Take("a1", 0, 6, []byte("o\n"))
	p.Take("a2", 0, 8, []byte("of another attempt\n"))
	want(t, &p, 20, 9, "one", "two", "bad")
	p.Toggle()
	want(t, &p, 20, 9, "one", "two")
	p.Toggle()
	want(t, &p, 20, 9, "bad")
}

func TestOffsets(t *testing.T) {
	t.Parallel()
	var p Pane
	p.Reset("a1")
	p.Take("a1", 0, 0, []byte("one\n"))
	p.Take("a1", 0, 0, []byte("one\n"))       // seen already
	p.Take("a1", 0, 2, []byte("e\ntwo\n"))    // half of it
	p.Take("a1", 0, 100, []byte("three\n"))   // something is missing
	p.Skip("a1", 0, 200)                      // nobody keeps it
	p.Take("a1", 0, 200, []byte("\x1b[Jx\n")) // and no escape gets through
	want(t, &p, 40, 9, "one", "two", "(92 bytes not shown)", "three", "(94 bytes not kept)", "x")
	if from, _, ok := p.Want(0, 205); ok {
		t.Errorf("wants %d though all is there", from)
	}
	if from, size, ok := p.Want(0, 1000); !ok || from != 205 || size < 1 {
		t.Errorf("wants %d (%d bytes), %v", from, size, ok)
	}
	if from, _, ok := p.Want(1, 1<<30); !ok || from != 1<<30-window {
		t.Errorf("of a long stream wants %d, %v", from, ok)
	}
}

func TestFollowsUntilScrolled(t *testing.T) {
	t.Parallel()
	var p Pane
	p.Reset("a1")
	at := int64(0)
	put := func(s string) {
		p.Take("a1", 0, at, []byte(s))
		at += int64(len(s))
	}
	for i := range 10 {
		put(fmt.Sprintf("%d\n", i))
	}
	want(t, &p, 9, 3, "7", "8", "9")
	p.Scroll(-2)
	put("10\n")
	want(t, &p, 9, 3, "5", "6", "7")
	if p.Following() {
		t.Error("follows although the operator scrolled away")
	}
	p.Scroll(99)
	want(t, &p, 9, 3, "8", "9", "10")
	put("11\n")
	want(t, &p, 9, 3, "9", "10", "11")
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var p Pane
	p.Reset("a1")
	block := []byte(strings.Repeat("line\n", 1000))
	for i := range 20 {
		p.Take("a1", 0, int64(i*len(block)), block)
	}
	p.Take("a1", 0, int64(20*len(block)), []byte(strings.Repeat("宽", 100_000)))
	if len(p.lines) > maxLines {
		t.Errorf("%d lines are held", len(p.lines))
	}
	longest := 0
	for _, l := range p.lines {
		longest = max(longest, len(l.text))
	}
	if longest > maxLine+64 {
		t.Errorf("a line of %d bytes is held", longest)
	}
	p.Scroll(0)
	lines(&p, 40, 5)
	p.Scroll(-1 << 30)
	if got := lines(&p, 60, 1); !strings.Contains(got[0], "earlier lines not shown") {
		t.Errorf("the first line is %q", got)
	}
}

func TestWrapsByCells(t *testing.T) {
	t.Parallel()
	var p Pane
	p.Static("check", "升级完成abc\n", "警告\n")
	want(t, &p, 6, 9, "升级完", "成abc", "警告")
	want(t, &p, 20, 9, "升级完成abc", "警告")
	if got := p.Tail(theme.New(theme.Options{NoColor: true}), 20, 1); len(got) != 1 || ansi.Strip(got[0]) != "警告" {
		t.Errorf("tail %q", got)
	}
}

// The result of statements is a table as soon as it can be read, whatever pieces
// it comes in; what isn't one stays as it came.
func TestRows(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{NoColor: true})
	drawn := func(p *Pane) string { return ansi.Strip(strings.Join(p.Lines(th, 40, 10), "\n")) }
	var p Pane
	p.Reset("a")
	p.Rows()
	at := int64(0)
	for _, part := range []string{"zone\tsta", "tus\nzone1\t已同步\n", "z2\t\\N\n"} {
		p.Take("a", 0, at, []byte(part))
		at += int64(len(part))
	}
	p.Take("a", 1, 0, []byte("a warning\n"))
	if got, want := drawn(&p), "zone   status\n-----  ------\nzone1  已同步\nz2     NULL\n(2 rows)\na warning"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	p.Reset("b")
	p.Take("b", 0, 0, []byte("zone\tstatus\n"))
	if got := drawn(&p); strings.Contains(got, "row") {
		t.Errorf("what a script printed became a table: %q", got)
	}
}
