package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// acknowledge is a person's word that the run goes on although monitors were red.
func (e *Engine) acknowledge(a run.Acknowledge) (run.Event, error) {
	ev := run.MonitorAcknowledged{Reason: strings.TrimSpace(a.Reason)}
	r := e.state()
	if r.Unacknowledged() != a.Episodes {
		return nil, &run.StaleError{Key: e.Snapshot().Current}
	}
	for _, m := range r.Held() {
		ev.Watches = append(ev.Watches, m.Watch)
	}
	return ev, nil
}

// monitors are the monitors that the run wants sampled, by task, and what takes in what
// they show. Nothing is once that can't be journaled.
func (e *Engine) monitors(r *run.Run, wanted map[string]func(context.Context)) {
	watched := r.Watched()
	if len(watched) == 0 || e.isLatched() != nil {
		return
	}
	wanted["samples: journal"] = e.keepJournaling
	wanted["samples: show"] = e.keepShowing
	for _, m := range watched {
		if w := m.Watch; !m.Fence.Background {
			wanted["monitor "+w.Monitor+" at "+w.Where] = func(ctx context.Context) { e.sample(ctx, w) }
		}
	}
}

// sample samples a monitor until ctx ends, from start to start, one sample at a time.
func (e *Engine) sample(ctx context.Context, w run.Watch) {
	f := e.feed(w)
	if f == nil {
		<-ctx.Done()
		return
	}
	if err := e.reachFor(ctx, f); err != nil {
		e.unobserved(ctx, f, observed{unseen: err, host: remote(w.Where)})
	}
	ctx = unattended(ctx)
	every := f.f.Interval()
	wait := time.Duration(0)
	f.look(0)
	for sleep(ctx, wait) == nil {
		begun := steady()
		if !e.mayReach(f.away) {
			f.look(wait)
			wait = min(every, time.Second)
			continue
		}
		e.sampleOnce(ctx, f, wait)
		wait = max(0, every-(steady()-begun))
	}
	at, _ := f.look(wait)
	f.close(ctx, at)
}

// sampleOnce takes one sample, some time after the last one.
func (e *Engine) sampleOnce(ctx context.Context, f *feed, waited time.Duration) {
	n, err := e.number(ctx)
	if err != nil {
		<-ctx.Done() // nothing can be journaled any more
		return
	}
	from, _ := f.look(waited)
	p := place{c: e.state().CellOf(f.cell), f: f.f, where: f.w.Where, extra: map[string]any{"sample": n}}
	result := make(chan observed, 1)
	go func() { result <- e.observeSample(ctx, p, n, !f.bad) }()
	limit := f.f.LookTimeout()
	pace := pace{each: min(time.Second, limit/4), last: steady()}
	beat := time.NewTicker(pace.each)
	defer beat.Stop()
	asleep := false
	for {
		select {
		case o := <-result:
			at, missed := f.look(time.Second)
			pace.look()
			switch {
			case asleep || missed: // whatever it showed, its time isn't known
			case ctx.Err() != nil:
				f.leave(from)
			case o.verdict == checks.Unknown && o.unseen == nil && pace.late > limit/4: // its time was over while nobody could see an answer
				f.leave(from)
				e.unobserved(ctx, f, observed{unseen: fmt.Errorf("stepgate itself stood still for %s", text.Duration(pace.late))})
			case o.unseen != nil || f.full():
				f.leave(from)
				e.unobserved(ctx, f, o)
			default:
				f.away = ""
				f.begin(from)
				f.add(at, o.reading)
			}
			return
		case <-beat.C:
			_, missed := f.look(time.Second)
			asleep = asleep || missed
			pace.look()
		}
	}
}

// pace is how steadily this process goes on while it waits for something.
type pace struct {
	each time.Duration // between two looks
	last time.Duration // look, by the steady clock
	late time.Duration // at most was one
}

func (p *pace) look() {
	now := steady()
	p.late = max(p.late, now-p.last-p.each)
	p.last = now
}

// unobserved notes why nobody saw what a monitor would have shown.
func (e *Engine) unobserved(ctx context.Context, f *feed, o observed) {
	f.away = o.host
	if o.host != "" {
		e.samples.refused(o.host)
		e.lost(ctx, o.host, o.unseen)
	}
	if o.unseen != nil {
		e.samples.note(f.w, e.secrets.redactor.String(o.unseen.Error()))
	}
}
