package text

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Grid is a result of columns and rows, as a database gives it. Its String is
// what is kept of it: a line for the names of the columns and one for each row,
// cells separated by tabs; within a cell a backslash, a tab and the ends of
// lines are written \\ \t \n \r, and NULL is \N.
type Grid struct {
	Columns []string
	Rows    [][]Cell
}

// Cell is a value of a grid.
type Cell struct {
	Text string
	Null bool
}

var (
	intoCell = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
	fromCell = strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r")
)

func (g Grid) String() string {
	var b strings.Builder
	for i, c := range g.Columns {
		if i > 0 {
			b.WriteByte('\t')
		}
		b.WriteString(intoCell.Replace(c))
	}
	b.WriteByte('\n')
	for _, row := range g.Rows {
		for i, c := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			if c.Null {
				b.WriteString(`\N`)
			} else {
				b.WriteString(intoCell.Replace(c.Text))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// ParseGrid reads what [Grid.String] has written. false: it is no grid. A last
// line without an end is cut off, and left out.
func ParseGrid(s string) (Grid, bool) {
	s, _, _ = cutLast(s, "\n")
	if s == "" {
		return Grid{}, false
	}
	lines := strings.Split(s, "\n")
	var g Grid
	for _, c := range strings.Split(lines[0], "\t") {
		g.Columns = append(g.Columns, fromCell.Replace(c))
	}
	for _, l := range lines[1:] {
		cells := strings.Split(l, "\t")
		if len(cells) != len(g.Columns) {
			return Grid{}, false
		}
		row := make([]Cell, len(cells))
		for i, c := range cells {
			if row[i] = (Cell{Text: fromCell.Replace(c)}); c == `\N` {
				row[i] = Cell{Null: true}
			}
		}
		g.Rows = append(g.Rows, row)
	}
	return g, true
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

const (
	gridGap   = 2 // cells between two columns
	gridLeast = 4 // cells of a column that had to give way
)

// Lines draws the grid in lines of at most w cells: the names, a rule, the rows.
// Columns give way, widest first; where even that doesn't fit, each row becomes
// a block of its own, a line for each column.
func (g Grid) Lines(w int) []string {
	table := make([][]string, 0, len(g.Rows)+1)
	table = append(table, make([]string, len(g.Columns)))
	for i, c := range g.Columns {
		table[0][i] = Line(Untrusted(c))
	}
	for _, row := range g.Rows {
		shown := make([]string, len(row))
		for i, c := range row {
			if shown[i] = Line(Untrusted(c.Text)); c.Null {
				shown[i] = "NULL"
			}
		}
		table = append(table, shown)
	}
	widths, fit := columns(table, w)
	if !fit {
		return blocks(table, w)
	}
	out := make([]string, 0, len(table)+1)
	for n, row := range table {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = pad(c, widths[i])
		}
		out = append(out, strings.TrimRight(strings.Join(cells, strings.Repeat(" ", gridGap)), " "))
		if n == 0 {
			for i := range cells {
				cells[i] = strings.Repeat("-", widths[i])
			}
			out = append(out, strings.Join(cells, strings.Repeat(" ", gridGap)))
		}
	}
	return out
}

// columns are the widths of a table's columns, and whether they fit in w.
func columns(table [][]string, w int) ([]int, bool) {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, c := range row {
			widths[i] = max(widths[i], ansi.StringWidth(c), 1)
		}
	}
	total := gridGap * (len(widths) - 1)
	for _, n := range widths {
		total += n
	}
	for total > w {
		widest := 0
		for i, n := range widths {
			if n > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= gridLeast {
			return nil, false
		}
		widths[widest]--
		total--
	}
	return widths, true
}

// blocks draws each row as "name  value" lines.
func blocks(table [][]string, w int) []string {
	name := 0
	for _, c := range table[0] {
		name = max(name, ansi.StringWidth(c))
	}
	name = min(name, max(w/3, 1))
	var out []string
	for n, row := range table[1:] {
		if n > 0 {
			out = append(out, "")
		}
		for i, c := range row {
			out = append(out, ansi.Truncate(pad(table[0][i], name)+"  "+c, max(w, 0), "…"))
		}
	}
	if len(table) == 1 {
		for _, c := range table[0] {
			out = append(out, ansi.Truncate(c, max(w, 0), "…"))
		}
	}
	return out
}

func pad(s string, w int) string {
	s = ansi.Truncate(s, w, "…")
	return s + strings.Repeat(" ", max(w-ansi.StringWidth(s), 0))
}
