package engine

import (
	"context"
	"strings"
	"sync"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook/run"
)

// workFor is what an action means at the cell the run stands at.
func (e *Engine) workFor(d question, action run.Action) work {
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
		return func(ctx context.Context, accepted func(error)) error {
			accepted(nil)
			return e.advance(ctx, append([]*run.Cell{c}, d.with()...), d.parallel())
		}
	case run.Answer:
		return func(ctx context.Context, accepted func(error)) error { return e.answer(ctx, d, a, accepted) }
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
		return func(ctx context.Context, accepted func(error)) error {
			err := e.signal(ctx, c, a)
			accepted(err)
			if err != nil {
				return err
			}
			return e.settle(ctx, c, false)
		}
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

func (e *Engine) retry(ctx context.Context, d question, a run.Retry, accepted func(error)) error {
	c := d.Cell
	if d.again {
		clear(e.blocked)
		accepted(nil)
		return nil
	}
	if last := c.Latest(); last != nil && len(c.Fences(run.After)) > 0 && !e.hasOffered(last.Intent.Attempt) && c.Status == run.Failed {
		taken, err := e.take(ctx, c, run.Evidence)
		if err != nil {
			return err
		}
		if err := e.append(ctx, taken); err != nil {
			return err
		}
		if taken.Verdict() == checks.Pass {
			e.offer(last.Intent.Attempt)
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
	return e.advance(ctx, []*run.Cell{e.state().Cell(c.Key)}, 1)
}

func (e *Engine) hasOffered(attempt string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.offered[attempt]
}

func (e *Engine) offer(attempt string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.offered[attempt] = true
}

func (e *Engine) markDone(ctx context.Context, c *run.Cell, a run.MarkDone) error {
	if c.Status == run.Pending {
		return e.append(ctx, run.ManualDone{Cell: c.Key, Evidence: a.Evidence})
	}
	return e.append(ctx, run.OutcomeResolved{
		Cell: c.Key, Attempt: attemptID(c), Succeeded: true, Method: run.ByOperator, Reason: a.Evidence,
	})
}

// signal sends TERM or KILL to the latest attempt, and says what the host found then.
func (e *Engine) signal(ctx context.Context, c *run.Cell, a run.StopNow) error {
	last := c.Latest()
	if last == nil {
		return &run.NotNowError{Verb: run.VerbStopNow, Why: "nothing was sent"}
	}
	h, err := e.open(last.Intent.Dispatch.Where)
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
	r := e.state()
	used := map[string]run.Identity{} // also by earlier drivers of the run
	for _, c := range r.Cells {
		for _, a := range c.Attempts {
			used[a.Intent.Dispatch.Where] = a.Intent.Host
		}
	}
	var wg sync.WaitGroup
	for name, id := range used {
		wg.Go(func() {
			h, err := e.open(name)
			if err == nil {
				err = h.exec.Discard(ctx, hostOf(id), r.ID)
			}
			if err != nil && e.ctx.Err() == nil {
				e.say("attempt directories stay on " + name + ": " + err.Error())
			}
		})
	}
	wg.Wait()
	return nil
}
