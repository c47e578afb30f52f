package run

import (
	"time"

	"stepgate/runbook/plan"
)

// Decision is what is next for a run. The set is closed.
type Decision interface{ decision() }

type (
	// Order evaluates a walk's order_by and fixes the order: a WalkOrdered.
	Order struct{ Walk *plan.Walk }
	// Enter goes on with a walk's next instances without asking: a BatchEntered of
	// these keys.
	Enter struct {
		Walk *plan.Walk
		Keys []string
	}
	// Decide evaluates a cell's `when`.
	Decide struct{ Cell *Cell }
	// Take takes the checks of a check step behind one that has failed, so that
	// the operator sees every red one before the run stops: a ChecksTaken.
	Take struct{ Cell *Cell }
	// Repeat answers a question as it was answered earlier in the run: an Asked
	// with Repeated.
	Repeat struct {
		Cell  *Cell
		Value string
	}
	// Settle asks the host what became of an attempt.
	Settle struct{ Cell *Cell }
	// Await waits for the host that a command which passed has sent away: a Returned or
	// a NotReturned.
	Await struct{ Cell *Cell }
	// Verify takes the postconditions of a command, or of a rollback, that passed.
	Verify struct{ Cell *Cell }
	// Undo takes a rollback's preconditions and sends it.
	Undo struct{ Cell *Cell }
	// Follow waits for an attempt in flight; for the start of a background process
	// until it is up, or has ended.
	Follow struct{ Cell *Cell }
	// End waits until the processes of a cell have ended that are not to run any longer
	// ([Run.Strays]): each with a BackgroundDown.
	End struct{ Cell *Cell }
	// Halt pauses the run: what it was to finish before it stops is finished. A
	// Paused, whose Why says so.
	Halt struct{ After string }
	// Ask waits for the operator.
	Ask struct {
		Cell *Cell // nil when the run is paused and every cell is settled
		Wait Wait
		// With are cells that go together with Cell, in the order they begin in: the
		// other places of one command, or the same step in the other instances of a
		// batch. Of WaitGate, those that the gate's answer opens too.
		With []*Cell
		// Parallel is how many of Cell and With may run at a time, from 1. The next
		// one begins only while all that have ended are settled.
		Parallel int
		// Walk, Keys: of WaitBatch, the walk whose canary is through, and the instances
		// that Go enters, with a BatchEntered.
		Walk *plan.Walk
		Keys []string
		Soak time.Time // of WaitBatch: before it Go is refused; zero: no soak
	}
	// Close ends the run: every cell is settled.
	Close struct{ How Closing }
	// Over says that the run is closed.
	Over struct{}
)

func (Order) decision()  {}
func (Enter) decision()  {}
func (Decide) decision() {}
func (Take) decision()   {}
func (Repeat) decision() {}
func (Settle) decision() {}
func (Await) decision()  {}
func (Verify) decision() {}
func (Undo) decision()   {}
func (Follow) decision() {}
func (End) decision()    {}
func (Halt) decision()   {}
func (Ask) decision()    {}
func (Close) decision()  {}
func (Over) decision()   {}

// Cells are the cells of an ask in the order they begin in; none when there is
// no cell.
func (a Ask) Cells() []*Cell {
	if a.Cell == nil {
		return nil
	}
	return append([]*Cell{a.Cell}, a.With...)
}
