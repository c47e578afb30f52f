// Package text holds what every other package may use for text: remedies on
// errors, the one sanitizer through which untrusted text (runbooks, command
// output, host names, error strings of other programs) reaches a terminal, and the
// one redactor through which text that may hold secrets leaves for a journal, a
// screen or an export. Secrets are masked before text is sanitized.
//
// It is pure and imports no sibling.
package text
