package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"stepgate/runbook/run"
)

// How far [Store.Earlier] looks back.
const (
	earlierRuns   = 200  // among which the ones wanted are looked for
	earlierEvents = 1500 // read in all
)

// Earlier reads, of the latest runs that like holds for, at most n of them, the events
// that say how long their steps took ([run.Usual]). It looks back a bounded way, proves
// nothing, and leaves out what can't be read: it is for what doesn't decide anything.
func (s *Store) Earlier(ctx context.Context, n int, like func(run.RunStarted) bool) ([][]run.Record, error) {
	ids, err := s.texts(ctx, `SELECT run_id FROM lease ORDER BY taken_ns DESC LIMIT ?`, earlierRuns)
	if err != nil {
		return nil, fmt.Errorf("look at earlier runs: %w", err)
	}
	var out [][]run.Record
	left := earlierEvents
	for _, id := range ids {
		if len(out) == n || left <= 0 {
			break
		}
		started, err := s.firstOf(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("look at earlier run %q: %w", id, err)
		}
		if started == nil || !like(*started) {
			continue
		}
		records, err := s.timesOf(ctx, id, left)
		if err != nil {
			return nil, fmt.Errorf("look at earlier run %q: %w", id, err)
		}
		left -= len(records)
		out = append(out, records)
	}
	return out, nil
}

// firstOf is the event that a run began with; nil: it can't be read.
func (s *Store) firstOf(ctx context.Context, id string) (*run.RunStarted, error) {
	var kind string
	var payload []byte
	err := s.r.QueryRowContext(ctx, `SELECT type, payload FROM event WHERE run_id=? AND run_seq=1`, id).Scan(&kind, &payload)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	if err != nil {
		return nil, s.readError(err)
	}
	e, err := run.Decode(kind, payload)
	if started, ok := e.(run.RunStarted); err == nil && ok {
		return &started, nil
	}
	return nil, nil //nolint:nilnil,nilerr // as above
}

// timeColumns is an event without what a command is made of, which takes longest to
// read.
const timeColumns = `wall_ns, type, CASE WHEN type='Intent' AND json_valid(CAST(payload AS TEXT)) THEN
	json_object('cell', json_object('step', step_id, 'target', target), 'role', json_extract(CAST(payload AS TEXT), '$.role'))
	ELSE payload END`

// timesOf reads the events of a run that tell how long its steps took.
func (s *Store) timesOf(ctx context.Context, id string, most int) (_ []run.Record, err error) {
	rows, err := s.r.QueryContext(ctx, `SELECT `+timeColumns+` FROM event WHERE run_id=? AND payload IS NOT NULL
		AND type IN ('Intent', 'Outcome', 'ChecksTaken', 'Interrupted', 'LeaseTaken') ORDER BY run_seq LIMIT ?`, id, most)
	if err != nil {
		return nil, s.readError(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var out []run.Record
	for rows.Next() {
		var ns int64
		var kind string
		var payload []byte
		if err := rows.Scan(&ns, &kind, &payload); err != nil {
			return nil, s.readError(err)
		}
		if e, err := run.Decode(kind, payload); err == nil {
			out = append(out, run.Record{RunID: id, Wall: time.Unix(0, ns).UTC(), Event: e})
		}
	}
	return out, s.readError(rows.Err())
}
