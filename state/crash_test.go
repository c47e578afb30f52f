package state

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/run"
)

// childAppend drives run r1 of a journal until it is killed, and prints each
// event that was reported as written.
func childAppend(args []string) error {
	s, err := Open(ctx, args[0], Options{})
	if err != nil {
		return err
	}
	l, err := s.TakeLease(ctx, "r1", "child")
	if err != nil {
		return err
	}
	say := func(recs []run.Record, err error) error {
		if err != nil {
			return err
		}
		for _, r := range recs {
			// One write a line: what was printed was acknowledged.
			if _, err := fmt.Fprintf(os.Stdout, "%d %x\n", r.Seq, r.Hash); err != nil {
				return err
			}
		}
		return nil
	}
	infos, err := s.Runs(ctx)
	if err != nil {
		return err
	}
	no := 1
	if len(infos) == 0 {
		sha, err := s.PutBlob(ctx, books)
		if err != nil {
			return err
		}
		if err := say(s.Append(ctx, l, "child", noon, start(sha))); err != nil {
			return err
		}
	} else {
		no = infos[0].Events // more than there were attempts
	}
	for ; err == nil; no++ {
		a := fmt.Sprintf("a%d", no)
		if err = say(s.Append(ctx, l, "child", noon, intent(no, a))); err != nil {
			return err
		}
		line := []byte(strings.Repeat("line ", no%200+1))
		if err := s.AppendOutput(ctx, run.Chunk{Attempt: a, At: noon, Data: line}); err != nil {
			return err
		}
		if err = say(s.Append(ctx, l, "child", noon, outcome(a), run.Note{Text: a})); err != nil {
			return err
		}
		g, err := s.AppendGuest(ctx, "r1", "guest", noon, run.Note{Text: "also"})
		if err := say([]run.Record{g}, err); err != nil {
			return err
		}
	}
	return err
}

// Whatever a process has acknowledged is there after it was killed at any
// moment, and the next one goes on from it.
func TestTortureKilled(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	random := newRandom(t)
	acked := map[uint64]string{}
	note := func(line string) {
		var seq uint64
		var hash string
		if n, err := fmt.Sscan(line, &seq, &hash); n != 2 || len(hash) != 64 {
			t.Fatalf("child: %q %v", line, err)
		}
		if was, ok := acked[seq]; ok && was != hash {
			t.Fatalf("event %d was acknowledged twice", seq)
		}
		acked[seq] = hash
	}
	kills, lost := tally.Size(t, 20), 0
	for i := range kills {
		c := spawn(t, "append", path)
		for range 1 + random.IntN(40) {
			note(c.line(t))
		}
		// Not right after a line, but anywhere in what comes next.
		time.Sleep(time.Duration(random.IntN(4000)) * time.Microsecond)
		for _, line := range c.kill() {
			note(line)
		}
		lost += checkAcked(t, path, i, acked)
	}
	tally.Add(t, tally.Kills, kills)
	tally.Add(t, tally.LostEvents, lost)
}

func checkAcked(t *testing.T, path string, round int, acked map[uint64]string) (lost int) {
	t.Helper()
	s, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	v, err := s.Verify(ctx, "r1")
	if err != nil {
		t.Fatal(err)
	}
	if !v.OK() {
		t.Fatalf("kill %d: %+v", round, v.Problems)
	}
	recs, err := s.Load(ctx, "r1")
	if err != nil {
		t.Fatal(err)
	}
	have := map[uint64]string{}
	for _, r := range recs {
		have[r.Seq] = hex.EncodeToString(r.Hash[:])
	}
	for seq, hash := range acked {
		if have[seq] != hash {
			lost++
			t.Errorf("kill %d: acknowledged event %d is %q, want %q", round, seq, have[seq], hash)
		}
	}
	if v.Beside > v.Events || v.Beside == 0 {
		t.Errorf("kill %d: the head file says %d of %d events", round, v.Beside, v.Events)
	}
	epochs := map[uint64]bool{}
	for _, r := range recs {
		epochs[r.Epoch] = true
	}
	delete(epochs, 0) // the guest's
	if len(epochs) != round+1 {
		t.Errorf("kill %d: epochs %v", round, epochs)
	}
	return lost
}
