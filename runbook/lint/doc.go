// Package lint knows operations: it judges what a runbook that parses would do,
// where people know from experience how such a thing goes wrong.
//
// It owns the rules, their ids, their page in the documentation and their forms
// for other tools. It is pure: it reads the model that package runbook made, and
// of shell text the syntax tree; it imports nothing of the machine.
//
// The invariant: each rule has an example that breaks it and one that keeps it,
// and both are its tests. What a plain document holds is never an error, so that
// any document can be walked.
package lint
