// Package steplist is the tree of sections, walks, steps and cells of a run: what
// is folded, where the operator's cursor is, and how a row looks.
//
// It imports runbook/plan, runbook/run, tui/pane, tui/theme and tui/wording. It
// is a plain struct without I/O; what it shows depends only on the snapshot and
// the operator's moves. While the operator hasn't moved away, the cursor is on
// the cell the run stands at.
package steplist
