package state

import (
	"errors"
	"os"
	"reflect"
	"testing"

	"stepgate/runbook/run"
)

func TestGuestsMayAskAndNotDrive(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	started(t, s, "r1")
	for _, e := range []run.Event{
		run.Note{Text: "x"}, run.Exported{Format: "md"}, run.PauseRequested{Why: "lunch"}, run.AbortRequested{Why: "wrong cluster"},
	} {
		rec, err := s.AppendGuest(ctx, "r1", "wang", noon, e)
		if err != nil || rec.Epoch != 0 || rec.Actor != "wang" || !reflect.DeepEqual(rec.Event, e) {
			t.Errorf("%s: %+v, %v", run.Kind(e), rec, err)
		}
	}
	for _, e := range []run.Event{
		run.Continued{}, run.Paused{}, run.GateGranted{}, intent(1, "a1"), outcome("a1"), run.RunClosed{}, run.LeaseTaken{}, start(""),
	} {
		if _, err := s.AppendGuest(ctx, "r1", "wang", noon, e); err == nil {
			t.Errorf("a guest has written %s", run.Kind(e))
		}
	}
	if n, err := s.Head(ctx, "r1"); err != nil || n != 6 {
		t.Errorf("the head is %d, %v", n, err)
	}
}

// A follower sees each event once, chained to the one it had last.
func TestTail(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := openAt(t, path)
	if recs, err := s.Tail(ctx, "r1", 0); err != nil || len(recs) != 0 {
		t.Errorf("before the run: %v, %v", recs, err)
	}
	l := started(t, s, "r1")
	follower, err := OpenReadOnly(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer follower.Close()
	var seen []run.Record
	last := func() uint64 { return uint64(len(seen)) }
	for i := range 4 {
		recs, err := follower.Tail(ctx, "r1", last())
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, recs...)
		if recs, err := follower.Tail(ctx, "r1", last()); err != nil || len(recs) != 0 {
			t.Errorf("nothing new: %v, %v", recs, err)
		}
		mustAppend(t, s, l, run.Note{Text: "a"})
		if i%2 == 0 {
			if _, err := s.AppendGuest(ctx, "r1", "wang", noon, run.Note{Text: "b"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	all, err := s.Load(ctx, "r1")
	if err != nil || !reflect.DeepEqual(seen, all[:len(seen)]) || len(seen) != 7 {
		t.Errorf("seen   %+v\nloaded %+v\n%v", seen, all, err)
	}
}

// A part is what a page of a timeline needs, and reads no further: a bad event
// behind it doesn't matter, one in it does.
func TestPart(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := openAt(t, path)
	l := started(t, s, "r1")
	for range 8 {
		mustAppend(t, s, l, run.Note{Text: "a"})
	}
	all, err := s.Load(ctx, "r1")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		after      uint64
		most, want int
	}{{0, 3, 3}, {3, 3, 3}, {uint64(len(all)) - 2, 5, 2}, {uint64(len(all)), 5, 0}, {2, 0, 0}} {
		recs, err := s.Part(ctx, "r1", tt.after, tt.most)
		if err != nil || len(recs) != tt.want || tt.want > 0 && !reflect.DeepEqual(recs, all[tt.after:int(tt.after)+tt.want]) {
			t.Errorf("%d after %d: %d events, %v", tt.most, tt.after, len(recs), err)
		}
	}
	raw(t, path, unguard, `UPDATE event SET actor='x' WHERE run_seq=6`)
	if recs, err := s.Part(ctx, "r1", 2, 3); err != nil || len(recs) != 3 {
		t.Errorf("before the bad event: %d events, %v", len(recs), err)
	}
	var broken *BrokenError
	if recs, err := s.Part(ctx, "r1", 2, 5); !errors.As(err, &broken) || len(recs) != 3 {
		t.Errorf("with the bad event: %d events, %v", len(recs), err)
	}
}

// What was changed behind the point where a follower is, is found by it; so is a
// journal that was put back to before that point.
func TestTailOfABrokenRun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil string
		after uint64
		bad   uint64 // 0: nothing is found
	}{
		"where it continues":      {`UPDATE event SET actor='x' WHERE run_seq=5`, 4, 5},
		"the event it had":        {`UPDATE event SET actor='x' WHERE run_seq=4`, 4, 4},
		"before what it has":      {`UPDATE event SET actor='x' WHERE run_seq=2`, 4, 0},
		"the event it had, lost":  {`DELETE FROM event WHERE run_seq=4`, 4, 4},
		"the event after it":      {`DELETE FROM event WHERE run_seq=5`, 4, 5},
		"put back to before it":   {`DELETE FROM event WHERE run_seq>=4`, 4, 4},
		"nothing left of the run": {`DELETE FROM event`, 4, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := lived(t)
			raw(t, path, unguard, tt.spoil)
			s := openAt(t, path)
			recs, err := s.Tail(ctx, "r1", tt.after)
			var b *BrokenError
			switch {
			case tt.bad == 0 && (err != nil || len(recs) != 3):
				t.Errorf("%d events, %v", len(recs), err)
			case tt.bad != 0 && (!errors.As(err, &b) || b.Seq != tt.bad || len(recs) != 0):
				t.Errorf("%d events, %v, want event %d", len(recs), err, tt.bad)
			}
		})
	}
}

// The lock file of a run that is driven was removed: the process that the
// journal names is there still.
func TestRemovedLockFileGivesNothingFree(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	c := spawn(t, "hold", path, "r1", "wang")
	c.line(t)
	s := openAt(t, path)
	if err := os.Remove(s.lockPath("r1")); err != nil {
		t.Fatal(err)
	}
	var held *HeldError
	if _, err := s.TakeLease(ctx, "r1", "li"); !errors.As(err, &held) || held.PID != c.cmd.Process.Pid {
		t.Errorf("got %v", err)
	}
}
