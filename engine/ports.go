package engine

import (
	"context"
	"time"

	"stepgate/runbook/run"
)

// Journal is where a run is written down. Whatever a method reports as done is
// durable.
type Journal interface {
	// Append writes the events in one transaction, chained to the run's last
	// event, and returns them with their hashes. It fails, and writes nothing,
	// when the lease isn't the run's current one, or once any write has failed
	// for good (*LatchedError in the store).
	Append(ctx context.Context, l Lease, actor string, at time.Time, events ...run.Event) ([]run.Record, error)
	// Load returns all events of a run in order, after it has proven the chain.
	Load(ctx context.Context, runID string) ([]run.Record, error)
	// Tail returns the events after the one of that number, proven to continue it.
	Tail(ctx context.Context, runID string, after uint64) ([]run.Record, error)
	// Part returns at most so many of these, and reads no more.
	Part(ctx context.Context, runID string, after uint64, most int) ([]run.Record, error)
	// Head returns the number of the run's last event, of guests too. It is cheap.
	Head(ctx context.Context, runID string) (uint64, error)
	// PutBlob keeps bytes under their SHA-256 (hex), which it returns.
	PutBlob(ctx context.Context, data []byte) (string, error)
	// Blob returns the bytes kept under a SHA-256.
	Blob(ctx context.Context, sha string) ([]byte, error)
	// AppendOutput keeps pieces of attempts' output, in one commit. A piece at an
	// offset that is there already is ignored.
	AppendOutput(ctx context.Context, chunks ...Chunk) error
	// Output reads kept output of a stream from an offset of the command's own
	// output, at most max bytes. It returns the offset of the first byte
	// returned (larger than from where something was left out or nothing more is
	// kept) and the end of what is kept.
	Output(ctx context.Context, attempt string, stream int, from int64, max int) (data []byte, at, end int64, err error)
	// OutputKept tells how much of a stream is kept.
	OutputKept(ctx context.Context, attempt string, stream int) (run.Kept, error)
	// TakeLease makes the caller the run's only driver. It fails with the
	// holder's name while another process drives the run.
	TakeLease(ctx context.Context, runID, holder string) (Lease, error)
	// TakeLeaseForced takes the run from a holder that may still be alive: that one's
	// next Append fails. A method Forced() bool of the lease tells whether there was
	// one.
	TakeLeaseForced(ctx context.Context, runID, holder string) (Lease, error)
}

// Lease is the right to drive one run.
type Lease = run.Lease

// Chunk is a piece of an attempt's output.
type Chunk = run.Chunk
