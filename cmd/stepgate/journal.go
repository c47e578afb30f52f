package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/adrg/xdg"

	"stepgate/runbook/text"
	"stepgate/state"
)

// journalPath is where runs are written down.
func journalPath() string {
	// Asked anew: the environment decides, also in tests of this process.
	xdg.Reload()
	return filepath.Join(xdg.StateHome, "stepgate", "stepgate.db")
}

// openJournal opens the journal for writing, and says what protection it lacks.
func openJournal(ctx context.Context, st streams) (*state.Store, error) {
	store, err := state.Open(ctx, journalPath(), *st.journal)
	if err != nil {
		return nil, err
	}
	for _, w := range store.Warnings() {
		_, _ = fmt.Fprintln(st.err, "stepgate: journal: "+text.Line(text.Untrusted(w)))
	}
	return store, nil
}

// errNoRuns is a journal that isn't there: nothing was run yet.
var errNoRuns = errors.New("there are no runs yet")

// readJournal opens the journal for reading, also where it can't be written. It
// fails with errNoRuns before the first run.
func readJournal(ctx context.Context) (*state.Store, error) {
	store, err := state.OpenReadOnly(ctx, journalPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exitWith(exitNotFound, text.WithHint(fmt.Errorf("open journal %q: %w", journalPath(), errNoRuns), "begin with: stepgate demo"))
	}
	return store, err
}

// allRuns are the runs of the journal, the one started last first, while use
// sees them with the open journal. Before the first run it isn't called.
func allRuns(ctx context.Context, use func(*state.Store, []state.Info) error) error {
	store, err := readJournal(ctx)
	if errors.Is(err, errNoRuns) {
		return nil
	}
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	infos, err := store.Runs(ctx)
	if err != nil {
		return err
	}
	return use(store, infos)
}

// onRun opens the journal for writing and finds a run.
func onRun(ctx context.Context, st streams, ref string, use func(store *state.Store, id string) error) error {
	store, err := openJournal(ctx, st)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // what is durable was reported
	id, err := store.Find(ctx, ref)
	if err != nil {
		return err
	}
	return use(store, id)
}
