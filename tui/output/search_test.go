package output

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"stepgate/tui/theme"
)

// seek has a pane do all of a search.
func (k *kept) seek(t *testing.T, p *Pane) {
	t.Helper()
	for range 10_000 {
		s, ok := p.Scan()
		if !ok {
			k.pump(t, p)
			return
		}
		r, err := s.Search(t.Context(), k.read)
		if err != nil {
			t.Fatal(err)
		}
		p.Scanned(r)
		k.pump(t, p)
	}
	t.Fatal("the search never ends")
}

func pattern(t *testing.T, s string) *Pattern {
	t.Helper()
	p, err := NewPattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, in string
		want        int
	}{
		{"error", "Error: no ERROR here", 2},
		{"Error", "Error: no ERROR here", 1},
		{"a.c", "abc a.c A.C", 2},
		{"/a.c", "abc a.c A.C", 3},
		{"/x*", "aaa", 0},
		{"/^err(or)?$", "err", 1},
		{"警告", "一个警告，两个警告", 2},
		{"größe", "GRÖSSE Größe", 1},
	} {
		if got := len(pattern(t, c.pattern).Matches([]byte(c.in))); got != c.want {
			t.Errorf("%q is in %q %d times, want %d", c.pattern, c.in, got, c.want)
		}
	}
	if p, err := NewPattern(""); p != nil || err != nil {
		t.Errorf("nothing is searched for as %v, %v", p, err)
	}
	if _, err := NewPattern("/("); err == nil || !strings.Contains(err.Error(), `"(" is no regular expression`) {
		t.Errorf("half an expression: %v", err)
	}
}

// A search goes through all that is kept, whichever part of it is looked at, and from
// match to match, around the ends.
func TestSearchGoesThroughAll(t *testing.T) {
	t.Parallel()
	const n = 400_000
	k := kept{streams: [2]string{numbered(n), "line 0000077777 too\n"}, gap: [2][2]int{{1_600_000, 3_200_000}}}
	p := k.open(t)
	lines(p, 40, 6)
	p.Search(pattern(t, "77777"))
	k.seek(t, p)
	at := func(want int, shows string) {
		t.Helper()
		k.pump(t, p)
		if got, of, more := p.Found(); got != want || of != 4 || more {
			t.Errorf("the match is number %d of %d (more: %v), want %d of 4", got, of, more, want)
		}
		if got := k.look(t, p, 40, 6); !slices.Contains(got, shows) {
			t.Errorf("match %d shows %q, want %q in it", want, got, shows)
		}
	}
	at(4, "line 0000077777 too") // the end was followed
	p.Next(1)
	at(1, "line 0000077777")
	p.Next(1)
	at(2, "line 0000277777")
	p.Next(1)
	at(3, "line 0000377777")
	p.Next(-1)
	p.Next(-1)
	at(1, "line 0000077777")
	p.Next(-1)
	at(4, "line 0000077777 too")

	k.streams[0] += "77777 once more\n"
	p.Grow([2]int64{int64(len(k.streams[0])), int64(len(k.streams[1]))})
	p.Next(1)
	k.seek(t, p)
	k.pump(t, p)
	if got, of, _ := p.Found(); got != 5 || of != 5 {
		t.Errorf("what came since is match %d of %d, want 5 of 5", got, of)
	}
}

// However bytes come, the same lines are found: the short way through plain text finds
// what the long one does.
func TestSearchFindsWhatIsSeen(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 30_000 {
		switch i % 7 {
		case 3:
			fmt.Fprintf(&b, "\x1b[31mER\x1b[0mROR %d\n", i) // across a colour
		case 5:
			fmt.Fprintf(&b, "ERROR\rfixed %d\n", i) // written over
		case 6:
			fmt.Fprintf(&b, "all fine\b\b\b\bERROR %d\n", i)
		default:
			fmt.Fprintf(&b, "line %d with an Error\n", i)
		}
	}
	k := kept{streams: [2]string{b.String()}}
	for _, c := range []struct {
		pattern string
		want    int
	}{{"ERROR", 30_000/7*2 + 1}, {"error", 30_000/7*6 + 5}, {"/^ERROR [0-9]*$", 30_000/7 + 1}, {"nothing of it", 0}} {
		p := k.open(t)
		p.Search(pattern(t, c.pattern))
		k.seek(t, p)
		if _, of, more := p.Found(); of != c.want || more {
			t.Errorf("%q: %d lines (more: %v), want %d", c.pattern, of, more, c.want)
		}
	}
}

// What matches everywhere ends early, and says so.
func TestSearchKeepsABoundedNumber(t *testing.T) {
	t.Parallel()
	k := kept{streams: [2]string{strings.Repeat("y\n", 4*mostFound)}}
	p := k.open(t)
	p.Search(pattern(t, "y"))
	k.seek(t, p)
	if _, of, more := p.Found(); of != mostFound || !more || p.Searching() {
		t.Errorf("%d lines are kept, more: %v", of, more)
	}
}

// A search that is stopped keeps what it has found, and goes on from there when the
// next match is asked for.
func TestSearchIsStopped(t *testing.T) {
	t.Parallel()
	k := kept{streams: [2]string{numbered(10_000)}}
	p := k.open(t)
	p.Search(pattern(t, "9999"))
	s, ok := p.Scan()
	if !ok || !p.Searching() {
		t.Fatal("nothing is searched")
	}
	p.StopSearch()
	r, err := s.Search(t.Context(), k.read)
	if err != nil {
		t.Fatal(err)
	}
	p.Scanned(r)
	if _, of, more := p.Found(); of != 0 || !more || p.Searching() {
		t.Errorf("after it was stopped it finds %d, more: %v", of, more)
	}
	p.Next(1)
	k.seek(t, p)
	if at, of, more := p.Found(); at != 1 || of != 1 || more {
		t.Errorf("going on finds %d of %d, more: %v", at, of, more)
	}
	p.Forget()
	if p.Pattern() != nil {
		t.Error("it isn't forgotten")
	}
}

// Matches are marked, across colours and where a line is wrapped.
func TestMatchesAreMarked(t *testing.T) {
	t.Parallel()
	var p Pane
	p.Static("x", "a \x1b[31mred wo\x1b[0mrd here\n", "")
	p.Search(pattern(t, "red word"))
	got := strings.Join(p.Lines(theme.New(theme.Options{NoColor: true}), 6, 9), "|")
	if want := "a \x1b[1;7mred \x1b[m|\x1b[1;7mwo\x1b[m\x1b[1;7mrd\x1b[m h|ere"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
