package engine

import (
	"context"
	"time"

	"stepgate/checks"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// grantTTL is how long a grant may lie between the phrase and the dispatch.
const grantTTL = 5 * time.Minute

func (e *Engine) showGate(ctx context.Context, c *run.Cell, d *run.Dispatch, id run.Identity) error {
	r := e.state()
	c = r.Cell(c.Key)
	return e.append(ctx, run.GateShown{
		Cell: c.Key, Gate: e.o.GateID(), Binding: run.Binding(r, c.Key, d, id),
		Phrase: r.Phrase(c), Reversible: c.Plan.Step.Book.Rollback != nil, Dispatch: d,
	})
}

// answer closes the gate, or takes the preconditions once more and dispatches
// exactly what was shown.
func (e *Engine) answer(ctx context.Context, c *run.Cell, a run.Answer, accepted func(error)) error {
	g := c.Gate
	if a.Gate != g.Gate {
		return &run.StaleError{Key: c.Key}
	}
	shut := func(void bool, why string) error {
		e.say("the gate is closed: " + why)
		return e.append(ctx, run.GateClosed{Cell: c.Key, Gate: g.Gate, Void: void, Why: why})
	}
	if a.Typed != g.Phrase {
		return shut(false, "declined")
	}
	if len(c.Fences(run.Before)) > 0 {
		taken, err := e.take(ctx, c, run.Before)
		if err != nil {
			return err
		}
		if taken.Verdict() != checks.Pass {
			e.say("the gate is closed: a precondition no longer holds")
			return e.append(ctx, taken)
		}
		if err := e.append(ctx, taken); err != nil {
			return err
		}
	}
	grant := run.GateGranted{Cell: c.Key, Gate: g.Gate, Typed: a.Typed, Expires: e.o.Now().Add(grantTTL), Pre: a.Pre, Binding: g.Binding}
	if k := c.Plan.Step.Kind; k == plan.Manual || k == plan.Enter {
		return e.append(ctx, grant, run.ManualDone{Cell: c.Key, Gate: g.Gate})
	}
	h, err := e.reach(ctx, c.Key.Target)
	if err != nil {
		return e.notDispatched(ctx, c, err)
	}
	r := e.state()
	d, err := r.Dispatch(r.Cell(c.Key), run.RoleCommand)
	if err != nil {
		return err
	}
	if run.Binding(r, c.Key, &d, h.identity) != g.Binding {
		return shut(true, "what would run is no longer what was shown")
	}
	return e.dispatch(ctx, c, run.RoleCommand, d, accepted, grant)
}
