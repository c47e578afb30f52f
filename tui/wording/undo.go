package wording

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// horizonNames is how many steps are named that can't be undone any more.
const horizonNames = 4

// Undoing says whether a command that is about to be sent can be undone, until when,
// and what before it can't be undone any more behind it.
func Undoing(r *run.Run, c *run.Cell) []string {
	b, says := c.Plan.Step.Book, []string{Undo(c.Plan.Step)}
	switch {
	case c.Plan.Step.Kind != plan.Run:
	case c.Edited != nil && b.Rollback != nil:
		says[0] = "Whether this can be undone is not known: its rollback was written for the runbook's text."
	case b.Irreversible:
		if also := closes(r, c); also != "" {
			says = append(says, also)
		}
	case b.Rollback != nil:
		if wall := r.WallAhead(c); wall != nil {
			says[0] = "This can be undone until " + At(r, wall) + " is sent, and not any more behind that."
		}
	}
	return says
}

// closes names what can be undone now and no longer behind a cell.
func closes(r *run.Run, c *run.Cell) string {
	cells := r.Closes(c)
	if len(cells) == 0 {
		return ""
	}
	var names []string
	for i := len(cells) - 1; i >= 0 && len(names) < horizonNames; i-- {
		names = append(names, At(r, cells[i]))
	}
	list := strings.Join(names, "; ")
	if left := len(cells) - len(names); left > 0 {
		list += "; " + More(left)
	}
	if len(cells) == 1 {
		return "Behind it, one step before it can't be undone any more either: " + list + "."
	}
	return fmt.Sprintf("Behind it, %d steps before it can't be undone any more either: %s.", len(cells), list)
}

// Reached are the facts of a command that a gate shows, with how its host is reached
// and as whom, as far as that is known.
func Reached(r *run.Run, d *run.Dispatch) []string {
	facts := Facts(d)
	if d.Form != "" {
		return facts
	}
	if d.SSH != "" {
		facts[0] += " (" + Line(d.SSH) + ")"
	}
	if user := r.Hosts[d.Where].User; user != "" && d.User == "" {
		facts = slices.Insert(facts, 1, "as "+Line(user))
	}
	return facts
}

// Age says when something was checked, and how long ago that is.
func Age(at, now time.Time) string {
	d := now.Sub(at)
	switch s := "checked at " + at.Format(time.TimeOnly); {
	case d < time.Second:
		return s
	case d < time.Minute:
		return fmt.Sprintf("%s, %ds ago", s, int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%s, %d min ago", s, int(d.Minutes()))
	default:
		return s + ", over an hour ago"
	}
}
