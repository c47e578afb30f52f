package wording

import (
	"fmt"
	"strings"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Here names the cell the run stands at: number, title and place.
func Here(s *run.Snapshot) string {
	c := s.Run.Cell(s.Current)
	if c == nil {
		return ""
	}
	return At(s.Run, c)
}

// At names a cell: number, title and place.
func At(r *run.Run, c *run.Cell) string {
	name := Name(r, c.Plan.Step)
	if c.Key.Target != "" {
		name += " on " + Place(c.Key.Target)
	}
	if in := Line(InstanceOf(c.Plan.Step.Scope)); !strings.Contains(name, in) {
		name += " for " + in
	}
	return name
}

// Lent names the cell that the terminal is lent to: the one that has it, else
// the one the run stands at.
func Lent(s *run.Snapshot) string {
	for _, b := range s.Beside {
		if c := s.Run.Cell(b.Cell); c != nil && b.What == run.AtTerminal && (s.Busy == nil || s.Busy.What != run.AtTerminal) {
			return At(s.Run, c)
		}
	}
	if here := Here(s); here != "" {
		return here
	}
	return "a command"
}

// Waiting says in one line what the run is doing, or waits for.
func Waiting(s *run.Snapshot, now time.Time) string {
	here := Here(s)
	if s.Busy != nil {
		return Doing(s, now) + ": " + here + beside(s)
	}
	switch s.Wait {
	case run.WaitGo:
		return "next: " + here + with(s)
	case run.WaitManual:
		return "to be done by hand: " + here
	case run.WaitGate:
		return "at the gate: " + here + with(s)
	case run.WaitAsk:
		return "a question: " + here
	case run.WaitBatch:
		if left := SoakLeft(s, now); left > 0 {
			return "the canary is through and soaks for " + text.Duration(left) + " yet; next: " + here
		}
		return "the canary is through, go on? next: " + here
	case run.WaitUndo:
		return "to be rolled back: " + here
	case run.WaitFailure, run.WaitUnknown:
		c := s.Run.Cell(s.Current)
		if c == nil {
			return string(s.Wait)
		}
		return Status(c.Status) + ": " + here
	case run.WaitMonitor:
		return Reds(s.Run) + ", to be acknowledged; next: " + here
	case run.WaitPaused:
		return "paused before " + here
	case run.WaitClosed:
		return "closed: " + string(s.Run.Closed)
	case run.WaitNothing:
	}
	return "at work: " + here
}

// SoakLeft is how long the run has to wait yet behind a canary, in whole
// seconds, rounded up.
func SoakLeft(s *run.Snapshot, now time.Time) time.Duration {
	if s.Wait != run.WaitBatch || !s.Soak.After(now) {
		return 0
	}
	return (s.Soak.Sub(now) + time.Second - 1).Truncate(time.Second)
}

// with says how many cells go together with the one the run stands at.
func with(s *run.Snapshot) string {
	if len(s.With) == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more", len(s.With))
}

// beside says at how many other places something goes on.
func beside(s *run.Snapshot) string {
	n := 0
	for _, b := range s.Beside {
		if b.Cell != s.Current {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more", n)
}

// Busy is what goes on at a cell, or nil.
func Busy(s *run.Snapshot, k run.Key) *run.Activity {
	if s.Busy != nil && s.Current == k {
		return s.Busy
	}
	for i := range s.Beside {
		if s.Beside[i].Cell == k {
			return &s.Beside[i]
		}
	}
	return nil
}

// Doing says what is going on where the run stands, without where.
func Doing(s *run.Snapshot, now time.Time) string {
	return Going(s, s.Run.Cell(s.Current), s.Busy, now)
}

// Activity says what is going on at a cell.
func Activity(c *run.Cell, b *run.Activity, now time.Time) string {
	d := text.Duration(now.Sub(b.Since).Truncate(time.Second))
	if b.Stopping {
		return "stopping, " + d
	}
	if name, known := doings[b.What]; known {
		return name + ", " + d
	}
	switch b.What {
	case run.Copying:
		return Copying(b) + ", " + d
	case "check":
		if c != nil && c.Plan.Step.Kind == plan.Check {
			return "checking, " + d
		}
		return Phase(b.Phase) + ", " + d
	case run.Reconnecting, run.Returning:
		if b.Timeout > 0 {
			d += " of " + text.Duration(b.Timeout)
		}
		return Away(b) + ", " + d
	}
	return Line(b.What) + ", " + d
}

// What activities are called, and how that reads.
var doings = map[string]string{
	"connect": "connecting", "command": "running", "rollback": "rolling back", "probe": "asking the host",
	"work": "at work", "monitor": "taking first samples", "starting": "starting", run.AtTerminal: "has the terminal",
}

// Away says what is tried while a link is lost or a host doesn't answer; "" for
// other activities.
func Away(b *run.Activity) string {
	switch _, known := doings[b.What]; {
	case known, b.What == "check", b.What == run.Copying:
		return ""
	case b.Away() && b.Detail != "":
		return Line(b.Detail)
	case b.Away():
		return "waiting for the host to come back"
	}
	return Line(b.What)
}

// Phase names a phase of checks in progress.
func Phase(p run.Phase) string {
	switch p {
	case run.Already:
		return "looking whether it is done already"
	case run.Before:
		return "checking before"
	case run.After:
		return "checking after"
	case run.Evidence:
		return "looking at what holds now"
	case run.RollbackBefore:
		return "checking whether the rollback is allowed"
	case run.RollbackAfter:
		return "checking the rollback"
	}
	return "checking"
}

// Label is the short word in front of the checks of a step's phase.
func Label(st *plan.Step, p run.Phase) string {
	if st.Kind == plan.Check && p == run.Before {
		return "check"
	}
	switch p {
	case run.Already:
		return "done?"
	case run.Before:
		return "before"
	case run.After:
		return "after"
	case run.Evidence:
		return "now"
	case run.RollbackBefore, run.RollbackAfter:
		return "undo"
	}
	return string(p)
}

// Undo says whether what a gate opens can be undone.
func Undo(st *plan.Step) string {
	switch {
	case st.Kind == plan.Manual:
		return "You do this by hand; Stepgate cannot undo it."
	case st.Kind == plan.Enter:
		return "Nothing runs yet: this opens the section."
	case st.Book.Irreversible:
		return "This can NOT be undone."
	case st.Book.Rollback != nil:
		return "This can be undone: the step has a rollback."
	}
	return "The runbook gives no way to undo this."
}

// Remedy names what an action does, as a menu says it.
func Remedy(v run.Verb) string {
	switch v {
	case run.VerbMarkDone:
		return "mark done"
	case run.VerbProbe:
		return "look again"
	case run.VerbRollBack:
		return "roll back"
	case run.VerbPostpone:
		return "move to the end"
	case run.VerbInclude:
		return "put back"
	case run.VerbReply:
		return "answer"
	case run.VerbCall:
		return "call"
	default:
		return string(v)
	}
}

// Counts returns how many cells are in each settled state, in words: the
// closing line of a run.
func Counts(r *run.Run) string {
	n := map[run.Status]int{}
	for _, c := range r.Cells {
		n[c.Status]++
	}
	var parts []string
	for _, s := range []run.Status{
		run.Succeeded, run.Skipped, run.NotApplicable, run.Failed, run.Unknown,
		run.RolledBack, run.RollbackFailed, run.Excluded, run.Pending,
	} {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], Status(s)))
		}
	}
	return strings.Join(parts, ", ")
}
