package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"stepgate/runbook/run"
)

// scratch is a journal that nothing is kept of, for what decides nothing. Its one run
// has one driver.
type scratch struct{ records []run.Record }

var (
	_ Journal = (*scratch)(nil)
	_ Lease   = scratchLease("")
)

type scratchLease string

func (l scratchLease) RunID() string { return string(l) }
func (scratchLease) Epoch() uint64   { return 1 }
func (scratchLease) Release() error  { return nil }

// Append implements [Journal].
func (s *scratch) Append(_ context.Context, l Lease, actor string, at time.Time, events ...run.Event) ([]run.Record, error) {
	from := len(s.records)
	for _, ev := range events {
		s.records = append(s.records, run.Record{RunID: l.RunID(), Seq: uint64(len(s.records) + 1), Epoch: l.Epoch(), Wall: at, Actor: actor, Event: ev})
	}
	return slices.Clone(s.records[from:]), nil
}

// Load implements [Journal].
func (s *scratch) Load(context.Context, string) ([]run.Record, error) {
	return slices.Clone(s.records), nil
}

// Tail implements [Journal].
func (s *scratch) Tail(_ context.Context, _ string, after uint64) ([]run.Record, error) {
	return slices.Clone(s.records[min(int(after), len(s.records)):]), nil
}

// Part implements [Journal].
func (s *scratch) Part(ctx context.Context, runID string, after uint64, most int) ([]run.Record, error) {
	records, err := s.Tail(ctx, runID, after)
	return records[:min(len(records), most)], err
}

// Head implements [Journal].
func (s *scratch) Head(context.Context, string) (uint64, error) { return uint64(len(s.records)), nil }

// PutBlob implements [Journal].
func (*scratch) PutBlob(_ context.Context, data []byte) (string, error) {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// Blob implements [Journal].
func (*scratch) Blob(_ context.Context, sha string) ([]byte, error) {
	return nil, fmt.Errorf("read blob %q: nothing is kept", sha)
}

// AppendOutput implements [Journal].
func (*scratch) AppendOutput(context.Context, ...Chunk) error { return nil }

// Output implements [Journal].
func (*scratch) Output(_ context.Context, _ string, _ int, from int64, _ int) ([]byte, int64, int64, error) {
	return nil, from, from, nil
}

// OutputKept implements [Journal].
func (*scratch) OutputKept(context.Context, string, int) (run.Kept, error) { return run.Kept{}, nil }

// TakeLease implements [Journal].
func (*scratch) TakeLease(_ context.Context, runID, _ string) (Lease, error) {
	return scratchLease(runID), nil
}

// TakeLeaseForced implements [Journal].
func (s *scratch) TakeLeaseForced(ctx context.Context, runID, holder string) (Lease, error) {
	return s.TakeLease(ctx, runID, holder)
}
