package state

import (
	"context"
	"errors"
	"fmt"

	"stepgate/runbook/run"
)

// Load returns all events of a run in order, after it has proven the chain. With
// *BrokenError, and with *run.UnknownKindError, it returns the events before the
// one in question, to be shown and not driven.
func (s *Store) Load(ctx context.Context, runID string) ([]run.Record, error) {
	recs, err := s.records(ctx, runID, 0, 0)
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
	recs, err := s.records(ctx, runID, after, 0)
	if err != nil {
		return recs, fmt.Errorf("follow run %q after event %d: %w", runID, after, err)
	}
	return recs, nil
}

// Part returns at most that many of the events that [Store.Tail] returns. It reads
// no more of the journal than that.
func (s *Store) Part(ctx context.Context, runID string, after uint64, most int) ([]run.Record, error) {
	if most < 1 {
		return nil, nil
	}
	recs, err := s.records(ctx, runID, after, most)
	if err != nil {
		return recs, fmt.Errorf("read %d events of run %q after event %d: %w", most, runID, after, err)
	}
	return recs, nil
}

// errEnough ends the reading of a part.
var errEnough = errors.New("as many as were asked for")

// records returns the proven events behind event number after: at most that many,
// or with 0 all.
func (s *Store) records(ctx context.Context, runID string, after uint64, most int) ([]run.Record, error) {
	beside, known, err := s.readHead(runID) // before the journal, which only grows
	if err != nil {
		return nil, err
	}
	var recs []run.Record
	var remembered []byte
	p, err := s.prove(ctx, runID, after, func(r *row) error {
		if r.runSeq == beside.seq {
			remembered = r.hash
		}
		if r.runSeq <= after {
			return nil // the caller has it
		}
		rec, err := r.record()
		if err == nil {
			recs = append(recs, rec)
		}
		if err == nil && len(recs) == most {
			err = errEnough
		}
		return err
	})
	if errors.Is(err, errEnough) {
		return recs, nil // what lies behind them isn't looked at
	}
	if err != nil {
		return recs, err
	}
	if p.seq < after {
		return nil, broken(runID, after, "it was there before; the journal was put back from an earlier time, or has lost its -wal file")
	}
	if known && beside.seq >= max(after, 1) {
		if why := beside.against(p.seq, remembered); why != "" {
			bad := min(beside.seq, p.seq+1)
			return recs[:min(uint64(len(recs)), bad-1-min(after, bad-1))], broken(runID, bad, why)
		}
	}
	return recs, nil
}

// The rows of a run from a number on, by its index, and where that is damaged by
// the table alone, which has them in the same order.
const (
	byIndex = `SELECT ` + rowColumns + ` FROM event WHERE run_id=? AND run_seq>=? ORDER BY run_seq`
	byTable = `SELECT ` + rowColumns + ` FROM event NOT INDEXED WHERE run_id=? AND run_seq>=? ORDER BY seq`
)

// prove proves a run's rows from number from on, each of which it hands on. The
// error of a row that isn't as it was written is a *BrokenError. Where the
// database is damaged, as much is read as can be.
func (s *Store) prove(ctx context.Context, runID string, from uint64, use func(*row) error) (proof, error) {
	p := proof{runID: runID, seq: max(from, 1) - 1}
	err := p.rows(ctx, s.r, byIndex, use)
	if isCorrupt(err) {
		if p.rows(ctx, s.r, byTable, use) == nil {
			err = fmt.Errorf("its events can be read, and their index can't: %w", err)
		}
	}
	if err = s.readError(err); s.newer != nil && errors.As(err, new(*BrokenError)) {
		return p, errors.Join(newerSchema(s.newer.Have, s.newer.Known), err)
	}
	return p, err
}

// rows proves the rows that follow those proven.
func (p *proof) rows(ctx context.Context, from source, query string, use func(*row) error) (err error) {
	rows, err := from.QueryContext(ctx, query, p.runID, p.seq+1)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := rows.Close(); err == nil && cerr != nil {
			err = cerr
		}
	}()
	for rows.Next() {
		var r row
		if err := rows.Scan(r.fields()...); err != nil {
			return err
		}
		if err := p.next(&r); err != nil {
			return broken(p.runID, p.seq+1, err.Error())
		}
		if err := use(&r); err != nil {
			return err
		}
	}
	return rows.Err()
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
