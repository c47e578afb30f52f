package engine

import (
	"context"

	"stepgate/checks"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// advance takes the cells of an ask as far as they go: to their end, their
// gate, or a failure.
func (e *Engine) advance(ctx context.Context, cells []*run.Cell, parallel int) error {
	if !cells[0].NeedsGate() {
		_, err := e.crew(ctx, cells, parallel, func(ctx context.Context, c *run.Cell) error {
			if c.Plan.Step.Kind == plan.Watch {
				return e.beginWatch(ctx, c, nil)
			}
			if ok, err := e.ready(ctx, c); err != nil || !ok {
				return err
			}
			return e.carry(ctx, c, nil, func(error) {})
		})
		return err
	}
	if err := e.each(ctx, cells, func(ctx context.Context, _ int, c *run.Cell) error {
		_, err := e.ready(ctx, c)
		return err
	}); err != nil {
		return err
	}
	if left := e.pending(cells); len(left) > 0 && e.clean(cells) {
		return e.showGates(ctx, left)
	}
	return nil
}

// clean reports whether none of the cells has failed, or isn't known.
func (e *Engine) clean(cells []*run.Cell) bool {
	r := e.state()
	for _, c := range cells {
		if st := r.Cell(c.Key).Status; st != run.Pending && !st.Settled() {
			return false
		}
	}
	return true
}

// ready takes what comes before a pending cell's command: the probes whether it
// is done already, and its preconditions. It reports whether the cell is to be
// carried on with.
func (e *Engine) ready(ctx context.Context, c *run.Cell) (bool, error) {
	phases := []run.Phase{run.Already, run.Before}
	if c.Rerun {
		phases = phases[1:] // it is wanted although it has been done
	}
	for _, phase := range phases {
		if len(c.Fences(phase)) == 0 {
			continue
		}
		taken, err := e.take(ctx, c, phase)
		if err != nil {
			return false, err
		}
		if err := e.append(ctx, taken); err != nil {
			return false, err
		}
		if e.state().Cell(c.Key).Status != run.Pending || phase == run.Before && taken.Verdict() != checks.Pass {
			return false, nil
		}
	}
	return c.Plan.Step.Kind == plan.Run, nil
}

// carry sends a cell's command, with the grant that opens its gate, and takes
// what decides about it afterwards.
func (e *Engine) carry(ctx context.Context, c *run.Cell, grant *run.GateGranted, accepted func(error)) error {
	d, err := e.addressed(ctx, c, run.RoleCommand)
	if err != nil {
		return e.notDispatched(ctx, c, err)
	}
	if err := e.dispatch(ctx, c, run.RoleCommand, d, grant, accepted); err != nil {
		return err
	}
	if now := e.state().Cell(c.Key); now.Verifying() && ctx.Err() == nil {
		return e.verify(ctx, now)
	}
	return nil
}
