package report

import (
	"fmt"
	"strings"

	"stepgate/runbook/run"
)

// The exceptions of what left the runbook.
const (
	textChanged = "run with another text than the runbook's"
	beside      = "asked for beside the runbook"
	jumpedOver  = "gone on at a later step"
)

// offBook names what an event has that is not in the runbook, or "".
func offBook(e run.Event) (what, detail string) {
	switch e := e.(type) {
	case run.Edited:
		return textChanged, first(e.Body)
	case run.AdHocAsked:
		return beside, asked(e)
	case run.Jumped:
		return jumpedOver, fmt.Sprintf("%s left out: %s", count(len(e.Over), "cell"), e.Reason)
	}
	return "", ""
}

// asked is what was asked for, in a line.
func asked(e run.AdHocAsked) string {
	if e.Body == run.LoginShell {
		return "a shell"
	}
	return first(e.Body)
}

// toldOffBook tells such an event in a line; "": it is another.
func toldOffBook(r *run.Run, e run.Event) string {
	switch e := e.(type) {
	case run.Edited:
		return "its text was changed: " + first(e.Body)
	case run.AdHocAsked:
		return "asked for, beside the runbook" + suffix(" and gated, ", e.Judged) + ": " + asked(e)
	case run.Jumped:
		names := make([]string, len(e.Over))
		for i, k := range e.Over {
			names[i] = name(r, k)
		}
		return fmt.Sprintf("goes on here and leaves out %s (%s): %s", count(len(e.Over), "cell"), strings.Join(names, ", "), line(e.Reason))
	}
	return ""
}

// strayed tells such an event of the timeline, marked up, or nothing.
func (m *markdown) strayed(e run.Event) string {
	switch e := e.(type) {
	case run.Edited:
		return "**text changed**" + m.about(e.Cell)
	case run.AdHocAsked:
		return "**asked for beside the runbook**: " + inline(name(m.r, e.Cell))
	case run.Jumped:
		names := make([]string, len(e.Over))
		for i, k := range e.Over {
			names[i] = inline(name(m.r, k))
		}
		return "**gone on**" + m.about(e.To) + because(e.Reason) + "; left out: " + strings.Join(names, ", ")
	}
	return ""
}

// edited tells that a command was given another text. What it was given stands with
// the attempt.
func (m *markdown) edited(e run.Edited, rec run.Record) {
	m.line("%s **Its text was changed** (%s). The runbook has:\n", Moment(rec.Wall), inline(rec.Actor))
	m.exact("", e.Was)
	m.line("It was made:\n")
	m.exact("", e.Body)
}

// beside writes what people ran that the plan doesn't have.
func (m *markdown) beside() error {
	if len(m.r.OffBook) == 0 {
		return nil
	}
	m.heading(2, "Beside the runbook")
	for _, c := range m.r.OffBook {
		if err := m.step(c.Plan.Step, 3); err != nil {
			return err
		}
	}
	return nil
}

// beside writes what of it isn't over.
func (m *remaining) beside(d *document) {
	var open []*run.Cell
	for _, c := range m.r.OffBook {
		if !c.Status.Settled() && c.Status != run.Failed {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		return
	}
	d.heading(2, "Beside the runbook")
	for _, c := range open {
		m.cell(d, c)
	}
}

// strays counts what was run beside the runbook, or with another text, in words;
// "": nothing.
func strays(r *run.Run) string {
	edited, asked := 0, 0
	for _, c := range r.Cells {
		if c.Edited != nil {
			edited++
		}
	}
	for _, c := range r.OffBook {
		if len(c.Attempts) > 0 {
			asked++
		}
	}
	var said []string
	if edited > 0 {
		said = append(said, count(edited, "command")+" with another text")
	}
	if asked > 0 {
		said = append(said, count(asked, "command")+" beside the runbook")
	}
	return strings.Join(said, ", ")
}
