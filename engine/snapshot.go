package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"stepgate/runbook/run"
)

// live is what the snapshot shows beside the run's state. Guarded by mu.
type live struct {
	ask     question // what the run waits for; Wait is WaitNothing while it is at work
	current run.Key
	serving time.Time // when the work under way began; zero: none is
	work    map[run.Key]*activity
	hosts   map[string]run.HostState
	keeping map[string]run.Keeping // background processes, by task
	notice  string
	prompt  *prompted          // what a login asks; nil: nothing
	over    bool               // no more changes are signalled
	stop    context.CancelFunc // ends the work under way; nil: none is
}

// activity is what is going on at a cell, and how to end it here.
type activity struct {
	run.Activity
	cancel context.CancelFunc // nil: it ends with the work it is part of
	nudge  chan struct{}      // of a wait for a host: try now; nil: nothing to nudge
}

// Snapshot returns the latest view.
func (e *Engine) Snapshot() *run.Snapshot { return e.snap.Load() }

// Changes is signalled when there is a newer snapshot, and closed when the run
// can't change any more.
func (e *Engine) Changes() <-chan struct{} { return e.changes }

// update changes what the snapshot shows beside the state.
func (e *Engine) update(change func(l *live)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.live)
	e.publish()
}

// publish makes a new snapshot. Called with mu held.
func (e *Engine) publish() {
	if e.run == nil || e.live.over {
		return
	}
	s := &run.Snapshot{
		Run: e.sampled(), Current: e.live.current, Wait: e.live.ask.Wait, Hosts: maps.Clone(e.live.hosts),
		Notice: e.live.notice, At: e.o.Now(), Usual: e.o.Usual, Until: e.o.Until,
	}
	if e.live.prompt != nil {
		p := e.live.prompt.Prompt
		s.Prompt = &p
	}
	s.Keeping = e.kept()
	e.showWork(s)
	if e.latched != nil {
		s.ReadOnly = e.latched.Error()
		s.TakenOver = e.run.TakenOver(e.lease.Epoch())
	}
	if e.run.Closed != "" {
		s.Wait, s.Current = run.WaitClosed, run.Key{}
	}
	c := e.run.Cell(s.Current)
	if c != nil {
		s.Seq = c.Seq
	}
	e.showAround(s, c)
	s.Actions = e.actions(c, s)
	e.snap.Store(s)
	if e.stirred != e.run || e.latched != nil {
		e.stirred = e.run
		e.beside.stir()
	}
	select {
	case e.changes <- struct{}{}:
	default:
	}
}

// showWork shows what is going on. The run stands at a cell that something goes
// on at, as long as there is one.
func (e *Engine) showWork(s *run.Snapshot) {
	var all []run.Activity
	for _, a := range e.live.work {
		c := a.Activity
		c.Looks = slices.Clone(a.Looks)
		all = append(all, c)
	}
	if len(all) == 0 {
		if since := e.live.serving; !since.IsZero() {
			s.Busy = &run.Activity{Cell: s.Current, What: "work", Since: since}
		}
		return
	}
	place := func(k run.Key) int {
		if c := e.run.Cell(k); c != nil {
			return c.Plan.Index
		}
		return -1
	}
	slices.SortFunc(all, func(a, b run.Activity) int { return place(a.Cell) - place(b.Cell) })
	at := max(0, slices.IndexFunc(all, func(a run.Activity) bool { return a.Cell == s.Current }))
	s.Busy, s.Current = &all[at], all[at].Cell
	s.Beside = slices.Delete(slices.Clone(all), at, at+1)
}

// showAround shows what lies around the cell that the run stands at.
func (e *Engine) showAround(s *run.Snapshot, c *run.Cell) {
	for _, w := range e.live.ask.With {
		s.With = append(s.With, w.Key)
	}
	s.Soak = e.live.ask.Soak
	if l := &e.around; l.run != e.run || l.at != c {
		*l = around{run: e.run, at: c, finish: e.run.Finishable(c)}
		for _, a := range e.run.Callable() {
			l.always = append(l.always, a.Key)
		}
	}
	s.Finish, s.Always, s.Stop = e.around.finish, e.around.always, e.run.Stop
}

// around is what showAround has found of a state, which is asked for much more
// often than it changes.
type around struct {
	run    *run.Run
	at     *run.Cell
	finish []string
	always []run.Key
}

// actions are the run's own, but for a decision that could not be taken: that
// one can be tried again.
func (e *Engine) actions(c *run.Cell, s *run.Snapshot) []run.Availability {
	ask := e.live.ask.Ask
	ask.Cell, ask.Wait = c, s.Wait
	list := e.run.Offers(ask, s.Busy != nil, e.o.Now())
	if s.Prompt != nil {
		list = append([]run.Availability{{Verb: run.VerbRespond, Phrase: s.Prompt.Must, Says: "answer the login to " + s.Prompt.Host}}, list...)
	}
	if c != nil && s.Busy != nil && s.Busy.Away() {
		e.awayActions(c, list)
	}
	for i, a := range list {
		switch {
		case e.latched != nil && a.Verb != run.VerbRespond:
			list[i].Why = "the journal can't be written"
		case e.o.Lend == nil && a.OK() && runs[a.Verb] && wantsTerminal(ask):
			list[i].Why = noTerminal
		case a.Verb == run.VerbRetry && e.live.ask.again && s.Busy == nil:
			list[i].Why, list[i].Phrase, list[i].Says = "", "", "try to decide it again"
		}
	}
	return list
}

// elsewise is what the operator may do instead of waiting for a host.
var elsewise = map[run.Verb]bool{run.VerbMarkDone: true, run.VerbMarkFailed: true, run.VerbPause: true}

// awayActions are what may be asked for while the host of a cell is waited for.
func (e *Engine) awayActions(c *run.Cell, list []run.Availability) {
	calm := map[run.Verb]run.Availability{}
	for _, a := range e.run.Offers(run.Ask{Cell: c, Wait: run.WaitUnknown, Parallel: 1}, false, e.o.Now()) {
		calm[a.Verb] = a
	}
	for i, a := range list {
		switch {
		case a.Verb == run.VerbProbe:
			list[i] = run.Availability{Verb: a.Verb, Says: "try to reach its host now"}
		case a.Verb == run.VerbStopNow:
			list[i].Says = "stop waiting for its host; a command there goes on"
		case elsewise[a.Verb] && calm[a.Verb].OK():
			list[i] = calm[a.Verb]
		}
	}
}

// runs are the verbs by which a command is sent.
var runs = map[run.Verb]bool{run.VerbGo: true, run.VerbAnswer: true, run.VerbRetry: true, run.VerbEdit: true}

// within runs f while the snapshot shows that something goes on at a cell, which
// can be ended without the rest of the work.
func (e *Engine) within(ctx context.Context, k run.Key, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e.update(func(l *live) {
		l.work[k] = &activity{Activity: run.Activity{Cell: k, What: "work", Since: e.o.Now()}, cancel: cancel}
	})
	defer e.update(func(l *live) { delete(l.work, k) })
	return f(ctx)
}

// busyWith says what is going on at a cell.
func (e *Engine) busyWith(c *run.Cell, a run.Activity) {
	if a.Cell = c.Key; a.Since.IsZero() {
		a.Since = e.o.Now()
	}
	e.update(func(l *live) {
		w := l.work[c.Key]
		if w == nil {
			w = &activity{}
			l.work[c.Key] = w
		}
		a.Stopping = a.Stopping || w.Stopping && a.Attempt != "" && a.Attempt == w.Attempt
		w.Activity = a
	})
}

// busySince is since when something goes on at a cell; now, when nothing does.
func (e *Engine) busySince(k run.Key) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w := e.live.work[k]; w != nil {
		return w.Since
	}
	return e.o.Now()
}

// change changes what the snapshot shows of a cell's activity.
func (e *Engine) change(k run.Key, f func(*run.Activity)) {
	e.update(func(l *live) {
		if w := l.work[k]; w != nil {
			f(&w.Activity)
		}
	})
}

// Output reads an attempt's output as far as the journal keeps it.
func (e *Engine) Output(ctx context.Context, attempt string, stream int, from int64, max int) (data []byte, at, end int64, err error) {
	return e.out.read(ctx, attempt, stream, from, max)
}

// Events reads the run's events after one, as far as they are durable.
func (e *Engine) Events(ctx context.Context, after uint64, most int) ([]run.Record, error) {
	return e.o.Journal.Part(ctx, e.lease.RunID(), after, most)
}
