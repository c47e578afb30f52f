package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/text"
	"stepgate/state"
	"stepgate/tui/prompt"
)

// Exit codes, the same in every verb and in --json.
const (
	exitOK       = 0   // the run is closed, and every cell succeeded, was not applicable, or was skipped by a person
	exitInternal = 1   // a fault of Stepgate's own, or of the machine
	exitFailed   = 2   // stopped on a failed cell; verify, doctor, check or a preflight found something; a part of what was asked for can't be had
	exitWaiting  = 3   // waits for a person, or was left; resumable
	exitReach    = 4   // a needed host was not reached before anything ran
	exitUsage    = 5   // usage, a missing value, a refused --approve or --adopt
	exitNotFound = 10  // no such run, runbook or step
	exitHeld     = 11  // driven by someone else
	exitRunbook  = 12  // the runbook has errors
	exitAborted  = 20  // declined before anything ran, or aborted
	exitCtrlC    = 130 // interrupted before the run started
)

const exitTable = `
Exit codes:
    0  the run is closed: every step succeeded, did not apply, or was skipped by a person
    1  internal error
    2  stopped on a failed step; verify, doctor or check found something, or something
       stands in the way of a run; or only a part could be done, as of a damaged journal
    3  waiting for a person, or left: resume it
    4  a needed host was not reached before anything ran
    5  usage, missing value, refused --approve or --adopt
   10  no such run, runbook or step
   11  driven by someone else
   12  the runbook has errors
   20  declined before anything ran, or aborted
  130  interrupted before the run started`

// exitError ends the program with a code. A nil cause prints nothing.
type exitError struct {
	code  int
	cause error
}

func (e *exitError) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.cause.Error()
}

func (e *exitError) Unwrap() error { return e.cause }

func exitWith(code int, err error) error { return &exitError{code, err} }

func usage(hint, format string, args ...any) error {
	return exitWith(exitUsage, text.WithHint(fmt.Errorf(format, args...), hint))
}

// diagnosed is a runbook or inventory that has errors.
type diagnosed struct{ list []runbook.Diagnostic }

func (d *diagnosed) Error() string {
	var lines []string
	for _, x := range d.list {
		if x.Severity == runbook.Error {
			lines = append(lines, x.String())
		}
	}
	return strings.Join(lines, "\n")
}

// codeOf is the exit code an error means.
func codeOf(err error) int {
	var exit *exitError
	var held *state.HeldError
	var notFound *state.NotFoundError
	var ambiguous *state.AmbiguousError
	var diag *diagnosed
	var reach *executor.ReachError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &held):
		return exitHeld
	case errors.As(err, &notFound), errors.As(err, &ambiguous):
		return exitNotFound
	case errors.As(err, &diag):
		return exitRunbook
	case errors.As(err, &reach):
		return exitReach
	case errors.Is(err, prompt.ErrCancelled):
		return exitAborted
	case errors.Is(err, context.Canceled):
		return exitCtrlC
	}
	return exitInternal
}

// complain prints an error with its remedy.
func complain(w io.Writer, err error) {
	var exit *exitError
	if errors.As(err, &exit) && exit.cause == nil {
		return
	}
	var diag *diagnosed
	if errors.As(err, &diag) {
		_, _ = fmt.Fprintln(w, text.Block(text.Untrusted(err.Error())))
	} else {
		_, _ = fmt.Fprintln(w, "stepgate: "+text.Block(text.Untrusted(err.Error())))
	}
	hint := text.HintOf(err)
	var reach *executor.ReachError
	if errors.As(err, &reach) {
		hint = reach.Hint
	}
	if hint != "" {
		_, _ = fmt.Fprintln(w, "  → "+strings.ReplaceAll(text.Block(text.Untrusted(hint)), "\n", "\n    "))
	}
}
