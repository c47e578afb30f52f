package engine

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"stepgate/executor"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// gone says what is left of a process that has no result, and ends that.
func (k *keeper) gone(ctx context.Context, h *host, a *run.Attempt, rep executor.Report) run.BackgroundDown {
	k.e.forget(h.name)
	if rep.Fate == executor.Orphan {
		d := k.end(ctx, a, executor.Kill, nil)
		d.Ended, d.Why = false, cmp.Or(d.Why, "its runner was gone")
		return d
	}
	d := k.down(a)
	d.Why = howGone(rep)
	return d
}

func howGone(rep executor.Report) string {
	if rep.Detail == "" {
		return rep.Fate.String()
	}
	return rep.Fate.String() + ": " + rep.Detail
}

// end ends a process, and makes sure of it: by TERM, and by KILL when that wasn't enough.
// result has what following it shows; nil: nobody follows it. A host that isn't reached
// ends it by itself, and isn't waited for longer than that takes.
func (k *keeper) end(ctx context.Context, a *run.Attempt, s executor.Signal, result <-chan run.BackgroundDown) run.BackgroundDown {
	e := k.e
	k.show(func(s *run.Keeping) { s.State, s.Why = ending, "" })
	if k.lines != nil {
		k.lines.feed.away()
	}
	d := k.down(a)
	d.Ended = true
	h, err := e.open(a.Intent.Dispatch.Where)
	if err != nil {
		d.Why = err.Error()
		return d
	}
	w := e.endWait()
	defer w.stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reports := make(chan executor.Report, 1)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	asking.Go(func() { k.quell(ctx, h, a, s, w, reports) })
	select {
	case r := <-result: // its last words are in the journal
		if d.Exit, d.Why = r.Exit, r.Why; d.Exit != nil {
			return d
		}
		select {
		case rep := <-reports:
			return fateOf(d, rep)
		case <-w.over:
		}
	case rep := <-reports:
		d = fateOf(d, rep)
		if result != nil && rep.Fate == executor.Finished {
			t := time.NewTimer(3 * time.Second)
			defer t.Stop()
			select {
			case <-result:
			case <-t.C:
			case <-w.over:
			}
		}
		return d
	case <-w.over:
	}
	d.Why = fmt.Sprintf("host %q was not reached: it ends there by itself within %s", h.name, text.Duration(e.leash()+killAfter))
	e.say("ending " + called(k.b) + ": " + d.Why)
	return d
}

// fateOf says how a process has ended.
func fateOf(d run.BackgroundDown, rep executor.Report) run.BackgroundDown {
	if rep.Fate == executor.Finished {
		exit := rep.Result.Exit
		d.Exit, d.Why = &exit, ""
	} else {
		d.Why = howGone(rep)
	}
	return d
}

// quell signals until the host says that nothing of the process is alive, and never will
// be.
func (k *keeper) quell(ctx context.Context, h *host, a *run.Attempt, s executor.Signal, w *endWait, reports chan<- executor.Report) {
	begun := time.Now()
	for first := true; ctx.Err() == nil; first = false {
		if s == executor.Term && time.Since(begun) >= killAfter {
			s, first = executor.Kill, true
		}
		x := k.attempt(a)
		var rep executor.Report
		var err error
		if first || s == executor.Kill {
			rep, err = h.exec.Signal(ctx, x, s)
		} else {
			rep, err = h.exec.Probe(ctx, x, true)
		}
		if err == nil && rep.Fate == executor.NeverStarted {
			rep, err = h.exec.Probe(ctx, x, true) // so that it can't begin any more
		}
		if err == nil {
			w.heard()
		}
		if err == nil && !alive(rep.Fate) {
			reports <- rep
			return
		}
		_ = sleep(ctx, 250*time.Millisecond) // its end is seen above
	}
}

// endWait is how long the end of a process is waited for.
type endWait struct {
	over chan struct{} // closed when it is over
	said chan struct{} // holds one: its host has answered
	quit chan struct{}
	done chan struct{}
}

// endWait begins it: as long as a host that isn't reached takes to end it by itself;
// less once the engine is left.
func (e *Engine) endWait() *endWait {
	w := &endWait{over: make(chan struct{}), said: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		whole := time.NewTimer(e.leash() + 2*killAfter)
		defer whole.Stop()
		var deaf, last <-chan time.Time
		left, answered := e.ctx.Done(), false
		for {
			select {
			case <-w.quit:
				return
			case <-w.said:
				answered, deaf = true, nil
			case <-left:
				left, last = nil, time.After(leaving)
				if !answered {
					deaf = time.After(unheard)
				}
			case <-deaf:
				close(w.over)
				return
			case <-last:
				close(w.over)
				return
			case <-whole.C:
				close(w.over)
				return
			}
		}
	}()
	return w
}

func (w *endWait) heard() {
	select {
	case w.said <- struct{}{}:
	default:
	}
}

func (w *endWait) stop() {
	close(w.quit)
	<-w.done
}
