package engine

import (
	"context"
	"sync"

	"stepgate/runbook/run"
)

// beside keeps up what goes on beside the run: one task for each thing that the run's
// state wants, from when it is wanted until it no longer is.
type beside struct {
	moved chan struct{} // the state has changed; holds one
	over  chan struct{} // closed when nothing goes on any more, nor will

	mu    sync.Mutex
	last  bool                   // nothing is begun any more
	tasks map[string]*besideTask // by what they are for
}

type besideTask struct {
	cancel context.CancelFunc
	done   chan struct{}
	wanted bool
}

func newBeside() *beside {
	return &beside{moved: make(chan struct{}, 1), over: make(chan struct{}), tasks: map[string]*besideTask{}}
}

// stir says that the state has changed.
func (b *beside) stir() {
	select {
	case b.moved <- struct{}{}:
	default:
	}
}

// wanted is what the run wants beside it now, by names that tell it apart. A task ends
// when its context does, and not before.
func (e *Engine) wanted(r *run.Run) map[string]func(ctx context.Context) {
	wanted := map[string]func(context.Context){}
	e.keeps(r, wanted)
	e.monitors(r, wanted)
	return wanted
}

// attend starts and ends what goes on beside the run, until the engine is left.
func (e *Engine) attend() {
	defer close(e.beside.over)
	for {
		select {
		case <-e.ctx.Done():
			_ = e.beside.end(context.WithoutCancel(e.ctx)) // it waits as long as it takes
			return
		case <-e.beside.moved:
			e.reconcile()
		}
	}
}

// reconcile starts what is wanted beside the run and doesn't go on, and ends what isn't.
func (e *Engine) reconcile() {
	e.beside.reconcile(e.ctx, func() map[string]func(context.Context) { return e.wanted(e.state()) })
}

// reconcile is [Engine.reconcile]. What is wanted is asked for under the lock: nobody
// who knows an older state then starts what one who knows a newer one has ended.
func (b *beside) reconcile(ctx context.Context, ask func() map[string]func(ctx context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wanted := ask()
	for name, t := range b.tasks {
		select {
		case <-t.done:
			delete(b.tasks, name)
			continue
		default:
		}
		if _, ok := wanted[name]; !ok && t.wanted {
			t.wanted = false
			t.cancel()
		}
	}
	for name, do := range wanted {
		if b.tasks[name] != nil || b.last {
			continue // what is ending is started again when it has
		}
		ctx, cancel := context.WithCancel(ctx)
		t := &besideTask{cancel: cancel, done: make(chan struct{}), wanted: true}
		b.tasks[name] = t
		go func() {
			defer b.stir()
			defer close(t.done)
			defer cancel()
			do(ctx)
		}()
	}
}

// drop ends what is wanted, and reports whether it went on.
func (b *beside) drop(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tasks[name]
	if t == nil {
		return false
	}
	t.wanted = false
	t.cancel()
	return true
}

// isEnding reports whether something that is no longer wanted still goes on.
func (b *beside) isEnding() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.tasks {
		select {
		case <-t.done:
		default:
			if !t.wanted {
				return true
			}
		}
	}
	return false
}

// end ends everything, and begins nothing any more; unless ctx ends first.
func (b *beside) end(ctx context.Context) error {
	b.mu.Lock()
	b.last = true
	b.mu.Unlock()
	b.reconcile(ctx, func() map[string]func(context.Context) { return nil })
	err := b.ended(ctx)
	if err != nil {
		b.mu.Lock()
		b.last = false
		b.mu.Unlock()
		b.stir()
	}
	return err
}

// ended waits until all that is no longer wanted has ended.
func (b *beside) ended(ctx context.Context) error {
	b.mu.Lock()
	var ending []*besideTask
	for _, t := range b.tasks {
		if !t.wanted {
			ending = append(ending, t)
		}
	}
	b.mu.Unlock()
	for _, t := range ending {
		select {
		case <-t.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
