package wording

import (
	"fmt"
	"slices"
	"time"

	"stepgate/runbook/run"
	"stepgate/tui/theme"
)

// Kept is what is going on at the process of a cell's background command; nil: nobody
// keeps it.
func Kept(s *run.Snapshot, k run.Key) *run.Keeping {
	i := slices.IndexFunc(s.Keeping, func(p run.Keeping) bool { return p.Cell == k && p.Monitor == "" })
	if i < 0 {
		return nil
	}
	return &s.Keeping[i]
}

// KeptMark is how the state of a background process is drawn.
func KeptMark(state string) theme.Mark {
	switch state {
	case "up":
		return theme.Running
	case "down":
		return theme.Failed
	case "ending":
		return theme.Skipped
	}
	return theme.Ready
}

// Process says how the process of a cell's background command stands, with the clock of
// a zone; "" when it has never been started.
func Process(s *run.Snapshot, c *run.Cell, zone *time.Location) (theme.Mark, string) {
	clock := func(t time.Time) string { return t.In(zone).Format(time.TimeOnly) }
	k := Kept(s, c.Key)
	if k == nil {
		if a := c.LatestStart("", ""); a != nil {
			return theme.NotApplicable, "its process " + Lived(a, zone)
		}
		return theme.Pending, ""
	}
	said := "its process is " + Line(k.State)
	if !k.Since.IsZero() {
		said += " since " + clock(k.Since)
	}
	if k.Why != "" {
		said += ": " + Line(k.Why)
	}
	if k.State == "down" && !k.Next.IsZero() {
		said += ", is started again at " + clock(k.Next)
	}
	if k.Starts > 1 {
		said += fmt.Sprintf(", started %d times", k.Starts)
	}
	return KeptMark(k.State), said
}

// Lived says from when to when a start of a background process ran, and how it ended.
func Lived(a *run.Attempt, zone *time.Location) string {
	clock := func(t time.Time) string { return t.In(zone).Format(time.TimeOnly) }
	said := "was not seen to run"
	if !a.Up.IsZero() {
		said = "ran from " + clock(a.Up)
	}
	d := a.Down
	switch {
	case d == nil && a.Up.IsZero():
		return "is being started"
	case d == nil:
		return "runs since " + clock(a.Up)
	case !a.Ended.IsZero():
		said += " to " + clock(a.Ended)
	}
	switch {
	case d.Ended:
		said += ", was ended from here"
	case d.Exit != nil:
		said += fmt.Sprintf(", exit %d", *d.Exit)
	default:
		said += ", how it ended is not known"
	}
	if d.Why != "" {
		said += ": " + Line(d.Why)
	}
	return said
}
