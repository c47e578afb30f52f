package engine_test

import (
	"context"
	"testing"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

// slowStarts is a host that commands take long to get to.
type slowStarts struct {
	executor.Executor
	signalled, release chan struct{}
}

func (h slowStarts) Start(ctx context.Context, a executor.Attempt) (executor.Claim, error) {
	select {
	case <-h.release:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return h.Executor.Start(ctx, a)
}

func (h slowStarts) Signal(ctx context.Context, a executor.Attempt, s executor.Signal) (executor.Report, error) {
	rep, err := h.Executor.Signal(ctx, a, s)
	select {
	case h.signalled <- struct{}{}:
	default:
	}
	return rep, err
}

// A command that is stopped while it is on its way to its host is stopped once it is
// there.
func TestStopNowReachesACommandThatIsOnItsWay(t *testing.T) {
	t.Parallel()
	st := newStage(t, oneStep)
	held, _ := hold(t, executortest.Script{})
	st.set("one", held)
	slow := slowStarts{st.local(), make(chan struct{}, 1), make(chan struct{})}
	st.hosts = func(string, executor.Asker) (executor.Executor, error) { return slow, nil }
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.until("it is sent", func(s *run.Snapshot) bool { return s.Busy != nil && s.Busy.Attempt != "" })
	stopped := make(chan error, 1)
	go func() { stopped <- d.e.Do(t.Context(), s.Current, s.Seq, run.StopNow{}) }()
	patience(t, slow.signalled, "the signal")
	close(slow.release)
	s = d.until("it runs, or has been stopped", func(s *run.Snapshot) bool {
		return s.Wait == run.WaitFailure || st.calls("Follow") > 0 && s.Busy != nil && s.Busy.Attempt != ""
	})
	if s.Busy != nil && !s.Busy.Stopping {
		t.Errorf("it is not shown that it is being stopped: %+v", s.Busy)
	}
	if c := at1(d.at(run.WaitFailure, "one")); c.Latest().Outcome.Exit != 143 {
		t.Errorf("it ended with %d", c.Latest().Outcome.Exit)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}
