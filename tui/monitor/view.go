package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Zoom is how much of the time a chart shows.
type Zoom uint8

const (
	TenMinutes Zoom = iota
	Hour
	All
	Step // the one under the operator's cursor
	zooms
)

// View is a chart of one of a board's monitors that fills the screen. The zero value
// shows the first one, lately.
type View struct {
	watch run.Watch
	zoom  Zoom
	end   time.Time // of what is shown; zero: it follows
	last  window    // that was drawn
}

// Look is what the surroundings give to a drawing.
type Look struct {
	Theme *theme.Theme
	Now   time.Time
	Cell  *run.Cell // the step under the cursor; nil: none
	End   string    // the key that follows again
}

// Show turns to a monitor.
func (v *View) Show(w run.Watch) {
	if v.watch != w {
		v.watch = w
	}
}

// Watch is the monitor that is shown.
func (v *View) Watch(b *Board) (run.Watch, bool) {
	if i := v.index(b); i >= 0 {
		return b.list[i].Watch, true
	}
	return run.Watch{}, false
}

// index is that of the monitor that is shown; -1: there is none.
func (v *View) index(b *Board) int {
	i := slices.IndexFunc(b.list, func(s *Series) bool { return s.Watch == v.watch })
	if i < 0 && len(b.list) > 0 {
		return 0
	}
	return i
}

// Turn goes to the n-th monitor, or place of one, from the one that is shown.
func (v *View) Turn(b *Board, n int) {
	if i := v.index(b); i >= 0 {
		v.watch = b.list[min(max(i+n, 0), len(b.list)-1)].Watch
	}
}

// Next goes to the first place of the next monitor, or of the one before.
func (v *View) Next(b *Board, n int) {
	gs := groups(b.list)
	i := v.index(b)
	if i < 0 {
		return
	}
	at := slices.IndexFunc(gs, func(g group) bool { return slices.Contains(g.series, b.list[i]) })
	v.watch = gs[(at+n+len(gs))%len(gs)].series[0].Watch
}

// Zoom shows another part of the time.
func (v *View) Zoom() { v.zoom, v.end = (v.zoom+1)%zooms, time.Time{} }

// Move goes through the time by n eighths of what is shown.
func (v *View) Move(b *Board, n int, now time.Time) {
	i := v.index(b)
	if i < 0 || v.last.n == 0 {
		return
	}
	s := b.list[i]
	end, newest := v.end, s.end(b, now)
	if end.IsZero() {
		end = v.last.to().Add(-v.last.width)
	}
	span := time.Duration(v.last.n) * v.last.width
	v.end = end.Add(span / 8 * time.Duration(n))
	if first := s.First().Add(span / 2); v.end.Before(first) {
		v.end = first
	}
	if !v.end.Before(newest) {
		v.end = time.Time{}
	}
}

// First goes to the first sample.
func (v *View) First(b *Board, now time.Time) { v.Move(b, -1<<20, now) }

// Follow shows the latest samples, and those that come.
func (v *View) Follow() { v.end = time.Time{} }

// window is what is shown of a series, in n columns.
func (v *View) window(b *Board, s *Series, l Look, n int) window {
	every, to := s.Fence.Interval(), s.end(b, l.Now)
	from := s.First()
	switch v.zoom {
	case TenMinutes:
		from = to.Add(-10 * time.Minute)
	case Hour:
		from = to.Add(-time.Hour)
	case Step:
		if l.Cell != nil && !l.Cell.Begun.IsZero() {
			from = l.Cell.Begun
			if l.Cell.Status.Settled() && !l.Cell.Ended.IsZero() {
				to = l.Cell.Ended
			}
		}
	case All, zooms:
	}
	if first := s.First(); from.Before(first) && v.end.IsZero() {
		from = first
	}
	if from.After(to) {
		from = to
	}
	w := over(from, to, n, every)
	if !v.end.IsZero() {
		w.from = v.end.Truncate(w.width).Add(-time.Duration(n-1) * w.width)
	}
	return w
}

// says names what is shown: of a zoom by time what that comes to in columns.
func (v *View) says(l Look, s *Series) string {
	switch v.zoom {
	case Hour, TenMinutes:
		asked := map[Zoom]time.Duration{Hour: time.Hour, TenMinutes: 10 * time.Minute}[v.zoom]
		span := time.Duration(v.last.n) * v.last.width
		if known := v.last.to().Sub(s.First()); known < span {
			span = known
		}
		span = max(span, asked).Truncate(time.Minute)
		if !v.end.IsZero() {
			return text.Duration(span) + " of it"
		}
		return "the last " + text.Duration(span)
	case Step:
		if l.Cell != nil && l.Cell.Plan.Step.Number != "" {
			return "step " + l.Cell.Plan.Step.Number
		}
		return "this step"
	case All, zooms:
	}
	return "all of it"
}

// Render draws the chart in a frame of w by h cells.
func (v *View) Render(b *Board, l Look, w, h int) string {
	t := l.Theme
	iw, ih := pane.Inner(w, h)
	i := v.index(b)
	if i < 0 {
		box := pane.Box{Title: "Monitors", Focus: true}
		return box.Render(t, pane.Wrap("No monitor of this run has begun.", iw), w, h)
	}
	s := b.list[i]
	box := pane.Box{Title: "Monitor: " + wording.Monitor(s.Watch), Focus: true}
	if n := len(b.list); n > 1 {
		box.Right = fmt.Sprintf("%d of %d %s ", i+1, n, t.Glyph.Dot)
	}
	lines := []string{v.head(b, s, l, iw)}
	n := iw - leftWidth - 1
	if s.End().IsZero() || n < 10 {
		return box.Render(t, append(lines, "", t.Muted.Render("there is no sample yet")), w, h)
	}
	v.last = v.window(b, s, l, n)
	box.Right += v.says(l, s)
	box.Note = text.Duration(v.last.width) + " a column"
	if !v.end.IsZero() {
		box.Note += ", scrolled: " + l.End + " follows again"
	}
	table := v.table(b, s, l, iw, ih)
	with := parts{gaps: true, red: true, steps: ih >= 9}
	rows := ih - 1 - len(table) - s.below(with)
	lines = append(lines, b.plot(t, s, v.last, l.Now).draw(max(rows, 2), with, l.Now)...)
	return box.Render(t, append(lines, table...), w, h)
}

// head says how the monitor stands and how it is sampled.
func (v *View) head(b *Board, s *Series, l Look, w int) string {
	t := l.Theme
	mark, state := b.State(s, l.Now)
	left := t.Draw(mark) + " " + t.Style(mark).Render(state)
	if k := b.keeping(s); k != nil {
		left += t.Muted.Render(", its process is " + wording.Line(k.State))
	}
	if s.Drawn != "" {
		left += t.Muted.Render("  " + wording.Line(s.Drawn))
	}
	return pane.Row(left, t.Muted.Render(strings.Join(wording.Sampling(s.Fence), " "+t.Glyph.Dot+" ")), w, t.Glyph.Ellipsis)
}
