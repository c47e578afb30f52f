package report

import (
	"fmt"
	"strings"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

func (m *markdown) step(s *plan.Step, depth int) error {
	status := m.r.StepStatus(s)
	m.heading(depth, fmt.Sprintf("%s %s %s", mark(status), inline(stepName(m.r, s)), "– "+word(status)))
	m.quote(m.r.TextIn(s.Scope, s.Book.Caution))
	if s.Kind == plan.Manual || s.Kind == plan.Ask {
		m.quote(m.r.TextIn(s.Scope, s.Book.Prose))
	}
	if s.Book.Judged != "" {
		m.line("Gated by itself: %s.\n", inline(s.Book.Judged))
	}
	for _, pc := range s.Cells {
		if err := m.cell(m.r.CellOf(pc)); err != nil {
			return err
		}
	}
	return nil
}

// cell tells everything that happened at a step in one place.
func (m *markdown) cell(c *run.Cell) error {
	said := append([]string{word(c.Status)}, classes(c.Plan.Step.Book)...)
	said[0] = "**" + said[0] + "**"
	if where := place(c.Key.Target); where != "" {
		said = append(said, "on "+code(where))
	}
	if c.By != "" {
		said = append(said, "by "+inline(c.By))
	}
	if !c.Begun.IsZero() {
		said = append(said, Moment(c.Begun))
		if !c.Ended.IsZero() {
			said = append(said, "took "+text.Duration(c.Took()))
		}
	}
	m.line("%s, %s\n", strings.Join(said, ", "), code(c.Key.String()))
	m.why(c)
	clear(m.kept)
	for i, rec := range m.events[c.Key] {
		if err := m.event(c, rec, m.events[c.Key][i+1:]); err != nil {
			return err
		}
	}
	return m.openOutput(c)
}

func (m *markdown) why(c *run.Cell) {
	switch {
	case c.Status == run.Failed || c.Status == run.Unknown || c.Status == run.RollbackFailed:
		why := reasons(c.Reason)
		if c.Detail != "" {
			why += ": " + c.Detail
		}
		m.line("Why: %s.\n", inline(strings.TrimPrefix(why, ": ")))
	case c.Status == run.Skipped:
		m.line("Why: %s\n", inline(c.Skip))
	case c.Status == run.Excluded:
		m.line("Why: its instance was taken out: %s\n", inline(c.Excluded))
	}
}

// event tells one event. rest are the cell's events behind it.
func (m *markdown) event(c *run.Cell, rec run.Record, rest []run.Record) error {
	tell := func(format string, args ...any) {
		m.line("%s %s (%s)\n", Moment(rec.Wall), fmt.Sprintf(format, args...), inline(rec.Actor))
	}
	switch e := rec.Event.(type) {
	case run.WhenDecided:
		applies := "applies"
		if !e.Applies {
			applies = "does not apply"
		}
		tell("The step %s:", applies)
		m.rows(e.Rows)
	case run.ChecksTaken:
		m.checks(c, e, rec.Wall)
	case run.GateShown:
		m.gateShown(e, rec, rest)
	case run.GateGranted:
		m.granted(e, rec)
	case run.GateClosed:
		tell("**Gate %s**: %s", map[bool]string{true: "void", false: "declined"}[e.Void], inline(e.Why))
	case run.Intent:
		m.intent(c, e, rec)
	case run.NotDispatched:
		tell("**Not sent**: %s", inline(e.Why))
	case run.Interrupted:
		tell("**Its outcome is not known from here on**: %s", inline(e.Why))
	case run.Probed:
		m.probed(e, rec)
	case run.Reattached:
		tell("Followed again.")
	case run.Outcome:
		return m.outcome(e, rec)
	case run.OutcomeResolved:
		tell("**%s**: %s", capital(resolution(e)), inline(e.Reason))
	case run.ManualDone:
		tell("**Ticked**%s", because(e.Evidence))
	case run.CellSkipped:
		tell("**Skipped**: %s", inline(e.Reason))
	case run.Retried:
		tell("Made ready to run again%s", because(e.Why))
	case run.RerunOverride:
		tell("**To be run again**; typed: %s", code(e.Typed))
	case run.RollbackRequested:
		tell("**Rollback asked for**")
	case run.Asked:
		m.asked(c, e, rec)
	case run.Called:
		tell("**Run out of its place**")
	case run.Edited:
		m.edited(e, rec)
	case run.Note:
		tell("Note: %s", inline(e.Text))
	case run.Returned, run.Copied, run.AdHocAsked, run.WatchBegun, run.BackgroundUp, run.BackgroundDown:
		tell("%s", inline(capital(told(m.r, e))))
	}
	return nil
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// gateShown tells what a gate showed. The bytes stand with the intent when the
// gate led to one.
func (m *markdown) gateShown(e run.GateShown, rec run.Record, rest []run.Record) {
	undone := "it can't be undone"
	if e.Reversible {
		undone = "it can be rolled back"
	}
	m.line("%s **Gate** %s shown; phrase: %s; %s. (%s)\n", Moment(rec.Wall), code(e.Gate), code(e.Phrase), undone, inline(rec.Actor))
	if e.Leader != "" {
		m.line("It was shown with gate %s, and answered by it.\n", code(e.Leader))
	}
	if e.Dispatch == nil {
		return
	}
	for _, later := range rest {
		if i, ok := later.Event.(run.Intent); ok && i.Gate == e.Gate {
			m.line("It showed the command of attempt %d below, byte for byte.\n", i.No)
			return
		}
	}
	m.line("It showed this command, which was not sent through it:\n")
	m.dispatch(*e.Dispatch, run.Identity{})
}

func (m *markdown) granted(e run.GateGranted, rec run.Record) {
	how := "typed " + code(e.Typed)
	if e.Pre != "" {
		how = "opened by the pre-grant " + code(e.Pre)
	}
	m.line("%s **Gate** %s opened by %s: %s\n", Moment(rec.Wall), code(e.Gate), inline(rec.Actor), how)
}

func (m *markdown) intent(c *run.Cell, e run.Intent, rec run.Record) {
	what := "Command"
	switch e.Role {
	case run.RoleRollback:
		what = "Rollback"
	case run.RoleKeep:
		what = "Background process started again"
		if e.Monitor != "" {
			what = "Process of the monitor " + code(e.Monitor) + " started"
		}
	case run.RoleCommand:
	}
	m.line("%s **%s**, attempt %d (%s), by %s\n", Moment(rec.Wall), what, e.No, code(e.Attempt), inline(rec.Actor))
	m.queries[e.Attempt] = e.Dispatch.Form == "sql"
	of := run.Watch{Monitor: e.Monitor, Where: e.Dispatch.Where}
	if was, told := m.kept[of]; told && e.Role == run.RoleKeep && was == e.Dispatch.Shown() {
		return // it is what stands above
	}
	if e.Role == run.RoleKeep || background(c) {
		m.kept[of] = e.Dispatch.Shown()
	}
	m.dispatch(e.Dispatch, e.Host)
}

// dispatch writes what is run, exactly, and where.
func (m *markdown) dispatch(d run.Dispatch, id run.Identity) {
	said := []string{code(d.Kind()), "on " + code(place(d.Where))}
	if d.Form != "" {
		said = sent(d)
	}
	if d.SSH != "" {
		said = append(said, "at "+code(d.SSH))
	}
	if d.Dir != "" {
		said = append(said, "in "+code(d.Dir))
	}
	if d.Login {
		said = append(said, "in a login shell")
	}
	if d.User != "" {
		said = append(said, "as "+code(d.User))
	}
	if d.TTY {
		said = append(said, "on the operator's terminal")
	}
	if d.TimeoutMS > 0 {
		said = append(said, "asks after "+text.Duration(time.Duration(d.TimeoutMS)*time.Millisecond))
	}
	if around := d.Around(); around != "" {
		how := "behind"
		if d.Language != "" {
			how = "run by"
		}
		said = append(said, fmt.Sprintf("%s prelude %d", how, m.prelude(around)))
	}
	if id.MachineID != "" {
		said = append(said, "machine "+code(id.MachineID))
	}
	m.line("%s:\n", strings.Join(said, ", "))
	lang := d.Kind()
	if d.Form != "" && d.Form != "sql" && d.Form != "http" {
		lang = d.Interpreter
	}
	m.exact(lang, d.Shown())
	vars := named(d)
	for _, v := range vars {
		value := code(v.Value)
		if v.Secret {
			value = "a secret"
		}
		m.line("- %s = %s", code(v.Name), value)
	}
	if len(vars) > 0 {
		m.gap()
	}
}

func (m *markdown) prelude(p string) int {
	n, ok := m.prefixes[p]
	if !ok {
		m.order = append(m.order, p)
		n = len(m.order)
		m.prefixes[p] = n
	}
	return n
}

func (m *markdown) probed(e run.Probed, rec run.Record) {
	m.line("%s The host says of attempt %s: **%s**%s (%s)\n", Moment(rec.Wall), code(e.Attempt), inline(e.Fate), because(e.Detail), inline(rec.Actor))
	if len(e.Processes) > 0 {
		m.line("Its processes:\n")
		m.fence("", strings.Join(e.Processes, "\n"))
	}
}

func (m *markdown) outcome(e run.Outcome, rec run.Record) error {
	m.line("%s **Exit %d**, %s %s, after %s\n", Moment(rec.Wall), e.Exit, verdictMark(e.Verdict), e.Verdict, text.Duration(time.Duration(e.TookMS)*time.Millisecond))
	m.rows(e.Rows)
	m.captured(e.Values)
	some, err := m.output(e.Attempt)
	if !some && err == nil {
		m.line("It printed nothing.\n")
	}
	return err
}

var streamNames = [2]string{"stdout", "stderr"}

// output tells what is kept of an attempt's output, and whether there is any.
func (m *markdown) output(attempt string) (bool, error) {
	some := false
	for stream, what := range streamNames {
		data, omitted, err := m.t.output(attempt, stream)
		if err != nil {
			return some, err
		}
		if len(data) == 0 && omitted == 0 {
			continue
		}
		some = true
		left := ""
		if omitted > 0 {
			left = fmt.Sprintf(", of which %s are left out here", text.Bytes(omitted))
		}
		m.line("%s, %s%s:\n", what, text.Bytes(int64(len(data))+omitted), left)
		if g, ok := text.ParseGrid(string(data)); ok && stream == 0 && m.queries[attempt] {
			data = []byte(strings.Join(g.Lines(gridWidth), "\n"))
		}
		m.printed(string(data), string(data))
	}
	return some, nil
}

// openOutput tells what is kept of attempts that have no result of their own.
func (m *markdown) openOutput(c *run.Cell) error {
	for _, a := range c.Attempts {
		if a.Outcome != nil || background(c) && a.Intent.Role == run.RoleCommand {
			continue
		}
		m.line("Attempt %d has no result of its own. Kept of its output:\n", a.Intent.No)
		switch some, err := m.output(a.Intent.Attempt); {
		case err != nil:
			return err
		case !some:
			m.line("nothing\n")
		}
	}
	return m.keptOutput(c)
}

// sent says where statements or a request went, and whose values they saw.
func sent(d run.Dispatch) []string {
	said := []string{code(d.Form)}
	if d.Server != "" {
		said = append(said, "to "+code(d.Server))
	}
	if d.Via != "" {
		said = append(said, "through "+code(place(d.Via)))
	}
	if d.Where != "" && d.Where != plan.Local {
		said = append(said, "with the values of "+code(place(d.Where)))
	}
	return said
}

// asked tells how a question was answered.
func (m *markdown) asked(c *run.Cell, e run.Asked, rec run.Record) {
	value := code(e.Value)
	if q := c.Plan.Step.Book.Question; q != nil && q.Param.Secret {
		value = "a secret"
	}
	how := "by " + inline(rec.Actor)
	if e.Repeated {
		how = "as it was earlier in the run"
	}
	m.line("%s **Answered** %s: %s = %s\n", Moment(rec.Wall), how, code(e.Name), value)
}
