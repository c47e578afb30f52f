package state

import (
	"context"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// latest is the reference to the run that was started last.
const latest = "last"

// Info is a run in a list.
type Info struct {
	ID       string
	Title    string
	Runbook  string
	Started  time.Time
	Last     time.Time   // of the last event
	LastKind string      // its kind
	Closed   run.Closing // "" while the run can go on
	Events   int
	Holder   string // who drives it now; "" when nobody does
	Problem  string // why the rest is missing, when the run can't be read
}

const runColumns = `SELECT l.run_id, l.n, f.wall_ns, f.type, f.payload, e.wall_ns, e.type,
	(SELECT payload FROM event WHERE run_id=l.run_id AND type='RunClosed' ORDER BY run_seq DESC LIMIT 1)
	FROM (SELECT run_id, min(run_seq) AS first, max(run_seq) AS last, count(*) AS n FROM event GROUP BY run_id) l
	JOIN event f ON f.run_id=l.run_id AND f.run_seq=l.first
	JOIN event e ON e.run_id=l.run_id AND e.run_seq=l.last
	ORDER BY f.seq DESC`

// Runs lists all runs, the one started last first. It doesn't prove their
// chains.
func (s *Store) Runs(ctx context.Context) ([]Info, error) {
	infos, err := s.runs(ctx)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	leases, err := s.leases(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	holders := map[string]string{}
	for _, l := range leases {
		if _, ok := l.driver(s.self); ok {
			holders[l.runID] = l.name
		}
	}
	for i := range infos {
		infos[i].Holder = holders[infos[i].ID]
	}
	return infos, nil
}

func (s *Store) runs(ctx context.Context) (_ []Info, err error) {
	rows, err := s.r.QueryContext(ctx, runColumns)
	if err != nil {
		return nil, s.readError(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var infos []Info
	for rows.Next() {
		var i Info
		var startNS, lastNS int64
		var kind string
		var started, closed []byte
		if err := rows.Scan(&i.ID, &i.Events, &startNS, &kind, &started, &lastNS, &i.LastKind, &closed); err != nil {
			return nil, s.readError(err)
		}
		i.Started, i.Last = time.Unix(0, startNS).UTC(), time.Unix(0, lastNS).UTC()
		i.describe(kind, started, closed)
		infos = append(infos, i)
	}
	if err := rows.Err(); err != nil {
		return nil, s.readError(err)
	}
	return infos, nil
}

// describe fills in what the payloads say. One bad run doesn't hide the others.
func (i *Info) describe(kind string, started, closed []byte) {
	e, err := run.Decode(kind, started)
	first, ok := e.(run.RunStarted)
	switch {
	case err != nil:
		i.Problem = err.Error()
		return
	case !ok:
		i.Problem = "its first event is " + kind
		return
	}
	i.Title, i.Runbook = first.Title, first.Runbook
	if closed == nil {
		return
	}
	e, err = run.Decode(run.Kind(run.RunClosed{}), closed)
	if err != nil {
		i.Problem = err.Error()
		return
	}
	i.Closed = e.(run.RunClosed).How
}

// Find returns the id of the run that ref means: an id, a prefix that no other
// run has, or "last" for the one started last. It fails with *NotFoundError or
// *AmbiguousError.
func (s *Store) Find(ctx context.Context, ref string) (string, error) {
	query, args := `SELECT run_id FROM event WHERE run_seq=1 ORDER BY seq DESC LIMIT 1`, []any{}
	low := strings.ToLower(ref)
	if ref != latest {
		query = `SELECT run_id FROM event WHERE run_seq=1 AND run_id>=?1 AND run_id<?1||char(1114111) ORDER BY seq DESC`
		args = append(args, low)
	}
	ids, err := s.texts(ctx, query, args...)
	if err != nil {
		return "", fmt.Errorf("find run %q: %w", ref, err)
	}
	for _, id := range ids {
		if id == low {
			return id, nil
		}
	}
	switch {
	case len(ids) == 0 || ref == "":
		return "", notFound(ref)
	case len(ids) > 1:
		return "", text.WithHint(&AmbiguousError{ref, ids}, "give more of the id; `stepgate list` shows them all")
	}
	return ids[0], nil
}

// source is what rows are read from: the readers, or a transaction.
type source interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// texts returns the rows of a query with one column, or its first one.
func texts(ctx context.Context, from source, query string, args ...any) (_ []string, err error) {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []string
	for rows.Next() {
		var t sql.NullString
		into := make([]any, len(columns))
		for i := range into {
			into[i] = new(any)
		}
		into[0] = &t
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, t.String)
	}
	return out, rows.Err()
}

func (s *Store) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	found, err := texts(ctx, s.r, query, args...)
	if err != nil {
		return nil, s.readError(err)
	}
	return found, nil
}

// ids are written without letters that look like digits, or like each other.
var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewRunID returns a run id of ten characters: the second it was made in, so
// that ids sort by age, and three random ones. It panics if random fails, which
// crypto/rand's reader never does.
func NewRunID(at time.Time, random io.Reader) string {
	// 35 bits of seconds and 15 random ones, left in a word of 64.
	var noise [2]byte
	if _, err := io.ReadFull(random, noise[:]); err != nil {
		panic(fmt.Sprintf("read random bytes for a run id: %v", err))
	}
	seconds := uint64(min(max(at.Unix(), 0), 1<<35-1)) //nolint:gosec // within 35 bits
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], seconds<<29|uint64(binary.BigEndian.Uint16(noise[:])>>1)<<14)
	return idEncoding.EncodeToString(b[:])[:10]
}
