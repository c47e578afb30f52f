// Package matrix shows hosts by steps: who is where, who failed, who is out.
//
// A [Sheet] is what it is made of: a walk with those inside it, or the steps of a
// section that run at several places. A [Grid] is a sheet laid out for a run, a
// [View] a grid with the operator's place in it, and [Table] writes all sheets as
// text. It imports runbook/plan, runbook/run, runbook/text, tui/pane, tui/theme
// and tui/wording; it does no I/O but to a writer that it was given, and depends
// only on the snapshot and the operator's moves. Drawing looks at the cells that
// are in sight, not at all there are.
package matrix
