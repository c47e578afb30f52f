package executor

import "fmt"

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
