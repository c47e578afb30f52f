package engine

import (
	"context"
	"errors"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook/run"
)

// noTerminal is why a step that takes the operator's terminal can't run here.
const noTerminal = "it takes a terminal, and there is none here: resume the run on one"

// wantsTerminal reports whether what an ask would run takes the operator's
// terminal.
func wantsTerminal(a run.Ask) bool {
	role := run.RoleCommand
	if a.Wait == run.WaitUndo {
		role = run.RoleRollback
	}
	for _, c := range a.Cells() {
		if f := c.Fence(role); f != nil && f.TTY {
			return true
		}
	}
	return false
}

// hand gives the operator's terminal to the attempt whose intent is durable, until
// its command ends. Nothing of what is shown or typed there is kept.
func (e *Engine) hand(ctx context.Context, c *run.Cell, h reached) error {
	a := c.Latest()
	id := a.Intent.Attempt
	e.busyWith(c, run.Activity{What: run.AtTerminal, Attempt: id})
	e.lending.Lock() // cells that go together take it in turns
	defer e.lending.Unlock()
	var res executor.Result
	var err error
	lent := false
	lerr := e.o.Lend(ctx, func(t executor.Terminal) error {
		lent = true
		res, err = h.exec.Hand(ctx, e.revealed(c, a), t)
		return nil
	})
	interrupted := run.Interrupted{Cell: c.Key, Attempt: id, Why: string(run.LinkLost)}
	var reach *executor.ReachError
	var refused *executor.RefusedError
	switch {
	case !lent && e.ctx.Err() != nil:
		return nil
	case !lent: // the host is asked, and will refuse the attempt from then on
		interrupted.Why = "there was no terminal"
		return errors.Join(lerr, e.append(ctx, interrupted))
	case err == nil:
		return errors.Join(lerr, e.outcome(ctx, c, res, checks.Observation{Exit: res.Exit, Ran: true, Host: h.name}, newTail()))
	case errors.As(err, &refused):
		return errors.Join(lerr, e.refused(ctx, c, h.name, refused, refused.Record != ""))
	case errors.As(err, &reach):
		e.lost(ctx, h.name, err)
		interrupted.Why = "refused"
		return errors.Join(lerr, e.neverStarted(ctx, c, interrupted, err.Error(), false))
	case e.ctx.Err() != nil:
		return lerr // left: whoever resumes finds an intent without an outcome
	}
	e.lost(ctx, h.name, err)
	return errors.Join(lerr, e.append(ctx, interrupted))
}

// refused journals that a host refuses an attempt: it has it from another journal,
// or it will never run.
func (e *Engine) refused(ctx context.Context, c *run.Cell, host string, why *executor.RefusedError, known bool) error {
	id := c.Latest().Intent.Attempt
	if known {
		return e.append(ctx,
			run.Interrupted{Cell: c.Key, Attempt: id, Why: string(run.HostKnows)},
			run.Probed{Cell: c.Key, Attempt: id, Fate: fateKnown, Detail: why.Record})
	}
	e.say(why.Error())
	e.forget(host) // a reboot is such a reason
	return e.neverStarted(ctx, c, run.Interrupted{Cell: c.Key, Attempt: id, Why: "refused"}, why.Reason, false)
}
