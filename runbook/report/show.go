package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Show writes in a few lines where a run stands, what it waits for, and what to
// type next.
func Show(w io.Writer, r *run.Run) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", line(title(r)))
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fact := func(what, format string, args ...any) {
		_, _ = fmt.Fprintf(tw, "%s\t%s\n", what, fmt.Sprintf(format, args...)) // into a strings.Builder
	}
	settled, total, gates := r.Progress()
	fact("run", "%s", line(r.ID))
	fact("runbook", "%s", line(r.Start.Runbook))
	fact("started", "%s, latest event %s", Time(r.Started), Time(r.Last))
	fact("progress", "%d of %s settled, %s ahead", settled, count(total, "cell"), count(gates, "gate"))
	for _, s := range tally(r) {
		if attention(s.Status) {
			fact("", "%d %s", s.Cells, word(s.Status))
		}
	}
	if said := strays(r); said != "" {
		fact("off-book", "%s", said)
	}
	switch {
	case r.Closed != "":
		fact("state", "closed: %s%s", r.Closed, suffix(": ", r.ClosedWhy))
	case r.Holder != "":
		fact("state", "driven by %s", line(r.Holder))
	default:
		fact("state", "nobody drives it; it can be resumed")
	}
	c, wait := standing(r)
	if c != nil {
		fact("at", "%s", name(r, c.Key))
		fact("step", "%s", line(c.Key.String()))
	}
	if r.Closed == "" {
		fact("waits", "%s", waits(r, c, wait))
	}
	if said := monitors(r); said != "" {
		fact("monitors", "%s; see: stepgate show --monitors %s", said, line(r.ID))
	}
	if r.Stop != "" {
		fact("", "it pauses once %s is finished", line(r.Stop))
	}
	for _, k := range r.Undoing {
		fact("to undo", "%s", name(r, k))
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("show run %q: %w", r.ID, err)
	}
	if c != nil {
		trouble(&b, c)
	}
	fmt.Fprintf(&b, "\nnext: %s\n", next(r))
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("show run %q: %w", r.ID, err)
	}
	return nil
}

func suffix(before, s string) string {
	if s == "" {
		return ""
	}
	return before + line(s)
}

// attention reports a status that a reader of a summary wants to hear of.
func attention(s run.Status) bool {
	switch s {
	case run.Failed, run.Unknown, run.Skipped, run.RolledBack, run.RollbackFailed, run.Running, run.RollingBack, run.Excluded:
		return true
	case run.Pending, run.Gated, run.Authorised, run.Succeeded, run.NotApplicable:
	}
	return false
}

// trouble tells why the current cell does not go on.
func trouble(b *strings.Builder, c *run.Cell) {
	if why := reasons(c.Reason); why != "" {
		fmt.Fprintf(b, "\n%s: %s%s\n", word(c.Status), why, suffix(": ", c.Detail))
	}
	for _, p := range []run.Phase{run.Already, run.Before, run.After, run.Evidence, run.RollbackBefore, run.RollbackAfter} {
		taken := c.Checks[p]
		if taken == nil || taken.Verdict() == checks.Pass {
			continue
		}
		fmt.Fprintf(b, "\n%s, %s:\n", strings.ToLower(phaseWord(p)), Moment(c.CheckedAt[p]))
		for _, res := range taken.Checks {
			troubleAt(b, res)
		}
	}
}

func troubleAt(b *strings.Builder, res run.CheckResult) {
	if res.Verdict != checks.Pass && len(res.Rows) == 0 {
		fmt.Fprintf(b, "  %s exit %d%s%s\n", verdictMark(res.Verdict), res.Exit, at(res.Where), suffix(": ", res.Cause))
	}
	before := ""
	for _, row := range res.Rows {
		if row.Verdict != checks.Pass {
			fmt.Fprintf(b, "  %s %s%s%s%s\n", verdictMark(row.Verdict), line(row.Text), at(res.Where), suffix("   ", row.Saw), suffix("   ", row.Cause))
			if row.Diff != before {
				difference(b, row.Diff)
			}
			before = row.Diff
		}
	}
}

// next is the command that takes a run further.
func next(r *run.Run) string {
	switch {
	case r.Closed != "":
		return "stepgate export " + line(r.ID)
	case r.Holder != "":
		return "stepgate resume " + line(r.ID) + "   (once its driver has left)"
	}
	return "stepgate resume " + line(r.ID)
}

// ShowJSON writes the same as one object. The contract is additive: run (as in
// [JSON]), holder (who drives; missing: nobody), progress, current (the cell it
// stands at, with the latest taking of each phase of its checks), edited
// (cells whose command was given another text), off_book (commands beside the
// runbook), held (monitors that were red, which nobody has acknowledged), next (a
// command line).
func ShowJSON(w io.Writer, r *run.Run) error {
	settled, total, gates := r.Progress()
	o := showObject{Run: runOf(r), Holder: r.Holder, Progress: progressObject{settled, total, gates}, Next: next(r)}
	if c, _ := standing(r); c != nil {
		s := c.Plan.Step
		o.Current = &currentObject{
			Step: c.Key.Step, Target: c.Key.Target, Number: s.Number, Title: r.Text(c, s.Title), Kind: kindWord(s.Kind),
			Status: c.Status, Reason: c.Reason, Detail: c.Detail, Begun: c.Begun.UTC(), Checks: c.Checks,
		}
	}
	for _, c := range r.Cells {
		if c.Edited != nil {
			o.Edited = append(o.Edited, c.Key)
		}
	}
	for _, c := range r.OffBook {
		o.OffBook = append(o.OffBook, c.Key)
	}
	for _, m := range r.Held() {
		o.Held = append(o.Held, m.Watch)
	}
	if err := text.WriteJSON(w, o); err != nil {
		return fmt.Errorf("show run %q: %w", r.ID, err)
	}
	return nil
}

type showObject struct {
	Run      runObject      `json:"run"`
	Holder   string         `json:"holder,omitempty"`
	Progress progressObject `json:"progress"`
	Current  *currentObject `json:"current,omitempty"`
	Edited   []run.Key      `json:"edited,omitempty"`
	OffBook  []run.Key      `json:"off_book,omitempty"`
	Held     []run.Watch    `json:"held,omitempty"`
	Next     string         `json:"next"`
}

type progressObject struct {
	Settled    int `json:"settled"`
	Cells      int `json:"cells"`
	GatesAhead int `json:"gates_ahead"`
}

type currentObject struct {
	Step   string                         `json:"step"`
	Target string                         `json:"target,omitempty"`
	Number string                         `json:"number"`
	Title  string                         `json:"title"`
	Kind   string                         `json:"kind"`
	Status run.Status                     `json:"status"`
	Reason run.Reason                     `json:"reason,omitempty"`
	Detail string                         `json:"detail,omitempty"`
	Begun  time.Time                      `json:"begun,omitzero"`
	Checks map[run.Phase]*run.ChecksTaken `json:"checks,omitempty"`
}
