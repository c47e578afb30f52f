package state

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

func TestFileSystemsThatAreRefused(t *testing.T) {
	t.Parallel()
	for magic, want := range map[uint32]string{
		0x6969: "NFS", 0xff534d42: "CIFS", 0xfe534d42: "SMB2", 0x65735546: "FUSE", 0x01021997: "9p",
		0xef53: "", 0x58465342: "", 0x9123683e: "", 0x01021994: "", 0x794c7630: "", // ext4, xfs, btrfs, tmpfs, overlay
	} {
		err := acceptFS("/state", magic)
		if want == "" {
			if err != nil {
				t.Errorf("%#x: %v", magic, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), `"/state" is on `+want+",") || text.HintOf(err) == "" {
			t.Errorf("%#x: got %v", magic, err)
		}
	}
	if err := localFS(t.TempDir()); err != nil {
		t.Errorf("the disk that tests run on: %v", err)
	}
}

// What FUSE mounts may lock and sync as it likes: it is refused, unless somebody
// takes that on, and then it is said.
func TestUnsafeFileSystem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command("bindfs", "-n", t.TempDir(), dir).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: a FUSE file system needs bindfs and the right to mount: %v %s", err, out)
	}
	defer func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	path := filepath.Join(dir, "state", "stepgate.db")
	_, err := Open(ctx, path, Options{})
	if err == nil || !strings.Contains(err.Error(), "is on FUSE, where locks and syncs can't be relied on") ||
		!strings.Contains(text.HintOf(err), "`--journal-unsafe-fs`") {
		t.Fatalf("got %v, %s", err, text.HintOf(err))
	}
	found := false
	for _, f := range Examine(ctx, path) {
		found = found || f.ID == "journal.filesystem" && f.Severity == run.Obstacle
	}
	if !found {
		t.Error("it isn't found by looking")
	}
	s, err := Open(ctx, path, Options{UnsafeFS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Unsafe() == "" || !strings.Contains(s.Warnings()[0], "accepted by --journal-unsafe-fs") {
		t.Errorf("%q, %q", s.Unsafe(), s.Warnings())
	}
	l, err := begin(s, "r1")
	if err := errors.Join(err, l.Release()); err != nil {
		t.Error(err)
	}
}
