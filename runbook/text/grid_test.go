package text

import (
	"reflect"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

// What is kept of a grid is that grid.
func TestGridIsKept(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "columns")
		names := rapid.SliceOfN(rapid.String(), n, n)
		g := Grid{Columns: names.Draw(t, "names")}
		for _, row := range rapid.SliceOfN(names, 0, 4).Draw(t, "rows") {
			cells := make([]Cell, n)
			for i, s := range row {
				if cells[i] = (Cell{Text: s}); rapid.Bool().Draw(t, "null") {
					cells[i] = Cell{Null: true}
				}
			}
			g.Rows = append(g.Rows, cells)
		}
		got, ok := ParseGrid(g.String())
		if want := g; !ok && g.String() != "\n" || ok && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q became %+v (%v), want %+v", g.String(), got, ok, want)
		}
	})
}

func TestParseGridRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "\n", "no end of line", "a\tb\nc\n", "a\nb\tc\n"} {
		if g, ok := ParseGrid(s); ok {
			t.Errorf("%q is a grid: %+v", s, g)
		}
	}
	if g, ok := ParseGrid("a\tb\n1\t2\n3\t"); !ok || len(g.Rows) != 1 {
		t.Errorf("a cut row is no row: %+v, %v", g, ok)
	}
}

func TestGridLines(t *testing.T) {
	t.Parallel()
	g := Grid{Columns: []string{"zone", "状态", "note"}, Rows: [][]Cell{
		{{Text: "zone1"}, {Text: "激活"}, {Null: true}},
		{{Text: "z2"}, {Text: "停"}, {Text: "a \x1b[31mred\nword that is rather long"}},
	}}
	want := map[int]string{
		60: "zone   状态  note\n-----  ----  ------------------------------\nzone1  激活  NULL\nz2     停    a red␤word",
		24: "zone   状态  note\n-----  ----  -----------\nzone1  激活  NULL",
		12: "zone  zone1\n状态  激活\nnote  NULL\n\nzone  z2",
	}
	for w, head := range want {
		lines := g.Lines(w)
		if got := strings.Join(lines, "\n"); !strings.HasPrefix(got, head) || strings.Contains(got, "\x1b") {
			t.Errorf("at %d:\n%s\nwant it to begin\n%s", w, got, head)
		}
	}
	for w := range 80 {
		for _, l := range g.Lines(w) {
			if n := ansi.StringWidth(l); n > w {
				t.Errorf("at %d a line has %d cells: %q", w, n, l)
			}
		}
	}
}
