package state

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// smallDisk is a directory with room for 20 MiB.
func smallDisk(t *testing.T) string { return disk(t, "size=20m") }

// disk is a directory on a file system of its own.
func disk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("NOT TESTED: a full disk needs a file system of its own, and mounting one: %v", err)
	}
	t.Cleanup(func() {
		// Detached, because a process that another test is starting can hold
		// a file of it for a moment.
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// On a disk that is really full the outcome fits into the ballast.
func TestBallastTakesTheOutcome(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	path := dir + "/state/stepgate.db"
	s, err := Open(ctx, path, Options{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	l, err := begin(s, "r1")
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, l, intent(1, "a1"))
	noise := rand.NewChaCha8([32]byte{1})
	var off int64
	for {
		piece := make([]byte, 300_000)
		_, _ = noise.Read(piece)
		err = s.AppendOutput(ctx, run.Chunk{Attempt: "a1", Offset: off, Data: piece})
		if err != nil {
			break
		}
		off += int64(len(piece))
	}
	var latched *LatchedError
	if !errors.As(err, &latched) || !latched.Full() {
		t.Fatalf("got %v", err)
	}
	if _, err := s.Append(ctx, l, "li", noon, intent(2, "a2")); !errors.As(err, &latched) {
		t.Errorf("an intent on a full disk: %v", err)
	}
	if _, err := os.Stat(s.ballastPath()); err != nil {
		t.Errorf("the ballast was spent on something else: %v", err)
	}
	last := outcome("a1")
	last.Bytes = [2]int64{off, 0}
	mustAppend(t, s, l, last)
	if err := errors.Join(l.Release(), s.Close()); err != nil {
		t.Fatal(err)
	}
	ro, err := OpenReadOnly(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	if v, err := ro.Verify(ctx, "r1"); err != nil || !v.OK() || v.Events != 4 {
		t.Errorf("got %+v, %v", v, err)
	}
	if k, err := ro.OutputKept(ctx, "a1", 0); err != nil || k.Bytes != off || k.End != off {
		t.Errorf("kept %+v of %d, %v", k, off, err)
	}
}

// The outcome may be the first to find the disk full.
func TestOutcomeFindsTheDiskFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	s, err := Open(ctx, dir+"/state/stepgate.db", Options{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := begin(s, "r1")
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, l, intent(1, "a1"))
	if err := os.WriteFile(dir+"/other", make([]byte, 20<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("got %v", err)
	}
	mustAppend(t, s, l, outcome("a1"))
	var latched *LatchedError
	if _, err := s.Append(ctx, l, "li", noon, intent(2, "a2")); !errors.As(err, &latched) || !latched.Full() {
		t.Errorf("an intent on a full disk: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

// A journal of a process that was killed is read on a disk that was mounted
// read-only, also without its log and its index, and on a disk that is full.
func TestReadFromADiskThatTakesNothing(t *testing.T) {
	t.Parallel()
	readOnly := func(t *testing.T, dir string) {
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
	}
	full := func(t *testing.T, dir string) {
		if err := os.WriteFile(dir+"/other", make([]byte, 20<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("got %v", err)
		}
	}
	for _, tt := range []struct {
		name   string
		gone   []string
		spoil  func(t *testing.T, dir string)
		events int
	}{
		{"read-only", nil, readOnly, 2},
		{"read-only without index", []string{"-shm"}, readOnly, 2},
		{"read-only, closed", []string{"-shm", "-wal"}, readOnly, 7},
		{"full", nil, full, 2},
		{"full without index", []string{"-shm"}, full, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := smallDisk(t)
			path := dir + "/state/stepgate.db"
			from := newPath(t)
			if tt.events == 7 {
				from = lived(t)
			} else {
				c := spawn(t, "write", from, "r1", "li")
				c.line(t)
				c.kill()
			}
			if out, err := exec.Command("cp", "-a", filepath.Dir(from), filepath.Dir(path)).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, f := range tt.gone {
				if err := os.Remove(path + f); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			tt.spoil(t, dir)
			mayDrive(t, path)
			s, err := OpenReadOnly(ctx, path)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			recs, err := s.Load(ctx, "r1")
			if err != nil || len(recs) != tt.events {
				t.Errorf("%d events, %v", len(recs), err)
			}
			if infos, err := s.Runs(ctx); err != nil || len(infos) != 1 {
				t.Errorf("runs: %+v, %v", infos, err)
			}
			if v, err := s.Verify(ctx, "r1"); err != nil || !v.OK() {
				t.Errorf("verify: %+v, %v", v, err)
			}
		})
	}
}

// mayDrive fails when an intent can be written where no outcome could be.
func mayDrive(t *testing.T, path string) {
	t.Helper()
	s, err := Open(ctx, path, Options{})
	if err != nil {
		if text.HintOf(err) == "" {
			t.Errorf("no hint in %v", err)
		}
		return
	}
	defer s.Close()
	l, err := s.TakeLease(ctx, "r1", "li")
	if err != nil {
		return
	}
	defer l.Release()
	if _, err := s.Append(ctx, l, "li", noon, intent(9, "a9")); err == nil {
		t.Error("something was started")
	}
}
