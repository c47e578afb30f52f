package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

func takeByForce(t *testing.T, s *Store, id, holder string) run.Lease {
	t.Helper()
	l, err := s.TakeLeaseForced(ctx, id, holder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Release() })
	return l
}

func forced(l run.Lease) bool { return l.(interface{ Forced() bool }).Forced() }

// A holder that was stopped, and goes on after another has taken its run, can't
// write to it, and learns who has it. Its lock says nothing any more, neither
// while it lives nor when it ends.
func TestTakenFromOneThatWasStopped(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	c := spawn(t, "write", path, "r1", "wang@bastion")
	c.line(t)
	s := openAt(t, path)
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var held *HeldError
	if _, err := s.TakeLease(ctx, "r1", "li"); !errors.As(err, &held) {
		t.Fatalf("taken without force: %v", err)
	}
	l := takeByForce(t, s, "r1", "li@bastion")
	if !forced(l) || l.Epoch() != 2 {
		t.Errorf("forced %v, epoch %d", forced(l), l.Epoch())
	}
	mustAppend(t, s, l, run.LeaseTaken{Holder: "li@bastion", Forced: true})
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(c.in, "write"); err != nil {
		t.Fatal(err)
	}
	if got := c.line(t); !strings.HasPrefix(got, `lost 2 li@bastion true`) {
		t.Errorf("got %q", got)
	}
	if _, err := openAt(t, path).TakeLease(ctx, "r1", "zhao"); !errors.As(err, &held) || held.Holder != "li@bastion" {
		t.Errorf("while the first lives: %v", err)
	}
	c.kill()
	if _, err := openAt(t, path).TakeLease(ctx, "r1", "zhao"); !errors.As(err, &held) || held.Holder != "li@bastion" {
		t.Errorf("after its end: %v", err)
	}
	recs, err := s.Load(ctx, "r1")
	if err != nil || len(recs) != 3 {
		t.Errorf("%d events, %v", len(recs), err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := s.TakeLease(ctx, "r1", "zhao")
	if err != nil || again.Release() != nil {
		t.Errorf("after it was given back: %v", err)
	}
	left, err := filepath.Glob(s.lockPath("r1") + ".*")
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// childWrite begins a run and writes a note for each line of its input.
func childWrite(args []string) error {
	s, err := Open(ctx, args[0], Options{})
	if err != nil {
		return err
	}
	l, err := begin(s, args[1])
	if err != nil {
		return err
	}
	fmt.Println("began")
	for {
		if _, err := fmt.Fscanln(os.Stdin, new(string)); err != nil {
			return err
		}
		_, err := s.Append(ctx, l, args[2], noon, run.Note{Text: "still here"})
		var lost *LostLeaseError
		switch {
		case errors.As(err, &lost):
			fmt.Println("lost", lost.Now, lost.Holder, !lost.Since.IsZero(), text.HintOf(err))
		case err != nil:
			return err
		default:
			fmt.Println("wrote")
		}
	}
}

func TestForceWhereNobodyIsInTheWay(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	if l := takeByForce(t, s, "r1", "li"); forced(l) || l.Epoch() != 1 {
		t.Errorf("forced %v, epoch %d", forced(l), l.Epoch())
	}
}

// The journal is on a disk that several machines share, or was copied from
// another one: no lock tells whether the holder is there.
func TestHolderOfAnotherMachine(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := openAt(t, path)
	l, err := begin(s, "r1")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if s.self.machine == "" {
		s.self.machine = "this"
	}
	for _, tt := range []struct {
		holder    string
		elsewhere bool
	}{
		{"another-boot:7:100:another-machine", true},
		{"another-boot:7:100:" + s.self.machine, false}, // rebooted since
		{"another-boot:7:100", false},                   // written by a version that didn't say
		{s.self.boot + ":7:100:another-machine", false}, // a container beside: its lock could be seen
	} {
		raw(t, path, fmt.Sprintf(`UPDATE lease SET holder='%s', name='wang@bastion-2', released=0`, tt.holder))
		l, err := s.TakeLease(ctx, "r1", "li")
		var held *HeldError
		switch {
		case !tt.elsewhere && err == nil:
			_ = l.Release()
			continue
		case !tt.elsewhere || !errors.As(err, &held) || !held.Elsewhere || held.Holder != "wang@bastion-2":
			t.Errorf("%s: got %v", tt.holder, err)
			continue
		case !strings.Contains(text.HintOf(err), "`stepgate resume r1 --take-over`"):
			t.Errorf("hint is %q", text.HintOf(err))
		}
		if l := takeByForce(t, s, "r1", "li"); !forced(l) || l.Release() != nil {
			t.Errorf("%s: not said to be forced", tt.holder)
		}
	}
}
