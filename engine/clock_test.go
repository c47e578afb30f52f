package engine_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"stepgate/cmd/torture/tally"
	"stepgate/engine"
	"stepgate/runbook/run"
)

// clock is moved by hand, and goes a little further with every look at it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Millisecond)
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// jumpy is a wall clock that is set, and steps, while somebody looks at it.
type jumpy struct {
	mu    sync.Mutex
	by    time.Duration
	rand  *rand.Rand
	jumps int
}

func (j *jumpy) now() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.rand.IntN(20) == 0 {
		year := 365 * 24 * time.Hour
		j.by = []time.Duration{0, time.Hour, -time.Hour, 10 * year, -10 * year, 40 * time.Hour}[j.rand.IntN(6)]
		j.jumps++
	}
	return time.Now().Round(0).Add(j.by)
}

// Whatever the clock does, each command runs once and the run comes to its end; at
// the worst a grant is asked for anew.
func TestTortureT10ARunUnderAClockThatJumps(t *testing.T) {
	t.Parallel()
	jumps := 0
	for i := range tally.Size(t, 8) {
		p := []played{{everythingStage, onceEach}, {togetherStage, togetherOnce}}[i%2]
		st := p.stage(t)
		j := &jumpy{rand: rand.New(rand.NewPCG(10, uint64(i)))}
		st.now = j.now
		d := st.start()
		if s := goOnUnderJumps(t, d.e); s.Run.Closed != run.DoneExceptions {
			t.Errorf("run %d: closed as %q", i, s.Run.Closed)
		}
		d.leave("done")
		st.verify(i, p.once, map[uint64][32]byte{})
		jumps += j.jumps
	}
	tally.Add(t, tally.Faults, jumps)
	tally.Add(t, tally.Duplicates, 0)  // verify fails at the first
	tally.Add(t, tally.OpenedGates, 0) // so it does of a gate that isn't used once
}

// goOnUnderJumps is [walk] with an operator who answers a gate anew whose grant the
// clock has made void.
func goOnUnderJumps(t *testing.T, e *engine.Engine) *run.Snapshot {
	t.Helper()
	d := &driver{t: t, e: e}
	for range 300 {
		s := d.until("a question", func(s *run.Snapshot) bool {
			return s.ReadOnly != "" || s.Wait == run.WaitClosed || s.Busy == nil && s.Wait != run.WaitNothing
		})
		if s.ReadOnly != "" || s.Wait == run.WaitClosed {
			return s
		}
		_ = e.Do(t.Context(), s.Current, s.Seq, next(t, s)) // what is refused is asked for again
	}
	t.Fatalf("no end: %s at %s, notice %q", e.Snapshot().Wait, e.Snapshot().Current, e.Snapshot().Notice)
	return nil
}
