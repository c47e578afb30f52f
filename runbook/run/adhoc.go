package run

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stepgate/runbook"
	"stepgate/runbook/plan"
)

// LoginShell is what an ad hoc command with a terminal runs when nothing else is
// given: the operator's shell on that host. How its last command ended says nothing.
const LoginShell = `"${SHELL:-sh}" -l || :` + "\n"

// AdHocAsked is the event by which a person's command is added to the run, or says
// why it can't be.
func (r *Run) AdHocAsked(a AdHoc) (AdHocAsked, error) {
	e := AdHocAsked{Cell: Key{r.adHocStep(), a.Where}, Interpreter: a.Interpreter, Body: a.Body, TTY: a.TTY}
	if e.Interpreter == "sh" {
		e.Interpreter = ""
	}
	shell := a.TTY && strings.TrimSpace(a.Body) == ""
	switch {
	case shell:
		e.Interpreter, e.Body = "", LoginShell
	case !strings.HasSuffix(e.Body, "\n"):
		e.Body += "\n"
	}
	if why := r.notAsked(e); why != "" {
		return e, errors.New(why)
	}
	if why := r.notWritten(r.names(r.Plan.Root.Scope, a.Where, nil), a.Body); why != "" {
		return e, errors.New(why)
	}
	if !shell {
		e.Judged = runbook.Judge(e.interpreter(), e.Body)
	}
	return e, nil
}

// AdHocPlaces are where an ad hoc command may run: this machine, and the hosts of
// the plan, by name.
func (r *Run) AdHocPlaces() []string {
	places := []string{plan.Local}
	for name := range r.Plan.Hosts {
		places = append(places, name)
	}
	slices.Sort(places[1:])
	return places
}

func (e AdHocAsked) interpreter() string {
	if e.Interpreter == "" {
		return "sh"
	}
	return e.Interpreter
}

// adHocStep is the id of the next step that the plan doesn't have.
func (r *Run) adHocStep() string {
	for n := len(r.OffBook) + 1; ; n++ {
		id := fmt.Sprintf("adhoc/%d", n)
		taken := func(c *Cell) bool { return c.Key.Step == id }
		if !slices.ContainsFunc(r.Cells, taken) && !slices.ContainsFunc(r.OffBook, taken) {
			return id
		}
	}
}

// notAsked says why a command can't be added to the run, or "".
func (r *Run) notAsked(e AdHocAsked) string {
	if why := r.notAside(); why != "" {
		return why
	}
	_, host := r.Plan.Hosts[e.Cell.Target]
	switch {
	case e.Cell.Step != r.adHocStep():
		return "its number is not the next"
	case !host && e.Cell.Target != plan.Local:
		return fmt.Sprintf("the run has no host %q", e.Cell.Target)
	case !runbook.IsInterpreter(e.interpreter()):
		return fmt.Sprintf("%q is no interpreter that can be run", e.Interpreter)
	}
	return unreadable(e.Body)
}

// notAside says why nothing can be run beside the plan, or "".
func (r *Run) notAside() string {
	if r.Closed != "" {
		return "the run is closed"
	}
	for c := range r.All() {
		switch c.Status {
		case Running, RollingBack:
			return "something is going on"
		case Gated, Authorised:
			return "a gate is open; answer it first"
		case Pending:
			if c.AdHoc != nil {
				return "another command that was asked for comes first"
			}
		case Succeeded, Failed, Unknown, Skipped, NotApplicable, RolledBack, RollbackFailed, Excluded:
		}
	}
	return ""
}

func (r *Run) adHocAsked(rec Record, e AdHocAsked) error {
	if why := r.notAsked(e); why != "" {
		return &TransitionError{Kind(e), e.Cell, why}
	}
	r.OffBook = append(r.OffBook, &Cell{
		Plan: r.adHocCell(e), Key: e.Cell, AdHoc: &e, Checks: map[Phase]*ChecksTaken{}, Begun: rec.Wall, Seq: rec.Seq,
	})
	return nil
}

// adHocCell is the place in no plan of a command that was asked for: a step of the
// run's own scope.
func (r *Run) adHocCell(e AdHocAsked) *plan.Cell {
	title := strings.TrimSpace(e.Body)
	title, _, more := strings.Cut(title, "\n")
	switch {
	case e.Body == LoginShell:
		title = "A shell"
	case strings.Contains(title, "{{"): // it is no template
		title = "A command that is not in the runbook"
	case more:
		title += " …"
	}
	book := &runbook.Step{
		ID: e.Cell.Step, Title: title, Kind: runbook.Run, Judged: e.Judged, Confirm: e.Cell.Target,
		Command: &runbook.Fence{Form: runbook.Script, Lang: e.interpreter(), Body: e.Body, TTY: e.TTY},
	}
	s := &plan.Step{
		Book: book, Kind: plan.Run, ID: e.Cell.Step, Number: e.Cell.Step, Title: title, Scope: r.Plan.Root.Scope, Gated: e.Judged != "",
	}
	s.Cells = []*plan.Cell{{Index: -1, Step: s, Target: e.Cell.Target}}
	return s.Cells[0]
}

// offPlan is where the run stands at a command that isn't the plan's and hasn't
// been sent; nil: at none.
func (r *Run) offPlan() *stand {
	for _, c := range r.OffBook {
		switch c.Status {
		case Pending, Gated, Authorised:
			return r.begin([]*Cell{c}, 1)
		case Running, Succeeded, Failed, Unknown, Skipped, NotApplicable, RollingBack, RolledBack, RollbackFailed, Excluded:
		}
	}
	return nil
}

// over reports whether the run may go past the cell. What isn't the plan's may fail.
func (c *Cell) over() bool {
	return c.Status.Settled() || c.AdHoc != nil && c.Status == Failed
}

// dropUnsent leaves out a command that isn't the plan's and wasn't sent.
func (c *Cell) dropUnsent(why string) {
	c.Status, c.Skip, c.Gate, c.Grant = Skipped, cmp.Or(why, "its gate was not opened"), nil, nil
}

// strayed reports whether something was sent to a host that the runbook doesn't say.
func (r *Run) strayed() bool {
	for _, c := range r.OffBook {
		if len(c.Attempts) > 0 {
			return true
		}
	}
	return slices.ContainsFunc(r.Cells, (*Cell).strayed)
}
