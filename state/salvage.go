package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"stepgate/runbook/run"
)

// Gap is a part of a run that can't be had.
type Gap struct {
	From, To uint64 // events; To is 0 where it isn't known how far it goes
	Why      string
}

func (g Gap) String() string {
	switch {
	case g.To == 0:
		return fmt.Sprintf("event %d and those after it: %s", g.From, g.Why)
	case g.To == g.From:
		return fmt.Sprintf("event %d: %s", g.From, g.Why)
	}
	return fmt.Sprintf("events %d to %d: %s", g.From, g.To, g.Why)
}

// lostRows is how many rows in succession can't be read before the rest is
// given up.
const lostRows = 1000

// Salvage returns all that can be read of a run in a damaged journal, also behind
// the first event that is missing or was changed: each event that is as it was
// written, in order, and what is missing between. Such a run is shown, never
// driven. It changes nothing. Of a run without damage it returns what
// [Store.Load] does, and no gap.
func (s *Store) Salvage(ctx context.Context, runID string) ([]run.Record, []Gap, error) {
	beside, known, err := s.readHead(runID) // before the journal, which only grows
	if err != nil {
		return nil, nil, err
	}
	rows, bad, err := s.intactRows(ctx, runID)
	if err != nil {
		return nil, nil, fmt.Errorf("salvage run %q: %w", runID, err)
	}
	var recs []run.Record
	var gaps []Gap
	p := proof{runID: runID}
	for _, r := range rows {
		if r.runSeq != p.seq+1 {
			gaps = append(gaps, bad.gaps(p.seq+1, r.runSeq-1)...)
			p.head = nil // what it is chained to is gone
		}
		if err := p.links(r); err != nil {
			gaps = append(gaps, Gap{r.runSeq, r.runSeq, err.Error()})
		}
		p.seq, p.head = r.runSeq, r.hash
		rec, err := r.record()
		if err != nil {
			gaps = append(gaps, Gap{r.runSeq, r.runSeq, err.Error()})
			continue
		}
		recs = append(recs, rec)
	}
	switch {
	case known && beside.seq > p.seq:
		gaps = append(gaps, bad.gaps(p.seq+1, beside.seq)...)
	case !known && bad.unread != nil:
		gaps = append(gaps, Gap{From: p.seq + 1, Why: bad.unread.Error()})
	}
	if len(recs) == 0 && len(gaps) == 0 {
		return nil, nil, notFound(runID)
	}
	return recs, gaps, nil
}

// spoilt is why rows are missing.
type spoilt struct {
	changed map[uint64]string // events that aren't as they were written
	unread  error             // why rows could not be read; nil: all could
}

// gaps says why events from..to are missing, those changed one by one.
func (b spoilt) gaps(from, to uint64) []Gap {
	why := "the journal doesn't have it: it was put back from an earlier time, or has lost its -wal file"
	if b.unread != nil {
		why = b.unread.Error()
	}
	var gaps []Gap
	for seq := from; seq <= to; seq++ {
		if w, ok := b.changed[seq]; ok {
			gaps = append(gaps, Gap{seq, seq, w})
			continue
		}
		if n := len(gaps); n > 0 && gaps[n-1].To == seq-1 && gaps[n-1].Why == why {
			gaps[n-1].To = seq
			continue
		}
		gaps = append(gaps, Gap{seq, seq, why})
	}
	return gaps
}

// intactRows reads the table row by row, so that a damaged page costs only what
// stands in it.
func (s *Store) intactRows(ctx context.Context, runID string) ([]*row, spoilt, error) {
	bad := spoilt{changed: map[uint64]string{}}
	var rows []*row
	for seq, lost := 1, 0; lost < lostRows; seq++ {
		var r row
		err := s.r.QueryRowContext(ctx, `SELECT `+rowColumns+` FROM event NOT INDEXED WHERE seq=?`, seq).Scan(r.fields()...)
		switch {
		case err == nil && r.runID != runID:
			lost = 0
		case err == nil:
			lost = 0
			if err := r.intact(); err != nil {
				bad.changed[r.runSeq] = err.Error()
				continue
			}
			rows = append(rows, &r)
		case errors.Is(err, sql.ErrNoRows):
			lost++
		case isCorrupt(err):
			lost++
			bad.unread = fmt.Errorf("the file is damaged there: %w", err)
		default:
			return nil, bad, s.readError(err)
		}
	}
	slices.SortFunc(rows, func(a, b *row) int { return int(a.runSeq) - int(b.runSeq) }) //nolint:gosec // small numbers
	return slices.CompactFunc(rows, func(a, b *row) bool { return a.runSeq == b.runSeq }), bad, nil
}
