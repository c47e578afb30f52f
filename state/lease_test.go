package state

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// childHold takes a lease, says so, and gives it back when its input ends.
func childHold(args []string) error {
	s, err := Open(ctx, args[0], Options{})
	if err != nil {
		return err
	}
	l, err := s.TakeLease(ctx, args[1], args[2])
	if err != nil {
		return err
	}
	fmt.Println("held", l.Epoch())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
	}
	if err := l.Release(); err != nil {
		return err
	}
	return s.Close()
}

func TestLeaseOfAnotherProcess(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := openAt(t, path)
	c := spawn(t, "hold", path, "r1", "wang@bastion-2")
	if got := c.line(t); got != "held 1" {
		t.Fatal(got)
	}
	_, err := s.TakeLease(ctx, "r1", "li@bastion-1")
	var held *HeldError
	if !errors.As(err, &held) {
		t.Fatalf("got %v", err)
	}
	if held.Holder != "wang@bastion-2" || held.PID != c.cmd.Process.Pid || held.Since.IsZero() {
		t.Errorf("got %+v", held)
	}
	if want := fmt.Sprintf("`stepgate show r1` says where it stands; to drive it here, ask wang@bastion-2 to leave it (q), or end process %d; "+
		"if it hangs, `stepgate resume r1 --take-over` takes it by force", held.PID); text.HintOf(err) != want {
		t.Errorf("hint is %q", text.HintOf(err))
	}
	if l, err := s.TakeLease(ctx, "r2", "li@bastion-1"); err != nil || l.Release() != nil {
		t.Errorf("another run is refused too: %v", err)
	}
	c.kill()
	l, err := s.TakeLease(ctx, "r1", "li@bastion-1")
	if err != nil || l.Epoch() != 2 {
		t.Fatalf("after the holder was killed: %v, %v", l, err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	c = spawn(t, "hold", path, "r1", "zhao")
	if got := c.line(t); got != "held 3" {
		t.Fatal(got)
	}
	if err := c.in.Close(); err != nil {
		t.Fatal(err)
	}
	c.rest(t)
	l, err = s.TakeLease(ctx, "r1", "li@bastion-1")
	if err != nil || l.Epoch() != 4 {
		t.Fatalf("after it was given back: %v, %v", l, err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestLeaseIsTakenOnceInAProcess(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	l := started(t, s, "r1")
	var held *HeldError
	if _, err := s.TakeLease(ctx, "r1", "li"); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("got %v", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	var lost *LostLeaseError
	_, err := s.Append(ctx, l, "li", noon, run.Continued{})
	if !errors.As(err, &lost) || !strings.Contains(err.Error(), "was given back") {
		t.Errorf("append under a released lease: %v", err)
	}
}

// A holder that doesn't know it has lost its run can't write to it: here its
// lock file was removed under it.
func TestStaleEpochCannotAppend(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, other := openAt(t, path), openAt(t, path)
	old := started(t, s, "r1")
	if err := os.Remove(s.dir + "/runs/r1.lock"); err != nil {
		t.Fatal(err)
	}
	now, err := other.TakeLease(ctx, "r1", "wang")
	if err != nil {
		t.Fatal(err)
	}
	defer now.Release()
	var lost *LostLeaseError
	_, err = s.Append(ctx, old, "li", noon, intent(1, "a1"))
	if !errors.As(err, &lost) || lost.Epoch != 1 || lost.Now != 2 || lost.Holder != "wang" {
		t.Fatalf("got %v", err)
	}
	if text.HintOf(err) == "" {
		t.Error("no hint")
	}
	recs, err := other.Load(ctx, "r1")
	if err != nil || len(recs) != 2 {
		t.Errorf("%d events, %v", len(recs), err)
	}
	if _, err := other.Append(ctx, old, "li", noon, run.Continued{}); err == nil {
		t.Error("a lease of another store was taken")
	}
	if err := old.Release(); err != nil {
		t.Error(err)
	}
	mustAppend(t, other, now, intent(1, "a1")) // the stale release changed nothing
}

func TestTakingSweepsWhatWasLeft(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	left, other := s.headPath("r1")+".123", s.headPath("r12")+".123"
	create(t, left, "", 0o600)
	create(t, other, "", 0o600)
	started(t, s, "r1")
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("another run's was swept: %v", err)
	}
}

func TestLeaseNames(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	for _, id := range []string{"", "..", "a/b", "A", ".a", strings.Repeat("a", 65), "-a"} {
		if _, err := s.TakeLease(ctx, id, "li"); err == nil {
			t.Errorf("%q was taken for a run id", id)
		}
	}
}

// childTogether opens a journal when its input ends.
func childTogether(args []string) error {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
	}
	s, err := Open(ctx, args[0], Options{})
	if err != nil {
		return err
	}
	l, err := begin(s, args[1])
	if err != nil {
		return err
	}
	return errors.Join(l.Release(), s.Close())
}

func TestManyProcessesMakeOneJournal(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	var cs []*child
	for i := range 6 {
		cs = append(cs, spawn(t, "together", path, fmt.Sprint("r", i)))
	}
	for _, c := range cs {
		if err := c.in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range cs {
		if out := c.rest(t); len(out) != 0 {
			t.Error(out)
		}
	}
	infos, err := openAt(t, path).Runs(ctx)
	if err != nil || len(infos) != len(cs) {
		t.Errorf("%d runs, %v", len(infos), err)
	}
}

func TestBusyNamesTheDriver(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := openAt(t, path)
	c := spawn(t, "hold", path, "r1", "wang@bastion-2")
	c.line(t)
	if _, err := s.w.Exec("PRAGMA busy_timeout=10"); err != nil {
		t.Fatal(err)
	}
	db := openPlain(path)
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	_, err := s.PutBlob(ctx, books)
	var busy *BusyError
	if !errors.As(err, &busy) || len(busy.Holders) != 1 || !strings.HasPrefix(busy.Holders[0],
		fmt.Sprintf("wang@bastion-2, process %d, run r1 since ", c.cmd.Process.Pid)) || text.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
	if _, err := db.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutBlob(ctx, books); err != nil {
		t.Errorf("busy for good: %v", err)
	}
}

func TestEndOfContext(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	l := started(t, s, "r1")
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Append(over, l, "li", noon, run.Continued{}); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	s.turn <- struct{}{} // another write that doesn't end
	over, cancel = context.WithCancel(ctx)
	result := make(chan error)
	go func() { _, err := s.Append(over, l, "li", noon, run.Continued{}); result <- err }()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("append behind another write: %v", err)
	}
	<-s.turn
	if recs := mustAppend(t, s, l, run.Continued{}); recs[0].Seq != 3 {
		t.Errorf("an append that failed left something: next is %d", recs[0].Seq)
	}
}

func TestClosedStore(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := begin(s, "r1")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Release(), s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(ctx, l, "li", noon, run.Continued{}); !errors.Is(err, errClosed) {
		t.Errorf("append: %v", err)
	}
	if fi, err := os.Stat(path + "-wal"); err == nil && fi.Size() > 0 {
		t.Errorf("the log wasn't moved into the database: %d bytes", fi.Size())
	}
}
