package run

// Status is where a cell stands.
type Status uint8

const (
	Pending    Status = iota
	Gated             // its gate is before the operator
	Authorised        // granted, not yet dispatched
	Running           // the intent is durable; the command may or may not have begun
	Succeeded
	Failed
	Unknown // what happened, or what holds, is not known
	Skipped
	NotApplicable
	RollingBack
	RolledBack
	RollbackFailed
	Excluded // its instance was taken out of the walk
)

var statusNames = [...]string{
	Pending: "pending", Gated: "gated", Authorised: "authorised", Running: "running",
	Succeeded: "succeeded", Failed: "failed", Unknown: "unknown", Skipped: "skipped",
	NotApplicable: "not applicable", RollingBack: "rolling back", RolledBack: "rolled back",
	RollbackFailed: "rollback failed", Excluded: "excluded",
}

func (s Status) String() string { return statusNames[s] }

// MarshalText writes the status's name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Settled reports whether the run may go past the cell.
func (s Status) Settled() bool {
	return s == Succeeded || s == Skipped || s == NotApplicable || s == Excluded
}

// Reason says why a cell failed or is unknown.
type Reason string

const (
	NoReason      Reason = ""
	Precondition  Reason = "precondition" // a check before the command doesn't hold; nothing was sent
	CheckFailed   Reason = "check"        // a check step or a postcondition doesn't hold
	ExitCode      Reason = "exit"         // the command's own exit or expect
	NotStarted    Reason = "not started"  // the host says the command never began
	DecidedFailed Reason = "decided"      // a person marked it failed
	Crashed       Reason = "crashed"      // Stepgate ended between intent and outcome
	LinkLost      Reason = "link lost"
	TimedOut      Reason = "timeout"
	HostRebooted  Reason = "rebooted"
	HostDied      Reason = "died"         // started, no result, nothing alive
	HostOrphan    Reason = "orphan"       // the runner is gone, its processes are alive
	HostAway      Reason = "host away"    // sent away by the step, and not back in time
	NotRebooted   Reason = "not rebooted" // sent away by the step, and never gone
	HostForeign   Reason = "foreign"      // another machine answers
	EndedHere     Reason = "ended"        // a background process, from here, before its checks were through
	HostKnows     Reason = "host knows this attempt from another journal"
)
