package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"stepgate/runbook/run"
)

// Append writes the events in one durable transaction, chained to the run's last
// event, and returns them as every later reader gets them. It writes nothing and
// fails with *LostLeaseError when the lease isn't the run's current one,
// *DuplicateError when an event must not happen twice, *SpaceError when the disk
// has no room for an intent, and *LatchedError once a write has failed for good.
// The end of ctx counts only until the transaction has begun.
func (s *Store) Append(ctx context.Context, l run.Lease, actor string, at time.Time, events ...run.Event) ([]run.Record, error) {
	held, ok := l.(*lease)
	if !ok || held.store != s {
		return nil, fmt.Errorf("append to run %q: its lease was not taken from this journal", l.RunID())
	}
	rows := make([]*row, len(events))
	urgent := true
	for i, e := range events {
		r, err := newRow(held.runID, held.epoch, actor, s.self.boot, at, e)
		if err != nil {
			return nil, fmt.Errorf("append to run %q: %w", held.runID, err)
		}
		rows[i], urgent = r, urgent && recordsPast(e)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	if err := s.roomFor(events); err != nil {
		return nil, fmt.Errorf("append to run %q: %w", held.runID, err)
	}
	recs, err := s.append(ctx, rows, urgent, func(tx *sql.Tx) error { return held.beat(tx, at) })
	if err != nil {
		return nil, fmt.Errorf("append to run %q: %w", held.runID, err)
	}
	return recs, nil
}

// AppendGuest writes an event of a process that doesn't drive the run: a Note, an
// Exported, an AbortRequested or a PauseRequested. Its epoch is 0. Every other
// event is refused.
func (s *Store) AppendGuest(ctx context.Context, runID, actor string, at time.Time, e run.Event) (run.Record, error) {
	switch e.(type) {
	case run.Note, run.Exported, run.AbortRequested, run.PauseRequested:
	default:
		return run.Record{}, fmt.Errorf("append to run %q: %s needs the run's lease", runID, run.Kind(e))
	}
	r, err := newRow(runID, 0, actor, s.self.boot, at, e)
	if err != nil {
		return run.Record{}, fmt.Errorf("append to run %q: %w", runID, err)
	}
	recs, err := s.append(ctx, []*row{r}, false, func(*sql.Tx) error { return nil })
	if err != nil {
		return run.Record{}, fmt.Errorf("append to run %q: %w", runID, err)
	}
	return recs[0], nil
}

// recordsPast tells whether an event only writes down what has happened, so
// that it may use the space set aside for that.
func recordsPast(e run.Event) bool {
	switch e.(type) {
	case run.Outcome, run.OutcomeResolved, run.Interrupted, run.LeaseReleased:
		return true
	}
	return false
}

// append chains rows of one run behind its head and commits them.
func (s *Store) append(ctx context.Context, rows []*row, urgent bool, may func(*sql.Tx) error) ([]run.Record, error) {
	var recs []run.Record
	err := s.write(ctx, urgent, func(tx *sql.Tx) (err error) {
		if err := may(tx); err != nil {
			return err
		}
		recs, err = chain(tx, rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	last := recs[len(recs)-1]
	if err := s.writeHead(last.RunID, head{last.Seq, last.Hash}); err != nil {
		s.note(fmt.Sprintf("the head of run %s is not kept beside the journal: %v", last.RunID, err))
	}
	return recs, nil
}

// chain reads the run's head in the transaction, because guests write between a
// driver's events.
func chain(tx *sql.Tx, rows []*row) ([]run.Record, error) {
	var seq uint64
	var prev []byte
	err := tx.QueryRow(`SELECT run_seq, hash FROM event WHERE run_id=? ORDER BY run_seq DESC LIMIT 1`, rows[0].runID).
		Scan(&seq, &prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	recs := make([]run.Record, len(rows))
	for i, r := range rows {
		seq++
		r.runSeq = seq
		if prev, err = follows(r, seq, prev); err != nil {
			return nil, err
		}
		if err := closes(tx, r); err != nil {
			return nil, err
		}
		r.seal(prev)
		if err := insert(tx, r); err != nil {
			return nil, err
		}
		if recs[i], err = r.record(); err != nil {
			return nil, err
		}
		prev = r.hash
	}
	return recs, nil
}

// follows returns what a row is chained to; a run begins with RunStarted and has no
// other.
func follows(r *row, seq uint64, prev []byte) ([]byte, error) {
	first := r.kind == run.Kind(run.RunStarted{})
	switch {
	case !first && seq == 1:
		return nil, notFound(r.runID)
	case !first:
		return prev, nil
	case seq > 1:
		return nil, &DuplicateError{Event: r.kind, Of: "run " + r.runID, What: "a run starts once"}
	}
	e, err := run.Decode(r.kind, r.payload)
	if err != nil {
		return nil, err
	}
	return origin(e.(run.RunStarted))
}

// closes finds whether the row closes its attempt. What the host or a check
// said does, once; an operator may judge a closed attempt anew.
func closes(tx *sql.Tx, r *row) error {
	if !r.attempt.Valid {
		return nil
	}
	e, err := run.Decode(r.kind, r.payload)
	if err != nil {
		return err
	}
	switch e := e.(type) {
	case run.Outcome:
		r.outcomeOf = r.attempt
	case run.OutcomeResolved:
		r.outcomeOf = r.attempt
		if e.Method != run.ByOperator {
			return nil
		}
		var closed bool
		if err := tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM event WHERE outcome_of=?)`, r.attempt).Scan(&closed); err != nil {
			return err
		}
		r.outcomeOf.Valid = !closed
	}
	return nil
}

func insert(tx *sql.Tx, r *row) error {
	_, err := tx.Exec(`INSERT INTO event(`+rowColumns+`) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		r.runID, r.runSeq, r.epoch, r.wallNS, r.monoNS, r.boot, r.actor, r.kind, r.step, r.target,
		r.attemptNo, r.attempt, r.outcomeOf, r.grant, r.payload, r.payloadSH, r.prev, r.hash)
	return refusal(r, err)
}
