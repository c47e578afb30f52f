package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
)

// try is what one try of a check showed.
type try struct {
	res   run.CheckResult
	shown map[string]json.RawMessage // what it would capture
	over  bool                       // fail_if holds: the poll ends here
}

// lookOnce is one try.
func (e *Engine) lookOnce(ctx context.Context, p place, l run.Look) try {
	res := run.CheckResult{Fence: l.Fence, Where: l.Where}
	f := p.f
	ob := e.observe(ctx, p)
	ob.Check = true
	j := e.judge(p, ob)
	res.Verdict, res.Rows, res.Values = j.verdict, j.rows, j.values
	res.Exit, res.Ran, res.Cause = ob.Exit, ob.Ran, ob.Cause
	if f.Secret {
		res.Stdout, res.Stderr = e.secrets.sealed(ob.Stdout), e.secrets.sealed(ob.Stderr)
	} else {
		res.Stdout, res.Stderr = clip(ob.Stdout), clip(ob.Stderr)
	}
	t := try{res: res, shown: j.shown}
	if f.Poll.FailIf != nil && ob.Ran {
		values, world := e.seen(p)
		if v, err := f.Poll.FailIf.Value.EvalOn(ob, values, world); err == nil && v == true {
			t.over = true
			t.res.Verdict, t.res.Values = checks.Fail, nil
			t.res.Rows = append(t.res.Rows, checks.Row{
				Text: "fail_if " + f.Poll.FailIf.Text, Verdict: checks.Fail, Cause: "it is true: the poll ends here",
			})
		}
	}
	return t
}

// poll tries a check until it holds for long enough, its time is up, its fail_if
// is true, or the operator stops it; the last try's verdict is the result.
func (e *Engine) poll(ctx context.Context, p place, n int, l run.Look, several bool) run.CheckResult {
	c, f, begun := p.c, p.f, e.o.Now()
	every := f.Interval()
	var held time.Time
	var last try
	var tried history
	var shown trends
	for no := 1; ; no++ {
		began := e.o.Now()
		e.updateLook(c.Key, n, func(l *run.Look) { l.Try, l.Since = no, begun })
		t := e.conceal(p, several, e.lookOnce(ctx, p, l))
		if ctx.Err() != nil && no > 1 {
			t = last // the try that was cut off says nothing
		}
		last = t
		now := e.o.Now()
		tried.add(no, since(now, begun), t)
		res := t.res
		res.Tries, res.TookMS = no, since(now, begun).Milliseconds()
		shown = shown.add(t.shown)
		if res.Verdict != checks.Pass {
			held = time.Time{}
		} else if held.IsZero() {
			held = began
		}
		e.updateLook(c.Key, n, func(l *run.Look) {
			l.Last, l.Trends, l.Held = res, shown, held
			l.Last.Values = t.shown
		})
		done := res.Verdict == checks.Pass && since(now, held) >= f.Poll.Hold
		if done || t.over || since(now, begun) >= f.Poll.Until || ctx.Err() != nil {
			switch {
			case res.Verdict != checks.Pass || done:
			case ctx.Err() != nil:
				res.Verdict, res.Cause, res.Values = checks.Unknown, "stopped before it had held for "+f.Poll.Hold.String(), nil
			default:
				res.Verdict, res.Cause, res.Values = checks.Fail, "it did not hold for "+f.Poll.Hold.String(), nil
			}
			res.Tried = tried.kept()
			e.updateLook(c.Key, n, func(l *run.Look) { l.Done, l.Last = true, res })
			return res
		}
		_ = sleep(ctx, every-since(now, began)) // its end is seen by the next try
	}
}

// since is how long ago a time was. A clock that was set back makes it nothing.
func since(now, t time.Time) time.Duration { return max(0, now.Sub(t)) }

// history collects the tries of a poll that showed something new.
type history struct {
	first, rest []run.Try
	latest      run.Try
}

func (h *history) add(no int, at time.Duration, t try) {
	rows := slices.Clone(t.res.Rows)
	for i := range rows {
		rows[i].Diff = "" // the check's result has the last one; of each try it would be much
	}
	next := run.Try{
		No: no, AtMS: at.Milliseconds(), Verdict: t.res.Verdict, Cause: t.res.Cause, Rows: rows, Values: t.shown,
	}
	fresh := h.latest.No == 0 || !alike(h.latest, next)
	h.latest = next
	switch {
	case !fresh:
	case len(h.first) < run.MaxTried/2:
		h.first = append(h.first, next)
	default:
		h.rest = append(h.rest, next)
		if len(h.rest) > run.MaxTried/2-1 {
			h.rest = slices.Delete(h.rest, 0, 1)
		}
	}
}

// kept is what the journal keeps; nothing of a check that was tried once.
func (h *history) kept() []run.Try {
	if h.latest.No < 2 {
		return nil
	}
	all := slices.Concat(h.first, h.rest)
	if all[len(all)-1].No != h.latest.No {
		all = append(all, h.latest)
	}
	return all
}

// alike reports whether two tries showed the same.
func alike(a, b run.Try) bool {
	return a.Verdict == b.Verdict && a.Cause == b.Cause &&
		slices.EqualFunc(a.Rows, b.Rows, func(x, y checks.Row) bool {
			return x.Text == y.Text && x.Verdict == y.Verdict && x.Saw == y.Saw && x.Cause == y.Cause
		}) &&
		maps.EqualFunc(a.Values, b.Values, func(x, y json.RawMessage) bool { return bytes.Equal(x, y) })
}
