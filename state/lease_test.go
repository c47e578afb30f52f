package state

import (
	"bufio"
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
	if want := fmt.Sprintf("`stepgate watch r1` follows it; to drive it here, ask wang@bastion-2 to leave it (q), or end process %d",
		held.PID); text.HintOf(err) != want {
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
