package run

import (
	"encoding/json"
	"time"

	"stepgate/checks"
)

// Key names a cell: a step instance and the place it runs.
type Key struct {
	Step   string `json:"step"`             // path with instances: tablets[tablet-2]/stop
	Target string `json:"target,omitempty"` // host, "local", or "" for what a person does
}

func (k Key) String() string {
	if k.Target == "" {
		return k.Step
	}
	return k.Step + "@" + k.Target
}

// Record is an event as the journal keeps it.
type Record struct {
	RunID string
	Seq   uint64 // within the run, from 1, without gaps
	Epoch uint64 // of the lease under which it was written
	Wall  time.Time
	Actor string
	Event Event
	Prev  [32]byte
	Hash  [32]byte
}

// Event is something that happened in a run. The set is closed.
type Event interface{ event() }

// RunStarted is the first event of every run.
type RunStarted struct {
	Title         string            `json:"title"`
	Runbook       string            `json:"runbook"`         // path or shipped name, for people
	Dir           string            `json:"dir"`             // the runbook's directory: where local commands run
	Source        string            `json:"source"`          // blob: the runbook's bytes
	Parts         map[string]string `json:"parts,omitempty"` // blobs: the bytes of included files, by name
	Inventory     string            `json:"inventory"`       // blob: the inventory's bytes; empty: none
	InventoryFile string            `json:"inventory_file,omitempty"`
	Values        map[string]string `json:"values"`            // parameters as given, by name; no secrets
	Secrets       []string          `json:"secrets,omitempty"` // secret parameters that were given; each driver is asked for them anew
	Digest        string            `json:"digest"`            // of the plan
	Closure       string            `json:"closure"`           // SHA-256 of all source bytes, hex
	Version       string            `json:"version"`           // of Stepgate
	Lab           string            `json:"lab,omitempty"`     // lab directory when every host is simulated
	SSH           SSHFiles          `json:"ssh,omitzero"`
}

// SSHFiles are the files a run's connections use beside the operator's own.
type SSHFiles struct {
	Identity   string `json:"identity,omitempty"`
	KnownHosts string `json:"known_hosts,omitempty"`
}

// LeaseTaken says who drives the run from here on.
type LeaseTaken struct {
	Holder string `json:"holder"` // user@host, pid
	// Forced: taken from a holder that may still be alive, on a person's typed
	// word. From here on the run may have two drivers' work in it.
	Forced bool `json:"forced,omitempty"`
}

// LeaseReleased says that the driver left in good order.
type LeaseReleased struct {
	Why string `json:"why"` // detached, paused, closed, waiting
}

// HostSeen records a host's account of itself at first contact in the run.
type HostSeen struct {
	Host     string   `json:"host"`
	Identity Identity `json:"identity"`
}

// Identity tells whether a host is still the same machine, and the same boot.
type Identity struct {
	MachineID string `json:"machine_id"`
	BootID    string `json:"boot_id"`
	HostKey   string `json:"host_key,omitempty"`
	User      string `json:"user,omitempty"`
	Hostname  string `json:"hostname,omitempty"`
	System    string `json:"system,omitempty"`
	Dir       string `json:"dir,omitempty"`    // where attempts are kept
	DirID     string `json:"dir_id,omitempty"` // tells that directory from one made anew in its place
	Degraded  string `json:"degraded,omitempty"`
}

// WhenDecided is the answer of a cell's `when`, taken once.
type WhenDecided struct {
	Cell    Key          `json:"cell"`
	Applies bool         `json:"applies"`
	Rows    []checks.Row `json:"rows"` // with the values it saw
}

// Phase says why checks were taken.
type Phase string

const (
	Already        Phase = "done"            // probes whether the step is done already
	Before         Phase = "before"          // preconditions; the checks of a Check step
	After          Phase = "after"           // postconditions that decide
	Evidence       Phase = "evidence"        // taken to inform: after a failure, of an unknown, before a retry
	RollbackBefore Phase = "rollback-before" // whether the rollback is allowed
	RollbackAfter  Phase = "rollback-after"  // whether it worked
)

// ChecksTaken holds the results of all checks of one phase.
type ChecksTaken struct {
	Cell    Key           `json:"cell"`
	Phase   Phase         `json:"phase"`
	Attempt string        `json:"attempt,omitempty"` // the attempt judged, in After and Evidence
	Checks  []CheckResult `json:"checks"`
}

// Verdict is the worst of the checks.
func (c ChecksTaken) Verdict() checks.Verdict {
	vs := make([]checks.Verdict, len(c.Checks))
	for i, r := range c.Checks {
		vs[i] = r.Verdict
	}
	return checks.Worst(vs...)
}

// CheckResult is what one check showed at one place, in the try that decided.
type CheckResult struct {
	Fence   int            `json:"fence"` // index in its phase
	Where   string         `json:"where"`
	Verdict checks.Verdict `json:"verdict"`
	Rows    []checks.Row   `json:"rows,omitempty"`
	Exit    int            `json:"exit"`
	Ran     bool           `json:"ran"`
	Cause   string         `json:"cause,omitempty"` // why there is no exit code
	Tries   int            `json:"tries"`
	TookMS  int64          `json:"took_ms"`          // all tries
	Stdout  string         `json:"stdout,omitempty"` // first and last 16 KiB
	Stderr  string         `json:"stderr,omitempty"`
	// Values are what the check captured there.
	Values map[string]json.RawMessage `json:"values,omitempty"`
	// Tried are the tries of a poll that showed something new: the first, each
	// that differs from the one before it, and the last. More than [MaxTried] are
	// not kept: the earliest and the latest are.
	Tried []Try `json:"tried,omitempty"`
}

// MaxTried is how many tries of a poll are kept at most.
const MaxTried = 64

// Try is one try of a poll.
type Try struct {
	No      int                        `json:"no"`    // from 1
	AtMS    int64                      `json:"at_ms"` // since the poll began
	Verdict checks.Verdict             `json:"verdict"`
	Cause   string                     `json:"cause,omitempty"`
	Rows    []checks.Row               `json:"rows,omitempty"`
	Values  map[string]json.RawMessage `json:"values,omitempty"` // what it would have captured
}

// Role says what an attempt runs.
type Role string

const (
	RoleCommand  Role = "command"
	RoleRollback Role = "rollback"
)

// GateShown says that a gate was put before the operator, and with what.
type GateShown struct {
	Cell       Key    `json:"cell"`
	Gate       string `json:"gate"`    // id, single use
	Binding    string `json:"binding"` // hash of bytes, values, host, host key, plan, closure and epoch
	Phrase     string `json:"phrase"`  // what must be typed
	Reversible bool   `json:"reversible"`
	// Leader is the gate that it is shown with and answered by: cells of one step
	// at several places have one gate. Empty: it is the leader.
	Leader   string    `json:"leader,omitempty"`
	Dispatch *Dispatch `json:"dispatch,omitempty"` // nil: entering a section, or a manual step
}

// GateGranted opens a gate once.
type GateGranted struct {
	Cell    Key       `json:"cell"`
	Gate    string    `json:"gate"`
	Binding string    `json:"binding"`
	Typed   string    `json:"typed"`
	Expires time.Time `json:"expires"`
	Pre     string    `json:"pre,omitempty"` // argv of a pre-grant; empty: typed by a person at the gate
}

// GateClosed says that a gate was declined by the operator, or void because
// what it showed holds no longer.
type GateClosed struct {
	Cell Key    `json:"cell"`
	Gate string `json:"gate"`
	Void bool   `json:"void"`
	Why  string `json:"why"`
}

// Intent is durable before the first byte of the command leaves.
type Intent struct {
	Cell     Key      `json:"cell"`
	Role     Role     `json:"role"`
	No       int      `json:"no"` // of the attempt within its cell, from 1, roles counted together
	Attempt  string   `json:"attempt"`
	Dispatch Dispatch `json:"dispatch"`
	Host     Identity `json:"host"`
	Gate     string   `json:"gate,omitempty"` // whose grant it uses up
	// Monitor is whose process it is, with [RoleKeep]: a monitor's path; empty: the
	// cell's background command.
	Monitor string `json:"monitor,omitempty"`
}

// NotDispatched says that a command could not be sent, before any intent: its
// host was not reached, or can't keep attempts.
type NotDispatched struct {
	Cell Key    `json:"cell"`
	Why  string `json:"why"`
	Hint string `json:"hint,omitempty"`
}

// Interrupted says that an attempt is unknown from here on.
type Interrupted struct {
	Cell    Key    `json:"cell"`
	Attempt string `json:"attempt"`
	Why     string `json:"why"` // crashed, link lost, timeout, start unanswered
}

// Probed is the host's answer to what became of an attempt.
type Probed struct {
	Cell      Key      `json:"cell"`
	Attempt   string   `json:"attempt"`
	Fate      string   `json:"fate"` // as executor.Fate.String
	Detail    string   `json:"detail,omitempty"`
	Processes []string `json:"processes,omitempty"`
}

// Reattached says that a running attempt is followed again.
type Reattached struct {
	Cell    Key    `json:"cell"`
	Attempt string `json:"attempt"`
}

// Outcome is the host's record of how an attempt ended, judged.
type Outcome struct {
	Cell    Key                        `json:"cell"`
	Attempt string                     `json:"attempt"`
	Exit    int                        `json:"exit"`
	Verdict checks.Verdict             `json:"verdict"` // of exit and expect, without postconditions
	Rows    []checks.Row               `json:"rows,omitempty"`
	Values  map[string]json.RawMessage `json:"values,omitempty"`
	Bytes   [2]int64                   `json:"bytes"`   // stdout, stderr on the host
	Omitted [2]int64                   `json:"omitted"` // of these not kept in the journal
	TookMS  int64                      `json:"took_ms"`
}

// Method says how an outcome was found without the command's own exit code.
type Method string

const (
	ByProbe    Method = "probe"    // the host says it never started
	ByCheck    Method = "check"    // its postconditions hold
	ByOperator Method = "operator" // a person decided
)

// OutcomeResolved settles an unknown or failed cell.
type OutcomeResolved struct {
	Cell      Key    `json:"cell"`
	Attempt   string `json:"attempt,omitempty"`
	Succeeded bool   `json:"succeeded"`
	Method    Method `json:"method"`
	Reason    string `json:"reason"` // evidence, or why it counts as failed
}

// ManualDone ticks a manual step, or enters a gated section.
type ManualDone struct {
	Cell     Key    `json:"cell"`
	Evidence string `json:"evidence,omitempty"`
	Gate     string `json:"gate,omitempty"` // whose grant it uses up
}

// CellSkipped leaves a cell out, on a person's word.
type CellSkipped struct {
	Cell   Key    `json:"cell"`
	Reason string `json:"reason"`
}

// Retried makes a failed cell, or one whose checks could not be taken, pending
// again.
type Retried struct {
	Cell Key    `json:"cell"`
	Why  string `json:"why,omitempty"`
}

// RerunOverride makes a cell pending again whose command must not simply run
// twice. Typed is "RERUN STEP TARGET".
type RerunOverride struct {
	Cell  Key    `json:"cell"`
	Typed string `json:"typed"`
}

// RollbackRequested starts the rollback of a cell.
type RollbackRequested struct {
	Cell Key `json:"cell"`
}

// Closing says how a run ended.
type Closing string

const (
	Done           Closing = "done"
	DoneExceptions Closing = "done with exceptions" // cells were skipped or marked done, or people left the runbook
	Aborted        Closing = "aborted"
)

// RunClosed is the last driver event of a run.
type RunClosed struct {
	How Closing `json:"how"`
	Why string  `json:"why,omitempty"`
}

func (RunStarted) event()        {}
func (LeaseTaken) event()        {}
func (LeaseReleased) event()     {}
func (HostSeen) event()          {}
func (WalkOrdered) event()       {}
func (BatchEntered) event()      {}
func (InstanceExcluded) event()  {}
func (InstanceIncluded) event()  {}
func (Asked) event()             {}
func (StopRequested) event()     {}
func (RollbackPlanned) event()   {}
func (Called) event()            {}
func (WhenDecided) event()       {}
func (ChecksTaken) event()       {}
func (GateShown) event()         {}
func (GateGranted) event()       {}
func (GateClosed) event()        {}
func (Intent) event()            {}
func (NotDispatched) event()     {}
func (Interrupted) event()       {}
func (Probed) event()            {}
func (Reattached) event()        {}
func (Outcome) event()           {}
func (OutcomeResolved) event()   {}
func (ManualDone) event()        {}
func (CellSkipped) event()       {}
func (Retried) event()           {}
func (RerunOverride) event()     {}
func (RollbackRequested) event() {}
func (Paused) event()            {}
func (Continued) event()         {}
func (Note) event()              {}
func (Exported) event()          {}
func (RunClosed) event()         {}
func (HostKeyAccepted) event()   {}
func (Returned) event()          {}
func (NotReturned) event()       {}
func (AbortRequested) event()    {}
func (PauseRequested) event()    {}
func (Adopted) event()           {}
func (Copied) event()            {}
func (Preflighted) event()       {}
func (Edited) event()            {}
func (AdHocAsked) event()        {}
func (Jumped) event()            {}
