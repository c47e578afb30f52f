package report

import (
	"fmt"
	"strings"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// part says where the steps of a section were read from, when it stands for an
// include.
func (m *markdown) part(p *runbook.Part) {
	if p != nil && p.File != "" {
		m.line("*From the included file* %s\n", code(p.File))
	}
}

// walk says what is walked, in which order, and how it was batched.
func (m *markdown) walk(w *plan.Walk) {
	keys := make([]string, 0, len(w.Keys))
	for _, i := range m.r.Order(w) {
		keys = append(keys, code(w.Keys[i]))
	}
	how := "in the inventory's order"
	if w.Each.List != "" {
		how = "in the list's order"
	}
	if w.Each.OrderBy != nil {
		how = "in the order of " + code(w.Each.OrderBy.Text)
		if m.r.Orders[w.ID] == nil {
			how += ", not yet evaluated"
		}
	}
	m.line("*%s walks %s, %s:* %s\n", w.Number, walks(w.Each), how, strings.Join(keys, ", "))
	m.batches(w)
}

// walks names what a walk goes through.
func walks(e *runbook.Each) string {
	switch {
	case e.List != "":
		return "the list " + code(e.List)
	case e.Name != "":
		return "each " + code(e.Name) + " of the group " + code(e.Group)
	}
	return "the group " + code(e.Group)
}

// batches tells which instances went together, and which were taken out.
func (m *markdown) batches(w *plan.Walk) {
	if e := w.Each; e.Canary > 0 {
		soak := ""
		if e.Soak > 0 {
			soak = ", soaking for " + text.Duration(e.Soak)
		}
		m.line("Canary: the first %d%s.\n", e.Canary, soak)
	}
	if w.Batch > 1 {
		for i, b := range m.r.Batches[w.ID] {
			m.line("- batch %d: %s", i+1, codes(b))
		}
		m.gap()
	}
	for _, k := range w.Keys {
		if why, out := m.r.Excluded[w.ID][k]; out {
			m.line("- taken out: %s – %s", code(k), inline(why))
		}
	}
	if len(m.r.Excluded[w.ID]) > 0 {
		m.gap()
	}
}

func codes(keys []string) string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = code(k)
	}
	return strings.Join(out, ", ")
}

func (m *markdown) timeline() {
	m.heading(2, "Timeline")
	for _, rec := range m.t.Records {
		said := m.occasion(rec.Event)
		if said == "" {
			said = m.decision(rec.Event)
		}
		if said != "" {
			m.line("- %s %s (%s)", Moment(rec.Wall), said, inline(rec.Actor))
		}
	}
	m.gap()
}

// occasion tells an event of the run as a whole, or nothing.
func (m *markdown) occasion(e run.Event) string {
	switch e := e.(type) {
	case run.RunStarted:
		return "run started"
	case run.LeaseTaken:
		if e.Forced {
			return "**taken over by force**: driven by " + code(e.Holder)
		}
		return "driven by " + code(e.Holder)
	case run.LeaseReleased:
		return "driver left: " + inline(e.Why)
	case run.HostSeen:
		return "host " + code(e.Host) + " reached: boot " + code(e.Identity.BootID)
	case run.Paused:
		return "paused" + because(e.Why)
	case run.Continued:
		return "continued"
	case run.Note:
		return "**note**" + m.about(e.Cell) + ": " + inline(e.Text)
	case run.Exported:
		return "exported as " + inline(e.Format) + ", SHA-256 " + code(e.SHA256)
	case run.Adopted:
		return "**goes on with another version of its runbook**, SHA-256 " + code(e.Closure) + ", plan " + code(e.Digest) + because(changes(e.Changes))
	case run.Preflighted:
		return preflighted(e, inline)
	case run.HostKeyAccepted:
		return "**key accepted** for " + code(e.Host) + " at " + code(e.Address) + ": " + code(e.Key) + ", written to " + code(e.File)
	case run.MonitorTurned, run.MonitorAcknowledged:
		return m.turned(e)
	case run.AbortRequested, run.PauseRequested:
		return inline(toldOfRun(m.r, e))
	case run.RunClosed:
		return "run closed: " + inline(string(e.How)) + because(e.Why)
	}
	return ""
}

// decision tells an event about walks, and about what was asked of more than one
// cell, or nothing.
func (m *markdown) decision(e run.Event) string {
	switch e := e.(type) {
	case run.WalkOrdered:
		said := "order of " + code(e.Walk) + ": " + inline(strings.Join(e.Hosts, ", "))
		if e.Why != "" {
			said = "**order changed**, " + said + because(e.Why)
		}
		return said
	case run.BatchEntered:
		return code(e.Walk) + " goes on with " + codes(e.Hosts)
	case run.InstanceExcluded:
		return "**taken out** of " + code(e.Walk) + ": " + code(e.Instance) + because(e.Reason)
	case run.InstanceIncluded:
		return "put back into " + code(e.Walk) + ": " + code(e.Instance)
	case run.StopRequested:
		if e.After == "" {
			return "asked no longer to stop"
		}
		return "asked to stop once " + code(e.After) + " is finished"
	case run.RollbackPlanned:
		if len(e.Cells) == 0 {
			return "the rest of the rollback is dropped"
		}
		names := make([]string, len(e.Cells))
		for i, k := range e.Cells {
			names[i] = inline(name(m.r, k))
		}
		return fmt.Sprintf("**rollback of the %s** planned: %s", inline(string(e.Scope)), strings.Join(names, ", "))
	case run.Called:
		return "run out of its place" + m.about(e.Cell)
	}
	return m.strayed(e)
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + inline(why)
}

func (m *markdown) about(k run.Key) string {
	if k.Step == "" {
		return ""
	}
	return " at " + inline(name(m.r, k))
}
