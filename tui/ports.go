package tui

import (
	"context"

	"stepgate/runbook/run"
)

// Controller is what a user interface may ask of a run. The terminal screen,
// the line mode and unattended driving are three callers of it.
type Controller interface {
	// Do asks for an action on a cell, as seen at seq ([run.Snapshot.Seq]). It
	// returns when the action has been accepted and what it decides is durable,
	// not when what it starts has ended. It fails with *run.StaleError when the
	// cell has moved on since, and with *run.NotNowError when the action doesn't
	// apply.
	Do(ctx context.Context, cell run.Key, seq uint64, a run.Action) error
}

// Source is what a user interface sees of a run.
type Source interface {
	// Snapshot returns the latest view. It is cheap and never blocks on I/O.
	Snapshot() *run.Snapshot
	// Changes returns a channel that gets a value when there is a newer snapshot.
	// Values are coalesced; it is closed when the run can't change any more
	// (closed, or left). One reader.
	Changes() <-chan struct{}
	// Output reads an attempt's output: stream 0 is stdout, 1 stderr. at is the
	// offset of the first byte returned, end that of the last byte so far.
	Output(ctx context.Context, attempt string, stream int, from int64, max int) (data []byte, at, end int64, err error)
	// Events reads what the journal has of the run after the event of that number, at
	// most max of them, in order.
	Events(ctx context.Context, after uint64, max int) ([]run.Record, error)
}
