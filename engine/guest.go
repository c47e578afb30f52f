package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"stepgate/runbook/run"
)

// glance lies between two looks at what others have written into the run.
const glance = time.Second

// watch notices what others write into the run: guests, and who takes it over.
func (e *Engine) watch() {
	defer close(e.watched)
	t := time.NewTicker(glance)
	defer t.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-t.C:
		}
		if fresh, err := e.catchUp(); err != nil {
			e.latch(err) // the journal has what can't be: nothing is sent any more
		} else if fresh {
			select {
			case e.news <- struct{}{}:
			default:
			}
		}
	}
}

// catchUp applies what others have written, and reports whether there was anything.
func (e *Engine) catchUp() (fresh bool, err error) {
	id := e.lease.RunID()
	head, err := e.o.Journal.Head(e.ctx, id)
	if err != nil {
		return false, nil // who writes to it will be told
	}
	e.writing.Lock()
	defer e.writing.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.run == nil || head <= e.run.Seq || e.latched != nil && e.run.TakenOver(e.lease.Epoch()) == "" {
		return false, nil
	}
	records, err := e.o.Journal.Tail(e.ctx, id, e.run.Seq)
	if err != nil {
		if e.ctx.Err() != nil {
			err = nil
		}
		return false, err
	}
	return true, e.folded(records)
}

// learnTaker looks whether a write was refused because somebody has taken the run
// over. Called with mu held.
func (e *Engine) learnTaker(ctx context.Context) {
	if e.run == nil {
		return
	}
	records, err := e.o.Journal.Tail(context.WithoutCancel(ctx), e.lease.RunID(), e.run.Seq)
	taken := slices.ContainsFunc(records, func(r run.Record) bool {
		_, is := r.Event.(run.LeaseTaken)
		return is && r.Epoch > e.lease.Epoch()
	})
	if err != nil || !taken {
		return // the write's own error says why
	}
	if err := e.folded(records); err != nil {
		e.latched = err
	}
}

// folded applies records that are durable. Called with mu held.
func (e *Engine) folded(records []run.Record) error {
	for _, rec := range records {
		r, err := run.Apply(e.plan, e.run, rec)
		if err != nil {
			return err
		}
		e.run = r
		if batch, ok := rec.Event.(run.SampleBatch); ok {
			e.samples.durable(batch)
		}
	}
	close(e.turned)
	e.turned = make(chan struct{})
	if by := e.run.TakenOver(e.lease.Epoch()); by != "" {
		e.latched = fmt.Errorf("%s drives this run now; from here it is only watched", by)
		if e.live.stop != nil {
			e.live.stop() // a command in flight is left to whoever drives
		}
	}
	e.publish()
	return nil
}

// wish is the pause that somebody who doesn't drive the run has asked for, if it is
// to come before a decision: what is in flight is finished first.
func wish(r *run.Run, d run.Decision) (run.Paused, bool) {
	if r.Paused || len(r.Wishes) == 0 {
		return run.Paused{}, false
	}
	switch d.(type) {
	case run.Settle, run.Await, run.Verify, run.Undo, run.Follow, run.Close, run.Over:
		return run.Paused{}, false
	}
	last := r.Wishes[len(r.Wishes)-1]
	why, what := "", "pause"
	switch w := last.Event.(type) {
	case run.PauseRequested:
		why = w.Why
	case run.AbortRequested:
		why, what = w.Why, "abort"
	}
	says := last.Actor + " asks to " + what + " the run"
	if why != "" {
		says += ": " + why
	}
	return run.Paused{Why: says}, true
}

// goesOn reports whether taking a paused run up again is all that is needed to go
// on: not when somebody has asked for its end, which a person decides.
func goesOn(r *run.Run) bool {
	for _, w := range r.Wishes {
		if _, abort := w.Event.(run.AbortRequested); abort {
			return false
		}
	}
	return true
}

// takeLease takes the run's lease, by force where that is wanted.
func takeLease(ctx context.Context, o Options, runID string) (Lease, error) {
	if o.TakeOver {
		return o.Journal.TakeLeaseForced(ctx, runID, o.Holder)
	}
	return o.Journal.TakeLease(ctx, runID, o.Holder)
}

// leaseTaken says who drives from here on.
func (e *Engine) leaseTaken() run.LeaseTaken {
	f, ok := e.lease.(interface{ Forced() bool })
	return run.LeaseTaken{Holder: e.o.Holder, Forced: ok && f.Forced()}
}
