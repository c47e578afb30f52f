package state

import (
	"errors"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"stepgate/runbook/run"
)

// smallDisk is a directory with room for 20 MiB.
func smallDisk(t *testing.T) string {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=20m"); err != nil {
		t.Skipf("SKIPPED: a full disk needs a file system of its own, and mounting one: %v", err)
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
