package wording

import (
	"fmt"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// Stopped says in one line why a cell failed or is unknown, or "" when it is
// neither.
func Stopped(c *run.Cell) string {
	switch c.Status {
	case run.Failed:
		return failed(c)
	case run.Unknown:
		return unknown(c)
	case run.RolledBack:
		return "its command was undone"
	case run.RollbackFailed:
		return "the rollback did not succeed"
	default:
		return ""
	}
}

func failed(c *run.Cell) string {
	switch c.Reason {
	case run.Precondition:
		return "a check before the command doesn't hold; nothing was sent"
	case run.CheckFailed:
		if c.Plan.Step.Kind == plan.Check {
			return "a check doesn't hold"
		}
		return "the command ran, but a check after it doesn't hold"
	case run.ExitCode:
		return exit(c)
	case run.NotStarted:
		return "nothing ran: " + Line(c.Detail)
	case run.DecidedFailed:
		return "marked failed: " + Line(c.Detail)
	default:
		return strings.TrimSpace(Line(string(c.Reason)) + " " + Line(c.Detail))
	}
}

func exit(c *run.Cell) string {
	a := c.Latest()
	if a == nil || a.Outcome == nil {
		return "the command failed"
	}
	if a.Outcome.Exit != 0 {
		return fmt.Sprintf("the command ended with exit %d", a.Outcome.Exit)
	}
	return "the command ended with exit 0, but what it printed isn't what is expected"
}

func unknown(c *run.Cell) string {
	var s string
	switch c.Reason {
	case run.Precondition:
		return "a check before the command could not be judged; nothing was sent"
	case run.CheckFailed:
		return "a check could not be judged"
	case run.ExitCode:
		return "the command ended, but its result could not be judged"
	case run.Crashed:
		s = "Stepgate ended while the command was under way"
	case run.LinkLost:
		s = "the connection was lost while the command was under way"
	case run.TimedOut:
		s = "the command's time is up, and it may still be running"
	case run.HostRebooted:
		s = "the host was restarted while the command was under way"
	case run.HostDied:
		s = "the command began, left no result, and nothing of it is alive"
	case run.HostOrphan:
		s = "the command left no result, but processes of it are alive"
	case run.HostForeign:
		s = "another machine answers under this host's name"
	default:
		s = Line(string(c.Reason))
	}
	if c.Detail != "" && c.Reason != run.HostDied { // there it says the same
		s += " (" + Line(c.Detail) + ")"
	}
	return s
}

// Looked returns what was seen of a cell after its command had ended, or nil
// when something has been sent since: then it says nothing about now.
func Looked(c *run.Cell) (taken *run.ChecksTaken, at time.Time) {
	t, at := c.Checks[run.Evidence], c.CheckedAt[run.Evidence]
	if l := c.Latest(); t == nil || l != nil && l.At.After(at) {
		return nil, time.Time{}
	}
	return t, at
}

// Judged is one row of a check or of a command's own expectations, with where
// it was seen when there were several places.
type Judged struct {
	Where string
	Row   checks.Row
}

// Decisive returns the rows that made a cell fail or unknown, those that passed
// left out.
func Decisive(c *run.Cell) []Judged {
	var out []Judged
	phases := decided(c)
	if a := c.Latest(); a != nil && a.Outcome != nil && len(phases) == 0 {
		for _, r := range a.Outcome.Rows {
			if r.Verdict != checks.Pass {
				out = append(out, Judged{Row: r})
			}
		}
	}
	for _, p := range phases {
		if t := c.Checks[p]; t != nil {
			for _, res := range t.Checks {
				out = append(out, notPassed(res, len(t.Checks) > 1)...)
			}
		}
	}
	return out
}

// decided are the phases whose checks made a cell fail or unknown; none: something
// else did.
func decided(c *run.Cell) []run.Phase {
	switch {
	case c.Status == run.RollbackFailed:
		return []run.Phase{run.RollbackBefore, run.RollbackAfter}
	case c.Reason == run.Precondition || c.Plan.Step.Kind == plan.Check:
		return []run.Phase{run.Before}
	case c.Reason == run.CheckFailed:
		return []run.Phase{run.After}
	}
	return nil
}

// Against are the checks that made a cell fail or unknown, with what they printed.
func Against(c *run.Cell) []run.CheckResult {
	var out []run.CheckResult
	for _, p := range decided(c) {
		if t := c.Checks[p]; t != nil {
			for _, res := range t.Checks {
				if len(notPassed(res, false)) > 0 {
					out = append(out, res)
				}
			}
		}
	}
	return out
}

func notPassed(res run.CheckResult, several bool) []Judged {
	where := ""
	if several {
		where = Place(res.Where)
	}
	var out []Judged
	for _, r := range res.Rows {
		if r.Verdict != checks.Pass {
			out = append(out, Judged{where, r})
		}
	}
	if len(out) == 0 && res.Verdict != checks.Pass {
		out = append(out, Judged{where, checks.Row{Text: ExitText(res), Verdict: res.Verdict, Cause: res.Cause}})
	}
	return out
}

// ExitText says how a check without rows ended.
func ExitText(res run.CheckResult) string {
	if !res.Ran {
		return "no result"
	}
	return fmt.Sprintf("exit %d", res.Exit)
}

// Row returns a row's text and what it saw, each one line.
func Row(r checks.Row) (what, saw string) {
	what = Line(r.Text)
	if r.Label != "" {
		what = Line(r.Label)
	}
	saw = Line(r.Saw)
	if r.Cause != "" {
		saw = Line(r.Cause)
	}
	return what, saw
}

// HalfWay is what has to be typed before a cell's command is stopped, and what that
// means.
func HalfWay(c *run.Cell) (phrase, means string) {
	switch {
	case c.Plan.Step.Book.Idempotent:
		return "y", "The command is safe to repeat."
	case c.Key.Target == "":
		phrase = plan.Local
	default:
		phrase = c.Key.Target
	}
	return phrase, "A command that is stopped half way may have done half of it, and this one is not safe to repeat."
}
