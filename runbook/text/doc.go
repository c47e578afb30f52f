// Package text holds what every other package may use for text: remedies on
// errors, and the one sanitizer through which untrusted text (runbooks, command
// output, host names, error strings of other programs) reaches a terminal.
//
// It is pure and imports no sibling.
package text
