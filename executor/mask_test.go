package executor_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"stepgate/executor/executortest"
)

// awks are the programs that are awk somewhere.
var awks = []string{"gawk", "mawk", "busybox", "original-awk"}

// withAwk is a PATH with the tools of this machine, of awks only the given one; "":
// none.
func withAwk(t *testing.T, awk string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{
		"cat", "chmod", "date", "df", "env", "head", "id", "ls", "mkdir", "mkfifo", "mv", "ps", "rm", "rmdir", "sed",
		"sh", "sha256sum", "sleep", "sync", "tail", "touch", "tr", "uname", "wc", "bash", "true",
	} {
		program, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if awk == "" {
		return dir
	}
	program, err := exec.LookPath(awk)
	if err != nil {
		t.Skipf("NOT TESTED: %s isn't installed, so masking wasn't tried with it", awk)
	}
	if err := os.Symlink(program, filepath.Join(dir, "awk")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMasksByEveryAwk(t *testing.T) {
	t.Parallel()
	for _, awk := range awks {
		t.Run(awk, func(t *testing.T) { executortest.Masks(t, localMachine("sh", withAwk(t, awk))) })
	}
	t.Run("none", func(t *testing.T) { executortest.NoMasks(t, localMachine("sh", withAwk(t, ""))) })
}

func TestMasksInEveryShell(t *testing.T) {
	t.Parallel()
	for _, shell := range protocolShells {
		t.Run(shell, func(t *testing.T) {
			sh, path := asSh(t, shell)
			if sh == "" {
				t.Skipf("NOT TESTED: %s isn't installed, so masking wasn't tried under it", shell)
			}
			executortest.Masks(t, localMachine(sh, path))
		})
	}
}

func TestMasksOverSSH(t *testing.T) {
	t.Parallel()
	executortest.Masks(t, sshMachine("/bin/sh"))
}
