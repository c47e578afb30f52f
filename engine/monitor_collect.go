package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/run"
)

const (
	// batched is how long a sample may wait to be journaled with others.
	batched = 10 * time.Second
	// showing is the least time between two snapshots that samples ask for.
	showing = 250 * time.Millisecond
	// numberBlock is how many numbers of samples are reserved at a time.
	numberBlock = 1000
	// mostFresh bounds what a watch has in memory alone while the journal is slow.
	mostFresh = 20_000
)

// collector has what the monitors have shown and the journal doesn't have yet.
type collector struct {
	came, urgent, show chan struct{} // something came; it is to be journaled at once; to be shown; each holds one
	journaling         sync.Mutex    // held by who makes things durable

	mu       sync.Mutex
	fresh    []*run.Samples // in the order in which they begin
	flying   []*run.Samples // being journaled
	turns    []run.MonitorTurned
	takes    uint64 // how often the fresh ones were taken: what was taken no longer changes
	version  uint64 // of what isn't durable
	used     uint64 // the last number of a sample
	reserved uint64 // numbers up to here are no other's, durably
	wanting  bool   // more numbers are to be reserved
	shy      map[string]*shyness
	counts   map[run.Watch]int    // samples so far, of this driver
	unseen   map[run.Watch]string // why there was none lately
}

func newCollector() *collector {
	holding := func() chan struct{} { return make(chan struct{}, 1) }
	return &collector{came: holding(), urgent: holding(), show: holding(), shy: map[string]*shyness{}, counts: map[run.Watch]int{}, unseen: map[run.Watch]string{}}
}

// goOn takes up a run whose samples have had numbers before.
func (c *collector) goOn(r *run.Run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used, c.reserved = r.SampleNumbers, r.SampleNumbers
}

// sampled is the run with the samples that the journal doesn't have yet.
type sampled struct {
	of      *run.Run
	version uint64
	run     *run.Run
}

// sampled is the run as the engine sees it, but for secrets. Called with mu held.
func (e *Engine) sampled() *run.Run {
	if v := e.samples.versionNow(); e.run != nil && (e.view.of != e.run || e.view.version != v) {
		fresh, version := e.samples.notDurable()
		e.view = sampled{e.run, version, e.run.Sampled(fresh)}
	}
	return e.view.run
}

// signal leaves word in a channel that holds one.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// notDurable is what the journal doesn't have yet, and which version of that it is.
func (c *collector) notDurable() ([]run.Samples, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Concat(copied(c.flying), copied(c.fresh)), c.version
}

func (c *collector) versionNow() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// copied are samples as they are now, none of which changes any more.
func copied(list []*run.Samples) []run.Samples {
	out := make([]run.Samples, 0, len(list))
	for _, s := range list {
		n := *s
		n.Numbers = maps.Clone(s.Numbers)
		n.After = slices.Clip(n.After)
		out = append(out, n)
	}
	return out
}

// take gives what is to be journaled, in a state of the run that nothing can come
// behind before it is. What belongs to no monitor of the run any more is left out.
func (c *collector) take(r *run.Run) []run.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Closed != "" || c.flying != nil {
		return nil
	}
	has := func(w run.Watch) bool { return r.Monitor(w) != nil }
	c.fresh = slices.DeleteFunc(c.fresh, func(s *run.Samples) bool { return !has(s.Watch) })
	batch := run.SampleBatch{Reserved: max(c.reserved, r.SampleNumbers), Samples: copied(c.fresh)}
	low := c.wanting && c.reserved < c.used+numberBlock/2
	if low {
		batch.Reserved = max(batch.Reserved, c.used+numberBlock)
	}
	var events []run.Event
	if low || len(batch.Samples) > 0 {
		events = append(events, batch)
	}
	red := map[run.Watch]bool{}
	for _, t := range c.turns {
		if !has(t.Watch) {
			continue
		}
		was, known := red[t.Watch]
		if !known {
			was = r.Monitor(t.Watch).Red()
		}
		if was != t.Red {
			events = append(events, t)
			red[t.Watch] = t.Red
		}
	}
	c.flying, c.fresh, c.turns = c.fresh, nil, nil
	c.takes++
	return events
}

// durable notes that the journal has what was taken.
func (c *collector) durable(e run.SampleBatch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flying, c.reserved = nil, max(c.reserved, e.Reserved)
	c.version++
}

// journalSamples makes durable what monitors have shown so far. A journal that can't be
// written keeps it in memory, for the screen.
func (e *Engine) journalSamples(ctx context.Context) error {
	c := e.samples
	c.journaling.Lock()
	defer c.journaling.Unlock()
	records, err := e.appendFrom(ctx, c.take)
	if err != nil && e.isLatched() == nil {
		c.mu.Lock()
		c.flying = nil // what the rules have refused is lost; the error says it
		c.version++
		c.mu.Unlock()
	}
	for _, rec := range records {
		if t, ok := rec.Event.(run.MonitorTurned); ok && t.Red {
			e.say(turnedRed(t))
			signal(e.news)
		}
	}
	return err
}

// vouch makes durable what monitors have shown when an expression asks for it: what
// follows from samples isn't journaled before they are. A journal that can't be written
// says so to who comes next.
func (e *Engine) vouch(refers ...[]checks.Reference) {
	for _, r := range slices.Concat(refers...) {
		if r.Function == "monitor" {
			_ = e.journalSamples(e.ctx)
			return
		}
	}
}

// vouchFor is [Engine.vouch] for what judges a fence.
func (e *Engine) vouchFor(f *runbook.Fence) {
	if f.Expect != nil {
		e.vouch(f.Expect.References())
	}
	if f.Capture != nil {
		e.vouch(f.Capture.References())
	}
}

// number is a sample's. It was never another's, and won't be: it is reserved before.
func (e *Engine) number(ctx context.Context) (uint64, error) {
	c := e.samples
	for {
		c.mu.Lock()
		if c.used < c.reserved {
			c.used++
			n := c.used
			c.wanting = c.reserved < c.used+numberBlock/2
			c.mu.Unlock()
			return n, nil
		}
		c.wanting = true
		c.mu.Unlock()
		if err := e.journalSamples(ctx); err != nil {
			return 0, err
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
}

// keepJournaling makes durable what comes, a while after it came, or at once when it is
// urgent.
func (e *Engine) keepJournaling(ctx context.Context) {
	c := e.samples
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.urgent:
		case <-c.came:
			t := time.NewTimer(batched)
			select {
			case <-t.C:
			case <-c.urgent:
			case <-ctx.Done():
			}
			t.Stop()
		}
		if err := e.journalSamples(ctx); err != nil && e.isLatched() == nil && ctx.Err() == nil {
			e.say("samples were not journaled: " + err.Error())
		}
	}
}

// keepShowing shows what comes, and not too often.
func (e *Engine) keepShowing(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.samples.show:
			e.update(func(*live) {})
		}
		if sleep(ctx, showing) != nil {
			return
		}
	}
}
