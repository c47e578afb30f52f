// Package markdown draws a runbook's prose in a terminal: paragraphs, lists,
// quotations, tables and code, wrapped by terminal cells with East Asian line
// breaking.
//
// It imports tui/theme, tui/pane and runbook/text. Every line it returns is at
// most as wide as asked for, and holds no control sequence but its own styles:
// the source goes through the sanitizer first.
package markdown
