// Package menu is a list of things to choose from by one key each. What can't
// be chosen now stays in sight, with the reason.
//
// It imports tui/pane, tui/theme and tui/wording and keeps only the place of
// its cursor.
package menu
