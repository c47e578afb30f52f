package state

import (
	"fmt"

	"golang.org/x/sys/unix"

	"stepgate/runbook/text"
)

// remoteFS are file systems whose locks or syncs don't hold what a journal
// needs, by the type that statfs reports.
var remoteFS = map[uint32]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x65735546: "FUSE",
	0x01021997: "9p",
	0x00c36400: "Ceph",
	0x0bd00bd0: "Lustre",
	0x5346414f: "AFS",
	0x47504653: "GPFS",
}

func localFS(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("find the file system of %q: %w", dir, err)
	}
	return acceptFS(dir, uint32(st.Type)) //nolint:gosec // the magic numbers are 32 bits wide; Type is wider or signed
}

func acceptFS(dir string, magic uint32) error {
	name, remote := remoteFS[magic]
	if !remote {
		return nil
	}
	return text.WithHint(fmt.Errorf("%q is on %s, where locks and syncs can't be relied on", dir, name),
		"set XDG_STATE_HOME to a directory on a local disk")
}

// allocate gives a file real blocks.
func allocate(fd int, size int64) error { return unix.Fallocate(fd, 0, 0, size) }
