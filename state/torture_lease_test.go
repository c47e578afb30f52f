package state

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/run"
)

// childRace takes the lease of run r1 and writes under it as it is told.
func childRace(args []string) error {
	s, err := Open(ctx, args[0], Options{})
	if err != nil {
		return err
	}
	if _, err := s.w.Exec("PRAGMA busy_timeout=300"); err != nil { // the one that has it locked may have been stopped
		return err
	}
	var l run.Lease
	for no := 0; ; {
		var do string
		if _, err := fmt.Fscanln(os.Stdin, &do); err != nil {
			return err
		}
		switch do {
		case "take", "force":
			l, err = map[string]func() (run.Lease, error){
				"take":  func() (run.Lease, error) { return s.TakeLease(ctx, "r1", args[1]) },
				"force": func() (run.Lease, error) { return s.TakeLeaseForced(ctx, "r1", args[1]) },
			}[do]()
			if err == nil {
				var recs []run.Record
				if recs, err = s.Append(ctx, l, args[1], time.Now(), run.LeaseTaken{Holder: args[1]}); err == nil {
					fmt.Println("acked", recs[0].Seq, recs[0].Epoch, fmt.Sprintf("%x", recs[0].Hash))
				}
			}
		case "write":
			no++
			a := fmt.Sprintf("%s-%d", args[1], no)
			in := intent(no, a)
			in.Cell.Target = args[1]
			var recs []run.Record
			if recs, err = s.Append(ctx, l, args[1], time.Now(), in, outcome(a)); err == nil {
				fmt.Println("acked", recs[1].Seq, recs[1].Epoch, fmt.Sprintf("%x", recs[1].Hash))
			}
		case "release":
			err = l.Release()
		}
		switch {
		case err == nil:
			fmt.Println("done")
		case errors.As(err, new(*HeldError)):
			fmt.Println("held")
		case errors.As(err, new(*LostLeaseError)):
			fmt.Println("lost")
		case errors.As(err, new(*BusyError)):
			fmt.Println("busy")
		default:
			return err
		}
	}
}

// racers are processes that all want to drive one run.
type racers struct {
	t     *testing.T
	path  string
	kids  []*child
	mu    sync.Mutex
	acked map[uint64]string // seq: epoch and hash
	kills int
}

// tell has a child do something, and returns what came of it: done, held, lost
// or busy.
func (r *racers) tell(i int, do string) string {
	if _, err := fmt.Fprintln(r.kids[i].in, do); err != nil {
		r.t.Error(err)
		return ""
	}
	return r.answer(i)
}

func (r *racers) answer(i int) string {
	for {
		if !r.kids[i].lines.Scan() {
			r.t.Errorf("child %d ended: %s", i, r.kids[i].errs.String())
			return ""
		}
		line := r.kids[i].lines.Text()
		was, ok := strings.CutPrefix(line, "acked ")
		if !ok {
			return line
		}
		var seq uint64
		var rest [2]string
		if _, err := fmt.Sscan(was, &seq, &rest[0], &rest[1]); err != nil {
			r.t.Errorf("%q: %v", line, err)
		}
		r.mu.Lock()
		if _, twice := r.acked[seq]; twice {
			r.t.Errorf("event %d was acknowledged twice", seq)
		}
		r.acked[seq] = rest[0] + " " + rest[1]
		r.mu.Unlock()
	}
}

// all has all children do something at once, but one, and returns who succeeded.
func (r *racers) all(do string, but int) (done []int) {
	var wg sync.WaitGroup
	answers := make([]string, len(r.kids))
	for i := range r.kids {
		if i != but {
			wg.Go(func() { answers[i] = r.tell(i, do) })
		}
	}
	wg.Wait()
	for i, a := range answers {
		if a == "done" {
			done = append(done, i)
		}
	}
	return done
}

func (r *racers) replace(i int) {
	r.kids[i].kill()
	r.kids[i] = spawn(r.t, "race", r.path, fmt.Sprintf("driver-%d-%d", i, r.kills))
	r.kills++
}

func (r *racers) signal(i int, s os.Signal) {
	if err := r.kids[i].cmd.Process.Signal(s); err != nil {
		r.t.Error(err)
	}
}

// Many processes want to drive one run; its driver is stopped at any moment and
// goes on later, or is killed. One drives at a time, and nothing is written under
// an epoch that has passed.
func TestTortureT9(t *testing.T) {
	t.Parallel()
	random := newRandom(t)
	var runs, kills, faults, stale, lost int
	for round := range tally.Size(t, 3) {
		r := &racers{t: t, path: newPath(t), acked: map[uint64]string{}}
		s := openAt(t, r.path)
		l, err := begin(s, "r1")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
		for i := range 2 + (round*5+3)%15 {
			r.kids = append(r.kids, spawn(t, "race", r.path, fmt.Sprintf("driver-%d", i)))
		}
		for range 4 {
			faults += r.contest(random)
		}
		for _, c := range r.kids {
			c.kill()
		}
		bad, missing := r.check(s)
		runs, kills, stale, lost = runs+1, kills+r.kills, stale+bad, lost+missing
	}
	tally.Add(t, tally.Runs, runs)
	tally.Add(t, tally.Kills, kills)
	tally.Add(t, tally.Faults, faults)
	tally.Add(t, tally.Duplicates, stale)
	tally.Add(t, tally.LostEvents, lost)
}

// contest is one race for the lease, the stopping of who won it, its taking by
// force, and the end of the new holder. It returns how often one was stopped.
func (r *racers) contest(random *rand.Rand) (faults int) {
	won := r.all("take", -1)
	if len(won) != 1 {
		r.t.Fatalf("%v have the lease", won)
	}
	first := won[0]
	if got := r.all("take", first); len(got) != 0 {
		r.t.Errorf("%v have the lease, and %d has it", got, first)
	}
	other := (first + 1 + random.IntN(len(r.kids)-1)) % len(r.kids)
	for taken := false; !taken; {
		const writes = 5
		for range writes { // queued: it is stopped anywhere in them
			if _, err := fmt.Fprintln(r.kids[first].in, "write"); err != nil {
				r.t.Fatal(err)
			}
		}
		time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
		r.signal(first, syscall.SIGSTOP)
		faults++
		switch got := r.tell(other, "force"); got {
		case "done":
			taken = true
			if got := r.tell(other, "write"); got != "done" {
				r.t.Errorf("who took it by force: %q", got)
			}
		case "busy": // it was stopped while it had the journal locked
		default:
			r.t.Fatalf("force: %q", got)
		}
		r.signal(first, syscall.SIGCONT)
		var answers []string
		for range writes {
			answers = append(answers, r.answer(first))
		}
		if i := slices.Index(answers, "lost"); i >= 0 && slices.Contains(answers[i:], "done") {
			r.t.Errorf("it wrote after it had lost its lease: %q", answers)
		}
	}
	if got := r.tell(first, "write"); got != "lost" {
		r.t.Errorf("the first holder: %q", got)
	}
	if got := r.all("take", other); len(got) != 0 {
		r.t.Errorf("%v have the lease, and %d has it", got, other)
	}
	if random.IntN(2) == 0 {
		r.replace(other)
	} else if got := r.tell(other, "release"); got != "done" {
		r.t.Errorf("release: %q", got)
	}
	return faults
}

// check counts the events that were written under an epoch that had passed, or
// by two under one, and those that are missing.
func (r *racers) check(s *Store) (stale, lost int) {
	recs, err := s.Load(ctx, "r1")
	if err != nil {
		r.t.Fatal(err)
	}
	var epoch uint64
	drivers := map[uint64]string{}
	have := map[uint64]string{}
	for _, rec := range recs {
		if rec.Epoch < epoch || drivers[rec.Epoch] != "" && drivers[rec.Epoch] != rec.Actor {
			stale++
			r.t.Errorf("event %d of %s has epoch %d, behind %d of %s", rec.Seq, rec.Actor, rec.Epoch, epoch, drivers[epoch])
		}
		epoch, drivers[rec.Epoch] = rec.Epoch, rec.Actor
		have[rec.Seq] = fmt.Sprintf("%d %x", rec.Epoch, rec.Hash)
	}
	for seq, was := range r.acked {
		if have[seq] != was {
			lost++
			r.t.Errorf("event %d was acknowledged as %s, and is %q", seq, was, have[seq])
		}
	}
	return stale, lost
}
