package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	sqlite3 "github.com/mattn/go-sqlite3"
	"golang.org/x/sys/unix"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// ErrReadOnly says that the journal was opened for reading only.
var ErrReadOnly = errors.New("the journal is open for reading only")

// errClosed says that the store was closed.
var errClosed = errors.New("the journal is closed")

// LatchedError says that a write has failed for good, and that this process
// writes nothing more.
type LatchedError struct {
	Path  string
	Cause error
	full  bool
}

func (e *LatchedError) Error() string {
	return fmt.Sprintf("the journal can't be written any more: %v", e.Cause)
}

// Unwrap returns the cause.
func (e *LatchedError) Unwrap() error { return e.Cause }

// Full tells whether there was no space; an outcome is then still taken as long
// as the space set aside for it lasts.
func (e *LatchedError) Full() bool { return e.full }

func (e *LatchedError) hinted() error {
	hint := "nothing more is started; find out what is wrong with " + shell(e.Path) + " or its disk, then `stepgate resume`"
	if e.full {
		hint = "nothing more is started; make room on the file system of " + shell(filepath.Dir(e.Path)) + ", then `stepgate resume`"
	}
	return text.WithHint(e, hint)
}

// write runs f in the one writing transaction and commits it. urgent is for
// what has happened already: on a full disk it may use the ballast.
func (s *Store) write(ctx context.Context, urgent bool, f func(*sql.Tx) error) error {
	if s.w == nil {
		return ErrReadOnly
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.mayWrite(urgent); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.transact(f)
	if err == nil {
		if s.latched == nil && !s.inPlace() { // what was written may have gone into a file without a name
			return s.latched.hinted()
		}
		return nil
	}
	if isBusy(err) {
		return text.WithHint(&BusyError{s.drivers(ctx)}, "end that process, or wait for it, and try again")
	}
	if !s.latchOn(err) {
		return err
	}
	if urgent && s.latched.full {
		if err := errors.Join(s.dropBallast(), s.transact(f)); err == nil {
			return nil
		}
	}
	return s.latched.hinted()
}

// mayWrite fails when the store is closed, latched, or no longer the file at its
// path. The caller holds turn.
func (s *Store) mayWrite(urgent bool) error {
	if s.closed {
		return errClosed
	}
	if s.latched == nil && s.inPlace() {
		return nil
	}
	if urgent && s.latched.full {
		return s.dropBallast()
	}
	return s.latched.hinted()
}

// inPlace latches the store if one of its files isn't there any more. The
// caller holds turn.
func (s *Store) inPlace() bool {
	if err := s.file.unmoved(); err != nil {
		s.latched = &LatchedError{Path: s.path, Cause: err}
	}
	return s.latched == nil
}

// transact doesn't end with the caller's context: a transaction that has begun
// is committed or has failed, never left open to doubt.
func (s *Store) transact(f func(*sql.Tx) error) error {
	tx, err := s.w.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		// A failed write may have rolled back already.
		if rerr := tx.Rollback(); rerr != nil && !rolledBack(rerr) {
			return errors.Join(err, rerr)
		}
		return err
	}
	return tx.Commit()
}

func rolledBack(err error) bool {
	e, ok := codeOf(err)
	return errors.Is(err, sql.ErrTxDone) || ok && e.Code == sqlite3.ErrError
}

// latchOn latches the store if err means that it can't be relied on any more.
// The caller holds turn.
func (s *Store) latchOn(err error) bool {
	e, ok := codeOf(err)
	if !ok {
		return false
	}
	full := e.Code == sqlite3.ErrFull
	switch e.SystemErrno {
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG:
		full = true
	}
	switch e.Code {
	case sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrCorrupt, sqlite3.ErrNotADB, sqlite3.ErrReadonly,
		sqlite3.ErrCantOpen, sqlite3.ErrPerm, sqlite3.ErrProtocol:
	default:
		return false
	}
	if s.latched == nil {
		s.latched = &LatchedError{Path: s.path, Cause: err, full: full}
	}
	return true
}

// roomFor fails when events start something and the disk is nearly full.
func (s *Store) roomFor(events []run.Event) error {
	if s.opt.MinFree <= 0 {
		return nil
	}
	for _, e := range events {
		switch e.(type) {
		case run.RunStarted, run.Intent:
		default:
			continue
		}
		var st unix.Statfs_t
		if err := unix.Statfs(s.dir, &st); err != nil {
			return fmt.Errorf("find the free space of %q: %w", s.dir, err)
		}
		free := int64(st.Bavail) * int64(st.Bsize) //nolint:gosec,unconvert // types differ between systems
		if free < s.opt.MinFree {
			return text.WithHint(&SpaceError{s.dir, free, s.opt.MinFree},
				"make room on that file system and try again; nothing was started")
		}
		return nil
	}
	return nil
}

func (s *Store) ballastPath() string { return filepath.Join(s.dir, "ballast") }

// layBallast sets space aside.
func (s *Store) layBallast() (err error) {
	if fi, err := os.Lstat(s.ballastPath()); err == nil && fi.Size() == s.opt.Ballast {
		return nil
	}
	f, err := os.OpenFile(s.ballastPath(), os.O_WRONLY|os.O_CREATE|unix.O_NOFOLLOW, fileMode)
	if err != nil {
		return err
	}
	if err = f.Truncate(0); err == nil {
		err = allocate(int(f.Fd()), s.opt.Ballast)
	}
	if err == nil {
		err = f.Truncate(s.opt.Ballast) // where allocation doesn't change the size
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		err = errors.Join(err, s.dropBallast())
	}
	return err
}

// dropBallast gives the space back; the next Open sets it aside anew.
func (s *Store) dropBallast() error {
	if err := os.Remove(s.ballastPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("free the space set aside: %w", err)
	}
	return nil
}
