package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"stepgate/cmd/torture/tally"
	"stepgate/engine"
	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

// twoBeside is a run with a background command and a background monitor in a section, a
// gate among what they go on beside, and a step behind them.
var twoBeside = front + "\n## Beside {#beside}\n\n" + step("load", caution, sh(".background", "load"), sh(".check", "ready")) +
	step("rates", sh(".background.monitor timeout=100ms grace=1h", "rates"), expect(`line contains "rate"`)) +
	step("change", sh("", "change")) + "\n## Behind {#behind}\n\n" + step("behind", sh("", "behind")) + step("tick")

// gone is a host that a process which has crashed no longer ends anything on.
type gone struct {
	executor.Executor
	j *brokenJournal
}

func (h *gone) Signal(ctx context.Context, a executor.Attempt, s executor.Signal) (executor.Report, error) {
	h.j.mu.Lock()
	dead := h.j.dead
	h.j.mu.Unlock()
	if dead {
		return executor.Report{Fate: executor.Died}, nil
	}
	return h.Executor.Signal(ctx, a, s)
}

// A process that ends at any write leaves its background processes behind: the one that
// goes on ends them before it starts any, and none is there behind its section.
func TestTortureACrashLeavesOneBackgroundProcessAtMost(t *testing.T) {
	t.Parallel()
	crashes, left := 0, 0
	for round := range tally.Size(t, 1) {
		for n := 0; ; n++ {
			over, ended := besideCrash(t, n, (n+round)%2 == 0, []int{-1, 1, 4}[n%3]+3*round)
			left += ended
			if over {
				if n < 15 {
					t.Errorf("the run ends within %d writes", n)
				}
				break
			}
			crashes++
		}
	}
	if left == 0 {
		t.Error("no crash has left a process behind")
	}
	tally.Add(t, tally.Faults, crashes)
	tally.Add(t, tally.Duplicates, 0) // besideCrash fails at the first
}

// besideCrash ends the first process at write n and the second at write again, and
// reports whether the first had no such write, and how many processes were left behind.
func besideCrash(t *testing.T, n int, durable bool, again int) (over bool, left int) {
	t.Helper()
	st := newStage(t, twoBeside)
	load, _ := hold(t, executortest.Script{})
	rates, _ := hold(t, executortest.Script{Stdout: "rate 1\n"})
	st.set("load", load)
	st.set("rates", rates)
	var j *brokenJournal
	open := st.hosts
	st.hosts = func(name string, ask executor.Asker) (executor.Executor, error) {
		h, err := open(name, ask)
		return &gone{h, j}, err
	}
	st.wrap = func(real engine.Journal) engine.Journal { j.Journal = real; return j }
	for life, writes := range []int{n, again, -1} {
		j = &brokenJournal{left: writes, durable: durable}
		s := st.driveBeside(life == 0 || st.startedAt() == 0)
		if s != nil && s.Wait == run.WaitClosed && s.ReadOnly == "" {
			over = life == 0
			break
		}
		st.reopen()
		if st.ended() {
			break
		}
	}
	if !st.ended() {
		t.Errorf("crash at %d: the run isn't closed", n)
	}
	left = st.oneAtATime(n)
	if v, err := st.store.Verify(t.Context(), st.id); err != nil || !v.OK() {
		t.Errorf("crash at %d: verify: %+v, %v", n, v, err)
	}
	return over, left
}

// driveBeside drives the run in one process; nil: it could not even begin.
func (st *stage) driveBeside(first bool) *run.Snapshot {
	e := st.process(first)
	if e == nil {
		return nil
	}
	d := &driver{t: st.t, e: e}
	var s *run.Snapshot
	for range 100 {
		s = d.until("a question", func(s *run.Snapshot) bool {
			return s.ReadOnly != "" || s.Wait == run.WaitClosed || s.Busy == nil && s.Wait != run.WaitNothing
		})
		if s.ReadOnly != "" || s.Wait == run.WaitClosed {
			break
		}
		var a run.Action
		switch c := at1(s); {
		case s.Wait == run.WaitFailure && c.Reason == run.Crashed:
			a = run.Retry{Typed: s.Action(run.VerbRetry).Phrase}
		default:
			a = next(st.t, s)
		}
		var stale *run.StaleError
		if err := e.Do(st.t.Context(), s.Current, s.Seq, a); err != nil && !errors.As(err, &stale) && e.Snapshot().ReadOnly == "" {
			st.t.Fatalf("%s at %s: %v", s.Wait, s.Current, err)
		}
	}
	if err := e.Close(st.t.Context(), "crash"); err != nil && !errors.Is(err, errBroken) {
		st.t.Errorf("close: %v", err)
	}
	return s
}

// oneAtATime checks the calls that the host had: a start only when the one before it was
// ended, and nothing behind the section while one may live. It counts those that were
// killed as whoever had started them was gone.
func (st *stage) oneAtATime(n int) (killed int) {
	st.t.Helper()
	alive := map[string]string{} // by name
	for _, c := range st.local().Calls() {
		name := word(c.Command)
		switch {
		case c.Method == "Signal":
			if alive[name] == c.Attempt {
				delete(alive, name)
				if c.Signal == executor.Kill {
					killed++
				}
			}
		case c.Method == "Start" && (name == "load" || name == "rates"):
			if other := alive[name]; other != "" && other != c.Attempt {
				st.t.Fatalf("crash at %d: %s was started beside another of its kind", n, name)
			}
			alive[name] = c.Attempt
		case c.Method == "Start" && name == "behind" && len(alive) > 0:
			st.t.Errorf("crash at %d: behind the section while %v", n, alive)
		}
	}
	if len(alive) > 0 {
		st.t.Errorf("crash at %d: in the end there are %v", n, alive)
	}
	ran := strings.Join(st.ran(), " ")
	if strings.Count(ran, "behind") != 1 || strings.Count(ran, "change") != 1 {
		st.t.Errorf("crash at %d: ran %s", n, ran)
	}
	return killed
}
