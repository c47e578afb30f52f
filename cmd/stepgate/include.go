package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"stepgate/runbook"
	"stepgate/runbooks"
)

// openerFor returns what reads the files that a runbook in dir includes. A
// symbolic link that leads out of dir is refused, and so is whatever isn't a
// plain file: reading a pipe would wait for ever.
func openerFor(dir string) runbook.Opener {
	return func(name string) ([]byte, error) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, fmt.Errorf("open the runbook's directory: %w", err)
		}
		src, err := readPart(root.FS(), name)
		return src, errors.Join(err, root.Close())
	}
}

// openShipped reads the files that a shipped runbook includes.
func openShipped(name string) ([]byte, error) { return readPart(runbooks.FS, name) }

func readPart(files fs.FS, name string) (src []byte, err error) {
	info, err := fs.Stat(files, name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, runbook.MaxSource+1))
}
