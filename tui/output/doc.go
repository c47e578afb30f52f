// Package output is the pane that shows what a command or a check printed:
// stdout and stderr apart or together, streaming, scrolled or following, searched,
// wrapped or cut.
//
// It imports runbook/text, tui/diff, tui/pane and tui/theme. It says which bytes it
// wants and is given them; it reads nothing itself. The streams are one document, of
// which it holds a window around what is looked at, so that its memory is bounded
// whatever the document's size. Bytes become lines as on the bottom of a terminal: a
// progress bar moves in its place, colours are as the theme allows, and a difference
// has those of one. No byte reaches the real screen but through the sanitizer.
package output
