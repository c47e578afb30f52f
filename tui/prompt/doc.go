// Package prompt is a small dialog that asks for text: a reason, a note, a
// value that is checked as it is typed, or a phrase that must be typed exactly.
//
// It imports tui/keys, tui/pane, tui/theme and tui/wording. It knows nothing of what is
// done with the answer. A phrase takes keys only, never a paste.
package prompt
