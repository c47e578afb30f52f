package tui

import (
	"fmt"
	"strings"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/keys"
	"stepgate/tui/monitor"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// sampled says what a monitor has shown in the whole run.
func (a *app) sampled(s *monitor.Series) (theme.Mark, string) {
	sum := s.Sum()
	mark, said := theme.Done, "no gap"
	if g := sum.Longest; g.Length > 0 {
		mark, said = theme.Gate, "longest gap "+text.Duration(g.Length)+", "+a.board.During(g)
	}
	switch n := len(s.Episodes); n {
	case 0:
	case 1:
		said += "; red once"
	default:
		said += fmt.Sprintf("; red %d times", n)
	}
	if sum.Samples == 0 {
		mark, said = theme.Unknown, "never sampled"
	}
	if sum.Unobserved > 0 {
		said += "; unobserved " + text.Duration(sum.Unobserved)
	}
	return mark, said
}

// closing is what the step pane says when the run stands nowhere any more.
func (a *app) closing(w int) []string {
	t, r := a.theme, a.snap.Run
	var out []string
	add := func(style interface{ Render(...string) string }, s string) {
		for _, l := range pane.Wrap(s, w) {
			out = append(out, style.Render(l))
		}
	}
	switch r.Closed {
	case run.Done:
		add(t.Good.Bold(true), t.Glyph.Mark(theme.Done)+" The run is done: every step succeeded or does not apply.")
	case run.DoneExceptions:
		add(t.Warning.Bold(true), t.Glyph.Mark(theme.Done)+" The run is done, with exceptions.")
	case run.Aborted:
		add(t.Bad, t.Glyph.Mark(theme.Failed)+" The run was aborted.")
	case "":
		add(t.Muted, "The run is being set up.")
		return out
	}
	if r.ClosedWhy != "" {
		add(t.Muted, wording.Line(r.ClosedWhy))
	}
	out = append(out, "")
	add(t.Text, wording.Counts(r)+"  in "+text.Duration(r.Last.Sub(r.Started)))
	for _, s := range a.board.All() {
		mark, said := a.sampled(s)
		add(t.Style(mark), t.Glyph.Mark(mark)+" "+wording.Monitor(s.Watch)+": "+said)
	}
	for _, w := range r.Plan.Walks {
		for _, key := range w.Keys {
			if why, gone := r.Excluded[w.ID][key]; gone {
				add(t.Muted, t.Glyph.Mark(theme.Excluded)+" "+wording.Line(key)+" was taken out of "+wording.WalkTitle(r, w)+": "+wording.Line(why))
			}
		}
	}
	out = append(out, a.exceptions(w)...)
	out = append(out, "")
	add(t.Muted, "Transcript: stepgate export "+wording.Line(r.ID)+" --format md")
	return append(out, t.Muted.Render(strings.TrimSpace("Press "+a.keys.Name(keys.InRun, keys.Go, t.Glyph.Enter)+" to leave.")))
}

// exceptions are the cells that weren't done as the runbook says, and why.
func (a *app) exceptions(w int) []string {
	t, r := a.theme, a.snap.Run
	var out []string
	for c := range r.All() {
		strays := c.AdHoc != nil || c.Edited != nil
		if c.Status != run.Skipped && !strays && (c.Resolved == nil || c.Resolved.Method != run.ByOperator) {
			continue
		}
		why := c.Skip
		switch {
		case c.Status == run.Skipped:
		case c.AdHoc != nil:
			why = "it is not in the runbook"
		case c.Edited != nil:
			why = "its text was changed"
		}
		if c.Resolved != nil && c.Resolved.Method == run.ByOperator && c.Status != run.Skipped {
			why = "marked by " + c.By + ": " + c.Resolved.Reason
		}
		mark := wording.Mark(c.Status)
		for i, l := range pane.Wrap(wording.At(r, c)+"  "+wording.Line(why), max(w-2, 8)) {
			lead := t.Draw(mark) + " "
			if i > 0 {
				lead = "  "
			}
			out = append(out, lead+l)
		}
	}
	return out
}
