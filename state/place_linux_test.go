package state

import (
	"strings"
	"testing"

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
