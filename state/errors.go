package state

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// NotFoundError is a run that the journal doesn't have.
type NotFoundError struct{ Ref string }

func (e *NotFoundError) Error() string {
	if e.Ref == latest {
		return "the journal has no run yet"
	}
	return fmt.Sprintf("the journal has no run %q", e.Ref)
}

func notFound(ref string) error {
	if ref == latest {
		return text.WithHint(&NotFoundError{ref}, "`stepgate run RUNBOOK` starts one, `stepgate demo` on a simulated cluster")
	}
	return text.WithHint(&NotFoundError{ref}, "`stepgate list` shows them all")
}

// AmbiguousError is a prefix that several runs have.
type AmbiguousError struct {
	Ref        string
	Candidates []string // run ids, newest first
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q can be any of the runs %s", e.Ref, strings.Join(e.Candidates, ", "))
}

// HeldError is a run that another process drives.
type HeldError struct {
	RunID  string
	Holder string    // as it named itself; "" when it has only just begun
	PID    int       // 0 when it isn't known
	Since  time.Time // zero when it isn't known
	// Elsewhere: the process is of another machine, and whether it still drives
	// can't be seen from here.
	Elsewhere bool
}

func (e *HeldError) Error() string {
	if e.Holder == "" {
		return fmt.Sprintf("run %q is driven by another process that hasn't said its name yet", e.RunID)
	}
	by := fmt.Sprintf("run %q is driven by %s since %s", e.RunID, e.Holder, e.Since.Format(time.RFC3339))
	if e.Elsewhere {
		by += " on another machine, as far as can be seen from here"
	}
	return by
}

// LostLeaseError is an attempt to write under a lease that has ended.
type LostLeaseError struct {
	RunID  string
	Epoch  uint64 // of the lease
	Now    uint64 // the run's epoch; equal when the lease was released
	Holder string // who drives the run now, or drove it last
	Since  time.Time
}

func (e *LostLeaseError) Error() string {
	if e.Epoch == e.Now {
		return fmt.Sprintf("the lease of run %q was given back", e.RunID)
	}
	return fmt.Sprintf("run %q was taken over by %s at %s (epoch %d, was %d)",
		e.RunID, e.Holder, e.Since.Format(time.RFC3339), e.Now, e.Epoch)
}

// DuplicateError is an event that must not happen twice.
type DuplicateError struct {
	Event string // its kind
	Of    string // what it is about
	What  string // the rule
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("%s of %s refused: %s", e.Event, e.Of, e.What)
}

// SpaceError is a disk without room for what a step may need to write.
type SpaceError struct {
	Path       string
	Free, Need int64 // bytes, or inodes
	Inodes     bool
}

func (e *SpaceError) Error() string {
	if e.Inodes {
		return fmt.Sprintf("%q has room for %d more files, and %d must be free before something is started", e.Path, e.Free, e.Need)
	}
	return fmt.Sprintf("%q has %d MiB left, and %d MiB must be free before something is started", e.Path, e.Free>>20, e.Need>>20)
}

// BusyError is a journal in which another process writes for longer than a
// write ever takes.
type BusyError struct {
	Writer  string   // the process that has it locked; "" when it can't be seen
	Holders []string // who drives runs in it now
}

func (e *BusyError) Error() string {
	by := "another process"
	if e.Writer != "" {
		by = e.Writer
	}
	return fmt.Sprintf("%s has been writing to the journal for %s (driving runs now: %s)",
		by, busyTimeout, strings.Join(e.Holders, ", "))
}

// BrokenError is a run whose events are not what was written.
type BrokenError struct {
	RunID string
	Seq   uint64 // the first bad event
	Why   string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("event %d of run %q can't be trusted: %s", e.Seq, e.RunID, e.Why)
}

func broken(runID string, seq uint64, why string) error {
	return text.WithHint(&BrokenError{runID, seq, why}, fmt.Sprintf(
		"it can't be driven on; `stepgate export %s` writes what is good, up to event %d; nothing was changed", runID, seq-1))
}

// CorruptError is a database that SQLite can't read.
type CorruptError struct {
	Path  string
	Cause error
}

func (e *CorruptError) Error() string { return fmt.Sprintf("the file is damaged: %v", e.Cause) }
func (e *CorruptError) Unwrap() error { return e.Cause }

func corrupt(path string, cause error) error {
	broken := filepath.Join(filepath.Dir(path), "broken")
	return text.WithHint(&CorruptError{path, cause}, fmt.Sprintf(
		"nothing was changed; keep it with its log and its runs (`mkdir %s && mv %s* %s %s`), put a copy back or start anew",
		shell(broken), shell(path), shell(filepath.Join(filepath.Dir(path), runsDir)), shell(broken)))
}

func codeOf(err error) (sqlite3.Error, bool) {
	var e sqlite3.Error
	ok := errors.As(err, &e)
	return e, ok
}

func isBusy(err error) bool {
	e, ok := codeOf(err)
	return ok && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked)
}

func isCorrupt(err error) bool {
	e, ok := codeOf(err)
	return ok && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB)
}

// cannotShare tells whether SQLite couldn't use or make the files that readers
// and writers share.
func cannotShare(err error) bool {
	e, ok := codeOf(err)
	return ok && (e.Code == sqlite3.ErrCantOpen || e.Code == sqlite3.ErrReadonly || e.Code == sqlite3.ErrIoErr)
}

// isFull tells whether there was no space, or none that a quota gives.
func isFull(e sqlite3.Error) bool {
	switch e.SystemErrno {
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG:
		return true
	}
	return e.Code == sqlite3.ErrFull
}

func openError(path string, err error) error {
	if isCorrupt(err) {
		return corrupt(path, err)
	}
	if e, ok := codeOf(err); ok && isFull(e) {
		return text.WithHint(err, "make room on the file system of "+shell(path)+"; nothing was lost")
	}
	return err
}

func (s *Store) readError(err error) error { return openError(s.path, err) }

// refusal turns the violation of a unique index into what it means.
func refusal(r *row, err error) error {
	e, ok := codeOf(err)
	if !ok || e.ExtendedCode != sqlite3.ErrConstraintUnique {
		return err
	}
	of := run.Key{Step: r.step, Target: r.target}.String()
	for column, what := range map[string]string{
		"event.attempt_no": fmt.Sprintf("attempt %d of this cell has its intent", r.attemptNo),
		"event.attempt_id": fmt.Sprintf("attempt %q has its intent", r.attempt.String),
		"event.outcome_of": fmt.Sprintf("attempt %q has its outcome", r.attempt.String),
		"event.grant_id":   fmt.Sprintf("the grant of gate %q is used up", r.grant.String),
	} {
		if strings.Contains(e.Error(), column) {
			return &DuplicateError{Event: r.kind, Of: of, What: what}
		}
	}
	return err
}
