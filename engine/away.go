package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stepgate/executor"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

const (
	// patience is how long a host that was lost is asked by itself before the
	// operator is; see [Options.Patience].
	patience = 2 * time.Minute
	// atLeast is how long a host is waited for even when its time is over already.
	atLeast = 30 * time.Second
	// longestPause lies between two tries to reach a host.
	longestPause = 15 * time.Second
)

// waitFor is how long the host of an attempt is waited for. What the attempt may
// take counts from when it was sent here; who resumes the run waits anew.
func (e *Engine) waitFor(a *run.Attempt, again bool) time.Duration {
	limit := time.Duration(a.Intent.Dispatch.ReconnectMS) * time.Millisecond
	if limit == 0 {
		return e.o.Patience
	}
	e.mu.Lock()
	sent, here := e.sent[a.Intent.Attempt]
	e.mu.Unlock()
	if again || !here {
		return limit
	}
	return max(min(limit, atLeast), limit-since(e.o.Now(), sent))
}

// inquire probes the attempt's host, with fence: the answer decides what happens
// next. A host that is away is asked again, for as long as it is waited for.
func (e *Engine) inquire(ctx context.Context, c *run.Cell, a *run.Attempt, again bool) (executor.Report, error) {
	h, err := e.open(a.Intent.Dispatch.Where)
	if err != nil {
		return executor.Report{}, err
	}
	if n := e.cutOff(a.Intent.Attempt); n > 1 { // it answers, and can't be followed: not at once again
		if err := sleep(ctx, time.Duration(n-1)*time.Second/2); err != nil {
			return executor.Report{}, err
		}
	}
	announced := a.Intent.Dispatch.ReconnectMS > 0
	shown := run.Activity{What: run.Reconnecting, Since: e.o.Now(), Timeout: e.waitFor(a, again)}
	if announced {
		shown.What = run.Returning
	}
	wctx, cancel := e.limited(ctx, shown.Timeout)
	defer cancel()
	now := e.nudged(c)
	for try := 1; ; try++ {
		rep, err := h.exec.Probe(wctx, attemptOf(e.state(), a), true)
		if err == nil {
			e.hostState(h.name, run.HostState{State: "connected"})
			shown.Detail = "it died, and its host has not been booted yet"
		} else {
			e.lost(ctx, h.name, err)
			shown.Detail = fmt.Sprintf("link lost, reconnecting, try %d; the command may still be running", try+1)
			if hint := e.hintOf(h.name); hint != "" {
				shown.Detail += "; " + hint
			}
		}
		dying := err == nil && a.Intent.Dispatch.Reboot && rep.Fate == executor.Died // what takes its host down is killed first
		if err == nil && !dying {
			return rep, nil
		}
		shown.Try = try + 1
		ok, asked := e.pause(wctx, c, shown, now)
		if asked { // by a person, who may be asked for a login
			e.forget(h.name)
			_, _ = e.reach(wctx, h.name) // the probe tells
		}
		if !ok {
			if err != nil {
				err = fmt.Errorf("ask host %q what became of %s: %w", h.name, c.Key, err)
			}
			return rep, err
		}
	}
}

// nudged is sent to when the operator asks for a try during the wait that begins at a
// cell, also while one is being made: that one may not ask for a login.
func (e *Engine) nudged(c *run.Cell) <-chan struct{} {
	now := make(chan struct{}, 1)
	e.update(func(l *live) {
		if l.work[c.Key] == nil {
			l.work[c.Key] = &activity{Activity: run.Activity{Cell: c.Key, What: "work", Since: e.o.Now()}}
		}
		l.work[c.Key].nudge = now
	})
	return now
}

// pause shows that a host is waited for, until it is time for the next try or the
// operator has asked for one. Not ok: it is no longer waited for.
func (e *Engine) pause(ctx context.Context, c *run.Cell, shown run.Activity, now <-chan struct{}) (ok, asked bool) {
	e.busyWith(c, shown)
	length := longestPause
	if doubling := shown.Try - 2; doubling < 4 {
		length = time.Second << max(0, doubling)
	}
	t := time.NewTimer(length)
	defer t.Stop()
	select {
	case <-t.C:
	case <-now:
		asked = true
	case <-ctx.Done():
	}
	return ctx.Err() == nil, asked
}

// hintOf is what can be done about a host that doesn't answer; empty: nothing is
// known.
func (e *Engine) hintOf(name string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.live.hosts[name].Hint
}

// await waits until the host that a command which passed has sent away is back.
// again: on the operator's word, once it was given up.
func (e *Engine) await(ctx context.Context, c *run.Cell, again bool) error {
	c = e.state().Cell(c.Key)
	a := c.Latest()
	in, begun := a.Intent, e.o.Now()
	shown := run.Activity{What: run.Returning, Since: begun, Timeout: e.waitFor(a, again)}
	wctx, cancel := e.limited(ctx, shown.Timeout)
	defer cancel()
	now := e.nudged(c)
	for {
		e.forget(in.Dispatch.Where)
		h, err := e.reach(wctx, in.Dispatch.Where)
		if err == nil {
			err = sameHost(in.Host, h.identity)
		}
		stayed := err == nil && in.Dispatch.Reboot && h.identity.BootID == in.Host.BootID
		switch {
		case err == nil && !stayed:
			return e.returned(ctx, c, h.identity, begun)
		case stayed:
			shown.Detail = "it has not gone down yet"
		default:
			shown.Detail = "it does not answer: " + e.secrets.redactor.String(err.Error())
		}
		shown.Try++
		if ok, _ := e.pause(wctx, c, shown, now); ok {
			continue
		}
		if e.ctx.Err() != nil || e.state().Paused {
			return errNoLonger // whoever goes on waits anew
		}
		why := fmt.Sprintf("host %q has not come back within %s", in.Dispatch.Where, text.Duration(shown.Timeout))
		switch {
		case ctx.Err() != nil:
			why = fmt.Sprintf("host %q was not back when the wait was ended", in.Dispatch.Where)
		case stayed:
			why = fmt.Sprintf("host %q did not reboot within %s", in.Dispatch.Where, text.Duration(shown.Timeout))
		}
		return e.append(ctx, run.NotReturned{
			Cell: c.Key, Attempt: in.Attempt, Stayed: stayed, Why: why, AwayMS: since(e.o.Now(), begun).Milliseconds(),
		})
	}
}

var errNoLonger = errors.New("no longer waiting for its host")

// sameHost refuses another machine than the one a command was sent to.
func sameHost(was, is run.Identity) error {
	switch {
	case was.MachineID != is.MachineID:
		return fmt.Errorf("another machine answers (%s, was %s)", is.MachineID, was.MachineID)
	case was.HostKey != "" && was.HostKey != is.HostKey:
		return fmt.Errorf("another host key answers (%s, was %s)", is.HostKey, was.HostKey)
	}
	return nil
}

// returned journals that a host which was sent away is back.
func (e *Engine) returned(ctx context.Context, c *run.Cell, id run.Identity, begun time.Time, before ...run.Event) error {
	in := c.Latest().Intent
	away := since(e.o.Now(), begun)
	e.say(fmt.Sprintf("host %q is back after %s", in.Dispatch.Where, text.Duration(away)))
	return e.append(ctx, append(before, run.Returned{Cell: c.Key, Attempt: in.Attempt, Host: id, AwayMS: away.Milliseconds()})...)
}

// away serves what may be asked for while a host is waited for, and reports
// whether it was such a wait.
func (e *Engine) away(ctx context.Context, r request, cancel context.CancelFunc) bool {
	s := e.Snapshot()
	verb := run.VerbOf(r.action)
	if s.Busy == nil || !s.Busy.Away() || !s.Action(verb).OK() {
		return false
	}
	if verb != run.VerbPause && (r.cell != s.Current || r.seq != s.Seq) {
		r.reply <- &run.StaleError{Key: s.Current}
		return true
	}
	switch verb {
	case run.VerbProbe:
		e.update(func(l *live) {
			if w := l.work[s.Current]; w != nil && w.nudge != nil {
				select {
				case w.nudge <- struct{}{}:
				default: // it has been asked for
				}
			}
		})
		r.reply <- nil
	case run.VerbMarkDone, run.VerbMarkFailed, run.VerbPause:
		ev, err := e.decided(question{Ask: run.Ask{Cell: e.state().Cell(s.Current), Wait: run.WaitUnknown}}, r.action)
		if err == nil {
			err = e.append(ctx, ev)
		}
		if err == nil {
			e.stopWaiting(s.Current, verb == run.VerbPause, cancel)
		}
		r.reply <- err
	default:
		return false
	}
	return true
}

// stopWaiting ends the wait for the host of a cell, or for all hosts.
func (e *Engine) stopWaiting(k run.Key, all bool, cancel context.CancelFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for at, w := range e.live.work {
		switch {
		case !w.Away() || at != k && !all:
		case w.cancel != nil:
			w.cancel()
		default:
			cancel()
		}
	}
}
