package wording

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"stepgate/checks"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/theme"
)

// Line makes one line of untrusted text fit for the screen.
func Line(s string) string { return text.Line(text.Untrusted(s)) }

// Block makes several lines of untrusted text fit for the screen.
func Block(s string) string { return text.Block(text.Untrusted(s)) }

// Mark returns how a status is drawn.
func Mark(s run.Status) theme.Mark {
	switch s {
	case run.Gated:
		return theme.Gate
	case run.Authorised, run.Running, run.RollingBack:
		return theme.Running
	case run.Succeeded:
		return theme.Done
	case run.Failed, run.RollbackFailed:
		return theme.Failed
	case run.Unknown:
		return theme.Unknown
	case run.Skipped:
		return theme.Skipped
	case run.NotApplicable:
		return theme.NotApplicable
	case run.RolledBack:
		return theme.Undone
	case run.Excluded:
		return theme.Excluded
	case run.Pending:
	}
	return theme.Pending
}

// Status returns the word for a status.
func Status(s run.Status) string {
	switch s {
	case run.Gated:
		return "gate"
	case run.Authorised:
		return "granted"
	case run.Succeeded:
		return "done"
	default:
		return s.String()
	}
}

// Verdict returns how a verdict is drawn.
func Verdict(v checks.Verdict) theme.Mark {
	switch v {
	case checks.Pass:
		return theme.Done
	case checks.Fail:
		return theme.Failed
	case checks.Unknown:
	}
	return theme.Unknown
}

// Place names where something runs.
func Place(target string) string {
	if target == plan.Local {
		return "this machine"
	}
	return Line(target)
}

// Classes says what a repetition of the step's command would do, and whether
// it can be undone.
func Classes(st *plan.Step) []string {
	b := st.Book
	var out []string
	if b.Always {
		out = append(out, "offered whenever its section is open")
	}
	switch {
	case st.Kind != plan.Run:
		if b.Required {
			out = append(out, "required")
		}
		return out
	case b.Irreversible:
		out = append(out, "irreversible")
	case b.Rollback != nil:
		out = append(out, "reversible")
	}
	if b.Idempotent {
		out = append(out, "safe to repeat")
	} else {
		out = append(out, "not safe to repeat")
	}
	if b.Required {
		out = append(out, "required")
	}
	return out
}

// Kind names what a step is, where it isn't a command.
func Kind(k plan.Kind) string {
	switch k {
	case plan.Manual:
		return "done by hand"
	case plan.Check:
		return "checks only"
	case plan.Enter:
		return "entering a section"
	case plan.Ask:
		return "a question"
	case plan.Watch:
		return "monitors"
	case plan.Run:
	}
	return "command"
}

// Title is a step's title with its values.
func Title(r *run.Run, st *plan.Step) string {
	if len(st.Cells) == 0 {
		return Line(st.Title)
	}
	return Line(r.Text(r.CellOf(st.Cells[0]), st.Title))
}

// Name is a step's number and title.
func Name(r *run.Run, st *plan.Step) string {
	return strings.TrimSpace(st.Number + " " + Title(r, st))
}

// Took returns how long the cell's command and checks worked, waiting for
// people not counted.
func Took(c *run.Cell) time.Duration {
	var d time.Duration
	for _, a := range c.Attempts {
		if a.Outcome != nil {
			d += time.Duration(a.Outcome.TookMS) * time.Millisecond
		}
	}
	for _, t := range c.Checks {
		var longest int64
		for _, r := range t.Checks {
			longest = max(longest, r.TookMS)
		}
		d += time.Duration(longest) * time.Millisecond
	}
	return d
}

// Unchanged reports whether no event lies between two views of a run, so that at most
// what its monitors show differs.
func Unchanged(before, now *run.Run) bool {
	return before != nil && before.Plan == now.Plan && before.ID == now.ID && before.Seq == now.Seq
}

// Clock is a span as a clock shows it: 00:14:31.
func Clock(d time.Duration) string {
	s := max(int(d.Seconds()), 0)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Chop removes the last character, as it is seen, of a text.
func Chop(s string) string {
	end := 0
	for at := 0; at < len(s); {
		c, _ := ansi.FirstGraphemeCluster(s[at:], ansi.GraphemeWidth)
		end = at
		at += max(len(c), 1)
	}
	return s[:end]
}
