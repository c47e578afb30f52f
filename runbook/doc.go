// Package runbook is the runbook language: it turns the bytes of a Markdown
// file into a [Runbook], or into diagnostics with places and remedies.
//
// It is pure: bytes in, values out. It imports checks (for expressions) and
// runbook/text, and nothing of the machine: no files, processes, network, clock
// or screen. Nothing invalid becomes a model value: whoever holds a Runbook
// from a [Parse] without errors may run it.
package runbook
