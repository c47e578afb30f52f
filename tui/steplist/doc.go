// Package steplist is the tree of sections, walks, steps and cells of a run: what
// is folded, where the operator's cursor is, and how a row looks.
//
// It imports runbook/plan, runbook/run, runbook/text, tui/pane, tui/theme and
// tui/wording. It is a plain struct without I/O; what it shows depends only on the
// snapshot and the operator's moves. While the operator hasn't moved away, the
// cursor is on the cell the run stands at; else the line under the cursor doesn't
// move on the screen, whatever happens above it. What a newer snapshot costs is a
// pass over the plan's nodes without allocations; text is made of visible rows only.
package steplist
