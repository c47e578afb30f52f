package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

const (
	// prompt is how soon the host has to confirm the end of a sample whose time was
	// over, for the link not to count as silent.
	prompt = time.Second
	// longestText bounds a capture of a monitor that is no number.
	longestText = 32 << 10
)

// observed is what came of a try to take a sample.
type observed struct {
	reading
	unseen error  // why nobody saw anything; nil: it is a sample
	host   string // which wasn't reached
}

// observeSample takes a sample, of a number. What kept it from being taken, and isn't
// the workload's, makes it unseen. well says that the one before was good.
func (e *Engine) observeSample(ctx context.Context, p place, n uint64, well bool) observed {
	o, ob := e.watchOnce(ctx, p, n, well)
	if o.unseen != nil {
		return o
	}
	ob.Check = true
	return observed{reading: e.readingAt(p, ob)}
}

// readingAt is what an observation means, without the secrets.
func (e *Engine) readingAt(p place, ob checks.Observation) reading {
	j := e.judge(p, ob)
	t := e.conceal(p, false, try{
		res:   run.CheckResult{Verdict: j.verdict, Rows: j.rows, Values: j.values, Cause: ob.Cause},
		shown: j.shown,
	})
	r := reading{verdict: t.res.Verdict, rows: t.res.Rows, cause: t.res.Cause}
	if slices.ContainsFunc(r.rows, func(row checks.Row) bool { return row.Cause == r.cause }) {
		r.cause = "" // said already
	}
	for name, raw := range t.shown {
		var v float64
		if json.Unmarshal(raw, &v) == nil && string(raw) != "null" {
			if r.numbers == nil {
				r.numbers = map[string]float64{}
			}
			r.numbers[name] = v
		}
	}
	for name, raw := range t.res.Values {
		if _, number := r.numbers[name]; !number && len(raw) <= longestText {
			if r.texts == nil {
				r.texts = map[string]json.RawMessage{}
			}
			r.texts[name] = raw
		}
	}
	return r
}

// watchOnce looks once, in the way that the fence's form wants.
func (e *Engine) watchOnce(ctx context.Context, p place, n uint64, well bool) (observed, checks.Observation) {
	d, err := e.state().DispatchFence(p.c, p.f, p.where, p.extra)
	if err != nil {
		return observed{}, unseen(p.where, err) // the runbook's doing
	}
	if d.Form == "" {
		return e.watchScript(ctx, p, d, n)
	}
	o, ob, lost := e.watchExchange(ctx, p, d, well)
	if lost { // it may have been the link's doing, which is there again
		o, ob, _ = e.watchExchange(ctx, p, d, well)
	}
	return o, ob
}

var (
	errNotBegun = errors.New("it had not begun in time")
	errTooLong  = errors.New("no answer in time")
)

// sampleSink takes in what a sample prints, and bounds what it may take from when it has
// begun on its host.
type sampleSink struct {
	*tail
	limit  time.Duration
	cancel context.CancelCauseFunc
	hear   func() <-chan error // begins to listen whether its link is there

	mu           sync.Mutex
	first, timer *time.Timer
	heard        <-chan error // once it has begun
}

func newSampleSink(limit time.Duration, cancel context.CancelCauseFunc, hear func() <-chan error) *sampleSink {
	return &sampleSink{tail: newTail(), limit: limit, cancel: cancel, hear: hear, first: time.AfterFunc(limit, func() { cancel(errNotBegun) })}
}

// Begun implements [executor.Beginner].
func (s *sampleSink) Begun() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first.Stop() {
		s.timer = time.AfterFunc(s.limit, func() { s.cancel(errTooLong) })
		s.heard = s.hear()
	}
}

// silent says that its link was silent while the command had time; nil: it wasn't. The
// command has begun.
func (s *sampleSink) silent() error {
	s.mu.Lock()
	heard := s.heard
	s.mu.Unlock()
	return <-heard
}

func (s *sampleSink) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first.Stop()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.cancel(nil)
}

var _ executor.Beginner = (*sampleSink)(nil)

// watchScript runs a script's look on its host. That it took too long counts only when
// its host was there to say so.
func (e *Engine) watchScript(ctx context.Context, p place, d run.Dispatch, n uint64) (observed, checks.Observation) {
	h, err := e.open(d.Where)
	if err != nil {
		return observed{unseen: err}, checks.Observation{}
	}
	if d.Env, err = e.state().Reveal(p.c, p.f, p.where, p.extra); err != nil {
		return observed{}, unseen(p.where, err)
	}
	cmd := command(d)
	cmd.Env = append(cmd.Env, executor.Var{Name: "STEPGATE_SAMPLE", Value: strconv.FormatUint(n, 10)})
	lctx, cancel := context.WithCancelCause(ctx)
	limit := p.f.LookTimeout()
	sink := newSampleSink(limit, cancel, func() <-chan error { return e.hear(lctx, remote(d.Where), limit) })
	defer sink.stop()
	r, err := h.exec.Look(lctx, cmd, sink)
	var ended *executor.EndedError
	switch cause := context.Cause(lctx); {
	case err == nil:
		e.connected(d.Where)
		ob := sink.observation()
		ob.Exit, ob.Ran, ob.Host = r.Exit, true, d.Where
		if sink.cut {
			ob.Ran, ob.Cause = false, "its output is larger than a sample can be judged by"
		}
		return observed{}, ob
	case ctx.Err() != nil:
		return observed{unseen: ctx.Err()}, checks.Observation{}
	case errors.Is(cause, errTooLong) && errors.As(err, &ended) && ended.Took <= prompt && sink.silent() == nil:
		return observed{}, unseen(p.where, fmt.Errorf("no answer within %s", sink.limit))
	case errors.Is(cause, errTooLong): // the link is slow, or silent
		return observed{unseen: fmt.Errorf("sample on %q: %w", d.Where, cause)}, checks.Observation{}
	case cause != nil:
		err = cause
	}
	return observed{unseen: err, host: remote(d.Where)}, checks.Observation{}
}

// remote is a host that has to be reached; empty: it is this machine.
func remote(name string) string {
	if name == plan.Local {
		return ""
	}
	return name
}

// watchExchange sends statements, a request or a probe. lost says that there was no
// answer, through a host that answers now.
func (e *Engine) watchExchange(ctx context.Context, p place, d run.Dispatch, well bool) (o observed, ob checks.Observation, lost bool) {
	limit := p.f.LookTimeout()
	lctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
	defer cancel()
	via := e.through(p, d)
	heard := e.hear(lctx, via, limit)
	// A monitor may write what it measures with.
	ob, err := e.exchange(lctx, p, d, false)
	timely := lctx.Err() == nil
	if ctx.Err() != nil {
		return observed{unseen: ctx.Err()}, ob, false
	}
	if err != nil || d.Form == "tcp" && ob.Exit != 0 {
		if why := e.overDown(ctx, p, d, well); why != "" {
			return observed{unseen: errors.New(why)}, ob, false
		}
	}
	if err == nil {
		if via != "" {
			e.connected(via)
		}
		return observed{}, ob, false
	}
	if via != "" {
		var reach *executor.ReachError
		if errors.As(err, &reach) && reach.Host == via {
			return observed{unseen: err, host: via}, ob, false
		}
		silent := e.linked(ctx, via, prompt)
		if silent == nil && !timely {
			silent = <-heard
		}
		if silent != nil {
			return observed{unseen: silent, host: via}, ob, false
		}
		lost = timely
	}
	if !timely {
		err = context.Cause(lctx)
	}
	return observed{}, unseen(p.where, err), lost
}

// through is the host that an exchange goes through; empty: it goes out from here.
func (e *Engine) through(p place, d run.Dispatch) string {
	via := d.Via
	if via == "" && p.f.Connection != nil {
		via = p.f.Connection.Via
	}
	host, err := e.viaHost(p.c, via, e.state().Names(p.c, p.where))
	if err != nil {
		return ""
	}
	return host
}

// note keeps why a monitor has no sample.
func (c *collector) note(w run.Watch, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unseen[w] = why
}
