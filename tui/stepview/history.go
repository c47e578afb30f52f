package stepview

import (
	"fmt"
	"slices"
	"time"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/diff"
	"stepgate/tui/wording"
)

// entry is something that happened at a cell.
type entry struct {
	at   time.Time
	says string
	who  string
}

// history lists the attempts, when there was more than one, and the notes that were
// put down meanwhile.
func (b *body) history() {
	b.edits()
	var out []entry
	if len(b.c.Attempts) > 1 {
		for _, a := range b.c.Attempts {
			out = append(out, entry{a.At, attempted(a), a.Record.Actor})
		}
	}
	out = append(out, b.starts()...)
	out = append(out, b.notes()...)
	if len(out) == 0 {
		return
	}
	slices.SortStableFunc(out, func(x, y entry) int { return x.at.Compare(y.at) })
	b.gap()
	for _, e := range out {
		s := e.at.Format(time.TimeOnly) + "  " + e.says
		if e.who != "" {
			s += "  (" + wording.Line(e.who) + ")"
		}
		b.say(b.Theme.Muted, s)
	}
}

// edits shows how the command differs from the runbook's.
func (b *body) edits() {
	if b.c.Edited == nil {
		return
	}
	b.gap()
	b.add(b.Theme.Warning.Render("edited; the runbook's text and this one:"))
	b.add(diff.Lines(b.Theme, b.c.Edited.Was, b.c.Edited.Body, b.full)...)
}

func attempted(a *run.Attempt) string {
	s := fmt.Sprintf("attempt %d, %s", a.Intent.No, a.Intent.Role)
	switch {
	case a.Outcome != nil:
		return s + fmt.Sprintf(": exit %d after %s", a.Outcome.Exit, text.Duration(time.Duration(a.Outcome.TookMS)*time.Millisecond))
	case a.Fate != "":
		return s + ": " + wording.Line(a.Fate)
	case a.Why != "":
		return s + ": " + wording.Line(a.Why)
	}
	return s
}

// notes are those of the time in which the cell was under way.
func (b *body) notes() []entry {
	if b.c.Begun.IsZero() {
		return nil
	}
	var out []entry
	for _, rec := range b.Snap.Run.Notes {
		n, ok := rec.Event.(run.Note)
		if !ok || rec.Wall.Before(b.c.Begun) || b.c.Status.Settled() && rec.Wall.After(b.c.Ended) {
			continue
		}
		out = append(out, entry{rec.Wall, "note: " + wording.Line(n.Text), rec.Actor})
	}
	return out
}
