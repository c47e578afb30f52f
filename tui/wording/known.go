package wording

import (
	"fmt"
	"strings"
	"time"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Known is what is known of an attempt of which nobody knows how it ended, a sentence
// each; none when that is known.
func Known(r *run.Run, c *run.Cell) []string {
	a := c.Latest()
	if c.Status != run.Unknown || a == nil {
		return nil
	}
	d := &a.Intent.Dispatch
	sent := "It was sent to " + Place(d.Where) + " at " + a.At.Format(time.TimeOnly)
	if !c.Ended.IsZero() && c.Ended.After(a.At) {
		sent += ", " + text.Duration(c.Ended.Sub(a.At).Truncate(time.Second)) + " before it was lost from sight"
	}
	out := []string{sent + "."}
	switch a.Fate { // what else it may have said stands in the reason
	case "":
		out = append(out, "Its host has not been asked since.")
	case "running":
		out = append(out, "Its host says that it is still running.")
	}
	if s := boots(a.Intent.Host, r.Hosts[d.Where]); s != "" && d.Form == "" {
		out = append(out, Place(d.Where)+s)
	}
	switch b := c.Plan.Step.Book; {
	case a.Outcome != nil:
	case b.Irreversible:
		out = append(out, "It can't be undone, and is never sent again by itself. Look at the host before you decide.")
	case b.Idempotent:
		out = append(out, "It is safe to repeat, once it counts as failed.")
	default:
		out = append(out, "It is not safe to repeat: look at the host before you decide.")
	}
	return out
}

// boots compares the host as it was when something was sent with the host as it was
// seen last.
func boots(was, is run.Identity) string {
	switch {
	case was.BootID == "" || is.BootID == "":
		return ""
	case strings.EqualFold(was.BootID, is.BootID):
		return " has not been restarted since, as far as it was seen (boot " + Line(short(is.BootID)) + ")."
	}
	return " has been restarted since: boot " + Line(short(was.BootID)) + " then, " + Line(short(is.BootID)) + " now."
}

func short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}

// Attempt says in a line when something was sent, and what came of it.
func Attempt(a *run.Attempt) string {
	s := fmt.Sprintf("%d  %s  %s", a.Intent.No, a.At.Format(time.TimeOnly), a.Intent.Role)
	switch {
	case a.Outcome != nil:
		s += fmt.Sprintf(", exit %d after %s", a.Outcome.Exit, text.Duration(time.Duration(a.Outcome.TookMS)*time.Millisecond))
	case a.Fate != "":
		s += ", " + Line(a.Fate)
	case a.Why != "":
		s += ", " + Line(a.Why)
	}
	return s
}
