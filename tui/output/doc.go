// Package output is the pane that shows what a command or a check printed:
// stdout and stderr apart or together, streaming, scrolled or following.
//
// It imports runbook/text, tui/pane and tui/theme. It asks for bytes and is
// given them; it reads nothing itself. Its memory is bounded: of a long output
// it holds the last part and says what it left out. No byte reaches the screen
// but through the sanitizer.
package output
