package engine

import (
	"context"
	"errors"
	"strings"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/run"
)

// observe looks once, in the way that the fence's form wants.
func (e *Engine) observe(ctx context.Context, p place) checks.Observation {
	if p.f.Form == runbook.Variables && p.f.Lang == "" {
		return checks.Observation{Ran: true, Host: p.where} // it runs nothing
	}
	d, err := e.state().DispatchFence(p.c, p.f, p.where, p.extra)
	if err != nil {
		return unseen(p.where, err)
	}
	limit := p.f.LookTimeout()
	lctx, cancel := e.limited(ctx, limit)
	defer cancel()
	var ob checks.Observation
	if d.Form == "" {
		ob, err = e.look(lctx, p, d)
	} else {
		ob, err = e.exchange(lctx, p, d, true)
	}
	if d.Form != "" && ctx.Err() == nil && (err != nil || d.Form == "tcp" && strings.Contains(ob.Stderr, "must accept")) {
		if why := e.excuse(ctx, p, d, err); why != nil {
			return unseen(p.where, why)
		}
	}
	switch {
	case err == nil:
		return ob
	case ctx.Err() != nil:
		err = errors.New("stopped")
	case lctx.Err() != nil:
		err = errors.New("no answer within " + limit.String())
	}
	return unseen(p.where, err)
}

// unseen is what is observed when there is no result.
func unseen(where string, err error) checks.Observation {
	return checks.Observation{Host: where, Cause: err.Error()}
}

// look runs a script's look on its host. An error means that nothing is known.
func (e *Engine) look(ctx context.Context, p place, d run.Dispatch) (checks.Observation, error) {
	h, err := e.open(d.Where)
	if err != nil {
		return checks.Observation{}, err
	}
	if d.Env, err = e.state().Reveal(p.c, p.f, p.where, p.extra); err != nil {
		return checks.Observation{}, err
	}
	t := newTail()
	r, err := h.exec.Look(ctx, command(d), t)
	if err != nil {
		if ctx.Err() == nil {
			e.lost(ctx, d.Where, err)
		}
		return checks.Observation{}, err
	}
	e.hostState(d.Where, run.HostState{State: "connected"})
	ob := t.observation()
	ob.Exit, ob.Ran, ob.Host = r.Exit, true, d.Where
	if t.cut {
		ob.Ran, ob.Cause = false, "its output is larger than a check can judge"
	}
	return ob, nil
}
