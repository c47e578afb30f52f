// Package diff draws what differs between two texts, line by line, so that each byte
// can be seen, and differences that others have made.
//
// It imports runbook/text, tui/pane, tui/theme and tui/wording, and knows nothing of
// runs.
package diff
