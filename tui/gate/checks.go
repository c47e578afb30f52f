package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/tui/diff"
	"stepgate/tui/stepview"
	"stepgate/tui/wording"
)

// maxOutput is how many lines of a passed check's output are to be read; of
// more, the first and the last ones are shown.
const maxOutput = 24

// checks shows the preconditions with their verdict and what they printed, of
// every cell that the gate opens, and how old they are.
func (b *content) checks() {
	first := b.d.checked()
	if first.IsZero() {
		return
	}
	b.block(make([]string, 1))
	b.moving = append(b.moving, moving{len(b.lines) - 1, func(now time.Time) string {
		style := b.Muted
		if now.Sub(first) >= Stale {
			style = b.Warning
		}
		return style.Render(wording.Age(first, now) + ", and once more after the phrase:")
	}})
	for _, c := range append([]*run.Cell{b.d.cell}, b.d.with...) {
		b.checksOf(c)
	}
}

func (b *content) checksOf(c *run.Cell) {
	fences := c.Fences(run.Before)
	taken := c.Checks[run.Before]
	if taken == nil {
		return
	}
	for _, res := range taken.Checks {
		where := ""
		if len(taken.Checks) > len(fences) {
			where = wording.Place(res.Where)
		} else if len(b.d.with) > 0 {
			where = wording.Instance(c)
		}
		plain := res
		plain.Rows = slices.Clone(res.Rows)
		for i := range plain.Rows {
			plain.Rows[i].Diff = ""
		}
		b.add(stepview.Result(b.Theme, "before", where, fences, plain, b.w)...)
		b.differences(res.Rows)
		if g, ok := stepview.Grid(fences, res); ok {
			for _, l := range g.Lines(b.w - 4) {
				b.add(b.quoted(b.Muted.Render(l)))
			}
		} else {
			b.add(b.output(res.Stdout)...)
		}
		b.add(b.output(res.Stderr)...)
	}
}

func (b *content) quoted(l string) string {
	return b.Border.Render("  "+b.Glyph.Quote+" ") + l
}

// maxDiff is how many lines of a difference are to be read.
const maxDiff = 40

// differences shows how what the rows of a check compared differs, each once.
func (b *content) differences(rows []checks.Row) {
	before := ""
	for _, r := range rows {
		if r.Diff != before {
			lines := diff.Text(b.Theme, r.Diff, b.w-4)
			left := len(lines) - maxDiff
			for _, l := range lines[:min(len(lines), maxDiff)] {
				b.add(b.quoted(l))
			}
			if left > 0 {
				b.add(b.quoted(b.Faint.Render(fmt.Sprintf("(%d lines left out here; the step's pane has them)", left))))
			}
		}
		before = r.Diff
	}
}

// output quotes what a check printed. Differences are drawn as such.
func (b *content) output(s string) []string {
	s = strings.TrimRight(wording.Block(s), "\n")
	if s == "" {
		return nil
	}
	all := strings.Split(s, "\n")
	styles := diff.Styles(b.Theme, all)
	if styles == nil {
		styles = slices.Repeat([]lipgloss.Style{b.Muted}, len(all))
	}
	if over := len(all) - maxOutput; over > 0 {
		left := fmt.Sprintf("(%d lines left out here; the output pane has them)", over)
		all = slices.Concat(all[:maxOutput/2], []string{left}, all[len(all)-maxOutput/2:])
		styles = slices.Concat(styles[:maxOutput/2], []lipgloss.Style{b.Muted}, styles[len(styles)-maxOutput/2:])
	}
	var out []string
	for i, l := range all {
		for part := range strings.SplitSeq(ansi.Hardwrap(l, max(b.w-4, 1), true), "\n") {
			out = append(out, b.quoted(styles[i].Render(part)))
		}
	}
	return out
}
