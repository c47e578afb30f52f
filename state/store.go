package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"stepgate/runbook/text"
)

// Options adjust a store. The zero value is what a run needs.
type Options struct {
	KeepOutput int64 // bytes kept at each end of a stream; 0: 32 MiB, negative: everything
	MinFree    int64 // bytes that must be free before an intent; 0: 64 MiB, negative: none
	Ballast    int64 // bytes set aside for outcomes on a full disk; 0: 8 MiB, negative: none
	UnsafeFS   bool  // accept a network or FUSE file system, where locks and syncs may lie
}

const (
	defaultKeep    = 32 << 20
	defaultMinFree = 64 << 20
	defaultBallast = 8 << 20
)

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		v   *int64
		def int64
	}{{&o.KeepOutput, defaultKeep}, {&o.MinFree, defaultMinFree}, {&o.Ballast, defaultBallast}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	return o
}

// Store is an open journal. Its methods may be called from many goroutines.
type Store struct {
	path  string // of the database
	dir   string // its directory
	opt   Options
	w     *sql.DB // one connection; nil: read-only
	r     *sql.DB
	self  process
	file  files             // the journal's files as they were opened
	newer *NewerSchemaError // a later version wrote the journal; nil: none

	turn   chan struct{} // held while writing; guards latched
	closed bool          // guarded by turn

	latched *LatchedError

	unsafe string // why the place is not one for a journal; "": it is

	notesMu sync.Mutex
	notes   []string
}

// Open opens the journal at path for reading and writing, and makes it, with its
// directory, if it isn't there. It refuses a place that others can read, that
// belongs to someone else or whose file system can't keep what it promises, and
// a file that it can't trust; nothing is changed then.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s, err := open(ctx, path, o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open journal %q: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, o Options) (_ *Store, err error) {
	if err := libraryIsSound(); err != nil {
		return nil, err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, dir: filepath.Dir(path), opt: o, turn: make(chan struct{}, 1)}
	if s.self, err = thisProcess(); err != nil {
		return nil, err
	}
	if err := s.preparePlace(); err != nil {
		return nil, err
	}
	unlock, err := lockSetup(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	s.w = openWriter(path)
	s.r = openReaders(path, modeReadOnly)
	if err := s.prepareSchema(ctx); err != nil {
		if isBusy(err) {
			err = s.busy([]string{"not known"}) // reading it would wait as long
		}
		return nil, errors.Join(openError(path, err), s.r.Close(), s.w.Close())
	}
	if s.file, err = lookAt(path); err != nil {
		return nil, errors.Join(err, s.r.Close(), s.w.Close())
	}
	s.keepBallast()
	return s, nil
}

func (s *Store) preparePlace() error {
	if err := prepareDir(s.dir); err != nil {
		return err
	}
	if err := localFS(s.dir); err != nil {
		if !s.opt.UnsafeFS {
			return text.WithHint(err, text.HintOf(err)+"; `--journal-unsafe-fs` accepts it, and the run says so for good")
		}
		s.unsafe = err.Error()
		s.note("accepted by --journal-unsafe-fs: " + s.unsafe)
	}
	return prepareRuns(s.dir)
}

func (s *Store) prepareSchema(ctx context.Context) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	have, err := schemaOf(ctx, s.w)
	if err == nil && have == 0 {
		err = notLost(s.path)
	}
	if err != nil {
		return err
	}
	if err := migrate(ctx, s.w, s.path, steps); err != nil {
		return err
	}
	return s.r.PingContext(ctx)
}

// OpenReadOnly opens a journal for reading only, also where its directory can't
// be written, its log is gone or its disk is full, and one that a later version
// wrote as far as this one can read it; [Store.Warnings] says so. It changes
// nothing, and every method that writes fails.
func OpenReadOnly(ctx context.Context, path string) (*Store, error) {
	s, err := openReadOnly(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open journal %q for reading: %w", path, err)
	}
	return s, nil
}

func openReadOnly(ctx context.Context, path string) (*Store, error) {
	if err := libraryIsSound(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, dir: filepath.Dir(path), opt: Options{}.withDefaults(), turn: make(chan struct{}, 1)}
	if s.self, err = thisProcess(); err != nil {
		return nil, err
	}
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := notLost(path); err != nil {
			return nil, err
		}
		return nil, text.WithHint(err, "no run was started yet; `stepgate demo` starts one on a simulated cluster")
	}
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, text.WithHint(fmt.Errorf("%q is a %s", path, kindOf(fi)), "name the journal itself")
	}
	steps, err := migrations()
	if err != nil {
		return nil, err
	}
	for _, mode := range readModes(path) {
		s.r = openReaders(path, mode)
		if err = s.readable(ctx, len(steps)); err == nil {
			return s, nil
		}
		err = errors.Join(openError(path, err), s.r.Close())
		if !cannotShare(err) {
			break
		}
	}
	return nil, err
}

// Path is where the database is.
func (s *Store) Path() string { return s.path }

// ReadOnly tells whether the store was opened for reading only.
func (s *Store) ReadOnly() bool { return s.w == nil }

// Warnings tells what protection is missing, in sentences for the operator.
func (s *Store) Warnings() []string {
	s.notesMu.Lock()
	defer s.notesMu.Unlock()
	return append([]string(nil), s.notes...)
}

// Unsafe says what was accepted by [Options.UnsafeFS]; "" when nothing had to
// be. Who opens the journal so writes it into the run, as a Note.
func (s *Store) Unsafe() string { return s.unsafe }

// note adds a warning once.
func (s *Store) note(text string) {
	s.notesMu.Lock()
	defer s.notesMu.Unlock()
	for _, n := range s.notes {
		if n == text {
			return
		}
	}
	s.notes = append(s.notes, text)
}

// Close waits for a write under way, moves the write-ahead log into the
// database, and closes it. Leases still held end with their lock when the
// process does; release them first.
func (s *Store) Close() error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.r.Close()
	if s.w == nil {
		return err
	}
	if s.latched == nil {
		err = errors.Join(err, checkpoint(s.w))
	}
	return errors.Join(err, s.w.Close())
}
