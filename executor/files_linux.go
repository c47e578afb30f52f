package executor

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// renameExclusive renames unless there is something under the new name.
func renameExclusive(old, name string) error {
	err := unix.Renameat2(unix.AT_FDCWD, old, unix.AT_FDCWD, name, unix.RENAME_NOREPLACE)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS) { // the file system can't
		return renameUnlessThere(old, name)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: old, New: name, Err: err}
	}
	return nil
}
