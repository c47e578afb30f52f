package engine

import (
	"context"
	"strings"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// workFor is what an action means at the cell the run stands at.
func (e *Engine) workFor(d run.Ask, action run.Action) work {
	c := d.Cell
	just := func(f func(ctx context.Context) error) work {
		return func(ctx context.Context, accepted func(error)) error {
			err := f(ctx)
			accepted(err)
			return err
		}
	}
	switch a := action.(type) {
	case run.Go:
		return func(ctx context.Context, accepted func(error)) error { accepted(nil); return e.advance(ctx, c) }
	case run.Answer:
		return func(ctx context.Context, accepted func(error)) error { return e.answer(ctx, c, a, accepted) }
	case run.Retry:
		return func(ctx context.Context, accepted func(error)) error { return e.retry(ctx, d, a, accepted) }
	case run.Skip:
		return just(func(ctx context.Context) error {
			return e.append(ctx, run.CellSkipped{Cell: c.Key, Reason: strings.TrimSpace(a.Reason)})
		})
	case run.MarkDone:
		return just(func(ctx context.Context) error { return e.markDone(ctx, c, a) })
	case run.MarkFailed:
		return just(func(ctx context.Context) error {
			return e.append(ctx, run.OutcomeResolved{Cell: c.Key, Attempt: attemptID(c), Method: run.ByOperator, Reason: a.Reason})
		})
	case run.Probe:
		return func(ctx context.Context, accepted func(error)) error { accepted(nil); return e.probe(ctx, c) }
	case run.RollBack:
		return just(func(ctx context.Context) error { return e.append(ctx, run.RollbackRequested{Cell: c.Key}) })
	case run.StopNow:
		return just(func(ctx context.Context) error { return e.signal(ctx, c, a) })
	case run.Pause:
		return just(func(ctx context.Context) error { return e.append(ctx, run.Paused(a)) })
	case run.Continue:
		return just(func(ctx context.Context) error { return e.append(ctx, run.Continued{}) })
	case run.Abort:
		return just(func(ctx context.Context) error { return e.close(ctx, run.Aborted, a.Why) })
	}
	return nil
}

func attemptID(c *run.Cell) string {
	if a := c.Latest(); a != nil {
		return a.Intent.Attempt
	}
	return ""
}

func (e *Engine) note(k run.Key, s string) error {
	if strings.TrimSpace(s) == "" {
		return &run.NotNowError{Verb: run.VerbNote, Why: "it is empty"}
	}
	return e.append(e.ctx, run.Note{Cell: k, Text: s})
}

// advance takes a pending cell as far as it goes: to its end, its gate, or a
// failure.
func (e *Engine) advance(ctx context.Context, c *run.Cell) error {
	if len(c.Fences(run.Before)) > 0 {
		taken, err := e.take(ctx, c, run.Before)
		if err != nil {
			return err
		}
		if err := e.append(ctx, taken); err != nil {
			return err
		}
		if taken.Verdict() != checks.Pass {
			return nil
		}
	}
	switch c.Plan.Step.Kind {
	case plan.Check:
		return nil
	case plan.Manual, plan.Enter:
		return e.showGate(ctx, c, nil, run.Identity{})
	case plan.Run:
	}
	h, err := e.reach(ctx, c.Key.Target)
	if err != nil {
		return e.notDispatched(ctx, c, err)
	}
	d, err := e.state().Dispatch(c, run.RoleCommand)
	if err != nil {
		return e.notDispatched(ctx, c, err)
	}
	if c.Plan.Step.Gated || c.Rerun {
		return e.showGate(ctx, c, &d, h.identity)
	}
	return e.dispatch(ctx, c, run.RoleCommand, d, func(error) {})
}

func (e *Engine) retry(ctx context.Context, d run.Ask, a run.Retry, accepted func(error)) error {
	c := d.Cell
	if c.Status == run.Pending { // a decision that could not be taken
		clear(e.blocked)
		accepted(nil)
		return nil
	}
	if last := c.Latest(); last != nil && len(c.Fences(run.After)) > 0 && !e.offered[last.Intent.Attempt] && c.Status == run.Failed {
		taken, err := e.take(ctx, c, run.Evidence)
		if err != nil {
			return err
		}
		if err := e.append(ctx, taken); err != nil {
			return err
		}
		if taken.Verdict() == checks.Pass {
			e.offered[last.Intent.Attempt] = true
			accepted(nil)
			e.say("its postconditions hold now: mark it done, or retry once more to run it again")
			return nil
		}
	}
	var ev run.Event = run.Retried{Cell: c.Key}
	if c.NeedsRerun() {
		ev = run.RerunOverride{Cell: c.Key, Typed: a.Typed}
	}
	if err := e.append(ctx, ev); err != nil {
		return err
	}
	accepted(nil)
	return e.advance(ctx, e.state().Cell(c.Key))
}

func (e *Engine) markDone(ctx context.Context, c *run.Cell, a run.MarkDone) error {
	if c.Status == run.Pending {
		return e.append(ctx, run.ManualDone{Cell: c.Key, Evidence: a.Evidence})
	}
	return e.append(ctx, run.OutcomeResolved{
		Cell: c.Key, Attempt: attemptID(c), Succeeded: true, Method: run.ByOperator, Reason: a.Evidence,
	})
}

// stop ends what is going on: a look at once, a command by a signal.
func (e *Engine) stop(a run.StopNow, cancel context.CancelFunc) error {
	s := e.Snapshot()
	c := s.Run.Cell(s.Current)
	if s.Busy == nil || c == nil || s.Busy.Attempt == "" {
		cancel()
		return nil
	}
	e.update(func(l *live) {
		if l.busy != nil {
			l.busy.Stopping = true
		}
	})
	return e.signal(e.ctx, c, a)
}

func (e *Engine) signal(ctx context.Context, c *run.Cell, a run.StopNow) error {
	last := c.Latest()
	if last == nil {
		return &run.NotNowError{Verb: run.VerbStopNow, Why: "nothing was sent"}
	}
	h, err := e.reach(ctx, last.Intent.Dispatch.Where)
	if err != nil {
		return err
	}
	sig := executor.Term
	if a.Kill {
		sig = executor.Kill
	}
	rep, err := h.exec.Signal(ctx, attemptOf(e.state(), last), sig)
	if err != nil {
		return err
	}
	e.say("after the signal the command is " + rep.Fate.String())
	return nil
}

func (e *Engine) say(s string) { e.update(func(l *live) { l.notice = s }) }

// close closes the run, and clears its hosts of attempt directories.
func (e *Engine) close(ctx context.Context, how run.Closing, why string) error {
	if err := e.out.flush(ctx); err != nil {
		return err
	}
	if err := e.append(ctx, run.RunClosed{How: how, Why: why}); err != nil {
		return err
	}
	for _, h := range e.hosts {
		if h.exec == nil || h.host.Dir == "" {
			continue
		}
		if err := h.exec.Discard(ctx, h.host, e.lease.RunID()); err != nil {
			e.say("attempt directories stay on " + h.name + ": " + err.Error())
		}
	}
	return nil
}
