package report

import (
	"strings"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// monitors tells what the monitors showed, the longest gap by step, and what became of
// the background processes.
func (m *markdown) monitors() {
	list := watchedOf(m.r)
	if len(list) > 0 {
		m.heading(2, "Monitors")
		m.line("A gap goes from the last good sample before to the first good one after; time in which nobody sampled is never counted.\nIn the drawings, %s.\n", stripLegend)
		all := activities(m.r, m.t.Now)
		for i := range list {
			m.watched(&list[i], all, sameFence(list, i))
		}
		m.gaps(all, list)
	}
	m.processes()
}

// watched tells what a monitor showed at one place. again: how it is sampled was told
// at another.
func (m *markdown) watched(w *watched, all []activity, again bool) {
	where := ""
	if w.Where != "" && w.Where != plan.Local {
		where = " on " + code(w.Where)
	}
	m.heading(3, code(w.Watch.Monitor)+where+" – "+w.state())
	if !again {
		m.line("Sampled %s:\n", way(w.Fence))
		m.exact(fenceKind(w.Fence), w.Fence.Body)
		if w.Fence.ExpectText != "" {
			m.exact("expect", w.Fence.ExpectText)
		}
	}
	if len(w.Samples) == 0 {
		m.line("It has no samples.\n")
		return
	}
	m.line("- Sampled: %s UTC%s", span(w.from, w.until, time.UTC), goesOn(m.r, w))
	m.line("- Samples: %s", counts(w.sum))
	if said := unobserved(w); said != "" {
		m.line("- **Unobserved**: %s, not counted", said)
	}
	for _, n := range w.captured() {
		m.line("- %s: %s", code(n), figures(w.sum.Captures[n]))
	}
	if g := w.sum.Longest; g.Length > 0 {
		open := ""
		if g.Open {
			open = " so far"
		}
		m.line("- **Longest gap: %s**%s, %s UTC, %s", text.Duration(g.Length), open, span(g.From, g.To, time.UTC), inline(during(m.r, all, g)))
	} else {
		m.line("- Longest gap: none")
	}
	for _, e := range w.Episodes {
		m.episode(e)
	}
	m.gap()
	if drawing := strip(w.Monitor, ages[0], ages[1], stripWidth); drawing != "" {
		m.fence("text", drawing)
	}
}

// episode tells when a monitor was red, why, and who has acknowledged it.
func (m *markdown) episode(e run.Episode) {
	when := "since " + Moment(e.At)
	if !e.Green.IsZero() {
		when = span(e.At, e.Green, time.UTC) + " UTC"
	}
	said := "not acknowledged"
	if e.Reason != "" {
		said = "acknowledged " + Moment(e.Acked) + " by " + inline(e.By) + ": " + inline(e.Reason)
	}
	m.line("- **Red** %s%s; %s", when, because(evidence(e.Turned)), said)
}

// gaps writes the longest gap of each step that has one.
func (m *markdown) gaps(all []activity, list []watched) {
	rows, heads := gapTable(m.r, all, list)
	if len(rows) == 0 {
		return
	}
	m.heading(3, "Longest gap by step")
	m.line("A gap belongs to every step it touches.\n")
	cells := make([]string, len(heads))
	for i, h := range heads {
		cells[i] = code(h)
	}
	m.line("| Step | %s |", strings.Join(cells, " | "))
	m.line("|---%s|", strings.Repeat("|---", len(heads)))
	for _, row := range rows {
		for i, s := range row.said {
			cells[i] = inline(s)
		}
		m.line("| %s | %s |", inline(row.name), strings.Join(cells, " | "))
	}
	m.gap()
}

func (m *markdown) processes() {
	list := processesOf(m.r)
	if len(list) == 0 {
		return
	}
	m.heading(2, "Background processes")
	for _, p := range list {
		what := "its command"
		if p.Monitor != "" {
			what = "read line by line"
		}
		m.line("**%s**, %s, %s:\n", inline(p.name), what, count(len(p.starts), "start"))
		for _, a := range shortened(p.starts) {
			if a == nil {
				m.line("- … the JSON transcript has those between …")
				continue
			}
			m.line("- start %d, %s: %s", a.Intent.No, Moment(a.At), inline(lived(a, time.UTC)))
		}
		m.gap()
	}
}

// turned tells on the timeline that a monitor has become red, or no longer is, and who
// went on.
func (m *markdown) turned(e run.Event) string {
	switch e := e.(type) {
	case run.MonitorTurned:
		if !e.Red {
			return code(e.Watch.String()) + " is green again"
		}
		return "**" + code(e.Watch.String()) + " is red**" + because(evidence(e))
	case run.MonitorAcknowledged:
		return "**acknowledged** that monitors were red" + because(acknowledged(e))
	}
	return ""
}

// keptOutput tells what is kept of the output of a cell's background processes: of
// each its two ends.
func (m *markdown) keptOutput(c *run.Cell) error {
	for _, p := range processesAt(m.r, c) {
		for _, a := range shortened(p.starts) {
			if a == nil {
				continue
			}
			for stream, what := range streamNames {
				data, omitted, err := m.t.output(a.Intent.Attempt, stream)
				if err != nil {
					return err
				}
				if len(data) == 0 && omitted == 0 {
					continue
				}
				m.line("%s of %s, attempt %d, %s:\n", what, inline(p.name), a.Intent.No, text.Bytes(int64(len(data))+omitted))
				m.fence("text", ends(string(data)))
			}
		}
	}
	return nil
}
