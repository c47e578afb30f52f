package stepview

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/wording"
)

// trendWidth is the longest sparkline.
const trendWidth = 40

// trends draws how the numbers of a poll went, a line each, with the latest.
func (b *body) trends(ts []run.Trend) {
	t, pad := b.Theme, strings.Repeat(" ", labelWidth+3)
	for _, tr := range ts {
		if len(tr.Values) < 2 {
			continue
		}
		last := strconv.FormatFloat(tr.Values[len(tr.Values)-1], 'g', 6, 64)
		name := wording.Line(tr.Name)
		room := min(trendWidth, b.w-len(pad)-pane.Width(name)-len(last)-2)
		if room < 3 {
			continue
		}
		b.add(pad + t.Muted.Render(name+" ") + t.Live.Render(pane.Spark(t.Glyph.Spark, tr.Values, room)) + t.Text.Render(" "+last))
	}
}

// polled says how often a poll that is over was tried, and how its numbers went.
func (b *body) polled(res run.CheckResult) {
	if res.Tries < 2 {
		return
	}
	took := text.Duration(time.Duration(res.TookMS) * time.Millisecond)
	b.say(b.Theme.Faint, strings.Repeat(" ", labelWidth+3)+fmt.Sprintf("%d tries in %s", res.Tries, took))
	b.trends(trendsOf(res.Tried))
}

// trendsOf are the numbers of the tries that were kept.
func trendsOf(tried []run.Try) []run.Trend {
	var out []run.Trend
	for _, try := range tried {
		for name, raw := range try.Values {
			v, err := checks.Decode(raw)
			if err != nil {
				continue
			}
			n, ok := v.(float64)
			if i, whole := v.(int); whole {
				n, ok = float64(i), true
			}
			if !ok {
				continue
			}
			at := slices.IndexFunc(out, func(t run.Trend) bool { return t.Name == name })
			if at < 0 {
				out, at = append(out, run.Trend{Name: name}), len(out)
			}
			out[at].Values = append(out[at].Values, n)
		}
	}
	slices.SortFunc(out, func(a, z run.Trend) int { return strings.Compare(a.Name, z.Name) })
	return out
}
