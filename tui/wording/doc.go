// Package wording owns the words in which facts about a run are told: statuses,
// classes, reasons, times, what a run waits for. The screens and the line mode
// say the same thing with the same words because both take them from here.
//
// It reads runbook, runbook/plan, runbook/run and checks, does no I/O, and draws
// nothing. Every string it returns that comes from a runbook, a host or a
// command has gone through the sanitizer of runbook/text.
package wording
