package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/run"
)

// reachFor makes sure, while a person may be asked, that a monitor's samples need nobody:
// its host is reached, and it is known how its user is become.
func (e *Engine) reachFor(ctx context.Context, f *feed) error {
	return e.reachTo(ctx, f.e.state().CellOf(f.cell), f.f, f.w.Where)
}

func (e *Engine) reachTo(ctx context.Context, c *run.Cell, f *runbook.Fence, where string) error {
	if f.Form != runbook.Script {
		return nil
	}
	h, err := e.reach(ctx, where)
	if err != nil || f.User == "" {
		return err
	}
	d, err := e.state().DispatchFence(c, f, where, nil)
	if err != nil {
		return nil // the samples say it
	}
	return h.exec.Ready(ctx, command(d))
}

// hear asks a host for a sign of life in the middle of what a sample there, or through
// it, may take: one that goes on for so long may wait for the link, and that may be there
// again when its time is over. The channel gets what came of it; this machine is there.
func (e *Engine) hear(ctx context.Context, name string, limit time.Duration) <-chan error {
	heard := make(chan error, 1)
	if name == "" {
		heard <- nil
		return heard
	}
	go func() {
		if err := sleep(ctx, limit/2); err != nil {
			heard <- err
			return
		}
		heard <- e.linked(ctx, name, min(prompt, limit/4))
	}()
	return heard
}

// linked asks a host for a sign of life, which is to come within a time: that it refuses
// a connection to itself is one.
func (e *Engine) linked(ctx context.Context, name string, within time.Duration) error {
	h, err := e.open(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	c, err := h.exec.Dial(ctx, "tcp", "127.0.0.1:1")
	if err == nil {
		return c.Close()
	}
	var reach *executor.ReachError
	if errors.As(err, &reach) || ctx.Err() != nil {
		return fmt.Errorf("the link to %q is silent: %w", name, err)
	}
	return nil
}

// shyness is how monitors treat a host that they haven't reached.
type shyness struct {
	tries  int
	next   time.Duration // by the steady clock
	trying bool          // somebody tries
}

// refused notes that a host wasn't reached.
func (c *collector) refused(host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.shy[host]
	if s == nil {
		s = &shyness{}
		c.shy[host] = s
	}
	if s.trying || s.tries == 0 {
		s.trying = false
		s.next = steady() + min(longestPause, time.Second<<min(s.tries, 10))
		s.tries++
	}
}

// mayReach reports whether a monitor may try a host that it hasn't reached: one at a
// time, with pauses, or when somebody else has reached it.
func (e *Engine) mayReach(host string) bool {
	if host == "" {
		return true
	}
	e.mu.Lock()
	back := e.live.hosts[host].State == "connected"
	e.mu.Unlock()
	c := e.samples
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.shy[host]
	switch {
	case s == nil || back:
		delete(c.shy, host)
		return true
	case steady() < s.next:
		return false
	}
	s.trying, s.next = true, steady()+longestPause // the others wait for what comes of this
	return true
}

// connected notes that a host has answered.
func (e *Engine) connected(name string) {
	c := e.samples
	c.mu.Lock()
	delete(c.shy, name)
	c.mu.Unlock()
	e.mu.Lock()
	known := e.live.hosts[name].State == "connected"
	e.mu.Unlock()
	if !known {
		e.hostState(name, run.HostState{State: "connected"})
	}
}
