package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// workFor is what an action means where the run stands.
func (e *Engine) workFor(q question, action run.Action) work {
	c := q.Cell
	slow := func(f func(ctx context.Context) error) work { // accepted before it has been done
		return func(ctx context.Context, accepted func(error)) error { accepted(nil); return f(ctx) }
	}
	switch a := action.(type) {
	case run.Go:
		return slow(func(ctx context.Context) error { return e.goOn(ctx, q) })
	case run.Answer:
		return func(ctx context.Context, accepted func(error)) error { return e.answer(ctx, q, a, accepted) }
	case run.Retry:
		return func(ctx context.Context, accepted func(error)) error { return e.retry(ctx, q, a, accepted) }
	case run.Probe:
		return slow(func(ctx context.Context) error { return e.probe(ctx, c) })
	case run.StopNow:
		return func(ctx context.Context, accepted func(error)) error {
			if err := e.signal(ctx, c, a); err != nil {
				return err
			}
			accepted(nil)
			return e.settle(ctx, c, false)
		}
	case run.Continue:
		clear(e.blocked)
	case run.Edit, run.AdHoc:
		return e.offBook(q, action)
	case run.Abort:
		return func(ctx context.Context, _ func(error)) error { return e.close(ctx, run.Aborted, a.Why) }
	}
	return func(ctx context.Context, _ func(error)) error {
		ev, err := e.decided(q, action)
		if err != nil {
			return err
		}
		return e.append(ctx, ev)
	}
}

// decided is the event by which a person's decision is written down, and takes
// effect.
func (e *Engine) decided(q question, action run.Action) (run.Event, error) {
	c := q.Cell
	switch a := action.(type) {
	case run.Skip:
		if q.Wait == run.WaitUndo {
			return e.dropped(c), nil // of the queue
		}
		return run.CellSkipped{Cell: c.Key, Reason: strings.TrimSpace(a.Reason)}, nil
	case run.MarkDone:
		if c.Status == run.Pending {
			return run.ManualDone{Cell: c.Key, Evidence: a.Evidence}, nil
		}
		return run.OutcomeResolved{
			Cell: c.Key, Attempt: attemptID(c), Succeeded: true, Method: run.ByOperator, Reason: a.Evidence,
		}, nil
	case run.MarkFailed:
		return run.OutcomeResolved{Cell: c.Key, Attempt: attemptID(c), Method: run.ByOperator, Reason: a.Reason}, nil
	case run.RollBack:
		return e.rollback(c, a)
	case run.Reply:
		return e.reply(c, a)
	case run.Exclude:
		return e.exclude(c, a)
	case run.Postpone:
		return e.postpone(c, a)
	case run.Include:
		return run.InstanceIncluded(a), nil
	case run.FinishThenStop:
		return run.StopRequested(a), nil
	case run.Call:
		return run.Called(a), nil
	case run.Jump:
		return e.jump(a)
	case run.Again:
		return e.again(a)
	case run.Acknowledge:
		return e.acknowledge(a)
	case run.Pause:
		return run.Paused(a), nil
	case run.Continue:
		return run.Continued{}, nil
	}
	return nil, fmt.Errorf("do %q: nothing to do", run.VerbOf(action))
}

// goOn is what Go means for what the run waits for.
func (e *Engine) goOn(ctx context.Context, q question) error {
	switch {
	case q.Wait == run.WaitBatch:
		return e.append(ctx, run.BatchEntered{Walk: q.Walk.ID, Hosts: q.Keys})
	case q.Wait == run.WaitUndo:
		return e.append(ctx, run.RollbackRequested{Cell: q.Cell.Key})
	}
	return e.advance(ctx, q.Cells(), q.Parallel)
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
	if last := c.Latest(); last != nil && len(c.Fences(run.Evidence)) > 0 && !e.hasOffered(last.Intent.Attempt) && c.Status == run.Failed {
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
	beside := e.failedBeside(c)
	if err := e.append(ctx, ev); err != nil {
		return err
	}
	accepted(nil)
	if err := e.advance(ctx, []*run.Cell{e.state().Cell(c.Key)}, 1); err != nil {
		return err
	}
	return e.takeAgain(ctx, c, beside)
}

// failedBeside are the checks that were taken because those of c didn't hold, and that
// don't hold either: what is mended for one is often mended for all.
func (e *Engine) failedBeside(c *run.Cell) (keys []run.Key) {
	if c.Plan.Step.Kind != plan.Check {
		return nil
	}
	for _, o := range e.state().Cells {
		if o.Key != c.Key && o.Plan.Step.Kind == plan.Check && o.Plan.Step.Scope == c.Plan.Step.Scope && (o.Status == run.Failed || o.Status == run.Unknown) {
			keys = append(keys, o.Key)
		}
	}
	return keys
}

// takeAgain takes these checks again, one after the other as the run comes to them,
// until one of them doesn't hold.
func (e *Engine) takeAgain(ctx context.Context, c *run.Cell, keys []run.Key) error {
	for {
		ask, ok := run.Next(e.state()).(run.Ask)
		if !ok || ask.Wait != run.WaitFailure || !slices.Contains(keys, ask.Cell.Key) {
			return nil
		}
		next := ask.Cell.Key
		keys = slices.DeleteFunc(keys, func(k run.Key) bool { return k == next })
		if err := e.append(ctx, run.Retried{Cell: next, Why: "taken again after " + c.Key.Step}); err != nil {
			return err
		}
		if err := e.advance(ctx, []*run.Cell{e.state().Cell(next)}, 1); err != nil {
			return err
		}
	}
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
	// On its way to its host it isn't there to be signalled yet.
	for err == nil && rep.Fate == executor.NeverStarted && e.underWay(c) {
		if err = sleep(ctx, beginning); err == nil {
			rep, err = h.exec.Signal(ctx, attemptOf(e.state(), last), sig)
		}
	}
	if err != nil {
		return err
	}
	e.say("after the signal the command is " + rep.Fate.String())
	return nil
}

// underWay reports whether the cell's command, or its rollback, has been sent and
// hasn't ended.
func (e *Engine) underWay(c *run.Cell) bool {
	st := e.state().Cell(c.Key).Status
	return st == run.Running || st == run.RollingBack
}

// beginning lies between two signals to a command that hasn't begun.
const beginning = 100 * time.Millisecond

func (e *Engine) say(s string) {
	s = e.secrets.redactor.String(s)
	e.update(func(l *live) { l.notice = s })
}

// close closes the run, and clears its hosts of attempt directories.
func (e *Engine) close(ctx context.Context, how run.Closing, why string) error {
	e.showEnding(e.state().Backgrounds())
	if err := e.beside.end(ctx); err != nil {
		return err
	}
	if err := e.out.flush(ctx); err != nil {
		return err
	}
	if err := e.append(ctx, run.RunClosed{How: how, Why: why}); err != nil {
		return err
	}
	r := e.state()
	used := map[string]run.Identity{} // also by earlier drivers of the run
	for _, c := range slices.Concat(r.Cells, r.OffBook) {
		for _, a := range slices.Concat(c.Attempts, c.Keeps) {
			if a.Intent.Dispatch.Form != "" {
				continue
			}
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
