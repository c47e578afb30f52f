package wording

import "stepgate/runbook/run"

// Wish is what somebody who doesn't drive the run asks for, or "".
func Wish(rec *run.Record) string {
	what, why := "", ""
	switch e := rec.Event.(type) {
	case run.AbortRequested:
		what, why = "abort the run", e.Why
	case run.PauseRequested:
		what, why = "pause the run", e.Why
	default:
		return ""
	}
	s := Line(rec.Actor) + " asks to " + what
	if why != "" {
		s += ": " + Line(why)
	}
	return s
}
