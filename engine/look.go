package engine

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/run"
)

// take takes all checks of a phase, fence after fence and all places of a
// fence at once, so that the operator sees every red one. Evidence is taken in
// one try.
func (e *Engine) take(ctx context.Context, c *run.Cell, phase run.Phase) (run.ChecksTaken, error) {
	taken := run.ChecksTaken{Cell: c.Key, Phase: phase, Attempt: attemptID(c)}
	fences := c.Fences(phase)
	var looks []run.Look
	for i, f := range fences {
		for _, where := range e.plan.Places(c.Plan, f) {
			looks = append(looks, run.Look{Fence: i, Where: where, Until: f.Poll.Until, Every: f.Poll.Every})
		}
	}
	e.busyWith(c, run.Activity{What: "check", Phase: phase, Looks: looks})
	extra := captured{}
	for i, f := range fences {
		if phase == run.Evidence {
			once := *f
			once.Poll = runbook.Poll{}
			f = &once
		}
		var wg sync.WaitGroup
		results := make([]run.CheckResult, len(looks))
		for n, l := range looks {
			if l.Fence == i {
				wg.Go(func() { results[n] = e.poll(ctx, c, f, n, l, extra.at(l.Where)) })
			}
		}
		wg.Wait()
		if e.ctx.Err() != nil {
			return taken, e.ctx.Err()
		}
		for n, l := range looks {
			if l.Fence != i {
				continue
			}
			taken.Checks = append(taken.Checks, results[n])
		}
		extra.add(taken.Checks, i)
	}
	return taken, nil
}

// captured is what the checks of a phase have captured so far, by place; under ""
// what was captured at one place only and so holds for the others too.
type captured map[string]map[string]any

// add takes in what a fence captured.
func (k captured) add(results []run.CheckResult, fence int) {
	results = slices.DeleteFunc(slices.Clone(results), func(r run.CheckResult) bool { return r.Fence != fence })
	for _, r := range results {
		place := r.Where
		if len(results) == 1 {
			place = ""
		}
		for name, raw := range r.Values {
			if v, err := checks.Decode(raw); err == nil {
				if k[place] == nil {
					k[place] = map[string]any{}
				}
				k[place][name] = v
			}
		}
	}
}

// at is what a check at a place sees of it.
func (k captured) at(where string) map[string]any {
	m := map[string]any{}
	maps.Copy(m, k[""])
	maps.Copy(m, k[where])
	return m
}

// poll tries a check until it holds for long enough, its time is up, or the
// operator stops it; the last try's verdict is the result.
func (e *Engine) poll(ctx context.Context, c *run.Cell, f *runbook.Fence, n int, l run.Look, extra map[string]any) run.CheckResult {
	begun := e.o.Now()
	every := f.Poll.Every
	if every == 0 {
		every = runbook.DefaultEvery
	}
	var held time.Time
	var last run.CheckResult
	for try := 1; ; try++ {
		tried := e.o.Now()
		e.updateLook(c.Key, n, func(l *run.Look) { l.Try, l.Since = try, begun })
		res := e.lookOnce(ctx, c, f, l, extra)
		if ctx.Err() != nil && try > 1 {
			res = last // the try that was cut off says nothing
		}
		last = res
		now := e.o.Now()
		res.Tries, res.TookMS = try, now.Sub(begun).Milliseconds()
		e.updateLook(c.Key, n, func(l *run.Look) { l.Last = res })
		if res.Verdict != checks.Pass {
			held = time.Time{}
		} else if held.IsZero() {
			held = tried
		}
		done := res.Verdict == checks.Pass && now.Sub(held) >= f.Poll.Hold
		if done || now.Sub(begun) >= f.Poll.Until || ctx.Err() != nil {
			switch {
			case res.Verdict != checks.Pass || done:
			case ctx.Err() != nil:
				res.Verdict, res.Cause, res.Values = checks.Unknown, "stopped before it had held for "+f.Poll.Hold.String(), nil
			default:
				res.Verdict, res.Cause, res.Values = checks.Fail, "it did not hold for "+f.Poll.Hold.String(), nil
			}
			e.updateLook(c.Key, n, func(l *run.Look) { l.Done, l.Last = true, res })
			return res
		}
		pause := time.NewTimer(every - now.Sub(tried))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

func (e *Engine) updateLook(k run.Key, n int, change func(*run.Look)) {
	e.change(k, func(a *run.Activity) {
		if n < len(a.Looks) {
			change(&a.Looks[n])
		}
	})
}

// lookOnce is one try.
func (e *Engine) lookOnce(ctx context.Context, c *run.Cell, f *runbook.Fence, l run.Look, extra map[string]any) run.CheckResult {
	res := run.CheckResult{Fence: l.Fence, Where: l.Where}
	ob := checks.Observation{Ran: true, Host: l.Where} // a check over variables runs nothing
	if f.Lang != "" {
		ob = e.observe(ctx, c, f, l.Where, extra)
	}
	ob.Check = true
	j := e.judge(c, f, l.Where, ob, extra)
	res.Verdict, res.Rows, res.Values = j.verdict, j.rows, j.values
	res.Exit, res.Ran, res.Cause = ob.Exit, ob.Ran, ob.Cause
	res.Stdout, res.Stderr = clip(ob.Stdout), clip(ob.Stderr)
	return res
}

// observe runs a look on its host.
func (e *Engine) observe(ctx context.Context, c *run.Cell, f *runbook.Fence, where string, extra map[string]any) checks.Observation {
	bad := func(err error) checks.Observation { return checks.Observation{Host: where, Cause: err.Error()} }
	h, err := e.open(where)
	if err != nil {
		return bad(err)
	}
	d, err := e.state().DispatchFence(c, f, where, extra)
	if err != nil {
		return bad(err)
	}
	limit := timeoutOf(f)
	lctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	t := newTail()
	r, err := h.exec.Look(lctx, command(d), t)
	switch {
	case err == nil:
		e.hostState(where, run.HostState{State: "connected"})
	case ctx.Err() != nil:
		return bad(errors.New("stopped"))
	case lctx.Err() != nil:
		return bad(errors.New("no answer within " + limit.String()))
	default:
		e.lost(ctx, where, err)
		return bad(err)
	}
	ob := t.observation()
	ob.Exit, ob.Ran, ob.Host = r.Exit, true, where
	if t.cut {
		ob.Ran, ob.Cause = false, "its output is larger than a check can judge"
	}
	return ob
}

// judgement is what an observation means for a fence.
type judgement struct {
	verdict checks.Verdict
	rows    []checks.Row
	values  map[string]json.RawMessage
}

// judge applies a fence's expect, and on a pass its capture: a value that can't
// be captured makes the verdict unknown.
func (e *Engine) judge(c *run.Cell, f *runbook.Fence, where string, ob checks.Observation, extra map[string]any) judgement {
	r := e.state()
	values, world := checks.Values(r.Names(c, where)), r.WorldAt(c)
	for name, v := range extra {
		values[name] = v
	}
	var j judgement
	j.verdict, j.rows = checks.Judge(f.Expect, ob, values, world)
	if f.Capture == nil || j.verdict != checks.Pass {
		return j
	}
	captured, err := f.Capture.Eval(ob, values, world)
	if err == nil {
		j.values = map[string]json.RawMessage{}
		for _, v := range captured {
			var raw []byte
			if raw, err = json.Marshal(v.Value); err != nil {
				break
			}
			j.values[v.Name] = raw
		}
	}
	if err != nil {
		j.verdict, j.values = checks.Unknown, nil
		j.rows = append(j.rows, checks.Row{Text: "capture", Verdict: checks.Unknown, Cause: err.Error()})
	}
	return j
}

// clipHalf is how much of each end of a check's output the journal keeps.
const clipHalf = 16 << 10

func clip(s string) string {
	if len(s) <= 2*clipHalf {
		return s
	}
	return s[:clipHalf] + "\n… left out …\n" + s[len(s)-clipHalf:]
}

// verify takes the postconditions that decide a command, or a rollback.
func (e *Engine) verify(ctx context.Context, c *run.Cell) error {
	phase := run.After
	if c.Latest().Intent.Role == run.RoleRollback {
		phase = run.RollbackAfter
	}
	taken, err := e.take(ctx, c, phase)
	if err != nil {
		return err
	}
	return e.append(ctx, taken)
}

var _ executor.Sink = (*tail)(nil)
