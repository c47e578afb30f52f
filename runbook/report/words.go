package report

import (
	"fmt"
	"strings"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// mark is the sign of a status; the word always stands beside it.
func mark(s run.Status) string {
	switch s {
	case run.Succeeded:
		return "✓"
	case run.Failed, run.RollbackFailed:
		return "✗"
	case run.Unknown:
		return "?"
	case run.Skipped, run.NotApplicable:
		return "–"
	case run.Excluded:
		return "⊘"
	case run.RolledBack:
		return "↶"
	case run.Gated:
		return "◆"
	case run.Authorised, run.Running, run.RollingBack:
		return "▶"
	case run.Pending:
	}
	return "○"
}

// word is the status as people say it.
func word(s run.Status) string {
	switch s {
	case run.Succeeded:
		return "done"
	case run.Gated:
		return "at its gate"
	case run.Authorised:
		return "gate opened"
	case run.Pending, run.Running, run.Failed, run.Unknown, run.Skipped, run.NotApplicable, run.RollingBack, run.RolledBack,
		run.RollbackFailed, run.Excluded:
	}
	return s.String()
}

func verdictMark(v checks.Verdict) string {
	switch v {
	case checks.Pass:
		return "✓"
	case checks.Fail:
		return "✗"
	case checks.Unknown:
	}
	return "?"
}

// place names where something runs, as one plain line.
func place(target string) string {
	switch target {
	case "":
		return ""
	case plan.Local:
		return "this machine"
	}
	return line(target)
}

// at is " on HOST", or nothing for what has no place.
func at(target string) string {
	if target == "" {
		return ""
	}
	return " on " + place(target)
}

// kindWord says what a step is.
func kindWord(k plan.Kind) string {
	switch k {
	case plan.Manual:
		return "by hand"
	case plan.Check:
		return "check"
	case plan.Enter:
		return "enter"
	case plan.Ask:
		return "question"
	case plan.Watch:
		return "watch"
	case plan.Run:
	}
	return "command"
}

// classes says whether a step's command can be undone or repeated.
func classes(s *runbook.Step) []string {
	var out []string
	if s.Required {
		out = append(out, "required")
	}
	if s.Kind != runbook.Run {
		return out
	}
	switch {
	case s.Irreversible:
		out = append(out, "irreversible")
	case s.Rollback != nil:
		out = append(out, "reversible")
	}
	if s.Idempotent {
		out = append(out, "safe to repeat")
	}
	return out
}

func phaseWord(p run.Phase) string {
	switch p {
	case run.Already:
		return "Whether it is done already"
	case run.Before:
		return "Checks before"
	case run.After:
		return "Checks after"
	case run.Evidence:
		return "Checks as evidence"
	case run.RollbackBefore:
		return "Checks before the rollback"
	case run.RollbackAfter:
		return "Checks after the rollback"
	}
	return "Checks"
}

// reasons says in a sentence why a cell failed or is unknown.
func reasons(r run.Reason) string {
	switch r {
	case run.NoReason:
		return ""
	case run.Precondition:
		return "a precondition does not hold; nothing was sent"
	case run.CheckFailed:
		return "a check does not hold"
	case run.ExitCode:
		return "by the command's own exit code or expectations"
	case run.NotStarted:
		return "the command was never started"
	case run.DecidedFailed:
		return "a person marked it failed"
	case run.Crashed:
		return "Stepgate ended while the command was under way"
	case run.LinkLost:
		return "the connection was lost"
	case run.TimedOut:
		return "it took longer than its timeout"
	case run.HostRebooted:
		return "the host has rebooted since"
	case run.HostDied:
		return "it was started, left no result, and nothing of it is alive"
	case run.HostOrphan:
		return "its runner is gone, and processes of it live on"
	case run.HostForeign:
		return "another machine answers under the host's name"
	case run.HostAway:
		return "its host was sent away, and is not back in time"
	case run.EndedHere:
		return "its background process was ended before its checks were through"
	case run.NotRebooted:
		return "its host did not reboot"
	case run.HostKnows:
	}
	return line(string(r))
}

// named returns the variables that the dispatch's body names.
func named(d run.Dispatch) []run.Var {
	d.Prefix = "" // told apart, with the preludes
	return d.Named()
}

// first is a command's first line that says something, and how many follow.
func first(body string) string {
	lines := strings.Split(strings.TrimSpace(body), "\n")
	for i, l := range lines {
		if t := strings.TrimSpace(l); t != "" && (!strings.HasPrefix(t, "#") || i == len(lines)-1) {
			if more := len(lines) - i - 1; more > 0 {
				return fmt.Sprintf("%s  (and %s)", line(t), count(more, "line"))
			}
			return line(t)
		}
	}
	return ""
}
