package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"stepgate/cmd/torture/tally"
	"stepgate/engine"
	"stepgate/executor"
	"stepgate/runbook/run"
)

// how a call to a host goes wrong.
type how string

const (
	notSent    how = "nothing reached the host"
	replyLost  how = "the host did it, and nobody heard"
	endsBefore how = "this process ends before the call"
	endsAfter  how = "this process ends after the call"
)

var errCut = errors.New("connection reset by peer")

// faulty makes one call go wrong: the one that comes when left is 0, over all
// hosts.
type faulty struct {
	mu     sync.Mutex
	left   int
	again  int // calls between it and another one that goes wrong; negative: none does
	how    how
	gone   bool
	method string // of the call
}

// enters reports what becomes of a call.
func (f *faulty) enters(method string) (now how, gone bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone {
		return "", true
	}
	if f.left < 0 {
		return "", false
	}
	if f.left--; f.left != -1 {
		return "", false
	}
	f.method, f.left, f.again = method, f.again, -1
	f.gone = f.how == endsBefore || f.how == endsAfter
	return f.how, false
}

// call has a call made, or not, and its answer heard, or not. What comes after the
// end of the process waits for ctx: nobody acts on it.
func call[T any](ctx context.Context, f *faulty, method string, make func() (T, error)) (T, error) {
	var none T
	now, gone := f.enters(method)
	switch {
	case gone || now == endsBefore:
		return none, errCut
	case now == notSent:
		return none, &executor.ReachError{Host: "test", Cause: errCut}
	}
	v, err := make()
	if now == replyLost || now == endsAfter {
		return none, errCut
	}
	return v, err
}

// faultyHost is a host whose calls may go wrong.
type faultyHost struct {
	executor.Executor
	f *faulty
}

func (h faultyHost) Identify(ctx context.Context) (executor.Host, error) {
	return call(ctx, h.f, "Identify", func() (executor.Host, error) { return h.Executor.Identify(ctx) })
}

func (h faultyHost) Look(ctx context.Context, c executor.Command, s executor.Sink) (executor.Result, error) {
	return call(ctx, h.f, "Look", func() (executor.Result, error) { return h.Executor.Look(ctx, c, s) })
}

func (h faultyHost) Start(ctx context.Context, a executor.Attempt) (executor.Claim, error) {
	return call(ctx, h.f, "Start", func() (executor.Claim, error) { return h.Executor.Start(ctx, a) })
}

func (h faultyHost) Follow(ctx context.Context, a executor.Attempt, from executor.Offsets, s executor.Sink) (executor.Result, error) {
	return call(ctx, h.f, "Follow", func() (executor.Result, error) { return h.Executor.Follow(ctx, a, from, s) })
}

func (h faultyHost) Probe(ctx context.Context, a executor.Attempt, fence bool) (executor.Report, error) {
	return call(ctx, h.f, "Probe", func() (executor.Report, error) { return h.Executor.Probe(ctx, a, fence) })
}

func (h faultyHost) Discard(ctx context.Context, host executor.Host, runID string) error {
	_, err := call(ctx, h.f, "Discard", func() (struct{}, error) { return struct{}{}, h.Executor.Discard(ctx, host, runID) })
	return err
}

// Each call to a host goes wrong, in each way, at every point of a run, and in longer
// tests another one soon after it; then the operator goes on. Nothing runs twice, and no gate is used twice.
func TestTortureT2ACallToAHostGoesWrong(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	faults, methods := 0, map[string]int{}
	rounds := tally.Size(t, 1)
	t.Run("each", func(t *testing.T) {
		for name, p := range map[string]played{
			"one by one": {everythingStage, onceEach}, "together": {togetherStage, togetherOnce},
		} {
			for _, h := range []how{notSent, replyLost, endsBefore, endsAfter} {
				t.Run(fmt.Sprintf("%s/%s", name, h), func(t *testing.T) {
					t.Parallel()
					for round := range rounds {
						n := 0
						for again := 3*round - 1; ; n++ {
							method := p.faultAt(t, n, again, h)
							if method == "" {
								break
							}
							mu.Lock()
							faults++
							methods[method]++
							mu.Unlock()
						}
						if n < 30 {
							t.Errorf("the run has only %d calls", n)
						}
					}
				})
			}
		}
	})
	for _, m := range []string{"Identify", "Look", "Start", "Follow", "Discard"} {
		if methods[m] == 0 {
			t.Errorf("no %s went wrong", m)
		}
	}
	tally.Add(t, tally.Faults, faults)
	tally.Add(t, tally.Duplicates, 0)  // faultAt fails at the first
	tally.Add(t, tally.OpenedGates, 0) // so it does of a gate that isn't used once
}

// faultAt has call n of the run go wrong, and says which method it was; "" when
// the run has no such call.
func (p played) faultAt(t *testing.T, n, again int, h how) string {
	t.Helper()
	st := p.stage(t)
	f := &faulty{left: n, again: again, how: h}
	hosts := st.hosts
	st.hosts = func(name string, ask executor.Asker) (executor.Executor, error) {
		x, err := hosts(name, ask)
		return faultyHost{x, f}, err
	}
	d := st.start()
	d.left = true
	s := goOnAfterFault(t, d.e, f)
	for f.gone {
		if err := d.e.Close(t.Context(), "crash"); err != nil {
			t.Errorf("close: %v", err)
		}
		f.gone = false
		if st.ended() { // in its last calls
			st.verify(n, p.once, nil)
			return f.method
		}
		d = st.resume()
		d.left = true
		s = goOnAfterFault(t, d.e, f)
	}
	if s.Wait != run.WaitClosed {
		t.Fatalf("call %d, %s: it stands at %s %s", n, h, s.Wait, s.Current)
	}
	if err := d.e.Close(t.Context(), "done"); err != nil {
		t.Errorf("close: %v", err)
	}
	st.verify(n, p.once, nil)
	return f.method
}

// goOnAfterFault is [walk] with an operator who looks again at what is unknown and
// tries again what could not be reached. It ends when the process does.
func goOnAfterFault(t *testing.T, e *engine.Engine, f *faulty) *run.Snapshot {
	t.Helper()
	d := &driver{t: t, e: e}
	for range 300 {
		s := d.until("a question", func(s *run.Snapshot) bool {
			return s.ReadOnly != "" || s.Wait == run.WaitClosed || s.Busy == nil && s.Wait != run.WaitNothing || f.over()
		})
		if s.Wait == run.WaitClosed || s.ReadOnly != "" || f.over() {
			return s
		}
		if err := e.Do(t.Context(), s.Current, s.Seq, afterFault(t, s)); err != nil && !f.over() {
			t.Logf("%s at %s: %v", s.Wait, s.Current, err) // it is asked again
		}
	}
	t.Fatalf("no end: %s at %s, notice %q", e.Snapshot().Wait, e.Snapshot().Current, e.Snapshot().Notice)
	return nil
}

func (f *faulty) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gone
}

func afterFault(t *testing.T, s *run.Snapshot) run.Action {
	t.Helper()
	c := at1(s)
	switch {
	case s.Wait == run.WaitUnknown:
		return run.Probe{}
	case s.Wait == run.WaitPaused:
		return run.Continue{}
	case s.Wait != run.WaitFailure:
	case c.Status == run.Unknown && s.Action(run.VerbProbe).OK():
		return run.Probe{}
	case c.Reason == run.NotStarted || c.Status == run.Unknown || s.Action(run.VerbRetry).Says == "try to decide it again":
		if a := s.Action(run.VerbRetry); a.Phrase != "" {
			t.Fatalf("%s must be run again: %q", c.Key, a.Phrase)
		}
		return run.Retry{}
	}
	return next(t, s)
}
