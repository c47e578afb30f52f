// Package stepview draws one cell of a run for reading: prose, warnings, the
// exact command and where it runs, its classes, its checks with their verdicts
// and values, live polls, and what happened to it.
//
// It imports checks, runbook, runbook/plan, runbook/run, tui/diff, tui/markdown, tui/pane,
// tui/theme and tui/wording, keeps no state and does no I/O.
package stepview
