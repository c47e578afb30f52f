package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// watched is what a monitor showed at one place, from its first sample on.
type watched struct {
	*run.Monitor
	sum         run.Sum
	gaps        []run.Gap
	unwatched   []run.Span
	from, until time.Time // zero: it has no samples
	on          bool      // it is still to be sampled
}

// ages is before and behind everything that a journal can hold.
var ages = [2]time.Time{{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}

func watchedOf(r *run.Run) []watched {
	on := map[run.Watch]bool{}
	for _, m := range r.Watched() {
		on[m.Watch] = true
	}
	var out []watched
	for _, m := range r.Monitors() {
		w := watched{Monitor: m, sum: m.Sum(ages[0], ages[1]), gaps: m.Gaps(ages[0], ages[1]), unwatched: m.Unwatched(ages[0], ages[1]), on: on[m.Watch]}
		if n := len(m.Samples); n > 0 {
			w.from, w.until = m.Samples[0].From, m.Samples[n-1].Until()
		}
		out = append(out, w)
	}
	return out
}

// watchName is a monitor's own name with where it is sampled and for which instance of a
// walk, as one plain line: writes on ops-1.
func watchName(w run.Watch) string { return line(strings.TrimSpace(w.ID() + " " + w.Place())) }

// state says in a word whether a monitor is red; since tells since when.
func (w *watched) state() string {
	switch {
	case w.Red() && w.on:
		return "red"
	case w.Held():
		return "was red, not acknowledged"
	case w.on && len(w.Samples) == 0:
		return "not sampled yet"
	case w.on:
		return "green"
	}
	return "over"
}

// way says how a monitor is sampled.
func way(f *runbook.Fence) string {
	said := "every line of its process"
	if !f.Background {
		said = "every " + text.Duration(f.Interval())
	}
	said += ", timeout " + text.Duration(f.LookTimeout())
	if f.Grace > 0 {
		said += ", red after " + text.Duration(f.Grace)
	}
	return said
}

// counts says how many samples a sum has, of which verdict.
func counts(s run.Sum) string {
	said := fmt.Sprintf("%d: %d passed, %d failed", s.Samples, s.Good, s.Failures)
	if s.Unknown > 0 {
		said += fmt.Sprintf(", %d unknown", s.Unknown)
	}
	return said
}

// unobserved says how long nobody sampled; empty: there was no such time.
func unobserved(w *watched) string {
	if w.sum.Unobserved <= 0 {
		return ""
	}
	return fmt.Sprintf("%s in %s", text.Duration(w.sum.Unobserved), count(len(w.unwatched), "piece"))
}

// figures says what a capture was in good samples.
func figures(n run.Numbers) string {
	return fmt.Sprintf("last %s, min %s, avg %s, max %s", text.Figure(n.Last), text.Figure(n.Min), text.Figure(n.Avg), text.Figure(n.Max))
}

// captured are the names of a sum's numbers, in the runbook's order.
func (w *watched) captured() []string {
	names := w.Captures()
	for _, n := range slices.Sorted(maps.Keys(w.sum.Captures)) {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return slices.DeleteFunc(names, func(n string) bool { return w.sum.Captures[n].Count == 0 })
}

// atWork is the time in which something went on at a cell, as far as it lies in one
// piece: its rollback is another.
func atWork(c *run.Cell, now time.Time) []run.Span {
	if c.Begun.IsZero() || c.Plan.Step.Kind == plan.Watch || c.Status == run.NotApplicable {
		return nil
	}
	span := run.Span{From: c.Begun, To: now}
	if c.Status.Settled() || c.Status == run.RolledBack {
		span.To = c.Ended
	}
	var last time.Time // the end of what was sent before the rollback
	for _, a := range c.Attempts {
		if a.Intent.Role == run.RoleRollback && !last.IsZero() {
			return []run.Span{{From: c.Begun, To: last}, {From: a.At, To: span.To}}
		}
		if last = a.Ended; last.IsZero() {
			last = a.At
		}
	}
	return []run.Span{span}
}

// touch reports whether a gap and one of the times have a moment in common.
func touch(g run.Gap, spans []run.Span) bool {
	return slices.ContainsFunc(spans, func(s run.Span) bool { return !g.From.After(s.To) && !g.To.Before(s.From) })
}

// longest is the longest gap that touches one of the times; zero: none does.
func longest(gaps []run.Gap, spans []run.Span) (out run.Gap) {
	for _, g := range gaps {
		if g.Length > out.Length && touch(g, spans) {
			out = g
		}
	}
	return out
}

// stepGap is what a step's monitors showed worst while something went on at a cell.
type stepGap struct {
	cell *run.Cell // nil: while nothing went on at any
	gaps []run.Gap // of each of the monitors; of none the zero gap
}

// gapsByStep are the longest gaps of each cell that has any, in walking order. A gap
// belongs to every cell it touches; those that touch none stand at the end.
func gapsByStep(all []activity, list []watched) []stepGap {
	var out []stepGap
	free := make([][]run.Gap, len(list))
	for i := range list {
		free[i] = slices.Clone(list[i].gaps)
	}
	for _, a := range all {
		row, some := stepGap{a.cell, make([]run.Gap, len(list))}, false
		for i := range list {
			row.gaps[i] = longest(list[i].gaps, a.spans)
			some = some || row.gaps[i].Length > 0
			free[i] = slices.DeleteFunc(free[i], func(g run.Gap) bool { return touch(g, a.spans) })
		}
		if some {
			out = append(out, row)
		}
	}
	between, some := stepGap{gaps: make([]run.Gap, len(list))}, false
	for i := range free {
		between.gaps[i] = longest(free[i], []run.Span{{From: ages[0], To: ages[1]}})
		some = some || between.gaps[i].Length > 0
	}
	if some {
		out = append(out, between)
	}
	return out
}

// activity is when something went on at a cell.
type activity struct {
	cell  *run.Cell
	spans []run.Span
}

// activities are those of all cells, what was run beside the runbook first, then in
// walking order.
func activities(r *run.Run, now time.Time) (out []activity) {
	for _, c := range slices.Concat(r.OffBook, walked(r, r.Plan.Root)) {
		if spans := atWork(c, now); spans != nil {
			out = append(out, activity{c, spans})
		}
	}
	return out
}

// touched are the cells at which something went on in a gap.
func touched(all []activity, g run.Gap) (cells []*run.Cell) {
	for _, a := range all {
		if touch(g, a.spans) {
			cells = append(cells, a.cell)
		}
	}
	return cells
}

// during names the cells that a gap touches: the first of them, and how many more.
func during(r *run.Run, all []activity, g run.Gap) string {
	const most = 3
	var names []string
	for _, c := range touched(all, g) {
		names = append(names, name(r, c.Key))
	}
	switch n := len(names); {
	case n == 0:
		return betweenSteps
	case n > most:
		names = append(names[:most], fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(names, ", ")
}

const betweenSteps = "between steps"

// held names the monitors that hold a run, and since when they were red.
func held(r *run.Run) string {
	const most = 3
	var names []string
	list := r.Held()
	for _, m := range list[:min(len(list), most)] {
		names = append(names, watchName(m.Watch))
	}
	if n := len(list); n > most {
		names = append(names, fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(names, ", ")
}

// monitors says in a line how many monitors a run has, and which are red or hold it;
// empty: none has begun.
func monitors(r *run.Run) string {
	all := r.Monitors()
	if len(all) == 0 {
		return ""
	}
	said := strconv.Itoa(len(all))
	if r.Closed == "" {
		said = fmt.Sprintf("%d in open sections", len(r.Watched()))
	}
	red := 0
	for _, m := range all {
		red += len(m.Episodes)
	}
	if red > 0 {
		said += ", red " + map[bool]string{true: "once", false: strconv.Itoa(red) + " times"}[red == 1]
	}
	if names := held(r); names != "" {
		said += "; not acknowledged: " + names
	}
	return said
}

// goesOn says of a monitor of an open section whether somebody has it sampled.
func goesOn(r *run.Run, w *watched) string {
	switch {
	case !w.on:
		return ""
	case r.Holder == "":
		return ", and on when the run is resumed"
	}
	return ", goes on"
}

// evidence is what the sample that decided has shown, on one line.
func evidence(e run.MonitorTurned) string {
	var said []string
	for _, row := range e.Rows {
		s := line(cmp.Or(row.Label, row.Text)) + suffix("   ", row.Saw) + suffix("   ", row.Cause)
		said = append(said, s)
	}
	if e.Cause != "" {
		said = append(said, line(e.Cause))
	}
	return strings.Join(said, "; ")
}

// span writes from when to when something was; the day of the end only where it is
// another.
func span(from, to time.Time, zone *time.Location) string {
	from, to = from.In(zone), to.In(zone)
	layout := time.TimeOnly
	if from.Format(time.DateOnly) != to.Format(time.DateOnly) {
		layout = time.DateTime
	}
	return from.Format(time.DateTime) + " – " + to.Format(layout)
}

// toldOfMonitors tells an event about monitors and background processes.
func toldOfMonitors(e run.Event) string {
	switch e := e.(type) {
	case run.WatchBegun:
		return "its monitors are sampled from here on"
	case run.SampleBatch:
		var said []string
		for _, s := range e.Samples {
			passed := strings.Count(s.Verdicts, "p")
			said = append(said, fmt.Sprintf("%s %d, %d passed", watchName(s.Watch), len(s.Verdicts), passed))
		}
		return "samples" + suffix(": ", strings.Join(said, "; "))
	case run.MonitorTurned:
		if !e.Red {
			return "the monitor is green again"
		}
		return "the monitor is red" + suffix(": ", evidence(e))
	case run.MonitorAcknowledged:
		return "acknowledged that it was red: " + line(acknowledged(e))
	case run.BackgroundUp:
		return "its background process runs"
	case run.BackgroundDown:
		return "its background process: " + downed(e)
	}
	return ""
}

// acknowledged is the reason of an acknowledgement, and of which monitors.
func acknowledged(e run.MonitorAcknowledged) string {
	names := make([]string, len(e.Watches))
	for i, w := range e.Watches {
		names[i] = watchName(w)
	}
	return e.Reason + " (" + strings.Join(names, ", ") + ")"
}
