package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"stepgate/executor"
	"stepgate/runbook/run"
)

// keeper keeps one background process alive: it starts it, follows it, beats for it,
// starts it again when it ends, and ends it.
type keeper struct {
	e    *Engine
	b    run.Background // as it was first wanted
	name string
	// quick counts the starts in a row that didn't last.
	quick int
	// begun: it was started from here before. From then on nobody is asked for what a
	// start needs.
	begun bool
	lines *lineReader   // of a monitor; nil: it is a command
	back  chan struct{} // its host answers again; holds one

	mu    sync.Mutex
	heard time.Time // when its host had word from here last
	slack time.Time // when it had that again after longer than the leash; zero: never
}

func (e *Engine) keeper(b run.Background) *keeper {
	return &keeper{e: e, b: b, name: nameOf(b), back: make(chan struct{}, 1)}
}

// keep keeps a process alive until ctx ends, and then ends it.
func (e *Engine) keep(ctx context.Context, b run.Background) {
	k := e.keeper(b)
	defer k.forget()
	if b.Monitor != nil {
		k.lines = &lineReader{feed: e.lines(ctx, b.Monitor.Watch)}
		defer k.lines.feed.close()
	}
	a := b.Latest
	if a != nil && a.Down != nil {
		a = nil
	}
	for ctx.Err() == nil {
		if a == nil {
			var err error
			if a, err = k.start(ctx); err != nil {
				k.rest(ctx, err.Error())
				continue
			}
		}
		lived, d := k.live(ctx, a)
		a = nil
		if k.lines != nil && !d.Ended && !k.leashed() {
			k.lines.feed.ended(endedHow(d))
		}
		if lived >= longLived {
			k.quick = 0
		}
		if e.append(ctx, d) != nil {
			<-ctx.Done() // nothing is started any more that can't be journaled
		}
		if ctx.Err() == nil {
			k.rest(ctx, endedHow(d))
		}
	}
}

// word notes that the host has word from here.
func (k *keeper) word(again bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.e.o.Now()
	switch {
	case !again:
		k.slack = time.Time{}
	case now.Round(0).Sub(k.heard.Round(0)) > k.e.leash(): // also while this machine slept
		k.slack = now
	}
	k.heard = now
}

// leashed reports whether the process that has just ended was ended by its host, which
// had no word from here.
func (k *keeper) leashed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.e.o.Now()
	return now.Round(0).Sub(k.heard.Round(0)) > k.e.leash() || !k.slack.IsZero() && since(now, k.slack) < unready
}

// endedHow says how a process ended, on a line.
func endedHow(d run.BackgroundDown) string {
	switch {
	case d.Why != "":
		return d.Why
	case d.Exit != nil:
		return fmt.Sprintf("it ended with exit code %d", *d.Exit)
	}
	return "it has ended"
}

// rest waits until it is time for the next start.
func (k *keeper) rest(ctx context.Context, why string) {
	length := longestRest
	if k.quick < 5 {
		length = time.Second << k.quick
	}
	k.quick++
	k.show(func(s *run.Keeping) { s.State, s.Why, s.Next = down, why, k.e.o.Now().Add(length) })
	_ = sleep(ctx, length) // its end is seen by who asks for the next start
	k.show(func(s *run.Keeping) { s.Next = time.Time{} })
}

// unasking marks what goes on by itself: nobody is asked for a login meanwhile.
type unasking struct{}

func unattended(ctx context.Context) context.Context {
	return context.WithValue(ctx, unasking{}, true)
}

// start makes the intent of another start durable, as soon as nothing stands in its way.
// The gate of a command was passed by its first.
func (k *keeper) start(ctx context.Context) (*run.Attempt, error) {
	e := k.e
	if err := e.isLatched(); err != nil {
		return nil, err
	}
	if k.begun {
		ctx = unattended(ctx)
	}
	k.show(func(s *run.Keeping) { s.State, s.Why = starting, "" })
	c := e.state().Cell(k.b.Cell.Key)
	last := c.LatestStart(k.path(), k.b.Where)
	if last != nil && last.Down != nil && last.Down.Exit == nil { // the host couldn't tell then
		if err := k.sure(ctx, last); err != nil {
			return nil, fmt.Errorf("make sure that the one before has ended: %w", err)
		}
	}
	h, err := e.reach(ctx, k.b.Where)
	if err != nil {
		return nil, err
	}
	if h.identity.Degraded != "" {
		return nil, fmt.Errorf("host %q can't keep attempts (%s)", h.name, h.identity.Degraded)
	}
	in := run.Intent{Cell: c.Key, Role: run.RoleKeep, Monitor: k.path(), Host: h.identity}
	if in.Monitor != "" {
		if in.Dispatch, err = e.state().DispatchFence(c, k.b.Fence, k.b.Where, nil); err != nil {
			return nil, err
		}
	} else {
		in.Dispatch = last.Intent.Dispatch // byte for byte what the gate has shown
		if err := sameHost(last.Intent.Host, h.identity); err != nil {
			return nil, err
		}
	}
	if err := e.supply(ctx, c, in, h); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c, err = e.intended(ctx, in); err != nil {
		return nil, err
	}
	return c.LatestStart(k.path(), k.b.Where), nil
}

// path is the monitor whose process it is; empty: it is a command's.
func (k *keeper) path() string {
	if k.b.Monitor == nil {
		return ""
	}
	return k.b.Monitor.Watch.Monitor
}

// sure ends what may be left of a start whose end couldn't be seen.
func (k *keeper) sure(ctx context.Context, a *run.Attempt) error {
	h, err := k.e.open(k.b.Where)
	if err != nil {
		return err
	}
	rep, err := h.exec.Signal(ctx, k.attempt(a), executor.Kill)
	if err == nil {
		rep, err = h.exec.Probe(ctx, k.attempt(a), true)
	}
	switch {
	case err != nil:
		return err
	case alive(rep.Fate):
		return errors.New("it is still " + rep.Fate.String())
	}
	return nil
}

// alive reports whether an attempt of that fate has living processes.
func alive(f executor.Fate) bool { return f == executor.Running || f == executor.Orphan }
