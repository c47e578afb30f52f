package state

import (
	"context"
	"fmt"

	"stepgate/runbook/run"
)

// Load returns all events of a run in order, after it has proven the chain. With
// *BrokenError, and with *run.UnknownKindError, it returns the events before the
// one in question, to be shown and not driven.
func (s *Store) Load(ctx context.Context, runID string) ([]run.Record, error) {
	recs, err := s.records(ctx, runID, 0)
	if err == nil && len(recs) == 0 {
		err = notFound(runID)
	}
	if err != nil {
		return recs, fmt.Errorf("load run %q: %w", runID, err)
	}
	return recs, nil
}

// Tail returns the events of a run that follow event number after, in order and
// proven to continue from it; none when there is nothing new. It is what a
// follower asks again and again. It fails as [Store.Load] does, and with
// *BrokenError too when event number after isn't in the journal any more. The
// first record's Prev is the hash of event after.
func (s *Store) Tail(ctx context.Context, runID string, after uint64) ([]run.Record, error) {
	recs, err := s.records(ctx, runID, after)
	if err != nil {
		return recs, fmt.Errorf("follow run %q after event %d: %w", runID, after, err)
	}
	return recs, nil
}

// records returns the proven events behind event number after.
func (s *Store) records(ctx context.Context, runID string, after uint64) ([]run.Record, error) {
	var recs []run.Record
	p, err := s.prove(ctx, runID, after, func(r *row) error {
		if r.runSeq <= after {
			return nil // the caller has it
		}
		rec, err := r.record()
		if err == nil {
			recs = append(recs, rec)
		}
		return err
	})
	if err == nil && p.seq < after {
		err = broken(runID, after, "it was there before; the journal was put back from an earlier time, or has lost its -wal file")
	}
	return recs, err
}

// prove reads a run's rows from event number from on, proves each, and hands it
// on. The error of a row that isn't as it was written is a *BrokenError. The
// first row's link to the one before it is taken as it stands.
func (s *Store) prove(ctx context.Context, runID string, from uint64, use func(*row) error) (p proof, err error) {
	p.runID = runID
	if from > 0 {
		p.seq = from - 1
	}
	rows, err := s.r.QueryContext(ctx, `SELECT `+rowColumns+` FROM event WHERE run_id=? AND run_seq>=? ORDER BY run_seq`, runID, from)
	if err != nil {
		return p, s.readError(err)
	}
	defer func() {
		if cerr := rows.Close(); err == nil && cerr != nil {
			err = s.readError(cerr)
		}
	}()
	for rows.Next() {
		var r row
		if err := rows.Scan(r.fields()...); err != nil {
			return p, s.readError(err)
		}
		if err := p.next(&r); err != nil {
			return p, broken(runID, p.seq+1, err.Error())
		}
		if err := use(&r); err != nil {
			return p, err
		}
	}
	if err := rows.Err(); err != nil {
		return p, s.readError(err)
	}
	return p, nil
}

// Head returns the number of a run's last event, 0 when there is none. It is
// cheap, and doesn't prove the chain.
func (s *Store) Head(ctx context.Context, runID string) (uint64, error) {
	var seq uint64
	err := s.r.QueryRowContext(ctx, `SELECT coalesce(max(run_seq), 0) FROM event WHERE run_id=?`, runID).Scan(&seq)
	if err != nil {
		return 0, s.readError(err)
	}
	return seq, nil
}
