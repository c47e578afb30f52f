package checks

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	frame  = regexp.MustCompile(`^\s*\+(?:[-=:]*\+)+\s*$`)
	dashes = regexp.MustCompile(`^\s*[-=]{2,}(?:[ +]+[-=]+)*\s*$`)
	gap    = regexp.MustCompile(`\S+(?: \S+)*`)
)

func isFrame(line string) bool  { return frame.MatchString(line) }
func isDashes(line string) bool { return dashes.MatchString(line) }

var narrow = regexp.MustCompile(`^\s*-(?: +-+)*\s*$`)

// narrowRule tells whether a line that begins with one dash alone, which may be a
// value, is the rule under a header: under each name a group of dashes that begins
// where the name does, the first name of one letter.
func narrowRule(line, rule string) bool {
	names, under := strings.Fields(line), strings.Fields(rule)
	if !narrow.MatchString(rule) || len(names) != len(under) || utf8.RuneCountInString(names[0]) != 1 || notName(names[0]) {
		return false
	}
	for i, s := range groups(rule) {
		offset := cells(line)
		if s.from >= len(offset)-1 || offset[s.from] < 0 || !strings.HasPrefix(line[offset[s.from]:], names[i]) {
			return false
		}
	}
	return true
}

// framedHeader is +---+---+, | a | b |, +---+---+.
func framedHeader(lines []string, i int) (header, bool) {
	if i+1 >= len(lines) || !strings.HasPrefix(strings.TrimSpace(lines[i+1]), "|") {
		return header{}, false
	}
	var corners []int
	offsets := cells(lines[i])
	for cell, offset := range offsets[:len(offsets)-1] {
		if lines[i][offset] == '+' {
			corners = append(corners, cell)
		}
	}
	h := header{
		next: i + 2, skip: isFrame, closed: true,
		split: func(line string) ([]string, bool) { return splitFramed(line, corners) },
		end: func(lines []string, i int) bool {
			return !isFrame(lines[i]) && !strings.HasPrefix(strings.TrimSpace(lines[i]), "|")
		},
	}
	var ok bool
	h.cells, ok = h.split(lines[i+1])
	return h, ok
}

// splitFramed splits at the corners' places, so that a cell may hold a bar; a
// line that isn't aligned is split at its bars.
func splitFramed(line string, corners []int) ([]string, bool) {
	want := len(corners) - 1
	offsets := cells(line)
	aligned := true
	for _, c := range corners {
		aligned = aligned && c < len(offsets)-1 && offsets[c] >= 0 && line[offsets[c]] == '|'
	}
	out := make([]string, 0, want)
	if aligned {
		for i, c := range corners[1:] {
			out = append(out, strings.TrimSpace(line[offsets[corners[i]]+1:offsets[c]]))
		}
		return out, true
	}
	t := strings.TrimSpace(line)
	if !strings.HasPrefix(t, "|") || !strings.HasSuffix(t, "|") || len(t) < 2 {
		return nil, false
	}
	for cell := range strings.SplitSeq(t[1:len(t)-1], "|") {
		out = append(out, strings.TrimSpace(cell))
	}
	return out, len(out) == want
}

// dashesFirst is a line of dashes, the header, and dashes again.
func dashesFirst(lines []string, i int) (header, bool) {
	if i+2 >= len(lines) || blank(lines[i+1]) || isDashes(lines[i+1]) || strings.TrimSpace(lines[i]) != strings.TrimSpace(lines[i+2]) {
		return header{}, false
	}
	return dashedHeader(lines[i+1], lines[i], i+3)
}

// closesBlock tells whether the dashes at line i are those above a header, not
// those below one.
func closesBlock(lines []string, i int) bool {
	h, ok := dashesFirst(lines, i)
	if !ok {
		return false
	}
	// header, dashes, one row, dashes: the last dashes close the table.
	return h.next < len(lines) && !blank(lines[h.next]) && !isClosing(lines[h.next])
}

// dashedHeader is a header over one line of dashes, or over a group of dashes
// for each column, which then say where the columns are.
func dashedHeader(line, rule string, next int) (header, bool) {
	spans := groups(rule)
	switch {
	case len(spans) > 1:
	case len(strings.Fields(line)) == 1:
		spans = []span{{0, -1}}
	default:
		h, ok := columnsOf(line)
		h.next = next
		return h, ok
	}
	h := header{next: next, skip: never, end: blankEnds}
	plus := strings.Contains(rule, "+")
	h.split = func(row string) ([]string, bool) {
		if plus {
			row = unbar(row, spans)
		}
		if out, ok := cut(row, spans); ok {
			return out, true
		}
		fields := strings.Fields(row)
		return fields, len(fields) == len(spans)
	}
	var ok bool
	h.cells, ok = h.split(line)
	return h, ok
}

// groups are the places of the groups of dashes; a column goes on until the next
// begins.
func groups(rule string) []span {
	var out []span
	inside := false
	for i, r := range rule {
		dash := r == '-' || r == '='
		if dash && !inside {
			if len(out) > 0 {
				out[len(out)-1].to = i
			}
			out = append(out, span{i, -1})
		}
		inside = dash
	}
	return out
}

// unbar blanks the bars between columns of a rule like ---+---.
func unbar(row string, spans []span) string {
	offsets := cells(row)
	b := []byte(row)
	for _, s := range spans[1:] {
		if c := s.from - 1; c < len(offsets)-1 && offsets[c] >= 0 && b[offsets[c]] == '|' {
			b[offsets[c]] = ' '
		}
	}
	return string(b)
}

// columnsOf makes a header of a line alone. Names set apart by two blanks or
// more, or by tabs, may hold single blanks and have a place; other names are the
// line's words.
func columnsOf(line string) (header, bool) {
	h := header{skip: never, end: blankEnds}
	if strings.Contains(line, "\t") {
		h.cells = trimmed(strings.Split(line, "\t"))
		h.split = func(row string) ([]string, bool) {
			out := trimmed(strings.Split(row, "\t"))
			return out, len(out) == len(h.cells)
		}
		h.end = func(lines []string, i int) bool { return blank(lines[i]) || isClosing(lines[i]) }
		return h, true
	}
	names, spans := wideColumns(line)
	words := strings.Fields(line)
	if len(names) < 2 || len(names) < len(words) && !upper(line) {
		spans = nil
		names = words
	}
	h.cells = names
	h.split = func(row string) ([]string, bool) { return splitBlank(row, len(names), spans) }
	return h, len(names) > 0
}

// splitBlank reads a row by the columns' places and by its words. Where both
// are possible and differ, the row is ambiguous.
func splitBlank(row string, want int, spans []span) ([]string, bool) {
	words := strings.Fields(row)
	if spans == nil {
		return words, len(words) == want
	}
	out, ok := cut(row, spans)
	if ok {
		for _, cell := range out {
			ok = ok && !strings.Contains(cell, "  ")
		}
	}
	if len(words) != want {
		return out, ok
	}
	return words, !ok || slices.Equal(out, words)
}

// wideColumns finds names that are at least two blanks apart.
func wideColumns(line string) ([]string, []span) {
	var names []string
	var spans []span
	cellOf := map[int]int{}
	for cell, offset := range cells(line) {
		if offset >= 0 {
			cellOf[offset] = cell
		}
	}
	for _, m := range gap.FindAllStringIndex(line, -1) {
		from := cellOf[m[0]]
		if len(spans) > 0 {
			spans[len(spans)-1].to = from
		}
		names = append(names, line[m[0]:m[1]])
		spans = append(spans, span{from, -1})
	}
	if len(spans) > 0 {
		spans[0].from = 0
	}
	return names, spans
}

func trimmed(in []string) []string {
	for i := range in {
		in[i] = strings.TrimSpace(in[i])
	}
	return in
}

// notName tells a value from the name of a column.
func notName(cell string) bool {
	r, _ := utf8.DecodeRuneInString(cell)
	return cell == "" || !unicode.IsLetter(r) && r != '_' && r != '#' && r != '%'
}

func upper(line string) bool {
	letters := false
	for _, r := range line {
		if unicode.IsLower(r) {
			return false
		}
		letters = letters || unicode.IsUpper(r)
	}
	return letters
}

// blankHeader takes line i for a header without a rule. Without the name of the
// first column it must look like one: names in capitals two blanks apart, names
// between tabs, or names two blanks apart over a row that fits them.
func blankHeader(lines []string, i int, first string) (header, bool) {
	line := lines[i]
	h, ok := columnsOf(line)
	if !ok {
		return h, false
	}
	h.next = i + 1
	if first != "" {
		return h, h.cells[0] == first
	}
	names, _ := wideColumns(line)
	tabs := strings.Contains(line, "\t")
	if len(names) < 2 && !tabs || len(h.cells) < 2 || slices.ContainsFunc(h.cells, notName) {
		return h, false
	}
	if tabs || upper(line) {
		return h, true
	}
	if h.next >= len(lines) || h.end(lines, h.next) {
		return h, false
	}
	_, ok = h.split(lines[h.next])
	return h, ok
}
