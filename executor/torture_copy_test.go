package executor_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"stepgate/cmd/torture/tally"
	"stepgate/executor"
	"stepgate/lab/sshd"
)

// whole wants nothing under the target's name, or all of it.
func whole(t *testing.T, to, want string) (there bool) {
	t.Helper()
	if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if got := tree(t, to); got != want {
		t.Errorf("half a copy is under its name:\n%s\nwant:\n%s", got, want)
	}
	return true
}

// copiedDirectory is what the torture copies.
func copiedDirectory(t *testing.T) (dir, want string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "package")
	ok(t, os.MkdirAll(dir+"/conf", 0o755))
	for i, name := range []string{"a", "b", "conf/c", "conf/d"} {
		ok(t, os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte{byte(i), 7}, 60_000*(i+1)), 0o640))
	}
	ok(t, os.Symlink("a", dir+"/link"))
	return dir, tree(t, dir)
}

// TestTortureCopyCut cuts the connection at any point of a copy, over sftp and over
// the shell, until it is complete: it only ever goes on, and nothing is under its
// name before.
func TestTortureCopyCut(t *testing.T) {
	t.Parallel()
	from, want := copiedDirectory(t)
	local := files(t, closing(t, executor.NewLocal(executor.LocalOptions{})))
	cuts, lies := 0, 0
	for n := range tally.Size(t, 2) {
		x, server := served(t, &sshd.Server{NoFiles: n%2 == 1})
		to := filepath.Join(server.Dir, "new")
		for try := 0; ; try++ {
			ctx := t.Context()
			f, err := x.Files(ctx)
			if err == nil {
				var cut *time.Timer
				if try < 5 {
					cut = time.AfterFunc(time.Duration(rand.Int64N(int64(300*time.Millisecond))), server.CloseConnections)
				}
				_, err = executor.Transfer{From: end(local, from), To: end(f, "new")}.Run(ctx)
				if cut != nil && !cut.Stop() {
					cuts++
				}
				ok(t, f.Close())
			}
			if there := whole(t, to, want); err == nil {
				if !there {
					lies++
				}
				break
			}
			var re *executor.ReachError
			if !errors.As(err, &re) {
				t.Fatalf("try %d: %v, want a lost host", try, err)
			}
		}
		absent(t, to+".part")
	}
	tally.Add(t, tally.Cuts, cuts)
	tally.Add(t, tally.Lies, lies)
}

// TestTortureCopyKill ends the copying program by SIGKILL at any point, and has the
// next one go on.
func TestTortureCopyKill(t *testing.T) {
	t.Parallel()
	from, want := copiedDirectory(t)
	kills, lies := 0, 0
	for range tally.Size(t, 5) {
		to := filepath.Join(t.TempDir(), "new")
		for try := 0; ; try++ {
			cmd := exec.Command(os.Args[0], "-test.run=^TestCopyOfAnotherProcess$")
			cmd.Env = append(os.Environ(), "COPY_FROM="+from, "COPY_TO="+to)
			ok(t, cmd.Start())
			if try < 4 {
				time.AfterFunc(time.Duration(rand.Int64N(int64(60*time.Millisecond))), func() { _ = cmd.Process.Kill() })
			}
			err := cmd.Wait()
			if there := whole(t, to, want); err == nil {
				if !there {
					lies++
				}
				break
			}
			if ws, is := cmd.ProcessState.Sys().(syscall.WaitStatus); !is || !ws.Signaled() {
				t.Fatalf("try %d: the copy failed: %v", try, err)
			}
			kills++
		}
		absent(t, to+".part")
	}
	tally.Add(t, tally.Kills, kills)
	tally.Add(t, tally.Lies, lies)
}

// TestCopyOfAnotherProcess is the program that TestTortureCopyKill ends.
func TestCopyOfAnotherProcess(t *testing.T) {
	from, to := os.Getenv("COPY_FROM"), os.Getenv("COPY_TO")
	if from == "" {
		t.Skip("it is run by TestTortureCopyKill")
	}
	f := files(t, closing(t, executor.NewLocal(executor.LocalOptions{})))
	_, err := executor.Transfer{From: end(f, from), To: end(f, to)}.Run(t.Context())
	ok(t, err)
}
