package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"stepgate/runbook/run"
)

// task is a decision that is carried out without asking.
type task struct {
	key  string    // names it
	c    *run.Cell // that it is shown at; nil: none
	work work
}

// tasksOf is what a decision asks for, with what may be done beside it; nil when
// the run is over.
func (e *Engine) tasksOf(r *run.Run, d run.Decision) []task {
	all := []run.Decision{d}
	switch d.(type) {
	case run.Settle, run.Await, run.Verify, run.Undo, run.Follow:
		all = r.InFlight()
	}
	var tasks []task
	for _, d := range all {
		if c, w := e.workOf(d); w != nil {
			tasks = append(tasks, task{fmt.Sprintf("%T %s", d, aboutOf(d, c)), c, w})
		}
	}
	return tasks
}

// perform carries out tasks beside each other.
func (e *Engine) perform(ctx context.Context, tasks []task, errs []error, accepted func(error)) error {
	if len(tasks) == 1 {
		errs[0] = tasks[0].work(ctx, accepted)
		return errs[0]
	}
	var wg sync.WaitGroup
	for i, t := range tasks {
		wg.Go(func() {
			errs[i] = e.within(ctx, t.c.Key, func(ctx context.Context) error { return t.work(ctx, accepted) })
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// workOf is what a decision means, and the cell it is shown at; nil when the run
// is over.
func (e *Engine) workOf(d run.Decision) (*run.Cell, work) {
	on := func(c *run.Cell, f func(context.Context, *run.Cell) error) (*run.Cell, work) {
		return c, func(ctx context.Context, _ func(error)) error { return f(ctx, c) }
	}
	add := func(c *run.Cell, ev run.Event) (*run.Cell, work) {
		return on(c, func(ctx context.Context, _ *run.Cell) error { return e.append(ctx, ev) })
	}
	switch d := d.(type) {
	case run.Close:
		return on(nil, func(ctx context.Context, _ *run.Cell) error { return e.close(ctx, d.How, "") })
	case run.Order:
		return on(e.firstOf(d.Walk), func(ctx context.Context, _ *run.Cell) error { return e.order(ctx, d.Walk) })
	case run.Enter:
		return add(e.firstOf(d.Walk), run.BatchEntered{Walk: d.Walk.ID, Hosts: d.Keys})
	case run.Decide:
		return on(d.Cell, e.decide)
	case run.Take:
		return on(d.Cell, func(ctx context.Context, c *run.Cell) error {
			_, err := e.ready(ctx, c)
			return err
		})
	case run.Repeat:
		return add(d.Cell, run.Asked{Cell: d.Cell.Key, Name: questionOf(d.Cell).Param.Name, Value: d.Value, Repeated: true})
	case run.Halt:
		return add(nil, run.Paused{Why: "stopped as asked, behind " + d.After})
	case run.Settle:
		return on(d.Cell, func(ctx context.Context, c *run.Cell) error { return e.settle(ctx, c, false) })
	case run.Await:
		return on(d.Cell, func(ctx context.Context, c *run.Cell) error { return e.await(ctx, c, false) })
	case run.Verify:
		return on(d.Cell, e.verify)
	case run.Undo:
		return on(d.Cell, e.undo)
	case run.Follow:
		return on(d.Cell, e.follow)
	case run.End:
		return on(d.Cell, e.awaitEnd)
	case run.Ask, run.Over:
	}
	return nil, nil
}

// aboutOf tells decisions of a kind apart.
func aboutOf(d run.Decision, c *run.Cell) string {
	switch d := d.(type) {
	case run.Order:
		return d.Walk.ID
	case run.Enter:
		return d.Walk.ID
	}
	if c != nil {
		return c.Key.String()
	}
	return ""
}
