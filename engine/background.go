package engine

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"stepgate/executor"
	"stepgate/runbook/run"
)

const (
	// leash is how long a background process lives on without a word from here; see
	// [Options.Leash].
	leash = 45 * time.Second
	// beatsPerLeash is how often it has one.
	beatsPerLeash = 4.5
	// killAfter lies between TERM and KILL, here and on the host.
	killAfter = 10 * time.Second
	// leaving is how long the end of a background process may hold up who leaves.
	leaving = 15 * time.Second
	// unheard is how long leaving waits for a host that hasn't answered at all.
	unheard = 5 * time.Second
	// proven is how long a background command without checks has to run to be up.
	proven = time.Second
	// longLived is how long a process has to live for its next start to be the first again.
	longLived = time.Minute
	// longestRest lies between two starts at most.
	longestRest = 30 * time.Second
)

// States of a background process, as [run.Keeping] has them.
const (
	starting = "starting"
	up       = "up"
	down     = "down"
	ending   = "ending"
	lost     = "lost" // its host isn't reached: it may be running
)

// keeps are the background processes that the run wants, by task; and those that are to
// be ended, as whoever started them is gone.
func (e *Engine) keeps(r *run.Run, wanted map[string]func(context.Context)) {
	for _, b := range r.Backgrounds() {
		if b.Latest == nil || b.Latest.Down != nil || !b.Latest.Stray {
			wanted["keep "+nameOf(b)] = func(ctx context.Context) { e.keep(ctx, b) }
		}
	}
	for _, b := range r.Strays() {
		if !e.holds(b.Latest.Intent.Attempt) {
			wanted["end "+b.Latest.Intent.Attempt] = func(ctx context.Context) { e.endStray(ctx, b) }
		}
	}
}

// nameOf tells background processes apart.
func nameOf(b run.Background) string {
	name := b.Cell.Key.String()
	if b.Monitor != nil {
		name += " " + b.Monitor.Watch.String()
	}
	return name
}

// called is what a background process is called on a line: its step, or its monitor.
func called(b run.Background) string {
	if b.Monitor != nil {
		return b.Monitor.Watch.String()
	}
	return b.Cell.Key.String()
}

// hold notes that an attempt has a keeper here, or no longer.
func (e *Engine) hold(attempt string, held bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if held {
		e.held[attempt] = true
	} else {
		delete(e.held, attempt)
	}
}

func (e *Engine) holds(attempt string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.held[attempt]
}

// endStray ends a background process that nobody keeps.
func (e *Engine) endStray(ctx context.Context, b run.Background) {
	k := e.keeper(b)
	defer k.forget()
	// Nobody waits for its last words: whoever started it is gone.
	d := k.end(ctx, b.Latest, executor.Kill, nil)
	d.Why = cmp.Or(d.Why, "who started it was gone")
	if e.append(ctx, d) != nil {
		<-ctx.Done() // the journal can't be written: it isn't ended again
	}
}

// rest waits until what is no longer wanted beside the run has ended, before anything
// comes behind it, and reports whether there was such.
func (e *Engine) rest(r *run.Run) bool {
	if e.isLatched() != nil || !e.beside.isEnding() && len(r.Strays()) == 0 {
		return false
	}
	_ = e.serve(nil, func(ctx context.Context, _ func(error)) error {
		e.showEnding(r.Strays())
		if err := e.beside.ended(ctx); err != nil {
			return nil // it is seen again at the next step
		}
		_ = e.until(ctx, func(r *run.Run) bool { return len(r.Strays()) == 0 }) // so is what is left then
		return nil
	}, nil) // it fails with none of its own
	return true
}

// showEnding shows which background process is waited for, of several the first.
func (e *Engine) showEnding(all []run.Background) {
	if len(all) > 0 {
		e.busyWith(all[0].Cell, run.Activity{What: endingOf(all[0])})
	}
}

// endingOf is how that is called. A step's name is what stands before its place.
func endingOf(b run.Background) string {
	if b.Monitor != nil {
		return "ending " + lastOf(b.Monitor.Watch.String())
	}
	return "ending " + lastOf(b.Cell.Key.Step)
}

// awaitEnd waits until the processes of a cell have ended that are not to run any longer.
func (e *Engine) awaitEnd(ctx context.Context, c *run.Cell) error {
	e.busyWith(c, run.Activity{What: endingOf(run.Background{Cell: c})})
	return e.until(ctx, func(r *run.Run) bool {
		return !slices.ContainsFunc(r.Strays(), func(b run.Background) bool { return b.Cell.Key == c.Key })
	})
}

// lastOf is the last part of a path.
func lastOf(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// until waits for a state of the run. It fails when ctx ends, and when nothing can be
// journaled any more.
func (e *Engine) until(ctx context.Context, ok func(*run.Run) bool) error {
	for {
		e.mu.Lock()
		r, turned, latched := e.run, e.turned, e.latched
		e.mu.Unlock()
		switch {
		case ok(r):
			return nil
		case latched != nil:
			return latched
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaitUp waits until the process of a background command, whose intent is durable, runs,
// or has failed to. Its keeper starts it.
func (e *Engine) awaitUp(ctx context.Context, c *run.Cell) error {
	c = e.state().Cell(c.Key)
	e.busyWith(c, run.Activity{What: starting, Since: e.sentAt(c.Latest())})
	err := e.until(ctx, func(r *run.Run) bool { return !r.Cell(c.Key).Starting() })
	switch {
	case err == nil, e.ctx.Err() != nil, e.isLatched() != nil:
		return nil
	}
	// Stopped by a person: it is ended, and the step has failed by that.
	b := run.Background{Cell: c, Fence: c.Fence(run.RoleCommand), Where: c.Latest().Intent.Dispatch.Where}
	if e.beside.drop("keep " + nameOf(b)) {
		return e.until(e.ctx, func(r *run.Run) bool { return !r.Cell(c.Key).Starting() })
	}
	return nil
}

// show changes what the snapshot says of a background process.
func (k *keeper) show(change func(s *run.Keeping)) {
	k.e.update(func(l *live) {
		s, ok := l.keeping[k.name]
		if !ok {
			s = run.Keeping{Cell: k.b.Cell.Key, Where: k.b.Where}
			if k.b.Monitor != nil {
				s.Monitor = k.b.Monitor.Watch.Monitor
			}
		}
		was := s.State
		change(&s)
		if s.State != was {
			s.Since = k.e.o.Now()
		}
		s.Why = k.e.secrets.redactor.String(s.Why)
		l.keeping[k.name] = s
	})
}

// forget takes it out of the snapshot.
func (k *keeper) forget() { k.e.update(func(l *live) { delete(l.keeping, k.name) }) }

// kept is what the snapshot shows of background processes, in the plan's order. Called
// with mu held.
func (e *Engine) kept() []run.Keeping {
	var all []run.Keeping
	for _, s := range e.live.keeping {
		all = append(all, s)
	}
	place := func(s run.Keeping) int {
		if c := e.run.Cell(s.Cell); c != nil {
			return c.Plan.Index
		}
		return -1
	}
	slices.SortFunc(all, func(a, b run.Keeping) int {
		return cmp.Or(place(a)-place(b), cmp.Compare(a.Monitor, b.Monitor), cmp.Compare(a.Where, b.Where))
	})
	return all
}
