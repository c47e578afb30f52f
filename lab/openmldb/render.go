package openmldb

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// width is how wide the simulated programs take a text to be. All their cells
// are ASCII, and a terminal library's tables would double their start-up time.
func width(s string) int { return utf8.RuneCountInString(s) }

// writeDashed prints a table as the ns_client and the tablet client do: header,
// a line of dashes, rows, two blanks between columns.
func writeDashed(w io.Writer, a answer) {
	widths := columnWidths(a)
	line := func(cells []string) string {
		var b strings.Builder
		for i, cell := range cells {
			b.WriteString("  ")
			if i == len(cells)-1 {
				b.WriteString(cell)
			} else {
				b.WriteString(cell + blanks(widths[i]-width(cell)))
			}
		}
		return b.String()
	}
	total := 0
	for _, n := range widths {
		total += n + 2
	}
	fmt.Fprintln(w, line(a.Header))
	fmt.Fprintln(w, strings.Repeat("-", max(total, 9)))
	for _, r := range a.Rows {
		fmt.Fprintln(w, line(r))
	}
}

// writeGroups prints a table as the SQL client does: a group of dashes per
// column, and the number of rows at the end.
func writeGroups(w io.Writer, a answer) {
	widths := columnWidths(a)
	var rule strings.Builder
	for _, n := range widths {
		rule.WriteString(" " + strings.Repeat("-", n+2))
	}
	line := func(cells []string) string {
		var b strings.Builder
		for i, cell := range cells {
			b.WriteString("  " + cell + blanks(widths[i]-width(cell)) + " ")
		}
		return b.String()
	}
	fmt.Fprintln(w, rule.String())
	fmt.Fprintln(w, line(a.Header))
	fmt.Fprintln(w, rule.String())
	for _, r := range a.Rows {
		fmt.Fprintln(w, line(r))
	}
	if len(a.Rows) > 0 {
		fmt.Fprintln(w, rule.String())
	}
	fmt.Fprintf(w, "\n%d rows in set\n", len(a.Rows))
}

// writeFramed prints a table as Python's prettytable does: framed, centred.
func writeFramed(w io.Writer, a answer) {
	widths := columnWidths(a)
	var rule strings.Builder
	for _, n := range widths {
		rule.WriteString("+" + strings.Repeat("-", n+2))
	}
	rule.WriteString("+")
	line := func(cells []string) string {
		var b strings.Builder
		for i, cell := range cells {
			b.WriteString("| " + centred(cell, widths[i]) + " ")
		}
		return b.String() + "|"
	}
	fmt.Fprintln(w, rule.String())
	fmt.Fprintln(w, line(a.Header))
	fmt.Fprintln(w, rule.String())
	for _, r := range a.Rows {
		fmt.Fprintln(w, line(r))
	}
	if len(a.Rows) > 0 {
		fmt.Fprintln(w, rule.String())
	}
}

// centred pads as prettytable does: an odd blank goes to the right of text of
// odd width, else to the left.
func centred(s string, room int) string {
	n := width(s)
	excess := room - n
	left := excess / 2
	if excess%2 == 1 && n%2 == 0 {
		left++
	}
	return blanks(left) + s + blanks(excess-left)
}

func columnWidths(a answer) []int {
	widths := make([]int, len(a.Header))
	for _, row := range append([][]string{a.Header}, a.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	return widths
}

func blanks(n int) string { return strings.Repeat(" ", max(n, 0)) }
