package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"stepgate/runbook/run"
)

// crew does something at several cells, in their order and at most parallel at a
// time. None is begun any more once one has ended that isn't settled; those
// under way are let finish. It returns the cells that were not begun.
func (e *Engine) crew(ctx context.Context, cells []*run.Cell, parallel int, do func(context.Context, *run.Cell) error) (left []*run.Cell, err error) {
	if len(cells) == 1 {
		return nil, do(ctx, cells[0])
	}
	var wg sync.WaitGroup
	var stop atomic.Bool
	room := make(chan struct{}, max(1, parallel))
	errs := make([]error, len(cells))
	for i, c := range cells {
		room <- struct{}{}
		if ctx.Err() != nil || stop.Load() {
			left = cells[i:]
			break
		}
		wg.Go(func() {
			errs[i] = e.within(ctx, c.Key, func(ctx context.Context) error { return do(ctx, c) })
			if errs[i] != nil || !e.state().Cell(c.Key).Status.Settled() {
				stop.Store(true)
			}
			<-room
		})
	}
	wg.Wait()
	return left, errors.Join(errs...)
}

// each does something at all cells at once, and says which of them it is.
func (e *Engine) each(ctx context.Context, cells []*run.Cell, do func(context.Context, int, *run.Cell) error) error {
	if len(cells) == 1 {
		return do(ctx, 0, cells[0])
	}
	var wg sync.WaitGroup
	errs := make([]error, len(cells))
	for i, c := range cells {
		wg.Go(func() {
			errs[i] = e.within(ctx, c.Key, func(ctx context.Context) error { return do(ctx, i, c) })
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// pending returns those of the cells that still are, as they are now.
func (e *Engine) pending(cells []*run.Cell) []*run.Cell {
	r := e.state()
	var out []*run.Cell
	for _, c := range cells {
		if now := r.Cell(c.Key); now.Status == run.Pending {
			out = append(out, now)
		}
	}
	return out
}

// once has f called the first time only.
func once(f func(error)) func(error) {
	var o sync.Once
	return func(err error) { o.Do(func() { f(err) }) }
}
