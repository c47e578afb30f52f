package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"stepgate/lab"
	"stepgate/runbook/run"
	"stepgate/state"
)

// labsRoot is where the labs of this journal's runs are.
func labsRoot() string { return filepath.Join(filepath.Dir(journalPath()), "labs") }

// enterLabs makes room for a lab and says that one is being made: until the
// returned file is closed, or this process ends, nobody sweeps. It sweeps first
// when nobody else is making one.
func enterLabs(ctx context.Context, st streams) (*os.File, error) {
	root := labsRoot()
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("make room for a lab: %w", err)
	}
	f, err := os.OpenFile(root+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make room for a lab: %w", err)
	}
	fd := int(f.Fd())
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err == nil {
		if err := sweepLabs(ctx, root); err != nil {
			_, _ = fmt.Fprintln(st.err, "stepgate: labs that ended without a word stay: "+sanitised(err.Error()))
		}
	} else if !errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("make room for a lab: lock %q: %w", f.Name(), err), f.Close())
	}
	for {
		err := unix.Flock(fd, unix.LOCK_SH)
		if errors.Is(err, unix.EINTR) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make room for a lab: lock %q: %w", f.Name(), err), f.Close())
		}
		return f, nil
	}
}

// sweepLabs removes the labs that no open run names and whose process has
// ended. Nobody may be making one meanwhile.
func sweepLabs(ctx context.Context, root string) error {
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) == 0 {
		return err
	}
	named, err := labsInUse(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() && !named[e.Name()] {
			errs = append(errs, sweepLab(ctx, filepath.Join(root, e.Name())))
		}
	}
	return errors.Join(errs...)
}

func sweepLab(ctx context.Context, dir string) error {
	switch running, err := lab.Running(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return os.RemoveAll(dir) // its making was interrupted
	case err != nil:
		return err
	case running:
		return nil // it ends by itself
	}
	return lab.Down(ctx, dir)
}

// labsInUse are the names of the labs of the runs that aren't closed: the
// directory above them may be reached by several paths. It fails when it can't
// know them all.
func labsInUse(ctx context.Context) (map[string]bool, error) {
	named := map[string]bool{}
	err := allRuns(ctx, func(store *state.Store, infos []state.Info) error {
		for _, i := range infos {
			if i.Closed != "" && i.Problem == "" {
				continue
			}
			dir, err := labOfRun(ctx, store, i.ID)
			if err != nil {
				return err
			}
			named[filepath.Base(dir)] = true
		}
		return nil
	})
	return named, err
}

func labOfRun(ctx context.Context, store *state.Store, id string) (string, error) {
	records, err := store.Load(ctx, id)
	if err != nil {
		return "", err
	}
	if len(records) > 0 {
		if started, ok := records[0].Event.(run.RunStarted); ok {
			return started.Lab, nil
		}
	}
	return "", fmt.Errorf("read run %q: it doesn't begin with its start", id)
}
