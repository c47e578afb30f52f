package engine

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/run"
)

// take takes all checks of a phase, fence after fence and all places of a
// fence at once, so that the operator sees every red one. Evidence is taken in
// one try, unless a host has just come back.
func (e *Engine) take(ctx context.Context, c *run.Cell, phase run.Phase) (run.ChecksTaken, error) {
	taken := run.ChecksTaken{Cell: c.Key, Phase: phase, Attempt: attemptID(c)}
	fences := c.Fences(phase)
	var looks []run.Look
	several := map[int]int{}   // places of each fence
	nowhere := map[int]error{} // fences whose place isn't known
	for i, f := range fences {
		places, err := e.state().Places(c, f)
		if err != nil {
			places, nowhere[i] = []string{""}, err
		}
		several[i] = len(places)
		for _, where := range places {
			looks = append(looks, run.Look{Fence: i, Where: where, Until: f.Poll.Until, Every: f.Poll.Every, Hold: f.Poll.Hold})
		}
	}
	e.busyWith(c, run.Activity{What: "check", Phase: phase, Looks: looks})
	extra := captured{}
	for i, f := range fences {
		if a := c.Latest(); e.once || phase == run.Evidence && (a == nil || a.Returned == nil) {
			once := *f
			once.Poll = runbook.Poll{}
			f = &once
		}
		var wg sync.WaitGroup
		results := make([]run.CheckResult, len(looks))
		for n, l := range looks {
			if err := nowhere[i]; err != nil && l.Fence == i {
				results[n] = run.CheckResult{Fence: i, Verdict: checks.Unknown, Cause: err.Error()}
			} else if l.Fence == i {
				wg.Go(func() { results[n] = e.poll(ctx, place{c, f, l.Where, extra.at(l.Where)}, n, l, several[i] > 1) })
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

func (e *Engine) updateLook(k run.Key, n int, change func(*run.Look)) {
	e.change(k, func(a *run.Activity) {
		if n < len(a.Looks) {
			change(&a.Looks[n])
		}
	})
}

// judgement is what an observation means for a fence.
type judgement struct {
	verdict checks.Verdict
	rows    []checks.Row
	values  map[string]json.RawMessage
	shown   map[string]json.RawMessage // also of a try that doesn't hold
}

// judge applies a fence's expect, and on a pass its capture: a value that can't
// be captured makes the verdict unknown. What other tries would capture is only
// for looking at.
func (e *Engine) judge(p place, ob checks.Observation) judgement {
	e.vouchFor(p.f)
	values, world := e.seen(p)
	var captured map[string]json.RawMessage
	var err error
	if p.f.Capture != nil && ob.Ran {
		captured, err = captures(p.f.Capture, ob, values, world)
	}
	if p.f.Monitor { // it is judged by what it captures
		for name, raw := range captured {
			if v, err := checks.Decode(raw); err == nil {
				values[name] = v
			}
		}
	}
	var j judgement
	j.verdict, j.rows = checks.Judge(p.f.Expect, ob, values, world)
	if p.f.Capture == nil || !ob.Ran {
		return j
	}
	switch {
	case j.verdict == checks.Pass && err != nil:
		j.verdict = checks.Unknown
		j.rows = append(j.rows, checks.Row{Text: "capture", Verdict: checks.Unknown, Cause: err.Error()})
	case j.verdict == checks.Pass:
		j.values, j.shown = captured, captured
	case err == nil:
		j.shown = captured
	}
	return j
}

// seen is what expressions see at a place.
func (e *Engine) seen(p place) (checks.Values, checks.World) {
	r := e.state()
	values := checks.Values(r.Names(p.c, p.where))
	maps.Copy(values, p.extra)
	return values, r.WorldAt(p.c).Since(e.busySince(p.c.Key))
}

func captures(f *checks.Capture, ob checks.Observation, values checks.Values, world checks.World) (map[string]json.RawMessage, error) {
	captured, err := f.Eval(ob, values, world)
	if err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for _, v := range captured {
		if out[v.Name], err = json.Marshal(v.Value); err != nil {
			return nil, err
		}
	}
	return out, nil
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
