package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
		return s.busy(s.drivers(ctx))
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

// busy says who writes for so long.
func (s *Store) busy(drivers []string) error {
	e, do := &BusyError{Holders: drivers}, "end that process, or wait for it, and try again"
	if h, ok := writerOf(s.path); ok {
		e.Writer, do = h.String(), h.remedy()
	}
	return text.WithHint(e, do+"; nothing was started")
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
	switch e.Code {
	case sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrCorrupt, sqlite3.ErrNotADB, sqlite3.ErrReadonly,
		sqlite3.ErrCantOpen, sqlite3.ErrPerm, sqlite3.ErrProtocol:
	default:
		return false
	}
	if s.latched == nil {
		s.latched = &LatchedError{Path: s.path, Cause: err, full: isFull(e)}
	}
	return true
}

// roomFor fails when events start something and the disk is nearly full. What
// was set aside for outcomes and isn't there is set aside again.
func (s *Store) roomFor(events []run.Event) error {
	for _, e := range events {
		switch e.(type) {
		case run.RunStarted, run.Intent:
		default:
			continue
		}
		if s.opt.MinFree > 0 {
			free, inodes, err := room(s.dir)
			if err == nil {
				err = enough(s.dir, free, inodes, s.opt.MinFree)
			}
			if err != nil {
				return err
			}
		}
		s.keepBallast()
		return nil
	}
	return nil
}

// minInodes must be free before something is started: a head is a new file each
// time.
const minInodes = 64

// room returns the bytes and the inodes that are free; -1 inodes where the file
// system doesn't count them.
func room(dir string) (free, inodes int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, fmt.Errorf("find the free space of %q: %w", dir, err)
	}
	inodes = -1
	if st.Files > 0 {
		inodes = int64(st.Ffree) //nolint:gosec // types differ between systems
	}
	return int64(st.Bavail) * int64(st.Bsize), inodes, nil //nolint:gosec,unconvert // types differ between systems
}

func inodesText(n int64) string {
	if n < 0 {
		return "inodes without number"
	}
	return fmt.Sprintf("%d inodes", n)
}

func enough(dir string, free, inodes, need int64) error {
	switch {
	case free < need:
		return text.WithHint(&SpaceError{Path: dir, Free: free, Need: need},
			"make room on that file system (`df -h "+shell(dir)+"`) and try again; nothing was started")
	case inodes >= 0 && inodes < minInodes:
		return text.WithHint(&SpaceError{Path: dir, Free: inodes, Need: minInodes, Inodes: true},
			"remove files on that file system (`df -i "+shell(dir)+"`) and try again; nothing was started")
	}
	return nil
}

const ballastName = "ballast"

func (s *Store) ballastPath() string { return filepath.Join(s.dir, ballastName) }

// keepBallast sets space aside, or says that there is none.
func (s *Store) keepBallast() {
	if s.opt.Ballast <= 0 {
		return
	}
	if err := s.layBallast(); err != nil {
		s.note(fmt.Sprintf("no space is set aside for outcomes on a full disk: %v", err))
	}
}

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
