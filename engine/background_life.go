package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"stepgate/executor"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// live sees a start whose intent is durable through to its end: it says how long it ran,
// and how it ended. When ctx ends it is ended.
func (k *keeper) live(ctx context.Context, a *run.Attempt) (lived time.Duration, d run.BackgroundDown) {
	id := a.Intent.Attempt
	k.e.hold(id, true)
	defer k.e.hold(id, false)
	k.begun = true
	starts := k.starts()
	k.show(func(s *run.Keeping) { s.State, s.Why, s.Attempt, s.Starts = starting, "", id, starts })
	// What goes on at the host outlasts ctx: it is followed while it is ended.
	lctx, cancel := context.WithCancel(unattended(context.WithoutCancel(ctx)))
	wanted, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	defer stop()
	result := make(chan run.BackgroundDown, 1)
	begun := k.e.o.Now()
	k.word(false)
	beside.Go(func() { k.beat(lctx, wanted, a) })
	beside.Go(func() { result <- k.through(lctx, a) })
	select {
	case d = <-result:
		if k.leashed() {
			d.Why = "its host ended it: it had no word from here for longer than " + text.Duration(k.e.leash())
		}
	case <-ctx.Done():
		d = k.end(lctx, a, executor.Term, result)
	}
	return since(k.e.o.Now(), begun), d
}

// starts is how often the process was started in this run.
func (k *keeper) starts() int {
	c, n := k.e.state().Cell(k.b.Cell.Key), 0
	for _, a := range append(c.Attempts[:len(c.Attempts):len(c.Attempts)], c.Keeps...) {
		if c.Beside(a) && a.Intent.Monitor == k.path() && a.Intent.Dispatch.Where == k.b.Where {
			n++
		}
	}
	return n
}

func (k *keeper) down(a *run.Attempt) run.BackgroundDown {
	return run.BackgroundDown{Cell: a.Intent.Cell, Attempt: a.Intent.Attempt}
}

// attempt is what the executor needs to know of a start.
func (k *keeper) attempt(a *run.Attempt) executor.Attempt {
	x := attemptOf(k.e.state(), a)
	x.Leash = k.e.leash()
	return x
}

// through starts the attempt, and follows it until it has ended.
func (k *keeper) through(ctx context.Context, a *run.Attempt) run.BackgroundDown {
	d := k.down(a)
	h, err := k.e.open(a.Intent.Dispatch.Where)
	if err != nil {
		d.Why = err.Error()
		return d
	}
	c := k.e.state().Cell(a.Intent.Cell)
	x := k.e.revealed(c, a)
	x.Leash = k.e.leash()
	claim, err := h.exec.Start(ctx, x)
	var refused *executor.RefusedError
	if errors.As(err, &refused) {
		k.e.forget(h.name) // a reboot is such a reason
		d.Why = refused.Error()
		return d
	}
	sure := claim == executor.Started || claim == executor.Attached
	if !sure {
		k.lost(ctx, h, err)
	}
	if why := k.rise(ctx, h, a, sure); why != "" {
		d.Why = why
		return d
	}
	pctx, cancel := context.WithCancel(ctx)
	var looking sync.WaitGroup
	defer looking.Wait()
	defer cancel()
	looking.Go(func() { k.ports(pctx, h, a) })
	return k.follow(ctx, h, a)
}

// rise waits until the process is seen to run, and journals that; or until it has ended.
// why it never began is returned. sure: its host has said that it starts it.
func (k *keeper) rise(ctx context.Context, h *host, a *run.Attempt, sure bool) (why string) {
	c := k.e.state().Cell(a.Intent.Cell)
	bare := a.Intent.Monitor == "" && len(c.Fences(run.After)) == 0 // nothing else tells whether it works
	var seen time.Time
	for pause := 50 * time.Millisecond; ctx.Err() == nil; {
		rep, err := h.exec.Probe(ctx, k.attempt(a), !sure)
		switch {
		case err != nil:
			k.lost(ctx, h, err)
			pause = min(2*max(pause, 500*time.Millisecond), longestPause)
		case rep.Fate == executor.Running && bare && seen.IsZero():
			seen, pause = k.e.o.Now(), proven
		case rep.Fate == executor.Running:
			k.isUp(ctx, a)
			return ""
		case sure && pause < 5*time.Second && onItsWay(rep.Fate):
			pause = min(2*pause, 5*time.Second)
			if pause == 5*time.Second {
				sure = false // it isn't: from now on it can't begin any more
			}
		case rep.Fate == executor.NeverStarted:
			return "it never began: " + rep.Detail
		default:
			return "" // following it tells how it ended
		}
		_ = sleep(ctx, pause) // its end is seen above
	}
	return "" // it is being ended
}

// onItsWay reports whether a host that has just said that it starts an attempt may say
// this while the attempt's runner is still to show itself, as on a slow host.
func onItsWay(f executor.Fate) bool {
	return f == executor.NeverStarted || f == executor.Orphan || f == executor.Died
}

// isUp journals that the process runs.
func (k *keeper) isUp(ctx context.Context, a *run.Attempt) {
	k.show(func(s *run.Keeping) { s.State, s.Why = up, "" })
	k.e.hostState(a.Intent.Dispatch.Where, run.HostState{State: "connected"})
	if k.lines != nil {
		k.lines.feed.up()
	}
	_ = k.e.append(ctx, run.BackgroundUp{Cell: a.Intent.Cell, Attempt: a.Intent.Attempt}) // without it the step waits, and the journal says why
}

// lost notes that the host doesn't answer. The process may be running.
func (k *keeper) lost(ctx context.Context, h *host, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	k.e.lost(ctx, h.name, err)
	k.show(func(s *run.Keeping) {
		if s.State != ending {
			s.State, s.Why = lost, err.Error()
		}
	})
	if k.lines != nil {
		k.lines.feed.lost()
	}
}

// answers notes that the host answers again.
func (k *keeper) answers(h *host) {
	k.e.mu.Lock()
	was := k.e.live.keeping[k.name].State
	k.e.mu.Unlock()
	if was != lost {
		return
	}
	k.e.hostState(h.name, run.HostState{State: "connected"})
	k.show(func(s *run.Keeping) { s.State, s.Why = up, "" })
	signal(k.back)
	if k.lines != nil {
		k.lines.feed.up()
	}
}

// beat says again and again that the process is wanted, until that ends with wanted.
func (k *keeper) beat(ctx, wanted context.Context, a *run.Attempt) {
	h, err := k.e.open(a.Intent.Dispatch.Where)
	if err != nil {
		return
	}
	length := time.Duration(float64(k.e.leash()) / beatsPerLeash)
	for sleep(wanted, length) == nil {
		bctx, cancel := context.WithTimeout(ctx, length)
		err := h.exec.Beat(bctx, k.attempt(a))
		cancel()
		length = time.Duration(float64(k.e.leash()) / beatsPerLeash)
		if err == nil {
			k.word(true)
			k.answers(h)
		} else {
			length = min(length, 2*time.Second) // following it says whether it has ended
		}
	}
}

// leash is how long a background process lives on without a word from here.
func (e *Engine) leash() time.Duration {
	if e.o.Leash > 0 {
		return e.o.Leash
	}
	return leash
}

// follow takes in what the process prints, across lost links, until it has ended.
func (k *keeper) follow(ctx context.Context, h *host, a *run.Attempt) run.BackgroundDown {
	d, sink := k.down(a), k.sink(a)
	for rest := time.Second; ; rest = min(2*rest, longestPause) {
		begun := k.e.o.Now()
		res, err := h.exec.Follow(ctx, k.attempt(a), sink.at(), sink)
		if err == nil {
			sink.finish()
			_ = k.e.out.flush(ctx) // the journal's error latches
			d.Exit = &res.Exit
			return d
		}
		var fate *executor.FateError
		switch {
		case ctx.Err() != nil:
			return d
		case errors.As(err, &fate):
			return k.gone(ctx, h, a, fate.Report)
		}
		k.lost(ctx, h, err)
		if since(k.e.o.Now(), begun) > lasting {
			rest = time.Second
		}
		t := time.NewTimer(rest)
		select {
		case <-t.C:
		case <-k.back:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// outflow takes in what a background process prints.
type outflow interface {
	executor.Sink
	at() executor.Offsets // what comes next
	finish()              // it has ended
}

var (
	_ outflow = (*tail)(nil)
	_ outflow = (*lineReader)(nil)
)

func (k *keeper) sink(a *run.Attempt) outflow {
	if k.lines != nil {
		k.lines.anew()
		return k.lines
	}
	t := k.e.out.attempt(a.Intent.Attempt, k.e.progress(k.b.Cell, a.Intent.Attempt))
	t.cut = true // nothing judges it
	return t
}

// at implements [outflow].
func (t *tail) at() executor.Offsets {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next
}

// finish implements [outflow].
func (t *tail) finish() { t.end() }
