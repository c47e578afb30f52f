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
	var recs []run.Record
	p, err := s.prove(ctx, runID, func(r *row) error {
		rec, err := r.record()
		if err == nil {
			recs = append(recs, rec)
		}
		return err
	})
	if err == nil && p.seq == 0 {
		err = notFound(runID)
	}
	if err != nil {
		return recs, fmt.Errorf("load run %q: %w", runID, err)
	}
	return recs, nil
}

// prove reads a run's rows, proves each, and hands it on. The error of a row
// that isn't as it was written is a *BrokenError.
func (s *Store) prove(ctx context.Context, runID string, use func(*row) error) (p proof, err error) {
	p.runID = runID
	rows, err := s.r.QueryContext(ctx, `SELECT `+rowColumns+` FROM event WHERE run_id=? ORDER BY run_seq`, runID)
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
