package script

import (
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What the console shows of a value: the constants and the rules are those of
// DolphinDB's own formatting, which its C++ API publishes (Util::DISPLAY_ROWS,
// Util::DISPLAY_COLS, Util::DISPLAY_WIDTH; AbstractTable::getString).
const (
	displayRows  = 30
	displayCols  = 10
	displayWidth = 120
)

// maxOutput bounds what one script may print.
const maxOutput = 16 << 20

type printer struct {
	w       io.Writer
	written int
}

const maxNested = 4 // vectors in vectors, as far as they are shown

// line prints a value as a statement of its own does.
func (p *printer) line(v Value) error {
	s := display(v)
	if !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	if p.written += len(s); p.written > maxOutput {
		return say("the output of the script is too long")
	}
	_, err := io.WriteString(p.w, s)
	return err
}

// display is a value as print shows it; a table ends with a newline.
func display(v Value) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []Value:
		return vectorText(v, 0)
	case map[string]Value:
		return dictionaryText(v, 0)
	case *Table:
		return tableText(v)
	case Func:
		return v.Name
	case pair:
		return literalText(v.from, 0) + " : " + literalText(v.to, 0)
	}
	return scalarText(v)
}

func scalarText(v Value) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return doubleText(v)
	case time.Time:
		return v.Format("2006.01.02T15:04:05.000")
	case Date:
		return v.Format("2006.01.02")
	case Datetime:
		return v.Format("2006.01.02T15:04:05")
	case Nanotimestamp:
		return v.Format("2006.01.02T15:04:05.000000000")
	}
	return ""
}

// doubleText has at most six digits behind the point.
func doubleText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return "∞"
	}
	if a := math.Abs(f); a > 0 && (a <= 0.000001 || a >= 1e6) {
		s := strconv.FormatFloat(f, 'E', 6, 64)
		digits, exponent, _ := strings.Cut(s, "E")
		digits = strings.TrimRight(digits, "0")
		if strings.HasSuffix(digits, ".") {
			digits += "0"
		}
		n, _ := strconv.Atoi(exponent)
		return digits + "E" + strconv.Itoa(n)
	}
	s := strconv.FormatFloat(f, 'f', 6, 64)
	s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}

// literalText is a value as it stands inside of a vector.
func literalText(v Value, depth int) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strconv.Quote(v)
	case []Value:
		return vectorText(v, depth+1)
	case map[string]Value:
		return strings.TrimSuffix(dictionaryText(v, depth+1), "\n")
	}
	return strings.TrimSuffix(display(v), "\n")
}

func vectorText(v []Value, depth int) string {
	from, to := "[", "]"
	if !uniform(v) {
		from, to = "(", ")"
	}
	var b strings.Builder
	b.WriteString(from)
	for i, x := range v {
		if i == displayRows || depth == maxNested || b.Len() > maxOutput {
			b.WriteString("...")
			break
		}
		if i > 0 {
			b.WriteString(",")
		}
		if x == nil && len(v) == 1 {
			b.WriteString("NULL")
		}
		b.WriteString(literalText(x, depth))
	}
	return b.String() + to
}

func dictionaryText(m map[string]Value, depth int) string {
	var b strings.Builder
	for i, k := range sortedKeys(m) {
		if i == displayRows || depth == maxNested || b.Len() > maxOutput {
			b.WriteString("...\n")
			break
		}
		s, text := m[k].(string)
		if !text {
			s = literalText(m[k], depth)
		}
		b.WriteString(k + "->" + s + "\n")
	}
	return b.String()
}

// tableText shows the first rows, and as many columns as fit: longer texts are
// cut, and what is left out is marked by dots.
func tableText(t *Table) string {
	if len(t.Cols) == 0 {
		return "\n"
	}
	rows := min(displayRows, len(t.Rows))
	limit := displayWidth/min(len(t.Cols), displayCols) + 5
	lines := make([]strings.Builder, rows+1)
	var rule strings.Builder
	width, shown := 0, 0
	for ; shown < len(t.Cols) && width < displayWidth; shown++ {
		cells, w := t.column(shown, rows, limit)
		last := shown == len(t.Cols)-1
		if width+w > displayWidth && !last {
			break
		}
		rule.WriteString(strings.Repeat("-", w))
		if !last {
			rule.WriteString(" ")
			w++
		}
		for i, c := range cells {
			lines[i].WriteString(fitted(c, w))
		}
		width += w
	}
	more, dashes := "", ""
	if shown < len(t.Cols) {
		more, dashes = "...", "---"
	}
	var b strings.Builder
	b.WriteString(lines[0].String() + more + "\n" + rule.String() + dashes + "\n")
	for i := range rows {
		b.WriteString(lines[i+1].String() + more + "\n")
	}
	if rows < len(t.Rows) {
		b.WriteString("...\n")
	}
	return b.String()
}

// column is the texts of one column, its name first, and how wide it is: only
// texts are narrowed to the limit.
func (t *Table) column(c, rows, limit int) (cells []string, width int) {
	cells = []string{t.Cols[c]}
	texts := false
	for _, r := range t.Rows[:rows] {
		_, ok := r[c].(string)
		texts = texts || ok
		s := strings.TrimSuffix(display(r[c]), "\n")
		cells = append(cells, s)
		width = max(width, len(s))
	}
	if texts {
		width = min(width, limit)
	}
	if len(cells[0]) > width {
		width = min(limit, len(cells[0]))
	}
	return cells, width
}

func fitted(s string, width int) string {
	if len(s) <= width {
		return s + strings.Repeat(" ", width-len(s))
	}
	if width <= 3 {
		return "..."
	}
	cut := width - 3
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
