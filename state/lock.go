package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

func (s *Store) lockPath(runID string) string {
	return filepath.Join(s.dir, runsDir, runID+".lock")
}

// lockRun locks a run's lock file; nil when another has it locked. The file can
// be replaced between its opening and its locking, by who takes the run by
// force: what was locked then is nobody's any more.
func (s *Store) lockRun(runID string) (*flock.Flock, error) {
	for {
		lock := flock.New(s.lockPath(runID), flock.SetPermissions(fileMode))
		free, err := lock.TryLock()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock it: %w", err), lock.Close())
		}
		if !free {
			return nil, lock.Close()
		}
		same, err := isAt(lock, s.lockPath(runID))
		if err == nil && same {
			return lock, nil
		}
		if err = errors.Join(err, lock.Close()); err != nil {
			return nil, fmt.Errorf("lock it: %w", err)
		}
	}
}

// isAt tells whether the file locked is the one that the path names.
func isAt(lock *flock.Flock, path string) (bool, error) {
	held, err := lock.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(held, named), err
}

// replaceLock puts a lock file that this process has locked in the place of one
// that another has: from then on the other's says nothing.
func (s *Store) replaceLock(runID string) (_ *flock.Flock, err error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, runsDir), runID+".lock.*")
	if err != nil {
		return nil, err
	}
	name := f.Name()
	if err := f.Close(); err != nil {
		return nil, errors.Join(err, os.Remove(name))
	}
	lock := flock.New(name, flock.SetPermissions(fileMode))
	free, err := lock.TryLock()
	if err == nil && !free {
		err = errors.New("another process has locked it")
	}
	if err == nil {
		err = os.Rename(name, s.lockPath(runID))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("replace its lock: %w", err), lock.Close(), os.Remove(name))
	}
	return lock, nil
}

// sweep removes what processes that were killed while they wrote the run's head
// or replaced its lock have left. To a guest that is writing the head now it
// costs that head, which the next event replaces.
func (s *Store) sweep(runID string) error {
	dir := filepath.Join(s.dir, runsDir)
	left, err := os.ReadDir(dir)
	for _, e := range left {
		if !strings.HasPrefix(e.Name(), runID+".head.") && !strings.HasPrefix(e.Name(), runID+".lock.") {
			continue
		}
		if rerr := os.Remove(filepath.Join(dir, e.Name())); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	return err
}

// unseen returns who the journal says drives the run when no lock tells so: a
// process of another machine, whose locks can't be seen here, or one of this
// machine that has lost its lock file and is still there.
func (s *Store) unseen(ctx context.Context, runID string) (leaseRow, bool, error) {
	rows, err := s.leases(ctx, runID)
	if err != nil || len(rows) == 0 {
		return leaseRow{}, false, err
	}
	p, ok := rows[0].driver(s.self)
	return rows[0], ok && p != s.self, nil
}
