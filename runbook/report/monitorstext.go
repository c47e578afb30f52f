package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// stripWidth is the room of a strip in a report, in cells.
const stripWidth = 72

// Monitors writes what the monitors of a run showed, the longest gap by step, and what
// became of its background processes, with times in a zone.
func Monitors(w io.Writer, r *run.Run, now time.Time, zone *time.Location) error {
	m := &monitorText{r: r, zone: zone, list: watchedOf(r), all: activities(r, now)}
	for i := range m.list {
		m.monitor(&m.list[i])
	}
	if len(m.list) == 0 {
		m.line("%s", noMonitors(r))
	} else {
		m.line("%s\n", stripLegend)
	}
	m.byStep()
	m.processes()
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("show the monitors of run %q: %w", r.ID, err)
	}
	return nil
}

func noMonitors(r *run.Run) string {
	for _, pc := range r.Plan.Cells {
		if len(pc.Step.Book.Monitors) > 0 {
			return "No monitor has begun yet."
		}
	}
	return "The runbook has no monitors."
}

type monitorText struct {
	b    strings.Builder
	r    *run.Run
	zone *time.Location
	list []watched
	all  []activity
}

func (m *monitorText) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

func (m *monitorText) monitor(w *watched) {
	m.line("%s: %s", watchName(w.Watch), w.state())
	m.line("  sampled      %s", way(w.Fence))
	if len(w.Samples) > 0 {
		m.line("  time         %s%s", span(w.from, w.until, m.zone), goesOn(m.r, w))
		m.line("  samples      %s", counts(w.sum))
	}
	if said := unobserved(w); said != "" {
		m.line("  unobserved   %s, not counted", said)
	}
	for _, n := range w.captured() {
		m.line("  %-12s %s", line(n), figures(w.sum.Captures[n]))
	}
	if drawing := strip(w.Monitor, ages[0], ages[1], stripWidth); drawing != "" {
		m.line("  %-12s %s", line(cmp.Or(w.Drawn(), "good")), drawing)
	}
	if g := w.sum.Longest; g.Length > 0 {
		m.line("  longest gap  %s", m.gap(g))
	} else if len(w.Samples) > 0 {
		m.line("  longest gap  none")
	}
	for _, e := range w.Episodes {
		m.line("  red          %s", m.episode(e))
	}
	m.line("")
}

// gap says how long a gap was, when, and what was going on.
func (m *monitorText) gap(g run.Gap) string {
	open := ""
	if g.Open {
		open = " so far"
	}
	return text.Duration(g.Length) + open + ", " + span(g.From, g.To, m.zone) + ", " + during(m.r, m.all, g)
}

// episode says when a monitor was red, why, and who has acknowledged it.
func (m *monitorText) episode(e run.Episode) string {
	when := "since " + e.At.In(m.zone).Format(time.DateTime)
	if !e.Green.IsZero() {
		when = span(e.At, e.Green, m.zone)
	}
	said := when + suffix(": ", evidence(e.Turned))
	if e.Reason == "" {
		return said + "; not acknowledged"
	}
	return said + "; acknowledged " + e.Acked.In(m.zone).Format(time.DateTime) + " by " + line(e.By) + ": " + line(e.Reason)
}

// byStep writes the longest gap of each step that has one.
func (m *monitorText) byStep() {
	rows, heads := gapTable(m.r, m.all, m.list)
	if len(rows) == 0 {
		return
	}
	m.line("longest gap by step")
	tw := tabwriter.NewWriter(&m.b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(tw, "  \t%s\n", strings.Join(heads, "\t")) // into a strings.Builder
	for _, row := range rows {
		_, _ = fmt.Fprintf(tw, "  %s\t%s\n", row.name, strings.Join(row.said, "\t"))
	}
	_ = tw.Flush()
	m.line("")
}

// gapRow is a step with what each monitor showed worst, in words.
type gapRow struct {
	name string
	said []string
}

// gapTable is the table of gaps with a column for each monitor, whatever its places and
// instances: the worst of them, and where that was.
func gapTable(r *run.Run, all []activity, list []watched) (rows []gapRow, heads []string) {
	col := make([]int, len(list))
	several := map[int]int{}
	for i := range list {
		id := line(monitorID(list[i].Watch))
		if !slices.Contains(heads, id) {
			heads = append(heads, id)
		}
		col[i] = slices.Index(heads, id)
		several[col[i]]++
	}
	for _, g := range gapsByStep(all, list) {
		row := gapRow{name: betweenSteps, said: make([]string, len(heads))}
		if g.cell != nil {
			row.name = name(r, g.cell.Key)
		}
		worst := make([]run.Gap, len(heads))
		for i, gap := range g.gaps {
			at := col[i]
			if gap.Length <= worst[at].Length {
				continue
			}
			worst[at] = gap
			if row.said[at] = text.Duration(gap.Length); several[at] > 1 {
				row.said[at] += " (" + watchName(list[i].Watch) + ")"
			}
		}
		for i, s := range row.said {
			row.said[i] = cmp.Or(s, "–")
		}
		rows = append(rows, row)
	}
	return rows, heads
}

// processes writes what became of the background processes.
func (m *monitorText) processes() {
	for _, p := range processesOf(m.r) {
		m.line("background: %s: %s", p.name, count(len(p.starts), "start"))
		for _, s := range shortened(p.starts) {
			if s == nil {
				m.line("  …")
				continue
			}
			m.line("  %s", m.start(s))
		}
	}
}

func (m *monitorText) start(a *run.Attempt) string {
	return fmt.Sprintf("%d  %s: %s", a.Intent.No, a.At.In(m.zone).Format(time.DateTime), lived(a, m.zone))
}

// WatchLine is a monitor in a line, for somebody who is about to decide: red or not, the
// last number, and the longest gap with the steps it touched.
func WatchLine(r *run.Run, m *run.Monitor, now time.Time) string {
	sum := m.Sum(ages[0], ages[1])
	said := []string{"green"}
	switch {
	case m.Red():
		e := m.Episodes[len(m.Episodes)-1]
		said[0] = "RED for " + text.Duration(now.Sub(e.At).Truncate(time.Second)) + suffix(": ", evidence(e.Turned))
	case m.Held():
		said[0] = "was red, not acknowledged"
	case sum.Samples == 0:
		said[0] = "no sample yet"
	case r.Closed != "":
		said[0] = count(sum.Samples, "sample")
	}
	if d := m.Drawn(); sum.Captures[d].Count > 0 {
		said = append(said, line(d)+" "+text.Figure(sum.Captures[d].Last))
	}
	if g := sum.Longest; g.Length > 0 {
		said = append(said, "longest gap "+text.Duration(g.Length)+" ("+during(r, activities(r, now), g)+")")
	} else if sum.Samples > 0 {
		said = append(said, "no gap")
	}
	if sum.Unobserved > 0 {
		said = append(said, "unobserved for "+text.Duration(sum.Unobserved))
	}
	return watchName(m.Watch) + ": " + strings.Join(said, ", ")
}

// monitorID is a monitor's path without its instances.
func monitorID(w run.Watch) string { return run.Key{Step: w.Monitor}.StepID() }

// sameFence reports whether one before it in the list is sampled in the same way.
func sameFence(list []watched, i int) bool {
	return slices.ContainsFunc(list[:i], func(w watched) bool { return w.Fence == list[i].Fence })
}

// fenceKind says what a monitor takes its samples with.
func fenceKind(f *runbook.Fence) string {
	if f.Form == runbook.Script {
		return line(f.Lang)
	}
	return language(f)
}
