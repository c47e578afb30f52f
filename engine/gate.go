package engine

import (
	"context"
	"slices"
	"time"

	"stepgate/checks"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// grantTTL is how long a grant may lie between the phrase and the dispatch.
const grantTTL = 5 * time.Minute

// showGates puts the gates of cells that go together before the operator: one
// phrase, and what each of them would run.
func (e *Engine) showGates(ctx context.Context, cells []*run.Cell) error {
	shown := make([]run.GateShown, len(cells))
	if err := e.each(ctx, cells, func(ctx context.Context, i int, c *run.Cell) error {
		var err error
		if shown[i], err = e.gateOf(ctx, c); err != nil {
			return e.notDispatched(ctx, c, err)
		}
		return nil
	}); err != nil {
		return err
	}
	if ctx.Err() != nil || !e.clean(cells) {
		return nil
	}
	var events []run.Event
	phrase := e.state().PhraseFor(cells)
	for i, g := range shown {
		if g.Phrase = phrase; i > 0 {
			g.Leader, g.Reversible = shown[0].Gate, shown[0].Reversible
		}
		events = append(events, g)
	}
	return e.append(ctx, events...)
}

// gateOf is what a cell's gate shows, with what its preconditions have captured.
func (e *Engine) gateOf(ctx context.Context, c *run.Cell) (run.GateShown, error) {
	r := e.state()
	c = r.Cell(c.Key)
	g := run.GateShown{
		Cell: c.Key, Gate: e.o.GateID(), Phrase: r.Phrase(c), Reversible: c.Reversible(),
	}
	var id run.Identity
	if c.Plan.Step.Kind == plan.Run {
		d, err := e.addressed(ctx, c, run.RoleCommand)
		if err != nil {
			return g, err
		}
		if id, err = e.identity(ctx, d); err != nil {
			return g, err
		}
		g.Dispatch = &d
	}
	g.Binding = run.Binding(r, c.Key, g.Dispatch, id)
	return g, nil
}

// identity reaches the host that a dispatch goes to. Statements and requests go
// to no host that keeps attempts.
func (e *Engine) identity(ctx context.Context, d run.Dispatch) (run.Identity, error) {
	if d.Form != "" {
		return run.Identity{}, nil
	}
	h, err := e.reach(ctx, d.Where)
	return h.identity, err
}

// answer closes the gates that were shown together, or opens them one after the
// other, each in its turn.
func (e *Engine) answer(ctx context.Context, q question, a run.Answer, accepted func(error)) error {
	if a.Gate != q.Cell.Gate.Gate {
		return &run.StaleError{Key: q.Cell.Key}
	}
	cells := gated(q)
	if a.Typed != q.Cell.Gate.Phrase {
		return e.shut(ctx, cells, false, "declined")
	}
	accepted = once(accepted)
	left, err := e.crew(ctx, cells, q.Parallel, func(ctx context.Context, c *run.Cell) error {
		return e.openGate(ctx, c, a, accepted)
	})
	if len(left) > 0 && e.ctx.Err() == nil {
		left = e.stillGated(left)
		if serr := e.shut(ctx, left, true, e.holdingUp(cells)); err == nil {
			err = serr
		}
	}
	return err
}

// gated are the cells whose gates are answered together.
func gated(q question) []*run.Cell {
	cells := []*run.Cell{q.Cell}
	for _, c := range q.With {
		if c.Status == run.Gated && c.Gate != nil && c.Gate.Leader == q.Cell.Gate.Gate {
			cells = append(cells, c)
		}
	}
	return cells
}

func (e *Engine) stillGated(cells []*run.Cell) (out []*run.Cell) {
	r := e.state()
	for _, c := range cells {
		if now := r.Cell(c.Key); now.Status == run.Gated {
			out = append(out, now)
		}
	}
	return out
}

// holdingUp says what is the matter with the first of the cells that has ended
// otherwise than well.
func (e *Engine) holdingUp(cells []*run.Cell) string {
	r, first := e.state(), cells[0]
	for _, c := range cells {
		now := r.Cell(c.Key)
		if now.Status == run.Pending { // its gate is void
			return placeOf(c) + ": " + now.Detail
		}
		if !now.Status.Settled() && now.Status != run.Gated {
			first = c
			break
		}
	}
	return placeOf(first) + " did not succeed"
}

// placeOf is what tells a cell apart from those that go with it.
func placeOf(c *run.Cell) string {
	if h := c.Plan.Step.Scope.InnerHost(); h != "" {
		return h
	}
	if c.Key.Target != "" {
		return c.Key.Target
	}
	return c.Key.Step
}

// shut closes gates.
func (e *Engine) shut(ctx context.Context, cells []*run.Cell, void bool, why string) error {
	var events []run.Event
	for _, c := range cells {
		events = append(events, run.GateClosed{Cell: c.Key, Gate: c.Gate.Gate, Void: void, Why: why})
	}
	if events == nil {
		return nil
	}
	e.say("the gate is closed: " + why)
	return e.append(ctx, events...)
}

// shutOutdated closes a gate that is about to be asked about, and those that were
// shown with it, when one of them shows something else than what would run; and any
// gate when a monitor holds the run, so that what is behind it can be looked into. It
// reports whether it did.
func (e *Engine) shutOutdated(q question) bool {
	r := e.state()
	switch {
	case q.Wait == run.WaitMonitor:
		open := slices.DeleteFunc(slices.Clone(r.Cells), func(c *run.Cell) bool { return c.Status != run.Gated })
		return len(open) > 0 && e.shut(e.ctx, open, true, "the monitor "+r.Held()[0].Watch.String()+" has turned red") == nil
	case q.Wait != run.WaitGate || !slices.ContainsFunc(gated(q), r.Outdated):
		return false
	}
	return e.shut(e.ctx, gated(q), true, otherThanShown) == nil
}

// otherThanShown is why a gate is void whose command has changed under it.
const otherThanShown = "what would run is no longer what was shown"

// openGate takes the preconditions once more and dispatches exactly what the
// cell's gate has shown.
func (e *Engine) openGate(ctx context.Context, c *run.Cell, a run.Answer, accepted func(error)) error {
	g := c.Gate
	if len(c.Fences(run.Before)) > 0 {
		taken, err := e.take(ctx, c, run.Before)
		if err != nil {
			return err
		}
		if err := e.append(ctx, taken); err != nil {
			return err
		}
		if taken.Verdict() != checks.Pass {
			e.say("the gate is closed: a precondition no longer holds")
			return nil
		}
	}
	grant := run.GateGranted{Cell: c.Key, Gate: g.Gate, Typed: a.Typed, Expires: e.o.Now().Add(grantTTL), Pre: a.Pre, Binding: g.Binding}
	if c.Plan.Step.Kind == plan.Watch {
		return e.beginWatch(ctx, c, &grant)
	}
	if c.Plan.Step.Kind != plan.Run {
		return e.append(ctx, grant, run.ManualDone{Cell: c.Key, Gate: g.Gate})
	}
	now, err := e.gateOf(ctx, c)
	if err != nil {
		return e.notDispatched(ctx, c, err)
	}
	if now.Binding != g.Binding {
		return e.shut(ctx, []*run.Cell{c}, true, otherThanShown)
	}
	return e.carry(ctx, c, &grant, accepted)
}
