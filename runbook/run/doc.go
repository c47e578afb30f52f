// Package run holds the rules of a run: which events there are, what each one
// does to the state ([Apply]), what is next ([Next]), what an operator may do
// ([Run.Offers]), and what is run ([Run.Dispatch]).
//
// Beside the cells it holds what goes on next to them: what monitors have shown
// ([Monitor], [Sum]), the time in which nobody sampled, the hold of one that was red
// until it is acknowledged, and the starts of background processes ([Run.Backgrounds]).
//
// It is a pure fold: a run is its plan and its events, and nothing else. The
// package does no I/O, has no clock, and imports only runbook, runbook/plan,
// checks and runbook/text. An event that the state does not allow is an error
// and changes nothing.
package run
