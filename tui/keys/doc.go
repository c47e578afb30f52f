// Package keys is the keymap: one record for each key of each screen, from which
// footers, the help page, the command palette and docs/keys.md are made. A key
// means one thing within a scope; the configuration may give a record other keys.
//
// It imports runbook/run for the names of actions, and nothing else of the project.
package keys
