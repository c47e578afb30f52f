// Package report tells people and programs about a run or a plan: transcripts
// ([Markdown], [JSON]), the expanded checklist of a plan ([Plan], [PlanJSON]),
// where a run stands ([Show], [ShowJSON]) and what its monitors and background
// processes showed ([Monitors], [MonitorsJSON], [Samples]).
//
// It is pure, values in and bytes out, and imports of the project only runbook,
// runbook/plan, runbook/run, runbook/text and checks. A transcript is told from
// the run's records, so that what was tried in vain is in it too.
//
// The invariant: text from a runbook, a host, a command or a person goes through
// the sanitizer of runbook/text, and stays what it was marked up as: it can't
// end a code block, open a heading, or become HTML. JSON keeps the text itself
// and escapes every character that a terminal might act on.
package report
