package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
	forced bool
	lock   *flock.Flock
	once   sync.Once
	result error
}

func (l *lease) RunID() string { return l.runID }
func (l *lease) Epoch() uint64 { return l.epoch }

// Forced tells whether the lease was taken from a holder that may still be
// alive; its LeaseTaken event says so.
func (l *lease) Forced() bool { return l.forced }

// TakeLease makes this process the run's only driver, of a run that is new too.
// holder is how it is called to others. It fails with *HeldError while another
// process, or another lease of this one, drives the run, however long that has
// been silent, and when a process of another machine may; and with *BrokenError
// when the journal doesn't hold what the run's head file remembers.
func (s *Store) TakeLease(ctx context.Context, runID, holder string) (run.Lease, error) {
	l, err := s.takeLease(ctx, runID, holder, false)
	if err != nil {
		return nil, fmt.Errorf("take the lease of run %q: %w", runID, err)
	}
	return l, nil
}

// TakeLeaseForced is TakeLease from whoever holds it, on a person's typed word:
// from a process that hangs or was stopped, or one of another machine. From then
// on that holder's writes fail with *LostLeaseError, but a command that it has
// begun to send may still be on its way. The lease has a method Forced() bool:
// false when nobody was in the way after all.
func (s *Store) TakeLeaseForced(ctx context.Context, runID, holder string) (run.Lease, error) {
	l, err := s.takeLease(ctx, runID, holder, true)
	if err != nil {
		return nil, fmt.Errorf("take the lease of run %q by force: %w", runID, err)
	}
	return l, nil
}

func (s *Store) takeLease(ctx context.Context, runID, holder string, force bool) (_ *lease, err error) {
	if !runIDForm.MatchString(runID) {
		return nil, errors.New("a run id is made of a-z, 0-9, - and _")
	}
	if s.w == nil {
		return nil, ErrReadOnly
	}
	l := &lease{store: s, runID: runID}
	if l.lock, err = s.lockRun(runID); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && l.lock != nil {
			err = errors.Join(err, l.lock.Close())
		}
	}()
	row, unseen, err := s.unseen(ctx, runID)
	if err != nil {
		return nil, err
	}
	l.forced = force && (l.lock == nil || unseen)
	switch {
	case force:
	case l.lock == nil:
		return nil, s.held(ctx, runID)
	case unseen:
		return nil, s.heldBy(row)
	}
	if err := s.headHolds(ctx, runID); err != nil {
		return nil, err
	}
	if err := s.sweep(runID); err != nil {
		s.note(fmt.Sprintf("what an earlier process left of run %s stays: %v", runID, err))
	}
	return l, s.write(ctx, false, func(tx *sql.Tx) error { return l.take(tx, holder) })
}

// take begins the next epoch. A lock is replaced in the transaction, so that of
// two that take the run by force the later epoch has the lock.
func (l *lease) take(tx *sql.Tx, holder string) error {
	now := time.Now().UnixNano()
	err := tx.QueryRow(`INSERT INTO lease(run_id, epoch, holder, name, taken_ns, beat_ns, released) VALUES(?1, 1, ?2, ?3, ?4, ?4, 0)
		ON CONFLICT(run_id) DO UPDATE SET epoch=epoch+1, holder=?2, name=?3, taken_ns=?4, beat_ns=?4, released=0
		RETURNING epoch`, l.runID, l.store.self.String(), holder, now).Scan(&l.epoch)
	if err == nil && l.lock == nil {
		l.lock, err = l.store.replaceLock(l.runID)
	}
	return err
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
	var since int64
	err = tx.QueryRow(`SELECT epoch, name, taken_ns FROM lease WHERE run_id=?`, l.runID).Scan(&lost.Now, &lost.Holder, &since)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	lost.Since = time.Unix(0, since)
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

// driver returns who holds the lease, if that process is still there, or may be.
func (r leaseRow) driver(self process) (process, bool) {
	p, ok := parseProcess(r.holder)
	return p, ok && !r.released && (p.alive(self) || p.elsewhere(self))
}

const leaseColumns = `SELECT run_id, holder, name, taken_ns, released FROM lease`

// leases returns the leases of one run, or of all for "".
func (s *Store) leases(ctx context.Context, runID string) (_ []leaseRow, err error) {
	rows, err := s.r.QueryContext(ctx, leaseColumns+` WHERE run_id=?1 OR ?1=''`, runID)
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
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		rows, err := s.leases(ctx, runID)
		if err == nil && len(rows) == 1 {
			if _, ok := rows[0].driver(s.self); ok {
				tick.Stop()
				return s.heldBy(rows[0])
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return text.WithHint(&HeldError{RunID: runID}, "`stepgate show "+runID+"` says where it stands")
		}
	}
}

func (s *Store) heldBy(r leaseRow) error {
	p, _ := r.driver(s.self)
	e := &HeldError{RunID: r.runID, Holder: r.name, PID: p.pid, Since: time.Unix(0, r.takenNS), Elsewhere: p.elsewhere(s.self)}
	hint := "`stepgate show " + r.runID + "` says where it stands; "
	force := "`stepgate resume " + r.runID + " --take-over` takes it by force"
	if e.Elsewhere {
		return text.WithHint(e, hint+fmt.Sprintf(
			"to drive it here, ask %s to leave it (q); if that machine or process is gone, %s", e.Holder, force))
	}
	return text.WithHint(e, hint+fmt.Sprintf(
		"to drive it here, ask %s to leave it (q), or end process %d; if it hangs, %s", e.Holder, e.PID, force))
}

// drivers names who drives runs now, for a message.
func (s *Store) drivers(ctx context.Context) []string {
	rows, err := s.leases(ctx, "")
	if err != nil {
		return []string{"unknown: " + err.Error()}
	}
	var names []string
	for _, r := range rows {
		if p, ok := r.driver(s.self); ok {
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
