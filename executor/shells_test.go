package executor_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"stepgate/executor/executortest"
)

// protocolShells are the shells that are sh somewhere.
var protocolShells = []string{"dash", "bash", "busybox", "mksh", "ksh93", "zsh"}

// asSh makes a shell be called sh, as its own system would. For busybox the tools are
// its own, too, and of those it lacks what hosts may lack.
func asSh(t *testing.T, shell string) (sh, path string) {
	t.Helper()
	program, err := exec.LookPath(shell)
	if err != nil {
		return "", ""
	}
	dir := t.TempDir()
	path = dir + ":" + os.Getenv("PATH")
	if shell == "busybox" {
		if out, err := exec.Command(program, "--install", "-s", dir).CombinedOutput(); err != nil {
			t.Fatalf("busybox --install: %v: %s", err, out)
		}
		for _, applet := range []string{"setsid", "flock", "nohup", "sha256sum", "sync"} {
			if err := os.Remove(filepath.Join(dir, applet)); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		return filepath.Join(dir, "sh"), dir
	}
	if err := os.Symlink(program, filepath.Join(dir, "sh")); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "sh"), path
}

// isSystemSh tells whether a shell is what sh is on this machine.
func isSystemSh(t *testing.T, shell string) bool {
	t.Helper()
	system, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	a, err := os.Stat(system)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.Stat(shell)
	if err != nil {
		t.Fatal(err)
	}
	return os.SameFile(a, b)
}

func TestShells(t *testing.T) {
	for _, shell := range protocolShells {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			sh, path := asSh(t, shell)
			if sh == "" {
				t.Skipf("NOT TESTED: %s isn't installed, so the host protocol wasn't tried under it", shell)
			}
			if isSystemSh(t, sh) {
				t.Logf("%s is this machine's sh: TestLocal tries it", shell)
				return
			}
			executortest.Protocol(t, localMachine(sh, path))
		})
	}
}

// TestLoginShells checks that the exec line means the same to every login shell.
func TestLoginShells(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "tcsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("NOT TESTED: %s isn't installed, so it wasn't tried as a login shell", shell)
			}
			executortest.LoginShell(t, sshMachine(program))
		})
	}
}
