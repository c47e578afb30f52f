package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

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
	if answer, ok := a.(run.Respond); ok {
		return e.respond(answer)
	}
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
		e.update(func(l *live) { l.serving = time.Time{}; clear(l.work) })
		e.mu.Lock()
		e.live.over = true
		e.mu.Unlock()
		close(e.done)
		close(e.changes)
	}()
	if len(e.lackings()) > 0 {
		_ = e.serve(nil, func(ctx context.Context, _ func(error)) error { // what cannot be taken again is said
			e.recall(ctx)
			return nil
		}, nil)
	}
	for e.ctx.Err() == nil {
		if over := e.step(); over {
			return
		}
	}
}

// step performs one decision, and reports whether the run is over.
func (e *Engine) step() (over bool) {
	r := e.state()
	// What a section had beside it ends before anything comes behind that section.
	e.reconcile()
	if e.rest(r) {
		return false
	}
	if e.isLatched() != nil {
		if r.Closed != "" { // by whoever has taken the run over
			return true
		}
		e.ask(question{Ask: run.Ask{Cell: r.Cell(e.Snapshot().Current), Wait: run.WaitPaused}})
		return false
	}
	d := run.Next(r)
	if p, ok := wish(r, d); ok {
		e.say(p.Why)
		_ = e.append(e.ctx, p) // what stands in the way of it latches
		return false
	}
	if a, ok := d.(run.Ask); ok {
		if !e.shutOutdated(question{Ask: a}) {
			e.ask(question{Ask: a})
		}
		return false
	}
	tasks := e.tasksOf(r, d)
	if tasks == nil {
		return true
	}
	free := slices.DeleteFunc(slices.Clone(tasks), func(t task) bool {
		at, ok := e.blocked[t.key]
		return ok && at == seqOf(t.c)
	})
	if len(free) == 0 && r.Paused {
		e.ask(question{Ask: run.Ask{Cell: tasks[0].c, Wait: run.WaitPaused, Parallel: 1}})
		return false
	}
	if len(free) == 0 {
		e.ask(blockedAt(d, tasks[0].c))
		return false
	}
	errs := make([]error, len(free))
	_ = e.serve(free[0].c, func(ctx context.Context, accepted func(error)) error {
		return e.perform(ctx, free, errs, accepted)
	}, nil) // the notice says it
	for i, t := range free {
		// A decision that failed and changed nothing would fail again at once.
		if errs[i] != nil && e.ctx.Err() == nil && (t.c == nil || seqOf(e.state().Cell(t.c.Key)) == seqOf(t.c)) {
			e.blocked[t.key] = seqOf(t.c)
		}
	}
	return false
}

func seqOf(c *run.Cell) uint64 {
	if c == nil {
		return 0
	}
	return c.Seq
}

// question is what the operator is asked. again: it stands for a decision that
// could not be taken, and retry takes it again.
type question struct {
	run.Ask
	again bool
}

// blockedAt is what is asked instead of taking a decision that has failed. An
// attempt in doubt has its own way to look again.
func blockedAt(d run.Decision, c *run.Cell) question {
	if _, ok := d.(run.Settle); ok {
		return question{Ask: run.Ask{Cell: c, Wait: run.WaitUnknown}}
	}
	return question{Ask: run.Ask{Cell: c, Wait: run.WaitFailure}, again: true}
}

func (e *Engine) isLatched() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.latched
}

// serve runs work, while actions that need no quiet are served. req is who asked
// for it; nil: the run itself.
func (e *Engine) serve(c *run.Cell, w work, req *request) error {
	ctx, cancel := context.WithCancel(e.ctx)
	var signals sync.WaitGroup
	defer signals.Wait()
	defer cancel()
	e.update(func(l *live) {
		l.ask, l.serving, l.stop = question{}, e.o.Now(), cancel
		clear(l.work)
		if c != nil {
			l.current = c.Key
		}
	})
	answer := func(err error) {
		if req != nil {
			req.reply <- err
			req = nil
		}
	}
	result, accept := make(chan error, 1), make(chan error, 1)
	go func() {
		result <- w(ctx, func(err error) {
			select {
			case accept <- err:
			default:
			}
		})
	}()
	for {
		select {
		case err := <-accept:
			answer(err)
		case err := <-result:
			err = e.heldUp(err)
			select {
			case early := <-accept:
				answer(early)
			default:
				answer(err)
			}
			if err != nil && e.ctx.Err() == nil {
				e.say(err.Error())
			}
			return err
		case r := <-e.requests:
			e.whileBusy(ctx, r, cancel, &signals)
		}
	}
}

// whileBusy serves what may be asked for while something is going on. A signal
// takes its time on the host, so it is sent beside.
func (e *Engine) whileBusy(ctx context.Context, r request, cancel context.CancelFunc, signals *sync.WaitGroup) {
	switch a := r.action.(type) {
	case run.AddNote:
		r.reply <- e.note(r.cell, a.Text)
	case run.FinishThenStop:
		r.reply <- e.append(ctx, run.StopRequested(a))
	case run.StopNow:
		e.stopNow(ctx, r, a, cancel, signals)
	default:
		if e.away(ctx, r, cancel) {
			return
		}
		r.reply <- &run.NotNowError{Verb: run.VerbOf(r.action), Why: "something is going on; wait for it, or stop it"}
	}
}

// stopNow ends what goes on at the cell it was asked for, else at the current
// one. What has been sent to a host is signalled there; the rest is ended here.
func (e *Engine) stopNow(ctx context.Context, r request, a run.StopNow, cancel context.CancelFunc, signals *sync.WaitGroup) {
	e.mu.Lock()
	w := e.live.work[r.cell]
	if w == nil {
		w = e.live.work[e.Snapshot().Current]
	}
	var at run.Activity
	if w != nil {
		at = w.Activity
		if w.cancel != nil {
			cancel = w.cancel
		}
	}
	e.mu.Unlock()
	c := e.state().Cell(at.Cell)
	if c == nil || at.Attempt == "" || c.Latest().Intent.Dispatch.Form != "" {
		cancel() // nothing that lives on without us
		r.reply <- nil
		return
	}
	e.change(at.Cell, func(a *run.Activity) { a.Stopping = true })
	signals.Go(func() {
		err := e.signal(ctx, c, a)
		if err != nil && ctx.Err() != nil && e.ctx.Err() == nil {
			err = nil // the command has ended meanwhile
		}
		r.reply <- err
	})
}

// ask waits for the operator and does what is asked for.
func (e *Engine) ask(d question) {
	e.update(func(l *live) {
		l.ask, l.serving, l.stop = d, time.Time{}, nil
		clear(l.work)
		if d.Cell != nil {
			l.current = d.Cell.Key
		}
	})
	select {
	case <-e.ctx.Done():
	case <-e.news: // others have written something: what is next may be something else
	case req := <-e.requests:
		w, err := e.accept(d, req)
		if err != nil || w == nil {
			req.reply <- err
			return
		}
		e.update(func(l *live) { l.notice = "" })
		_ = e.serve(d.Cell, w, &req) // who asked has the error, and the notice says it
	}
}

// accept checks a request against what the run waits for, and returns the work
// it means; nil when it is done already.
func (e *Engine) accept(d question, req request) (work, error) {
	if err := e.isLatched(); err != nil {
		return nil, err
	}
	verb := run.VerbOf(req.action)
	if verb == run.VerbNote {
		return nil, e.note(req.cell, req.action.(run.AddNote).Text)
	}
	e.update(func(*live) {}) // time may have made something possible
	s := e.Snapshot()
	if verb != run.VerbAbort && verb != run.VerbPause && verb != run.VerbContinue && (req.cell != s.Current || req.seq != s.Seq) {
		return nil, &run.StaleError{Key: s.Current}
	}
	if a := s.Action(verb); !a.OK() {
		return nil, &run.NotNowError{Verb: verb, Why: a.Why}
	}
	if err := e.overtaken(d, req.action); err != nil {
		return nil, err
	}
	w := e.workFor(d, req.action)
	if w == nil {
		return nil, fmt.Errorf("do %q: nothing to do", verb)
	}
	return w, nil
}
