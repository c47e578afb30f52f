package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// followTries is how often in a row a host that answers may fail to let an attempt
// be followed before the operator is asked.
const followTries = 3

// settle asks the host what became of an attempt, and acts on the answer. wait
// is the operator's word that a command over its time may go on.
func (e *Engine) settle(ctx context.Context, c *run.Cell, wait bool) error {
	a := c.Latest()
	e.busyWith(c, run.Activity{What: "probe", Attempt: ""})
	if a.Intent.Dispatch.Form == copyForm {
		return e.resumeCopy(ctx, c, wait)
	}
	if a.Intent.Dispatch.Form != "" {
		return e.settleUnclaimed(ctx, c)
	}
	if wait { // a login may ask a person: there is one
		e.forget(a.Intent.Dispatch.Where)
		if _, err := e.reach(ctx, a.Intent.Dispatch.Where); err != nil && ctx.Err() != nil {
			return err
		}
	}
	begun := e.o.Now()
	rep, err := e.inquire(ctx, c, a, wait)
	if err != nil {
		return err
	}
	id := a.Intent.Attempt
	probed := run.Probed{Cell: c.Key, Attempt: id, Fate: rep.Fate.String(), Detail: rep.Detail, Processes: rep.Processes}
	if a.Why == string(run.HostKnows) && rep.Fate != executor.NeverStarted {
		return e.settleKnown(ctx, c, rep, probed)
	}
	if wait {
		e.cut(id, 0)
	} else if e.cutOff(id) >= followTries && (rep.Fate == executor.Finished || rep.Fate == executor.Running) {
		e.say("its output can't be followed, although its host answers")
		return e.append(ctx, probed)
	}
	switch rep.Fate {
	case executor.Finished:
		return e.reattach(ctx, c, probed) // Follow fetches output and exit code
	case executor.Running:
		if a.Why == string(run.TimedOut) && !wait || a.Intent.Dispatch.TTY { // a terminal is not given back
			return e.append(ctx, probed)
		}
		return e.reattach(ctx, c, probed)
	case executor.NeverStarted:
		return e.neverStarted(ctx, c, nil, rep.Detail, true)
	case executor.Orphan:
		if err := e.append(ctx, probed); err != nil || !wait {
			return err
		}
		// What lives may go on changing things, so that checks decide nothing. They tell
		// a person who takes the command for dead.
		return e.inform(ctx, e.state().Cell(c.Key))
	case executor.Foreign:
		return e.append(ctx, probed)
	case executor.Died, executor.Rebooted:
	}
	return e.settleGone(ctx, c, rep, begun, probed)
}

// settleKnown shows what the host has of the attempt from another journal. It
// decides nothing.
func (e *Engine) settleKnown(ctx context.Context, c *run.Cell, rep executor.Report, probed run.Probed) error {
	probed.Fate, probed.Detail = fateKnown, knownDetail(rep)
	if err := e.append(ctx, probed); err != nil || rep.Fate == executor.Running || rep.Fate == executor.Orphan {
		return err
	}
	return e.inform(ctx, e.state().Cell(c.Key))
}

// settleGone settles an attempt of which its host has nothing left: by checks. begun
// is when the host was first asked.
func (e *Engine) settleGone(ctx context.Context, c *run.Cell, rep executor.Report, begun time.Time, probed run.Probed) error {
	a := c.Latest()
	e.forget(a.Intent.Dispatch.Where)
	var err error
	if rep.Fate == executor.Rebooted && a.Intent.Dispatch.ReconnectMS > 0 && a.Returned == nil {
		err = e.backAgain(ctx, c, begun, probed)
	} else {
		err = e.append(ctx, probed)
	}
	if err != nil {
		return err
	}
	return e.settleByChecks(ctx, e.state().Cell(c.Key))
}

// backAgain journals that a host which was sent away is back, and has no result of
// the command that did it.
func (e *Engine) backAgain(ctx context.Context, c *run.Cell, begun time.Time, probed run.Probed) error {
	h, err := e.reach(ctx, c.Latest().Intent.Dispatch.Where)
	if err == nil {
		err = sameHost(c.Latest().Intent.Host, h.identity)
	}
	if err != nil {
		return errors.Join(err, e.append(ctx, probed))
	}
	return e.returned(ctx, c, h.identity, begun, probed)
}

// reattach goes on with an attempt that its host still has, and says how long
// nobody was there.
func (e *Engine) reattach(ctx context.Context, c *run.Cell, probed run.Probed) error {
	if err := e.append(ctx, probed, run.Reattached{Cell: c.Key, Attempt: probed.Attempt}); err != nil {
		return err
	}
	e.mu.Lock()
	from, cut := e.cutAt[probed.Attempt]
	delete(e.cutAt, probed.Attempt)
	e.mu.Unlock()
	if cut {
		e.say(fmt.Sprintf("the link to %s was lost; re-attached after %s", c.Latest().Intent.Dispatch.Where, text.Duration(since(e.o.Now(), from))))
	}
	return nil
}

// cut counts that following an attempt has failed at once; by 0: that it works
// again.
func (e *Engine) cut(attempt string, by int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if by == 0 {
		delete(e.cuts, attempt)
		return
	}
	e.cuts[attempt] += by
}

// cutOffAt notes since when nobody follows an attempt.
func (e *Engine) cutOffAt(attempt string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, already := e.cutAt[attempt]; !already {
		e.cutAt[attempt] = e.o.Now()
	}
}

func (e *Engine) cutOff(attempt string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cuts[attempt]
}

// fateUnclaimed is journaled of statements and requests without an answer.
const fateUnclaimed = "unclaimed"

// settleUnclaimed settles what left no claim anywhere: only checks can tell.
func (e *Engine) settleUnclaimed(ctx context.Context, c *run.Cell) error {
	if err := e.append(ctx, run.Probed{
		Cell: c.Key, Attempt: attemptID(c), Fate: fateUnclaimed,
		Detail: "nothing keeps a record of whether it was carried out",
	}); err != nil {
		return err
	}
	return e.settleByChecks(ctx, e.state().Cell(c.Key))
}

// fateKnown is journaled of an attempt that the host has from another journal.
const fateKnown = "known"

func knownDetail(rep executor.Report) string {
	s := "there it is " + rep.Fate.String()
	if rep.Fate == executor.Finished {
		s += fmt.Sprintf(" with exit code %d", rep.Result.Exit)
	}
	return s
}

// sleep waits, or returns the error of ctx when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settleByChecks takes the checks of an attempt that left no result. They decide,
// unless the step is irreversible: then they inform.
func (e *Engine) settleByChecks(ctx context.Context, c *run.Cell) error {
	if err := e.inform(ctx, c); err != nil {
		return err
	}
	c = e.state().Cell(c.Key)
	if !c.HoldsNow() || c.Plan.Step.Book.Irreversible {
		return nil
	}
	return e.append(ctx, run.OutcomeResolved{
		Cell: c.Key, Attempt: attemptID(c), Succeeded: true, Method: run.ByCheck,
		Reason: "its postconditions hold (" + c.Latest().Fate + ")",
	})
}

// inform looks at what the latest attempt should have brought about: the step's
// postconditions, or the checks of its rollback.
func (e *Engine) inform(ctx context.Context, c *run.Cell) error {
	phase := run.Evidence
	if a := c.Latest(); a != nil && a.Intent.Role == run.RoleRollback {
		phase = run.RollbackAfter
	}
	if len(c.Fences(phase)) == 0 {
		return nil
	}
	taken, err := e.take(ctx, c, phase)
	if err != nil {
		return err
	}
	return e.append(ctx, taken)
}

// probe is the operator's wish to look again.
func (e *Engine) probe(ctx context.Context, c *run.Cell) error {
	switch a := c.Latest(); {
	case a != nil && a.Outcome == nil && c.Status == run.Unknown:
		return e.settle(ctx, c, true)
	case c.Overdue():
		return e.await(ctx, c, true)
	case c.Verifiable():
		return e.verify(ctx, c)
	}
	return e.inform(ctx, c)
}

// decide takes a cell's `when`, once.
func (e *Engine) decide(ctx context.Context, c *run.Cell) error {
	when := c.Plan.Step.Book.When
	e.vouch(when.Value.References())
	values, world := checks.Values(e.state().Names(c, c.Key.Target)), e.state().WorldAt(c)
	v, err := when.Value.Eval(values, world)
	applies, ok := v.(bool)
	if err == nil && !ok {
		err = fmt.Errorf("it is %v, neither true nor false", v)
	}
	if err != nil {
		return fmt.Errorf("decide whether %q applies: %s: %w", c.Key, when.Text, err)
	}
	row := checks.Row{Text: when.Text, Verdict: checks.Pass, Saw: when.Value.Explain(values, world)}
	if !applies {
		row.Verdict = checks.Fail
	}
	return e.append(ctx, run.WhenDecided{Cell: c.Key, Applies: applies, Rows: []checks.Row{row}})
}

// order evaluates a walk's order_by for each host and fixes the order: false
// before true, smaller before larger, ties as in the inventory.
func (e *Engine) order(ctx context.Context, w *plan.Walk) error {
	e.vouch(w.Each.OrderBy.Value.References())
	r := e.state()
	keys := make([]any, len(w.Keys))
	idx := make([]int, len(w.Keys))
	for i, n := range w.Instances {
		idx[i] = i
		scope := plan.ScopeOf(n)
		v, err := w.Each.OrderBy.Value.Eval(checks.Values(r.NamesIn(scope, "")), r.WorldOf(scope))
		if err != nil {
			return fmt.Errorf("order the hosts of %q by %s for %s: %w", w.ID, w.Each.OrderBy.Text, w.Keys[i], err)
		}
		keys[i] = v
	}
	var bad error
	slices.SortStableFunc(idx, func(a, b int) int {
		n, err := checks.Compare(keys[a], keys[b])
		bad = errors.Join(bad, err)
		return n
	})
	if bad != nil {
		return fmt.Errorf("order the hosts of %q by %s: %w", w.ID, w.Each.OrderBy.Text, bad)
	}
	hosts := make([]string, len(idx))
	for i, n := range idx {
		hosts[i] = w.Keys[n]
	}
	return e.append(ctx, run.WalkOrdered{Walk: w.ID, Hosts: hosts})
}

// firstOf is the cell at which a walk that has no order yet is shown.
func (e *Engine) firstOf(w *plan.Walk) *run.Cell {
	for _, c := range e.state().Cells {
		for s := c.Plan.Step.Scope; s != nil; s = s.Up {
			if s.Path == plan.ScopeOf(w.Instances[0]).Path {
				return c
			}
		}
	}
	return nil
}
