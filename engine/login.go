package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"stepgate/executor"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// desk puts what logins need before the operator, one question at a time. It is
// the [executor.Asker] of all hosts, also of those that a preflight has opened and
// hands on to the run.
type desk struct {
	redactor *text.Redactor
	turn     chan struct{} // holds one: whose question is shown
	asked    atomic.Int64
	front    atomic.Pointer[front]
}

// front is who shows the operator what the desk asks.
type front interface {
	attended() bool // somebody answers
	left() context.Context
	show(q *prompted) // nil: nothing is asked any more
	accepted(e run.HostKeyAccepted)
	say(line string)
}

var (
	_ executor.Asker   = (*desk)(nil)
	_ executor.Witness = (*desk)(nil)
	_ executor.Teller  = (*desk)(nil)
	_ front            = (*Engine)(nil)
)

// prompted is a question that is shown, and where its answer goes.
type prompted struct {
	run.Prompt
	answer chan run.Respond
}

func newDesk(r *text.Redactor, f front) *desk {
	d := &desk{redactor: r, turn: make(chan struct{}, 1)}
	d.front.Store(&f)
	return d
}

// Ask implements [executor.Asker]. What was typed unseen is masked from then on.
func (d *desk) Ask(ctx context.Context, p executor.Prompt) (string, error) {
	f := *d.front.Load()
	if !f.attended() || ctx.Value(unasking{}) != nil {
		return "", executor.ErrNobody
	}
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-f.left().Done():
		return "", ErrLeft
	}
	defer func() { <-d.turn }()
	mask := d.redactor.String
	q := &prompted{answer: make(chan run.Respond, 1), Prompt: run.Prompt{
		ID: fmt.Sprintf("login-%d", d.asked.Add(1)), Kind: string(p.Kind), Host: p.Host, Text: mask(p.Text),
		Echo: p.Echo, Must: p.Must, Again: mask(p.Again),
	}}
	for _, line := range p.Detail {
		q.Detail = append(q.Detail, mask(line))
	}
	f.show(q)
	defer f.show(nil)
	select {
	case a := <-q.answer:
		if a.Decline {
			return "", executor.ErrDeclined
		}
		if !p.Echo && p.Must == "" {
			d.redactor.Add(a.Text)
		}
		return a.Text, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-f.left().Done():
		return "", ErrLeft
	}
}

// HostKeyAccepted journals that a person took a key for a host's.
func (d *desk) HostKeyAccepted(host, address, key, file string) {
	(*d.front.Load()).accepted(run.HostKeyAccepted{Host: host, Address: address, Key: key, File: file})
}

// Tell implements [executor.Teller].
func (d *desk) Tell(host, line string) { (*d.front.Load()).say(host + ": " + line) }

// take answers the question, once. nil is no question.
func (q *prompted) take(a run.Respond) error {
	switch {
	case q == nil || q.ID != a.Prompt:
		return &run.NotNowError{Verb: run.VerbRespond, Why: "that is no longer asked"}
	case !a.Decline && q.Must != "" && a.Text != q.Must:
		return &run.NotNowError{Verb: run.VerbRespond, Why: fmt.Sprintf("type %q, or decline", q.Must)}
	}
	q.answer <- a
	return nil
}

func (e *Engine) attended() bool        { return e.o.Attended }
func (e *Engine) left() context.Context { return e.ctx }
func (e *Engine) show(q *prompted)      { e.update(func(l *live) { l.prompt = q }) }

func (e *Engine) accepted(ev run.HostKeyAccepted) {
	// A journal that can't be written says so by itself.
	_ = e.append(e.ctx, ev)
}

// respond answers the question of a login that is shown.
func (e *Engine) respond(a run.Respond) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.live.prompt.take(a); err != nil {
		return err
	}
	e.live.prompt = nil
	e.publish()
	return nil
}

// prompting reports whether a login waits for a person.
func (e *Engine) prompting() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.live.prompt != nil
}

// limited is ctx until limit has passed, not counting the time in which a login
// waits for a person.
func (e *Engine) limited(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for left := limit; left > 0; {
			piece := min(left, time.Second)
			if sleep(ctx, piece) != nil {
				return
			}
			if !e.prompting() {
				left -= piece
			}
		}
		cancel(context.DeadlineExceeded)
	}()
	return ctx, func() { cancel(context.Canceled); <-stop }
}
