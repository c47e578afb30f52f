package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/runbook/run"
)

// beginWatch has the monitors of a step begin, and waits until each has shown something,
// so that one that can't work is seen at once.
func (e *Engine) beginWatch(ctx context.Context, c *run.Cell, grant *run.GateGranted) error {
	e.busyWith(c, run.Activity{What: "monitor"})
	var watches []run.Watch
	limit := time.Duration(0)
	for _, f := range c.Plan.Step.Book.Monitors {
		limit = max(limit, 2*f.LookTimeout())
		for _, where := range e.plan.Places(c.Plan, f) {
			if err := e.reachTo(ctx, c, f, where); err != nil {
				return fmt.Errorf("begin to watch from %q: %w", where, err)
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	events := []run.Event{run.WatchBegun{Cell: c.Key}}
	if grant != nil {
		events = []run.Event{*grant, run.WatchBegun{Cell: c.Key, Gate: grant.Gate}}
	}
	if err := e.append(ctx, events...); err != nil {
		return err
	}
	for _, m := range e.state().Monitors() {
		if m.Cell.Step == c.Plan.Step {
			watches = append(watches, m.Watch)
		}
	}
	return e.awaitSamples(ctx, watches, limit)
}

// awaitSamples waits until each of the watches has a sample, for a while.
func (e *Engine) awaitSamples(ctx context.Context, watches []run.Watch, limit time.Duration) error {
	ctx, cancel := e.limited(ctx, limit)
	defer cancel()
	for {
		lacking := slices.DeleteFunc(slices.Clone(watches), e.samples.has)
		if len(lacking) == 0 {
			return nil
		}
		if sleep(ctx, 50*time.Millisecond) != nil {
			var says []string
			for _, w := range lacking {
				says = append(says, e.samples.lacks(w))
			}
			e.say("no sample yet: " + strings.Join(says, "; "))
			return nil
		}
	}
}

// has reports whether a watch has a sample.
func (c *collector) has(w run.Watch) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[w] > 0
}

// lacks says which watch has no sample, and why.
func (c *collector) lacks(w run.Watch) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if why := c.unseen[w]; why != "" {
		return w.String() + " (" + why + ")"
	}
	return w.String()
}

// overtaken says why an action comes too late: since it was asked for, a monitor has
// turned red. nil: it doesn't.
func (e *Engine) overtaken(d question, action run.Action) error {
	r, verb := e.state(), run.VerbOf(action)
	if a, ok := action.(run.Answer); ok && a.Pre != "" {
		for _, m := range r.Watched() {
			if m.Red() {
				return &run.NotNowError{Verb: verb, Why: "the monitor " + m.Watch.String() + " is red: no grant that was given ahead opens a gate then"}
			}
		}
	}
	now, ok := run.Next(r).(run.Ask)
	if d.Wait == run.WaitMonitor || !ok || now.Wait != run.WaitMonitor {
		return nil
	}
	for _, a := range r.Offers(now, false, e.o.Now()) {
		if a.Verb == verb && a.OK() {
			return nil
		}
	}
	if held := r.Held(); len(held) > 0 {
		return &run.NotNowError{Verb: verb, Why: heldBy(held)}
	}
	return nil
}

// heldUp is the error of work that the rules have refused because a monitor has turned
// red meanwhile.
func (e *Engine) heldUp(err error) error {
	var refused *run.TransitionError
	if held := e.state().Held(); len(held) > 0 && errors.As(err, &refused) {
		return &run.NotNowError{Verb: run.VerbGo, Why: heldBy(held)}
	}
	return err
}

func heldBy(held []*run.Monitor) string {
	return "the monitor " + held[0].Watch.String() + " has turned red meanwhile: acknowledge that with a reason first"
}
