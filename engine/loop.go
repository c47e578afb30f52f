package engine

import (
	"context"
	"errors"
	"fmt"

	"stepgate/runbook/run"
)

// request is an operator's action on its way to the loop.
type request struct {
	cell   run.Key
	seq    uint64
	action run.Action
	reply  chan error
}

// ErrLeft says that the engine no longer drives the run.
var ErrLeft = errors.New("the run has been left or closed")

// Do asks for an action on a cell as seen at seq. See the user interface's
// controller port.
func (e *Engine) Do(ctx context.Context, cell run.Key, seq uint64, a run.Action) error {
	req := request{cell, seq, a, make(chan error, 1)}
	select {
	case e.requests <- req:
	case <-e.done:
		return ErrLeft
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-req.reply:
		return err
	case <-e.done:
		select {
		case err := <-req.reply:
			return err
		default:
			return ErrLeft
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work is something that takes time. accepted is called once what the operator
// decided is durable; the loop calls it at the end if work didn't.
type work func(ctx context.Context, accepted func(error)) error

// loop is the one goroutine that decides.
func (e *Engine) loop() {
	defer func() {
		e.update(func(l *live) { l.busy = nil })
		e.mu.Lock()
		e.live.over = true
		e.mu.Unlock()
		close(e.done)
		close(e.changes)
	}()
	for e.ctx.Err() == nil {
		if over := e.step(); over {
			return
		}
	}
}

// step performs one decision, and reports whether the run is over.
func (e *Engine) step() (over bool) {
	r := e.state()
	var d run.Decision = run.Ask{Cell: r.Cell(e.Snapshot().Current), Wait: run.WaitPaused}
	if e.isLatched() == nil {
		d = e.unblock(run.Next(r))
	}
	switch d := d.(type) {
	case run.Over:
		return true
	case run.Close:
		e.perform(nil, func(ctx context.Context, _ func(error)) error { return e.close(ctx, d.How, "") })
	case run.Ask:
		e.ask(d)
	case run.Order:
		e.perform(nil, func(ctx context.Context, _ func(error)) error { return e.order(ctx, d.Walk) })
	case run.Decide:
		e.perform(d.Cell, func(ctx context.Context, _ func(error)) error { return e.decide(ctx, d.Cell) })
	case run.Settle:
		e.perform(d.Cell, func(ctx context.Context, _ func(error)) error { return e.settle(ctx, d.Cell, false) })
	case run.Verify:
		e.perform(d.Cell, func(ctx context.Context, _ func(error)) error { return e.verify(ctx, d.Cell) })
	case run.Undo:
		e.perform(d.Cell, func(ctx context.Context, _ func(error)) error { return e.undo(ctx, d.Cell) })
	case run.Follow:
		e.perform(d.Cell, func(ctx context.Context, _ func(error)) error { return e.follow(ctx, d.Cell) })
	}
	return false
}

func (e *Engine) isLatched() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.latched
}

// unblock turns a decision that could not be taken into a question.
func (e *Engine) unblock(d run.Decision) run.Decision {
	switch d := d.(type) {
	case run.Order:
		if e.blocked["walk "+d.Walk.ID] != "" {
			return run.Ask{Cell: e.firstOf(d.Walk), Wait: run.WaitFailure}
		}
	case run.Decide:
		if e.blocked[blockKey(d.Cell)] != "" {
			return run.Ask{Cell: d.Cell, Wait: run.WaitFailure}
		}
	case run.Settle:
		if e.blocked[blockKey(d.Cell)] != "" {
			return run.Ask{Cell: d.Cell, Wait: run.WaitUnknown}
		}
	}
	return d
}

func blockKey(c *run.Cell) string { return "cell " + c.Key.String() }

// perform runs work while actions that need no quiet are served.
func (e *Engine) perform(c *run.Cell, w work) {
	e.serve(c, w, nil)
}

func (e *Engine) serve(c *run.Cell, w work, req *request) {
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	e.update(func(l *live) {
		l.wait = run.WaitNothing
		if c != nil {
			l.current = c.Key
		}
		l.busy = &run.Activity{What: "work", Since: e.o.Now()}
	})
	replied := req == nil
	result, accept := make(chan error, 1), make(chan error, 1)
	go func() {
		result <- w(ctx, func(err error) {
			select {
			case accept <- err:
			default:
			}
		})
	}()
	answer := func(err error) {
		if !replied {
			replied = true
			req.reply <- err
		}
	}
	for {
		select {
		case err := <-accept:
			answer(err)
		case err := <-result:
			select {
			case early := <-accept:
				answer(early)
			default:
				answer(err)
			}
			e.update(func(l *live) {
				l.busy = nil
				if err != nil && e.ctx.Err() == nil {
					l.notice = err.Error()
				}
			})
			return
		case r := <-e.requests:
			r.reply <- e.whileBusy(r, cancel)
		}
	}
}

// whileBusy serves what may be asked for while something is going on.
func (e *Engine) whileBusy(r request, cancel context.CancelFunc) error {
	switch a := r.action.(type) {
	case run.AddNote:
		return e.note(r.cell, a.Text)
	case run.StopNow:
		return e.stop(a, cancel)
	default:
		return &run.NotNowError{Verb: run.VerbOf(r.action), Why: "something is going on; wait for it, or stop it"}
	}
}

// ask waits for the operator and does what is asked for.
func (e *Engine) ask(d run.Ask) {
	e.update(func(l *live) {
		l.wait, l.busy = d.Wait, nil
		if d.Cell != nil {
			l.current = d.Cell.Key
		}
	})
	select {
	case <-e.ctx.Done():
	case req := <-e.requests:
		w, err := e.accept(d, req)
		if err != nil || w == nil {
			req.reply <- err
			return
		}
		e.update(func(l *live) { l.notice = "" })
		e.serve(d.Cell, w, &req)
	}
}

// accept checks a request against what the run waits for, and returns the work
// it means; nil when it is done already.
func (e *Engine) accept(d run.Ask, req request) (work, error) {
	if err := e.isLatched(); err != nil {
		return nil, err
	}
	verb := run.VerbOf(req.action)
	if verb == run.VerbNote {
		return nil, e.note(req.cell, req.action.(run.AddNote).Text)
	}
	s := e.Snapshot()
	if verb != run.VerbAbort && verb != run.VerbPause && verb != run.VerbContinue && (req.cell != s.Current || req.seq != s.Seq) {
		return nil, &run.StaleError{Key: s.Current}
	}
	if a := s.Action(verb); !a.OK() {
		return nil, &run.NotNowError{Verb: verb, Why: a.Why}
	}
	w := e.workFor(d, req.action)
	if w == nil {
		return nil, fmt.Errorf("do %q: nothing to do", verb)
	}
	return w, nil
}
