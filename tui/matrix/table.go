package matrix

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/wording"
)

// Table writes every sheet of a run as text: what its steps are called, how its
// walks stand, and a line for each host with a word for each step.
func Table(w io.Writer, s *run.Snapshot, now time.Time) error {
	var b strings.Builder
	sheets := Sheets(s.Run.Plan)
	if len(sheets) == 0 {
		b.WriteString("No step of this run runs at several places, and none is repeated for hosts.\n")
	}
	for i, sh := range sheets {
		if i > 0 {
			b.WriteString("\n")
		}
		New(s.Run, sh).table(&b, newScene(s), now)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (g *Grid) table(b *strings.Builder, s *scene, now time.Time) {
	var m rolls
	fmt.Fprintf(b, "%s: %s\n", g.Title(s.Run), g.through(s, &m))
	for _, f := range g.facts(s, &m, now) {
		fmt.Fprintf(b, "  %s\n", f)
	}
	for _, c := range g.Cols {
		fmt.Fprintf(b, "  %s\n", strings.TrimSpace(c.Number+" "+c.Title))
	}
	b.WriteString("\n")
	lines := [][]string{{""}}
	for _, c := range g.Cols {
		lines[0] = append(lines[0], c.Number)
	}
	lines[0] = append(lines[0], "")
	for i, r := range g.Rows {
		line := []string{strings.Repeat("  ", r.Depth) + r.Name}
		for col := range g.Cols {
			line = append(line, g.said(s, i, col, now))
		}
		lines = append(lines, append(line, g.remark(s.Run, i, &m)))
	}
	widths := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, f := range l {
			widths[i] = max(widths[i], ansi.StringWidth(f))
		}
	}
	for _, l := range lines {
		out := "  "
		for i, f := range l {
			out += pane.Fit(f, widths[i], "") + "  "
		}
		b.WriteString(strings.TrimRight(out, " ") + "\n")
	}
}

// said is the word at a place, where no sign stands beside it.
func (g *Grid) said(s *scene, row, col int, now time.Time) string {
	spots := g.spots(s.Run, row, col)
	c, ok := worst(s, spots)
	if !ok {
		return ""
	}
	w := word(s, spots, now)
	switch {
	case s.busy(c) != nil:
		return "running " + w
	case c.Status == run.Succeeded && w != wording.Status(run.Succeeded):
		return "done " + w
	case w == "":
		return "-"
	}
	return w
}

// remark is what stands behind a row.
func (g *Grid) remark(r *run.Run, row int, m *rolls) string {
	if why := g.out(r, row); why != "" {
		return "out: " + why
	}
	var said []string
	for _, p := range g.Rows[row].Walks {
		ro := m.get(r, p.Walk)
		i, ok := ro.batch[p.Key]
		switch {
		case postponed(r, p):
			said = append(said, "moved to the end")
		case ok && (p.Walk.Batch > 1 || ro.Canary):
			said = append(said, wording.Batch(ro.Rolling, i))
		}
	}
	return strings.Join(said, ", ")
}
