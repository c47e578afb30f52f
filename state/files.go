package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"stepgate/runbook/text"
)

// files are those that SQLite keeps a journal in: the database, its log, and
// the log's index, through which writers see each other. While a connection is
// open nobody who means well removes or replaces one of them.
type files map[string]fs.FileInfo

func lookAt(path string) (files, error) {
	f := files{}
	for _, p := range []string{path, path + "-wal", path + "-shm"} {
		fi, err := os.Lstat(p)
		if err != nil {
			return nil, err
		}
		f[p] = fi
	}
	return f, nil
}

// unmoved fails when one of the files isn't the one that it was. What is written
// to a file without a name is gone with the process; writers with an index each
// don't see each other.
func (f files) unmoved() error {
	for p, was := range f {
		fi, err := os.Lstat(p)
		switch {
		case err != nil:
			return fmt.Errorf("its file is gone: %w", err)
		case !os.SameFile(fi, was):
			return fmt.Errorf("its file was replaced by another: %q", p)
		}
	}
	return nil
}

// remembered lists the runs that a head file remembers events of.
func remembered(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, runsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".head"); ok {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// notLost refuses to make a journal where one was: its runs are remembered
// beside it.
func notLost(path string) error {
	dir := filepath.Dir(path)
	ids, err := remembered(dir)
	if err != nil || len(ids) == 0 {
		return err
	}
	runs := shell(filepath.Join(dir, runsDir))
	return text.WithHint(fmt.Errorf("the journal is gone or empty, and it had runs (the last is %q)", ids[len(ids)-1]),
		fmt.Sprintf("put %s back, with its -wal file if there is one; to start anew without them: `mv %s %s.lost`", shell(path), runs, runs))
}
