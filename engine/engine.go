package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"stepgate/executor"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// Options are what an engine needs of its surroundings.
type Options struct {
	Journal Journal
	// Hosts opens a host of the plan, or plan.Local; no I/O. What its login needs
	// of a person is asked of ask.
	Hosts func(name string, ask executor.Asker) (executor.Executor, error)
	// Lend gives up the operator's terminal for as long as use takes, and takes it
	// back with the screen as it was. nil: there is no terminal.
	Lend func(ctx context.Context, use func(executor.Terminal) error) error
	// Patience is how long a host that was lost is asked by itself before the
	// operator is; 0: two minutes.
	Patience time.Duration
	// Leash is how long a background process lives on when it has no word from here;
	// 0: 45 s.
	Leash time.Duration
	// Attended says that a person sees the snapshots and answers what logins ask
	// ([run.Snapshot.Prompt]). Otherwise such a login fails at once.
	Attended bool
	Operator string // the label journaled with what a person does
	Holder   string // who takes the lease: user@machine, pid
	Now      func() time.Time
	// TakeOver takes the run from a holder that may still be alive, on a person's
	// typed word.
	TakeOver bool
	GateID   func() string // unique ids
	// Usual is how long steps took in earlier runs, by their ids without hosts
	// ([run.Key.StepID]).
	Usual map[string]time.Duration
	Until time.Time          // the end of the change window; zero: none
	Acked func([]run.Record) // told of events once they are durable; nil: nobody
	// StartAt leaves out what stands before a step, as a new run begins; no step: it
	// begins at the beginning.
	StartAt run.Jumped
	// Preflight has looked at what the run needs. Its connections and what people have
	// answered to logins go on in the run; nil: there was none.
	Preflight *Preflight
}

// Engine drives one run. Its methods may be called concurrently.
type Engine struct {
	o     Options
	plan  *plan.Plan
	lease Lease

	writing sync.Mutex // one event at a time: journal, then state; taken before mu
	mu      sync.Mutex // never held while the journal is at work
	run     *run.Run
	live    live
	around  around          // guarded by mu
	latched error           // why nothing more can be journaled
	turned  chan struct{}   // closed, and made anew, when the state has changed; guarded by mu
	held    map[string]bool // attempts in the background that are kept from here; guarded by mu
	// listening is where background processes listen, by name; guarded by mu
	listening map[string]listens

	snap     atomic.Pointer[run.Snapshot]
	changes  chan struct{}
	requests chan request

	numbers sync.Mutex // held while an intent gets its number
	samples *collector
	view    sampled  // guarded by mu
	stirred *run.Run // that what goes on beside it was told of; guarded by mu

	once    bool            // polls look once: what is seen decides nothing
	ctx     context.Context // of everything the engine does; its end detaches
	cancel  context.CancelFunc
	done    chan struct{} // closed when the loop has ended
	watched chan struct{} // closed when nobody looks any more at what others write
	beside  *beside       // what goes on beside the run
	news    chan struct{} // others have written something; holds one

	hostsMu sync.Mutex
	hosts   map[string]*host // guarded by hostsMu

	blocked map[string]uint64    // decisions that could not be taken, and the state they were taken in; the loop's own
	offered map[string]bool      // attempts whose "it seems done" has been said; guarded by mu
	cuts    map[string]int       // attempts, and how often following them has failed at once; guarded by mu
	cutAt   map[string]time.Time // attempts that were cut off, and when; guarded by mu
	sent    map[string]time.Time // attempts that were sent from here, and when; guarded by mu

	dbs     databases
	secrets *secrets
	desk    *desk
	lending sync.Mutex // held by who has the operator's terminal
	out     *recorder
	closing sync.Once
	closed  error // of the first Close
}

// Start begins a new run and takes its lease. The run waits for its first
// action.
func Start(ctx context.Context, o Options, p *plan.Plan, runID string, s run.RunStarted) (*Engine, error) {
	e, err := open(ctx, o, p, runID)
	if err != nil {
		return nil, err
	}
	events := []run.Event{s, e.leaseTaken()}
	if f := o.Preflight; f != nil {
		events = append(events, f.events()...)
	}
	if o.StartAt.To.Step != "" {
		events = append(events, o.StartAt)
	}
	if err := e.append(ctx, events...); err != nil {
		return nil, errors.Join(err, e.lease.Release())
	}
	o.Preflight.handOn(e)
	e.begin()
	return e, nil
}

// Resume takes over a run where its journal ends. What was in flight is looked
// up on its host first.
func Resume(ctx context.Context, o Options, p *plan.Plan, runID string) (*Engine, error) {
	e, err := open(ctx, o, p, runID)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Engine, error) { return nil, errors.Join(err, e.lease.Release()) }
	records, err := o.Journal.Load(ctx, runID)
	if err != nil {
		return fail(err)
	}
	if e.run, err = run.Fold(p, records); err != nil {
		return fail(fmt.Errorf("resume run %q: %w", runID, err))
	}
	events := []run.Event{e.leaseTaken()}
	if e.run.Closed != "" {
		return fail(fmt.Errorf("resume run %q: it is closed (%s)", runID, e.run.Closed))
	}
	if e.run.Paused && goesOn(e.run) {
		events = append(events, run.Continued{})
	}
	if err := e.append(ctx, events...); err != nil {
		return fail(err)
	}
	e.begin()
	return e, nil
}

func open(ctx context.Context, o Options, p *plan.Plan, runID string) (*Engine, error) {
	lease, err := takeLease(ctx, o, runID)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		o: o, plan: p, lease: lease,
		changes: make(chan struct{}, 1), requests: make(chan request), done: make(chan struct{}),
		watched: make(chan struct{}), beside: newBeside(), samples: newCollector(), news: make(chan struct{}, 1),
		hosts: map[string]*host{}, blocked: map[string]uint64{}, offered: map[string]bool{}, cuts: map[string]int{},
		cutAt: map[string]time.Time{}, sent: map[string]time.Time{},
		turned: make(chan struct{}), held: map[string]bool{}, listening: map[string]listens{},
		live: live{hosts: map[string]run.HostState{}, work: map[run.Key]*activity{}, keeping: map[string]run.Keeping{}},
	}
	if e.o.Patience == 0 {
		e.o.Patience = patience
	}
	e.ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if e.secrets = newSecrets(p); o.Preflight != nil {
		e.secrets = o.Preflight.secrets // what was typed there is masked here
	}
	e.desk = newDesk(e.secrets.redactor, e)
	e.out = newRecorder(e.secrets.redactor, o.Journal, o.Now, func(err error) { e.latch(err) })
	return e, nil
}

func (e *Engine) begin() {
	e.mu.Lock()
	e.samples.goOn(e.run)
	e.publish()
	e.mu.Unlock()
	go e.loop()
	go e.watch()
	go e.attend()
}

// Close leaves the run: nothing new is started, checks under way are ended,
// commands under way go on on their hosts. It returns when everything the
// engine started here has ended. why is journaled. Another Close changes
// nothing.
func (e *Engine) Close(ctx context.Context, why string) error {
	e.closing.Do(func() { e.closed = e.leave(ctx, why) })
	return e.closed
}

// tidying is how long a closed run may take to clear its hosts before leaving
// ends that.
const tidying = 15 * time.Second

func (e *Engine) leave(ctx context.Context, why string) error {
	if e.state().Closed != "" {
		patience := time.NewTimer(tidying)
		defer patience.Stop()
		select {
		case <-e.done:
		case <-ctx.Done():
		case <-patience.C:
		}
	}
	e.cancel()
	<-e.done
	<-e.watched
	<-e.beside.over
	errs := []error{e.out.close(ctx), e.dbs.close()}
	if e.state().Closed == "" && e.isLatched() == nil {
		errs = append(errs, e.append(ctx, run.LeaseReleased{Why: why}))
	}
	return errors.Join(append(errs, closeAll(e.hosts), e.lease.Release())...)
}

// append makes events durable and applies them, in this order.
func (e *Engine) append(ctx context.Context, events ...run.Event) error {
	_, err := e.appendRecords(ctx, events...)
	return err
}

func (e *Engine) appendRecords(ctx context.Context, events ...run.Event) ([]run.Record, error) {
	return e.appendFrom(ctx, func(*run.Run) []run.Event { return slices.Clone(events) })
}

// appendFrom is [Engine.append] of what follows from the state that it comes behind.
func (e *Engine) appendFrom(ctx context.Context, from func(*run.Run) []run.Event) ([]run.Record, error) {
	e.writing.Lock()
	defer e.writing.Unlock()
	e.mu.Lock()
	r, latched := e.run, e.latched
	e.mu.Unlock()
	if latched != nil {
		return nil, latched
	}
	events := from(r)
	if len(events) == 0 {
		return nil, nil
	}
	for i, ev := range events {
		events[i] = e.secrets.event(ev)
	}
	// The rules are asked before the journal: an event that isn't allowed must
	// not become durable. Guest events may lie between, so that the records'
	// numbers can be larger than tried here.
	now := e.o.Now() // the same for both: a clock that is set in between makes no difference
	if err := e.rehearse(r, now, events); err != nil {
		return nil, err
	}
	// Journaling outlasts the caller: what has happened is written down even
	// while everything else is being ended.
	records, err := e.o.Journal.Append(context.WithoutCancel(ctx), e.lease, e.o.Operator, now, events...)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.latched = fmt.Errorf("journal: %w", err)
		e.learnTaker(ctx)
		e.publish()
		return nil, e.latched
	}
	if e.o.Acked != nil {
		e.o.Acked(records)
	}
	if err := e.fold(ctx, records); err != nil {
		e.latched = err // the journal is ahead of what is known here
		e.publish()
		return nil, err
	}
	return records, nil
}

func (e *Engine) rehearse(r *run.Run, now time.Time, events []run.Event) error {
	var err error
	seq := uint64(0)
	if r != nil {
		seq = r.Seq
	}
	for _, ev := range events {
		seq++
		rec := run.Record{RunID: e.lease.RunID(), Seq: seq, Epoch: e.lease.Epoch(), Wall: now, Actor: e.o.Operator, Event: ev}
		if r, err = run.Apply(e.plan, r, rec); err != nil {
			return err
		}
	}
	return nil
}

// fold applies records, after any guest events that were appended before them.
func (e *Engine) fold(ctx context.Context, records []run.Record) error {
	if e.run != nil && len(records) > 0 && records[0].Seq > e.run.Seq+1 {
		var err error
		if records, err = e.o.Journal.Tail(context.WithoutCancel(ctx), e.lease.RunID(), e.run.Seq); err != nil {
			return err
		}
	}
	return e.folded(records)
}

func (e *Engine) latch(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.latched == nil {
		e.latched = fmt.Errorf("journal: %w", err)
		e.publish()
	}
}

func (e *Engine) state() *run.Run {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.secrets.knowing(e.sampled())
}
