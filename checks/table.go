package checks

import (
	"regexp"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

const maxRows = 200_000

// table is a text table: framed (+-+), with a line of dashes under its header,
// or with columns set apart by blanks or tabs.
type table struct {
	columns []string
	twice   []string // names of several columns; they can't be read
	rows    []map[string]string
}

// header is a candidate: where a table's columns are and which line comes next.
type header struct {
	cells []string
	split func(line string) ([]string, bool) // the cells of a row; false: another width
	next  int                                // first line after the header
	skip  func(line string) bool             // rules between the rows
	end   func(lines []string, i int) bool   // whether the table is over before line i

	closed bool // the last line must be a rule; without it the text was cut off
}

// parseTable reads the first table of a text, or the first whose first column
// has the given name. Every error is a reason for unknown.
func parseTable(s, first string) (*table, error) {
	lines := strings.Split(s, "\n")
	for i := range lines {
		h, ok := headerAt(lines, i, first)
		if !ok || first != "" && h.cells[0] != first {
			continue
		}
		t, last, err := h.read(lines)
		if err == nil && first == "" && len(t.rows) == 0 && anyHeader(lines, last) {
			return nil, unknown(`there are several tables, and the first has no rows: name the first column, as in table(stdout, "NAME")`)
		}
		return t, err
	}
	if first != "" {
		return nil, unknown("there is no table whose first column is %q", first)
	}
	return nil, unknown(`there is no table with a header (where it has neither frame nor dashes, name its first column: table(stdout, "NAME"))`)
}

func anyHeader(lines []string, from int) bool {
	for i := from; i < len(lines); i++ {
		if _, ok := headerAt(lines, i, ""); ok && !isClosing(lines[i]) {
			return true
		}
	}
	return false
}

// headerAt recognises a table that begins at line i.
func headerAt(lines []string, i int, first string) (header, bool) {
	line := lines[i]
	switch {
	case strings.TrimSpace(line) == "":
		return header{}, false
	case isFrame(line):
		return framedHeader(lines, i)
	case isDashes(line):
		return dashesFirst(lines, i)
	case i+1 < len(lines) && isDashes(lines[i+1]) && !closesBlock(lines, i+1):
		return dashedHeader(line, lines[i+1], i+2)
	case i+1 < len(lines) && narrowRule(line, lines[i+1]):
		return dashedHeader(line, lines[i+1], i+2)
	}
	return blankHeader(lines, i, first)
}

// read collects the rows; last is the line after them.
func (h header) read(lines []string) (t *table, last int, err error) {
	t = &table{}
	for i, name := range h.cells {
		switch {
		case slices.Contains(h.cells[:i], name) || slices.Contains(h.cells[i+1:], name):
			t.twice = append(t.twice, name)
		case name != "":
			t.columns = append(t.columns, name)
		}
	}
	t.rows = []map[string]string{}
	i := h.next
	for ; i < len(lines) && !h.end(lines, i); i++ {
		if h.skip(lines[i]) {
			continue
		}
		cells, ok := h.split(lines[i])
		if !ok {
			return nil, 0, unknown("a row of the table doesn't fit its %d columns: %s", len(h.cells), show(strings.TrimSpace(lines[i])))
		}
		if len(t.rows) == maxRows {
			return nil, 0, unknown("the table has more than %d rows", maxRows)
		}
		row := make(map[string]string, len(cells))
		for c, name := range h.cells {
			if name != "" && !slices.Contains(t.twice, name) {
				row[name] = cells[c]
			}
		}
		t.rows = append(t.rows, row)
	}
	if h.closed && !h.skip(lines[i-1]) {
		return nil, 0, unknown("the frame of the table isn't closed: the text ends early")
	}
	return t, i, nil
}

// has is an error unless the table has every one of the columns.
func (t *table) has(columns []string) error {
	for _, c := range columns {
		switch {
		case slices.Contains(t.twice, c):
			return unknown("the table has several columns %q", c)
		case !slices.Contains(t.columns, c):
			return unknown("there is no column %q (columns: %s)", c, some(t.columns))
		}
	}
	return nil
}

// first is the table's first column.
func (t *table) first() string {
	if len(t.columns) == 0 {
		return ""
	}
	return t.columns[0]
}

var closing = regexp.MustCompile(`^\(?\d+ (rows?|records?)( in set.*| affected.*)?\)?\.?$`)

// isClosing recognises the line that counts the rows.
func isClosing(line string) bool { return closing.MatchString(strings.TrimSpace(line)) }

func blank(line string) bool { return strings.TrimSpace(line) == "" }

func never(string) bool { return false }

// blankEnds ends a table without a frame: at an empty line, a line of dashes, or
// the line that counts the rows.
func blankEnds(lines []string, i int) bool {
	return blank(lines[i]) || isDashes(lines[i]) || isClosing(lines[i])
}

// span is a column's place in terminal cells; to < 0 means the end of the line.
type span struct{ from, to int }

// cut takes the spans out of a line, trimmed. It is false when something stands
// across a boundary, or left of the first span.
func cut(line string, spans []span) ([]string, bool) {
	out := make([]string, len(spans))
	offsets := cells(line)
	width := len(offsets) - 1
	at := func(cell int) int { return offsets[min(cell, width)] }
	if len(spans) == 0 || strings.TrimSpace(line[:at(spans[0].from)]) != "" {
		return nil, false
	}
	for i, s := range spans {
		if s.to < 0 || s.to > width {
			s.to = width
		}
		s.from = min(s.from, s.to)
		// A cell in the middle of a wide character has the offset -1.
		if at(s.from) < 0 || at(s.to) < 0 {
			return nil, false
		}
		if i > 0 && s.from > 0 && s.from < width {
			before := offsets[s.from-1]
			if before < 0 || line[before] != ' ' {
				return nil, false
			}
		}
		out[i] = strings.TrimSpace(line[at(s.from):at(s.to)])
	}
	return out, true
}

// cells maps each terminal cell of a line to its byte offset, -1 for the right
// half of a wide character; one more entry holds the length.
func cells(line string) []int {
	out := make([]int, 0, len(line)+1)
	for i := 0; i < len(line); {
		if line[i] < 0x80 && (i+1 == len(line) || line[i+1] < 0x80) {
			out = append(out, i)
			i++
			continue
		}
		cluster, width := ansi.FirstGraphemeCluster(line[i:], ansi.GraphemeWidth)
		for c := range width {
			if c == 0 {
				out = append(out, i)
			} else {
				out = append(out, -1)
			}
		}
		i += max(1, len(cluster))
	}
	return append(out, len(line))
}
