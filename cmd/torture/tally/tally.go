// Package tally is how the tests that torture Stepgate say what they did: how
// often they killed, cut or broke it, and how often a promise was broken. `go
// test` runs them small; `make torture N=…` runs them N times as long and adds
// the figures up.
package tally

import (
	"os"
	"slices"
	"strconv"
	"testing"
)

// Figure is what is counted.
type Figure string

// What was done to it.
const (
	Runs   Figure = "runs"   // driven to their end, or to a true question
	Kills  Figure = "kills"  // processes ended by SIGKILL
	Cuts   Figure = "cuts"   // connections cut
	Faults Figure = "faults" // of disks, clocks, locks, hosts, and inputs made to break something
	Cases  Figure = "cases"  // generated inputs
)

// What must stay zero.
const (
	Duplicates  Figure = "duplicates"   // commands that ran twice
	LostEvents  Figure = "lost-events"  // acknowledged and not in the journal
	OpenedGates Figure = "opened-gates" // passed without their exact phrase
	Leaks       Figure = "leaked-secrets"
	Lies        Figure = "false-outcomes" // shown as success or failure and were not
)

// Done and MustBeZero are all figures, in the order in which they are shown.
var (
	Done       = []Figure{Runs, Kills, Cuts, Faults, Cases}
	MustBeZero = []Figure{Duplicates, LostEvents, OpenedGates, Leaks, Lies}
)

// Prefix begins the attributes by which a test reports its figures.
const Prefix = "torture."

// Variable is the environment variable that says how many times as long the
// tests are.
const Variable = "STEPGATE_TORTURE"

// Size is how often a test does what it does: inCI, or that many times N.
func Size(t testing.TB, inCI int) int {
	t.Helper()
	v := os.Getenv(Variable)
	if v == "" {
		return inCI
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, not a number from 1", Variable, v)
	}
	return inCI * n
}

// Add reports a figure. One that must stay zero fails the test when it doesn't;
// reporting its zero shows that it was looked for.
func Add(t testing.TB, f Figure, n int) {
	t.Helper()
	t.Attr(Prefix+string(f), strconv.Itoa(n))
	if n != 0 && slices.Contains(MustBeZero, f) {
		t.Errorf("%s: %d", f, n)
	}
}
