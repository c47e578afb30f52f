package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// namePatience is how long a process that finds a run locked waits for the one
// that has just locked it to write its name.
const namePatience = time.Second

var runIDForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// lease is held while its lock file is locked; its epoch keeps an earlier
// holder, who doesn't know yet that the run is driven by another, from writing.
type lease struct {
	store  *Store
	runID  string
	epoch  uint64
	lock   *flock.Flock
	once   sync.Once
	result error
}

func (l *lease) RunID() string { return l.runID }
func (l *lease) Epoch() uint64 { return l.epoch }

// TakeLease makes this process the run's only driver, of a run that is new too.
// holder is how it is called to others. It fails with *HeldError while another
// process, or another lease of this one, drives the run, however long that has
// been silent; and with *BrokenError when the journal doesn't hold what the run's
// head file remembers.
func (s *Store) TakeLease(ctx context.Context, runID, holder string) (run.Lease, error) {
	l, err := s.takeLease(ctx, runID, holder)
	if err != nil {
		return nil, fmt.Errorf("take the lease of run %q: %w", runID, err)
	}
	return l, nil
}

func (s *Store) takeLease(ctx context.Context, runID, holder string) (_ *lease, err error) {
	if !runIDForm.MatchString(runID) {
		return nil, errors.New("a run id is made of a-z, 0-9, - and _")
	}
	if s.w == nil {
		return nil, ErrReadOnly
	}
	lock := flock.New(filepath.Join(s.dir, runsDir, runID+".lock"), flock.SetPermissions(fileMode))
	free, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock it: %w", err)
	}
	if !free {
		return nil, errors.Join(s.held(ctx, runID), lock.Close())
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	if err := s.headHolds(ctx, runID); err != nil {
		return nil, err
	}
	if err := s.sweepHeads(runID); err != nil {
		s.note(fmt.Sprintf("what an earlier process left of run %s stays: %v", runID, err))
	}
	l := &lease{store: s, runID: runID, lock: lock}
	err = s.write(ctx, false, func(tx *sql.Tx) error {
		now := time.Now().UnixNano()
		return tx.QueryRow(`INSERT INTO lease(run_id, epoch, holder, name, taken_ns, beat_ns, released) VALUES(?1, 1, ?2, ?3, ?4, ?4, 0)
			ON CONFLICT(run_id) DO UPDATE SET epoch=epoch+1, holder=?2, name=?3, taken_ns=?4, beat_ns=?4, released=0
			RETURNING epoch`, runID, s.self.String(), holder, now).Scan(&l.epoch)
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// beat proves in a transaction that the lease is the run's current one.
func (l *lease) beat(tx *sql.Tx, at time.Time) error {
	res, err := tx.Exec(`UPDATE lease SET beat_ns=? WHERE run_id=? AND epoch=? AND holder=? AND released=0`,
		at.UnixNano(), l.runID, l.epoch, l.store.self.String())
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil || n == 1 {
		return err
	}
	lost := &LostLeaseError{RunID: l.runID, Epoch: l.epoch}
	err = tx.QueryRow(`SELECT epoch, name FROM lease WHERE run_id=?`, l.runID).Scan(&lost.Now, &lost.Holder)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return text.WithHint(lost, "`stepgate show "+l.runID+"` says where it stands; `stepgate resume "+l.runID+"` takes it when it is free")
}

// Release gives the run free. It always gives up the lock, also when that can't
// be written down any more.
func (l *lease) Release() error {
	l.once.Do(func() {
		err := l.store.write(context.Background(), true, func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE lease SET released=1 WHERE run_id=? AND epoch=?`, l.runID, l.epoch)
			return err
		})
		if err = errors.Join(err, l.lock.Close()); err != nil {
			l.result = fmt.Errorf("give back the lease of run %q: %w", l.runID, err)
		}
	})
	return l.result
}

// leaseRow is a lease as the table has it.
type leaseRow struct {
	runID, holder, name string
	takenNS             int64
	released            bool
}

// driver returns who holds the lease, if that process is still there.
func (r leaseRow) driver(boot string) (process, bool) {
	p, ok := parseProcess(r.holder)
	return p, ok && !r.released && p.alive(boot)
}

// leases returns the leases of one run, or of all for "".
func (s *Store) leases(ctx context.Context, runID string) (_ []leaseRow, err error) {
	rows, err := s.r.QueryContext(ctx, `SELECT run_id, holder, name, taken_ns, released FROM lease WHERE run_id=?1 OR ?1=''`, runID)
	if err != nil {
		return nil, s.readError(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []leaseRow
	for rows.Next() {
		var r leaseRow
		if err := rows.Scan(&r.runID, &r.holder, &r.name, &r.takenNS, &r.released); err != nil {
			return nil, s.readError(err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// held says who drives a run whose lock is taken.
func (s *Store) held(ctx context.Context, runID string) error {
	ctx, cancel := context.WithTimeout(ctx, namePatience)
	defer cancel()
	e := &HeldError{RunID: runID}
	hint := "`stepgate show " + runID + "` says where it stands"
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		rows, err := s.leases(ctx, runID)
		if err == nil && len(rows) == 1 {
			if p, ok := rows[0].driver(s.self.boot); ok {
				e.Holder, e.PID, e.Since = rows[0].name, p.pid, time.Unix(0, rows[0].takenNS)
				hint += fmt.Sprintf("; to drive it here, ask %s to leave it (q), or end process %d", e.Holder, e.PID)
				return text.WithHint(e, hint)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return text.WithHint(e, hint)
		}
	}
}

// drivers names who drives runs now, for a message.
func (s *Store) drivers(ctx context.Context) []string {
	rows, err := s.leases(ctx, "")
	if err != nil {
		return []string{"unknown: " + err.Error()}
	}
	var names []string
	for _, r := range rows {
		if p, ok := r.driver(s.self.boot); ok {
			names = append(names, fmt.Sprintf("%s, process %d, run %s since %s",
				r.name, p.pid, r.runID, time.Unix(0, r.takenNS).Format(time.RFC3339)))
		}
	}
	if names == nil {
		return []string{"nobody"}
	}
	return names
}

// headHolds proves that the journal holds what the run's head file remembers.
func (s *Store) headHolds(ctx context.Context, runID string) error {
	// The file first: the journal only grows.
	h, ok, err := s.readHead(runID)
	if err != nil || !ok {
		return err
	}
	var last uint64
	var hash []byte
	err = s.r.QueryRowContext(ctx, `SELECT coalesce(max(run_seq), 0), (SELECT hash FROM event WHERE run_id=?1 AND run_seq=?2)
		FROM event WHERE run_id=?1`, runID, h.seq).Scan(&last, &hash)
	if err != nil {
		return s.readError(err)
	}
	if why := h.against(last, hash); why != "" {
		return broken(runID, min(h.seq, last+1), why)
	}
	return nil
}
