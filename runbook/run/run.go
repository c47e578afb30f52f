package run

import (
	"encoding/json"
	"time"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

// Run is the state of a run: its plan, folded over its events. A *Run that was
// handed out never changes.
type Run struct {
	Plan      *plan.Plan
	ID        string
	Start     RunStarted
	Started   time.Time
	Last      time.Time // of the latest event
	Seq       uint64
	Epoch     uint64
	Head      [32]byte
	Holder    string // who drives; empty after a release
	Paused    bool
	Closed    Closing // empty: open
	ClosedWhy string
	Cells     []*Cell                      // parallel to Plan.Cells
	OffBook   []*Cell                      // what people ran that the plan doesn't have, in the order asked for
	Orders    map[string][]string          // walk → instance keys, once ordered
	Batches   map[string][][]string        // walk → its batches that were entered, in order
	Excluded  map[string]map[string]string // walk → instances taken out → why
	Stop      string                       // path to finish before the run pauses; empty: none
	Undoing   []Key                        // what is still to be rolled back, in this order
	Called    *Key                         // an `always` cell that was brought forward and isn't settled
	Hosts     map[string]Identity
	Notes     []Record
	Wishes    []Record // of guests: AbortRequested, PauseRequested; a pause answers the latter, going on both
	// Preflighted is what was looked at before it began; nil: nothing was.
	Preflighted *Preflighted
	// SampleNumbers is the highest number that a sample may have had so far.
	SampleNumbers uint64

	monitors []*Monitor // parallel to posts.list; nil: nothing is known of it yet
	posts    *posts
	values   map[string]map[string]json.RawMessage // scope path → captured
	known    map[string]map[string]jsonValue       // secrets in memory: see Knowing
	byKey    map[Key]int
	tried    Key  // the one of Undoing whose rollback was sent
	shared   bool // cells may be held by a snapshot: copy before change
}

// Cell is the state of one cell.
type Cell struct {
	Plan      *plan.Cell
	Key       Key
	Status    Status
	Reason    Reason
	Detail    string // one line on Reason
	Hint      string // what to do about it, where the host side knew
	When      *WhenDecided
	Gate      *GateShown // shown and not yet closed, or granted
	Grant     *GateGranted
	Attempts  []*Attempt
	Keeps     []*Attempt             // of [RoleKeep], in order
	Checks    map[Phase]*ChecksTaken // the latest of each
	CheckedAt map[Phase]time.Time
	Resolved  *OutcomeResolved
	Evidence  string      // of a manual step
	Skip      string      // reason
	Asked     *Asked      // the answer to its question
	Excluded  string      // why its instance was taken out
	Edited    *Edited     // the text that its command was given last; nil: the runbook's
	AdHoc     *AdHocAsked // of [Run.OffBook]: how it was asked for; nil: it is the plan's
	Rerun     bool        // a RERUN was typed: its next dispatch is gated, whatever the step says
	Begun     time.Time   // of the first thing that happened
	Ended     time.Time   // when it was last settled or stopped
	By        string      // actor of that
	Seq       uint64      // of the last event about it

	granting     time.Time                             // when the grant was given
	held         map[string]map[string]json.RawMessage // captured on the way, by scope; the run's once it succeeds
	prior        Status                                // before a rollback was asked for
	priorReason  Reason
	rollbackFrom int    // number of attempts before it was asked for
	happened     bool   // it has succeeded once, whatever came of it since
	back         bool   // it had succeeded when it was asked for once more, and nothing was sent since
	keeps        bool   // the process of its background command belongs to how it stands
	backKeeps    bool   // keeps, when it was asked for once more
	editedFrom   uint64 // the event by which its command first had another text
	out          Status // before its instance was taken out
	outReason    Reason
}

// Attempt is one dispatch.
type Attempt struct {
	Intent  Intent
	Record  Record // of the intent: its hash stands in the claim on the host
	Outcome *Outcome
	Copied  *Copied // of a copy that is complete
	Fate    string  // of the latest probe
	Why     string  // of the latest interruption
	At      time.Time
	Ended   time.Time
	// Of a step that sends its host away, once the wait for it is over:
	Returned    *Returned
	NotReturned *NotReturned // until it is back after all
	// Of a background process:
	Up    time.Time       // since when it was seen to run; zero: it wasn't
	Down  *BackgroundDown // once it has ended
	Stray bool            // whoever started it is gone: it is to be ended
}

// Attempt returns the latest attempt of a role, or nil.
func (c *Cell) Attempt(role Role) *Attempt {
	for i := len(c.Attempts) - 1; i >= 0; i-- {
		if c.Attempts[i].Intent.Role == role {
			return c.Attempts[i]
		}
	}
	return nil
}

// Latest returns the latest attempt of any role, or nil.
func (c *Cell) Latest() *Attempt {
	if len(c.Attempts) == 0 {
		return nil
	}
	return c.Attempts[len(c.Attempts)-1]
}

// Verdict is the worst verdict of the latest checks of a phase, and whether
// there are any.
func (c *Cell) Verdict(p Phase) (checks.Verdict, bool) {
	t, ok := c.Checks[p]
	if !ok {
		return checks.Unknown, false
	}
	return t.Verdict(), true
}
