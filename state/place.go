package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/syntax"

	"stepgate/runbook/text"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
	readWay  = "`stepgate list`, `show` and `export` work meanwhile"
)

// prepareDir makes the state directory, or refuses the one that is there.
func prepareDir(dir string) error {
	if err := ownGround(dir); err != nil {
		return err
	}
	if err := makeDir(dir); err != nil {
		return text.WithHint(err, "make "+shell(dir)+" yourself with `mkdir -p -m 700 "+shell(dir)+
			"`, or set XDG_STATE_HOME to a directory of yours")
	}
	if err := private(dir, dirMode, shell(dir)); err != nil {
		return err
	}
	return writable(dir, unix.R_OK|unix.W_OK|unix.X_OK, "u+rwx "+shell(dir))
}

// makeDir makes a directory and those above it, durably: what is written into one
// whose name the disk doesn't know is lost with it.
func makeDir(dir string) error {
	var made []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) || d == filepath.Dir(d) {
			break
		}
		made = append(made, d)
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	for _, d := range made {
		// Who may make a name in a directory may not always open it.
		if err := syncDir(filepath.Dir(d)); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

// prepareRuns makes the directory of the runs' locks and heads.
func prepareRuns(dir string) error {
	runs := filepath.Join(dir, runsDir)
	if err := makeDir(runs); err != nil {
		return err
	}
	if err := private(runs, dirMode, shell(runs)); err != nil {
		return err
	}
	return writable(runs, unix.R_OK|unix.W_OK|unix.X_OK, "u+rwx "+shell(runs))
}

// ownGround refuses to make a directory in what is another user's, as after a
// sudo that has kept HOME: that user could not use it then. Nor is a journal
// kept for a program that somebody else has lent the rights of its owner.
func ownGround(dir string) error {
	if os.Geteuid() != os.Getuid() {
		return text.WithHint(fmt.Errorf("this process has the rights of user id %d and was started by %d", os.Geteuid(), os.Getuid()),
			"take the set-user-ID bit from the program: `chmod u-s $(command -v stepgate)`")
	}
	dir = standing(dir)
	fi, err := os.Stat(dir)
	if err != nil {
		return err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if ok && int(st.Uid) != os.Geteuid() && st.Uid != 0 {
		return another(dir, st.Uid)
	}
	return nil
}

// standing is the directory, or the nearest above it that exists.
func standing(dir string) string {
	for _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir); _, err = os.Stat(dir) {
		dir = filepath.Dir(dir)
	}
	return dir
}

func another(path string, owner uint32) error {
	return text.WithHint(fmt.Errorf("%q belongs to user id %d, and you are %d", path, owner, os.Geteuid()),
		"run stepgate as its owner, or set XDG_STATE_HOME to a directory of yours; after sudo, HOME can still be another user's")
}

// prepareFile makes the database's file, so that SQLite never makes it with a
// mode of its own, or refuses the one that is there.
func prepareFile(path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && fi.Mode().IsRegular() && fi.Size() == 0 && noLog(path) {
		err = notLost(path)
	}
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, fileMode)
	switch {
	case err == nil:
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
		if err := syncDir(filepath.Dir(path)); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	all := shell(path) + "*" // SQLite gives its other files the same mode
	for _, p := range []string{path, path + "-wal", path + "-shm"} {
		err := private(p, fileMode, all)
		if err == nil {
			err = writable(p, unix.R_OK|unix.W_OK, "u+rw "+all)
		}
		if err != nil && (p == path || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	return nil
}

// noLog tells whether there is no log that a database could be made of.
func noLog(path string) bool {
	fi, err := os.Lstat(path + "-wal")
	return err != nil || fi.Size() == 0
}

// private refuses what isn't ours alone; fix is what to change the mode of.
func private(path string, mode fs.FileMode, fix string) error {
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if fi.Mode().Type() == fs.ModeSymlink && mode == dirMode {
		if fi, err = os.Stat(path); err != nil { // a state directory may be a link; its files may not
			return err
		}
	}
	if fi.IsDir() != (mode == dirMode) || !fi.IsDir() && !fi.Mode().IsRegular() {
		return text.WithHint(fmt.Errorf("%q is a %s", path, kindOf(fi)), "move "+shell(path)+" away")
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return another(path, st.Uid)
	}
	if fi.Mode().Perm()&^mode != 0 {
		return text.WithHint(fmt.Errorf("%q is open to others (mode %04o)", path, fi.Mode().Perm()),
			fmt.Sprintf("`chmod %o %s`", mode, fix))
	}
	return nil
}

func kindOf(fi fs.FileInfo) string {
	switch {
	case fi.IsDir():
		return "directory"
	case fi.Mode().Type() == fs.ModeSymlink:
		return "symbolic link"
	case fi.Mode().IsRegular():
		return "file"
	}
	return "special file"
}

// writable refuses what can't be written; chmod holds the arguments of the remedy.
func writable(path string, access uint32, chmod string) error {
	err := unix.Access(path, access)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EROFS):
		return text.WithHint(fmt.Errorf("%q is on a file system mounted read-only", path),
			"mount it read-write, or set XDG_STATE_HOME to another directory; "+readWay)
	case errors.Is(err, fs.ErrNotExist):
		return &fs.PathError{Op: "access", Path: path, Err: err}
	}
	return text.WithHint(fmt.Errorf("%q can't be written: %w", path, err),
		"`chmod "+chmod+"`; "+readWay)
}

// lockSetup keeps two processes from making one journal at the same moment.
func lockSetup(ctx context.Context, dir string) (unlock func() error, err error) {
	l := flock.New(filepath.Join(dir, "setup.lock"), flock.SetPermissions(fileMode))
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	if _, err := l.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return nil, fmt.Errorf("wait for another process that is opening %q: %w", dir, err)
	}
	return l.Close, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// shell quotes a path for a command that the user can paste.
func shell(path string) string {
	q, err := syntax.Quote(path, syntax.LangPOSIX)
	if err != nil { // a newline in the path
		return fmt.Sprintf("%q", path)
	}
	return q
}
