// Package diff draws what differs between two texts that are run, line by line, so
// that each byte can be seen.
//
// It imports tui/pane, tui/theme and tui/wording, and knows nothing of runs.
package diff
