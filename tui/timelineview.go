package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Columns of the timeline, in cells.
const (
	timeWidth  = 9  // 22:14:03
	sinceWidth = 7  // +12m40s
	actorWidth = 12 // at most
)

func (d *timelinePage) render(a *app, w, h int) string {
	t := a.theme
	iw, ih := pane.Inner(w, h)
	below := d.below(a, iw)
	d.room = max(ih-len(below), 1)
	box := pane.Box{Title: "Timeline", Focus: true, Right: d.extent(a)}
	if d.filter != "" {
		box.Title += " / " + wording.Line(d.filter)
	}
	var lines []string
	d.rows = d.rows[:0]
	switch {
	case len(d.shown) == 0 && d.failed != "":
		lines = wrapped(t.Bad, d.failed, iw)
	case len(d.shown) == 0 && d.loading:
		lines = []string{t.Muted.Render("reading the journal " + t.Glyph.Ellipsis)}
	case len(d.shown) == 0:
		lines = []string{t.Muted.Render("nothing of that kind")}
	default:
		lines = d.lines(a, iw)
	}
	for len(lines) < d.room {
		lines = append(lines, "")
	}
	return box.Render(t, append(lines[:d.room], below...), w, h)
}

// extent says what is shown, and of how much.
func (d *timelinePage) extent(a *app) string {
	out := fmt.Sprintf("%s %s %d of ", kinds[d.kind].Says, a.theme.Glyph.Dot, len(d.shown))
	if !d.complete {
		out += "the latest "
	}
	return out + strconv.Itoa(len(d.entries))
}

// lines are the events in sight, under their days.
func (d *timelinePage) lines(a *app, w int) []string {
	zone := a.now.Location()
	date := func(i int) string { return d.entry(d.shown[i]).At.In(zone).Format("Mon 2 January 2006") }
	from, to := d.window(d.room, func(i int) bool { return i > 0 && date(i) != date(i-1) })
	actor := 0
	for i := from; i < to; i++ {
		actor = max(actor, min(ansi.StringWidth(d.entry(d.shown[i]).Actor), actorWidth)+1)
	}
	var out []string
	for i := from; i < to; i++ {
		if i == from || date(i) != date(i-1) {
			head := date(i) + " "
			out = append(out, a.theme.Accent.Render(head)+a.theme.Border.Render(strings.Repeat(a.theme.Glyph.Rule, max(w-ansi.StringWidth(head), 0))))
			d.rows = append(d.rows, 0)
		}
		var since time.Duration
		e := d.entry(d.shown[i])
		if i > 0 {
			since = e.At.Sub(d.entry(d.shown[i-1]).At)
		}
		out = append(out, d.line(a, e, since, actor, w))
		d.rows = append(d.rows, e.Seq)
	}
	return out
}

func (d *timelinePage) line(a *app, e *report.Entry, since time.Duration, actor, w int) string {
	t := a.theme
	gap := ""
	if since >= time.Second {
		gap = "+" + text.Duration(since.Truncate(time.Second))
	}
	where := 22
	if w >= 100 {
		where = 40
	}
	sign, style := toned(t, e.Tone)
	fields := []struct {
		style lipgloss.Style
		text  string
		w     int
	}{
		{t.Muted, e.At.In(a.now.Location()).Format("15:04:05"), timeWidth},
		{t.Faint, pane.Fit(fmt.Sprintf("%*s", sinceWidth-1, gap), sinceWidth, ""), sinceWidth},
		{t.Muted, pane.Cut(e.Actor, actor-1, t.Glyph.Ellipsis), actor},
		{t.Text, pane.Cut(d.where(a.snap.Run, e, where), where-1, t.Glyph.Ellipsis), where},
		{style, sign + " " + e.Text, max(w-timeWidth-sinceWidth-actor-where, 1)},
	}
	line, plain := "", ""
	for _, f := range fields {
		s := pane.Fit(f.text, f.w, t.Glyph.Ellipsis)
		line += f.style.Render(s)
		plain += s
	}
	if e.Seq == d.at {
		return t.Selected.Render(pane.Fit(plain, w, ""))
	}
	return line
}

// where names what an event is about as shortly as there is room for.
func (d *timelinePage) where(r *run.Run, e *report.Entry, w int) string {
	c := r.Cell(e.Key)
	if ansi.StringWidth(e.About) < w || c == nil {
		return e.About
	}
	if long := wording.Among(r, c); ansi.StringWidth(long) < w {
		return long
	}
	if in := wording.Instance(c); in != "" {
		return strings.TrimSpace(c.Plan.Step.Number + " " + in)
	}
	return e.About
}

// toned is the sign of a tone, and how its text is drawn.
func toned(t *theme.Theme, tone report.Tone) (string, lipgloss.Style) {
	switch tone {
	case report.Decision:
		return t.Glyph.Cursor, t.Strong
	case report.Trouble:
		return t.Glyph.Mark(theme.Failed), t.Bad
	case report.Remark:
		return t.Glyph.Bullet, t.Warning
	case report.Routine, report.Sampled:
	}
	return " ", t.Text
}

// below is what stands under the events: all of the one under the cursor, and the
// filter while it is typed.
func (d *timelinePage) below(a *app, w int) []string {
	t := a.theme
	out := []string{t.Border.Render(strings.Repeat(t.Glyph.Rule, w))}
	const room = 3
	if len(d.shown) > 0 {
		e := d.entry(d.at)
		head := fmt.Sprintf("event %d, %s, by %s", e.Seq, e.At.In(a.now.Location()).Format("2006-01-02 15:04:05"), e.Actor)
		out = append(out, pane.Row(t.Strong.Render(e.About), t.Muted.Render(head), w, t.Glyph.Ellipsis))
		said := pane.Wrap(e.Text, w)
		if n := room - 1; len(said) > n {
			said = append(said[:n-1], pane.Cut(strings.Join(said[n-1:], " "), w, t.Glyph.Ellipsis))
		}
		for _, l := range said {
			out = append(out, t.Text.Render(l))
		}
	}
	for len(out) < room+1 {
		out = append(out, "")
	}
	if d.typing {
		out = append(out, t.Key.Render("/ ")+wording.Line(d.filter)+t.Selected.Render(" ")+t.Faint.Render("  each word has to occur in who, step, host or text"))
	}
	return out
}
