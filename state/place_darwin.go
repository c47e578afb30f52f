package state

import (
	"fmt"

	"golang.org/x/sys/unix"

	"stepgate/runbook/text"
)

func localFS(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("find the file system of %q: %w", dir, err)
	}
	if st.Flags&unix.MNT_LOCAL != 0 {
		return nil
	}
	return text.WithHint(
		fmt.Errorf("%q is on %s, where locks and syncs can't be relied on", dir, unix.ByteSliceToString(st.Fstypename[:])),
		"set XDG_STATE_HOME to a directory on a local disk")
}

// allocate gives a file real blocks.
func allocate(fd int, size int64) error {
	return unix.FcntlFstore(uintptr(fd), unix.F_PREALLOCATE, &unix.Fstore_t{
		Flags: unix.F_ALLOCATEALL, Posmode: unix.F_PEOFPOSMODE, Length: size,
	})
}
