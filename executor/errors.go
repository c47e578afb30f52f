package executor

import (
	"fmt"
	"time"
)

// RefusedError says why a host refused an attempt; it comes with the claim
// [Refused] or [Known].
type RefusedError struct {
	Reason string // one line
	Record string // what the host keeps of the attempt it knows, for the operator
}

func (e *RefusedError) Error() string { return "attempt refused by the host: " + e.Reason }

// FateError ends [Executor.Follow] when the attempt can no longer produce an
// exit code.
type FateError struct{ Report Report }

func (e *FateError) Error() string { return fmt.Sprintf("attempt is %s", e.Report.Fate) }

// ReachError says that a host could not be reached or would not let us in. No
// byte of a command was sent.
type ReachError struct {
	Host  string
	Hint  string // what the user can do, naming the exact command
	Cause error
}

func (e *ReachError) Error() string { return fmt.Sprintf("reach host %q: %v", e.Host, e.Cause) }

// Unwrap returns the cause.
func (e *ReachError) Unwrap() error { return e.Cause }

// EndedError ends [Executor.Look] when its context has ended and the host has confirmed
// that nothing of the command's process group is alive.
type EndedError struct {
	Took  time.Duration // from asking the host for its end to the host's answer
	Cause error         // the context's
}

func (e *EndedError) Error() string { return e.Cause.Error() }

// Unwrap returns the context's cause.
func (e *EndedError) Unwrap() error { return e.Cause }
