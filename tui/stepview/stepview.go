package stepview

import (
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/markdown"
	"stepgate/tui/monitor"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// View is what is needed to draw a cell.
type View struct {
	Theme *theme.Theme
	Snap  *run.Snapshot
	Now   time.Time
	Spin  string // the spinner's frame
	// Watch puts what happens before what there is to read.
	Watch bool
	// Readable is the widest that text is set; commands may be wider. 0: the width
	// there is.
	Readable int
	// Finders say where values come from; nil: that isn't said.
	Finders Finders
	// Monitors is what they have shown; nil: that isn't told.
	Monitors *monitor.Board
}

// Lines draws a cell in lines of at most w cells.
func (v View) Lines(c *run.Cell, w int) []string {
	if w < 1 {
		return nil
	}
	b := &body{View: v, c: c, w: w, full: w}
	if v.Readable > 0 {
		b.w = min(w, v.Readable)
	}
	b.status()
	b.background()
	b.copying()
	b.host()
	if v.Watch {
		b.places()
	}
	if !v.Watch {
		b.prose()
		b.places()
	}
	b.question()
	b.command()
	b.checks()
	b.monitors()
	b.history()
	if v.Watch {
		b.prose()
	}
	return b.lines
}

// body collects the lines of one cell.
type body struct {
	View
	c     *run.Cell
	w     int // of text
	full  int // of commands
	lines []string
}

func (b *body) add(lines ...string) {
	for _, l := range lines {
		b.lines = append(b.lines, pane.Cut(l, b.full, b.Theme.Glyph.Ellipsis))
	}
}

// say adds a text, wrapped.
func (b *body) say(style lipgloss.Style, s string) {
	for _, l := range pane.Wrap(s, b.w) {
		b.add(style.Render(l))
	}
}

// gap separates two blocks by one empty line.
func (b *body) gap() {
	if n := len(b.lines); n > 0 && b.lines[n-1] != "" {
		b.lines = append(b.lines, "")
	}
}

func (b *body) busy() *run.Activity { return wording.Busy(b.Snap, b.c.Key) }

// status is the first line: glyph, word, how long it takes, class.
func (b *body) status() {
	t, st := b.Theme, b.c.Plan.Step
	mark, word := wording.Mark(b.c.Status), wording.Status(b.c.Status)
	if b.c.Status == run.Pending && b.c.NeedsGate() {
		mark, word = theme.Gate, "gate ahead"
	}
	glyph := t.Glyph.Mark(mark)
	a := b.busy()
	if a != nil {
		mark, word, glyph = theme.Running, wording.Going(b.Snap, b.c, a, b.Now), b.Spin
		if glyph == "" {
			glyph = t.Glyph.Mark(mark)
		}
	}
	facts := wording.Classes(st)
	switch {
	case b.c.AdHoc != nil:
		facts = append([]string{"not in the runbook"}, facts...)
	case b.c.Edited != nil:
		facts = append([]string{"edited"}, facts...)
	}
	if st.Kind != plan.Run {
		facts = append([]string{wording.Kind(st.Kind)}, facts...)
	}
	left := t.Style(mark).Render(glyph+" "+word) + t.Muted.Render(b.time(a))
	right := t.Muted.Render(strings.Join(facts, " "+t.Glyph.Dot+" "))
	switch n := pane.Width(left); {
	case n > b.w:
		b.say(t.Style(mark), glyph+" "+word+b.time(a))
		b.add(right)
	case n+pane.Width(right)+2 > b.w:
		b.add(left, right)
	default:
		b.add(pane.Row(left, right, b.w, t.Glyph.Ellipsis))
	}
	if why := wording.Stopped(b.c); why != "" {
		b.say(t.Style(mark), why)
	}
	b.settled()
}

// time says how long a cell took, when, and on whose watch; of one that hasn't
// begun, how long it usually takes.
func (b *body) time(a *run.Activity) string {
	c := b.c
	switch {
	case a != nil:
		return ""
	case !c.Status.Settled() || c.Ended.IsZero():
		if pace := wording.Pace(b.Snap, c, b.Now); pace != "" {
			return ", " + pace
		}
		return ""
	}
	s := ""
	if took := wording.Took(c); took > 0 {
		s = " in " + text.Duration(took)
	}
	s += " at " + c.Ended.Format(time.TimeOnly)
	if c.By != "" {
		s += " by " + wording.Line(c.By)
	}
	return s
}

// settled tells how a cell was settled without a result of its own.
func (b *body) settled() {
	c, t := b.c, b.Theme
	if c.Skip != "" && c.Status == run.Skipped {
		b.say(t.Muted, "left out: "+wording.Line(c.Skip))
	}
	if r := c.Resolved; r != nil && c.Status == run.Succeeded {
		switch r.Method {
		case run.ByOperator:
			b.say(t.Muted, "marked done: "+wording.Line(r.Reason))
		case run.ByCheck, run.ByProbe:
			b.say(t.Muted, "settled by "+string(r.Method)+": "+wording.Line(r.Reason))
		}
	}
	if c.Evidence != "" {
		b.say(t.Muted, "evidence: "+wording.Line(c.Evidence))
	}
	if c.Status == run.Excluded && c.Excluded != "" {
		b.say(t.Muted, "taken out: "+wording.Line(c.Excluded))
	}
	if c.Status == run.Pending && c.Detail != "" {
		b.say(t.Muted, wording.Line(c.Detail))
	}
	b.when()
}

// when shows on what the step depends: what was seen, or what will be looked at.
func (b *body) when() {
	c := b.c
	switch expr := c.Plan.Step.Book.When; {
	case c.When != nil && !c.When.Applies:
		b.say(b.Theme.Muted, "does not apply here:")
		fallthrough
	case c.When != nil && !b.Watch:
		for _, r := range c.When.Rows {
			b.row("when", "", r)
		}
	case c.When == nil && expr != nil && c.Status == run.Pending:
		b.open("when", "", wording.Line(expr.Text))
	}
}

// host says when the connection to the cell's host isn't there.
func (b *body) host() {
	name := b.c.Key.Target
	b.add(Host(b.Theme, name, b.Snap.Hosts[name], b.w)...)
	if why := b.Snap.Run.Hosts[name].Degraded; why != "" && b.c.Plan.Step.Kind == plan.Run && !b.c.Status.Settled() {
		b.say(b.Theme.Warning, wording.Place(name)+" is a degraded host, it can't keep attempts: "+wording.Line(why))
	}
}

// Host draws the state of a host's connection, unless it is there or was never
// needed.
func Host(t *theme.Theme, name string, h run.HostState, w int) []string {
	if h.State == "" || h.State == "connected" {
		return nil
	}
	var out []string
	style := t.Live
	if h.State == "lost" || h.Error != "" {
		style = t.Bad
	}
	text := wording.Place(name) + ": " + wording.Line(h.State)
	if h.Error != "" {
		text += ": " + wording.Line(h.Error)
	}
	for _, l := range pane.Wrap(text, w) {
		out = append(out, style.Render(l))
	}
	if h.Hint != "" {
		for _, l := range pane.Wrap(wording.Block(h.Hint), w) {
			out = append(out, t.Muted.Render(l))
		}
	}
	return out
}

func (b *body) prose() {
	bk, t := b.c.Plan.Step.Book, b.Theme
	text := func(s string) string { return b.Snap.Run.Text(b.c, s) }
	if bk.Prose != "" {
		b.gap()
		b.add(markdown.Render(t, text(bk.Prose), b.w)...)
	}
	for _, w := range bk.Warnings {
		b.alert(theme.Gate, "WARNING", text(w))
	}
	if bk.Caution != "" {
		b.alert(theme.Failed, "CAUTION", text(bk.Caution))
	}
	if bk.Judged != "" {
		b.alert(theme.Gate, "GATE", "This looks destructive: "+bk.Judged)
	}
}

// alert draws a warning with a bar at its left.
func (b *body) alert(m theme.Mark, word, source string) {
	b.gap()
	b.add(Alert(b.Theme, m, word, source, b.w)...)
}

// Alert draws a WARNING or CAUTION text with a bar at its left.
func Alert(t *theme.Theme, m theme.Mark, word, source string, w int) []string {
	style := t.Style(m)
	bar := style.Render(t.Glyph.Quote) + " "
	out := []string{bar + style.Bold(true).Render(word)}
	return append(out, pane.Indent(markdown.Render(t, source, w-2), bar)...)
}
