package run

import (
	"slices"
	"time"

	"stepgate/checks"
)

// Severity is how much a finding matters.
type Severity string

// Severities.
const (
	Fine     Severity = "fine"
	Warning  Severity = "warning"  // protection is missing, or something is left to do
	Obstacle Severity = "obstacle" // a run can't be started, or not be gone on with
)

var severities = []Severity{Obstacle, Warning, Fine}

// Finding is something that was looked at before a run, or without one.
type Finding struct {
	Host     string   `json:"host,omitempty"` // that it is about; empty: none
	ID       string   `json:"id"`             // what was looked at, such as "journal.space"
	Severity Severity `json:"severity"`
	What     string   `json:"what"`          // was found
	Why      string   `json:"why,omitempty"` // it matters
	Do       string   `json:"do,omitempty"`  // about it, with the exact command
}

// NotReached is the id of the finding that a host didn't let us in.
const NotReached = "host.reach"

// OtherRun is the id of the finding that names another open run of the same runbook
// on the same hosts.
const OtherRun = "run.other"

// Ignored is the id of the finding that says what a host's ssh configuration asks for
// and isn't done.
const Ignored = "ssh.config"

// Preflighted says what was looked at before the run began. Its findings are those
// that aren't fine.
type Preflighted struct {
	Hosts    int       `json:"hosts"` // that were reached
	Findings []Finding `json:"findings,omitempty"`
}

// Preflight is what is known before a run begins. One that was handed out never
// changes.
type Preflight struct {
	Title    string
	Hosts    []HostFound // that the plan uses: this machine, then the others by name
	Findings []Finding   // the worst first
	Foretold *Foretold   // nil: no checks were taken in advance
	Busy     bool        // something is being looked at
	Doing    string      // what, beside hosts; empty: nothing
	Prompt   *Prompt     // what a login asks
	At       time.Time
}

// HostFound is how far a host has been looked at.
type HostFound struct {
	Name     string
	Doing    string   // what is being done there; empty: nothing
	Seen     bool     // it was looked at
	Reached  bool     // it has let us in, and has said who it is
	Worst    Severity // of its findings, once it was looked at
	Identity Identity
	Free     int64 // bytes where its attempts are kept; -1: unknown
	// Ahead is how far, at least, its clock is ahead of this machine's; negative: behind.
	Ahead time.Duration
}

// Foretold is what a runbook's first checks show before it is begun. Nothing of it
// is journaled, and no run decides by it.
type Foretold struct {
	Taken []CheckForetold // in walking order
	Left  []CheckLeft     // steps of checks that were not taken
	Until Key             // the first step that does something; zero: there is none
}

// CheckForetold is a step of checks that was taken in advance.
type CheckForetold struct {
	Cell    Key
	Title   string
	Verdict checks.Verdict
	Checks  []CheckResult
	Applies bool // false: its `when` doesn't hold
}

// CheckLeft is a step of checks that was not taken, in all its instances.
type CheckLeft struct {
	Step  string // its id without hosts
	Title string
	Cells int
	Why   string
}

// Count returns how many findings are of a severity.
func (p *Preflight) Count(s Severity) int {
	n := 0
	for _, f := range p.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Ready reports whether the run may begin: all was looked at, and nothing stands in
// its way.
func (p *Preflight) Ready() bool { return !p.Busy && p.Count(Obstacle) == 0 }

// Looked is how many hosts were looked at.
func (p *Preflight) Looked() int {
	n := 0
	for _, h := range p.Hosts {
		if h.Seen {
			n++
		}
	}
	return n
}

// WorstFirst orders findings by their severity, and leaves them in their order
// otherwise.
func WorstFirst(found []Finding) {
	slices.SortStableFunc(found, func(a, b Finding) int {
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	})
}

// Worst is the severity of the worst finding; none: fine.
func Worst(found []Finding) Severity {
	worst := Fine
	for _, f := range found {
		if slices.Index(severities, f.Severity) < slices.Index(severities, worst) {
			worst = f.Severity
		}
	}
	return worst
}

// Bad reports whether a check has shown something that a run would stop at.
func (f *Foretold) Bad() bool {
	return slices.ContainsFunc(f.Taken, func(t CheckForetold) bool { return t.Applies && t.Verdict != checks.Pass })
}
