package state

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/run"
)

// Disks of many sizes run full at another point each. Nothing more is started
// then; with the ballast the outcome of what runs is written; whatever was
// acknowledged is there.
func TestTortureT6(t *testing.T) {
	t.Parallel()
	const least, most, step = 1 << 20, 4 << 20, 64 << 10
	sizes := tally.Size(t, 6)
	var faults, lost, without int
	for i := range sizes {
		size := least + (i*11*step)%(most-least)
		for _, ballast := range []int64{256 << 10, -1} {
			f := fillUp(t, disk(t, fmt.Sprintf("size=%d", size)), ballast)
			faults++
			lost += f.lost
			if f.outcome {
				continue
			}
			without++
			if ballast > 0 {
				lost++
				t.Errorf("a disk of %d bytes, ballast %d: the outcome could not be written", size, ballast)
			}
		}
	}
	if without == 0 {
		t.Error("the ballast makes no difference: every outcome was written without it")
	}
	tally.Add(t, tally.Faults, faults)
	tally.Add(t, tally.LostEvents, lost)
}

// filled is what came of a disk that ran full.
type filled struct {
	outcome bool // whether the outcome of what ran was written
	lost    int
}

// fillUp runs commands, with output, until the disk is full.
func fillUp(t *testing.T, dir string, ballast int64) (f filled) {
	path := dir + "/state/stepgate.db"
	s, err := Open(ctx, path, Options{MinFree: -1, Ballast: ballast})
	if err != nil {
		t.Fatal(err)
	}
	l, err := begin(s, "r1")
	if err != nil {
		t.Fatal(err)
	}
	acked := seqHash(mustLoad(t, s))
	noise := rand.NewChaCha8([32]byte{byte(ballast)})
	piece := make([]byte, 24_000)
	var no int
	for err == nil {
		no++
		var recs []run.Record
		if recs, err = s.Append(ctx, l, "li", noon, intent(no, fmt.Sprint("a", no))); err != nil {
			no-- // what runs is the one before, and it has its outcome
			break
		}
		acked = append(acked, seqHash(recs)...)
		_, _ = noise.Read(piece)
		if err = s.AppendOutput(ctx, run.Chunk{Attempt: fmt.Sprint("a", no), Data: piece}); err != nil {
			break
		}
		if recs, err = s.Append(ctx, l, "li", noon, outcome(fmt.Sprint("a", no))); err == nil {
			acked = append(acked, seqHash(recs)...)
		}
	}
	var latched *LatchedError
	if !errors.As(err, &latched) || !latched.Full() {
		t.Fatalf("got %v", err)
	}
	if _, err := s.Append(ctx, l, "li", noon, intent(no+1, "next")); !errors.As(err, &latched) {
		t.Errorf("something was started on a full disk: %v", err)
	}
	recs, err := s.Append(ctx, l, "li", noon, outcome(fmt.Sprint("a", no)))
	f.outcome = err == nil || errors.As(err, new(*DuplicateError))
	acked = append(acked, seqHash(recs)...)
	_ = l.Release() // where nothing can be written it says so
	if err := s.Close(); err != nil && !strings.Contains(err.Error(), "full") {
		t.Error(err)
	}
	f.lost = lostOf(t, path, acked)
	return f
}

func mustLoad(t *testing.T, s *Store) []run.Record {
	t.Helper()
	recs, err := s.Load(ctx, "r1")
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

// lostOf reads run r1 and counts the events acknowledged that aren't there.
func lostOf(t *testing.T, path string, acked []string) (lost int) {
	t.Helper()
	s, err := OpenReadOnly(ctx, path)
	if err != nil {
		t.Error(err)
		return len(acked)
	}
	defer s.Close()
	if v, err := s.Verify(ctx, "r1"); err != nil || !v.OK() {
		t.Errorf("%+v, %v", v, err)
	}
	recs, err := s.Load(ctx, "r1")
	if err != nil {
		t.Error(err)
	}
	have := map[string]bool{}
	for _, h := range seqHash(recs) {
		have[h] = true
	}
	for _, a := range acked {
		if !have[a] {
			lost++
			t.Errorf("acknowledged, and not there: %s", a)
		}
	}
	return lost
}

// Where there is no room for another file nothing is started, and what runs is
// written still.
func TestInodesRunOut(t *testing.T) {
	t.Parallel()
	dir := disk(t, "size=100m,nr_inodes=200")
	s, err := Open(ctx, dir+"/state/stepgate.db", Options{MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := begin(s, "r1")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	mustAppend(t, s, l, intent(1, "a1"))
	for i := 0; err == nil; i++ {
		err = os.WriteFile(fmt.Sprint(dir, "/", i), nil, 0o600)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("got %v", err)
	}
	var space *SpaceError
	_, err = s.Append(ctx, l, "li", noon, intent(2, "a2"))
	if !errors.As(err, &space) || !space.Inodes || !strings.Contains(err.Error(), "has room for 0 more files, and 64 must be free") {
		t.Errorf("got %v", err)
	}
	mustAppend(t, s, l, outcome("a1"))
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], "the head of run r1 is not kept beside the journal") {
		t.Errorf("warnings: %q", w)
	}
}
