package engine

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// host is an open executor with what it said of itself. Used by the loop's
// work only, one at a time, except exec, which is safe for concurrent use.
type host struct {
	name     string
	exec     executor.Executor
	host     executor.Host
	identity run.Identity
	known    bool
}

// open returns the host's executor without talking to it.
func (e *Engine) open(name string) (*host, error) {
	e.hostsMu.Lock()
	defer e.hostsMu.Unlock()
	h, ok := e.hosts[name]
	if ok {
		return h, nil
	}
	exec, err := e.o.Hosts(name)
	if err != nil {
		return nil, fmt.Errorf("open host %q: %w", name, err)
	}
	h = &host{name: name, exec: exec}
	e.hosts[name] = h
	return h, nil
}

// reach identifies the host, once, and journals what it said. A host that is
// another machine than earlier in the run is an error.
func (e *Engine) reach(ctx context.Context, name string) (*host, error) {
	h, err := e.open(name)
	if err != nil || h.known {
		return h, err
	}
	e.hostState(name, run.HostState{State: "connecting"})
	id, err := h.exec.Identify(ctx)
	if err != nil {
		e.lost(name, err)
		return nil, err
	}
	e.hostState(name, run.HostState{State: "connected"})
	seen := run.Identity{
		MachineID: id.MachineID, BootID: id.BootID, HostKey: id.HostKey, User: id.User,
		Hostname: id.Hostname, System: id.System, Dir: id.Dir, Degraded: id.Degraded,
	}
	before, ok := e.state().Hosts[name]
	if ok && before.MachineID != seen.MachineID {
		return nil, fmt.Errorf("reach host %q: another machine answers than earlier in this run (%s, was %s)", name, seen.MachineID, before.MachineID)
	}
	if !ok || before != seen {
		if err := e.append(ctx, run.HostSeen{Host: name, Identity: seen}); err != nil {
			return nil, err
		}
	}
	h.host, h.identity, h.known = id, seen, true
	return h, nil
}

func (e *Engine) hostState(name string, s run.HostState) {
	e.update(func(l *live) { l.hosts[name] = s })
}

// lost notes that a host did not answer, with its remedy where one is known.
func (e *Engine) lost(name string, err error) {
	if e.ctx.Err() != nil {
		return
	}
	s := run.HostState{State: "lost", Error: err.Error()}
	var re *executor.ReachError
	if errors.As(err, &re) {
		s.Hint = re.Hint
	}
	e.hostState(name, s)
}

// dispatch reaches the host, makes the intent durable, with the grant it uses
// up, then starts the attempt and follows it.
func (e *Engine) dispatch(ctx context.Context, c *run.Cell, role run.Role, d run.Dispatch, accepted func(error), grants ...run.GateGranted) error {
	h, err := e.reach(ctx, d.Where)
	if err != nil {
		return e.notDispatched(ctx, c, err)
	}
	if h.identity.Degraded != "" {
		return e.notDispatched(ctx, c, fmt.Errorf("host %q can't keep attempts (%s), so what becomes of a command there could not be known", h.name, h.identity.Degraded))
	}
	r := e.state()
	no := len(r.Cell(c.Key).Attempts) + 1
	intent := run.Intent{
		Cell: c.Key, Role: role, No: no, Dispatch: d, Host: h.identity,
		Attempt: run.AttemptID(r.ID, c.Key, no, d.Hash(h.identity.MachineID)),
	}
	var events []run.Event
	for _, g := range grants {
		intent.Gate = g.Gate
		events = append(events, g)
	}
	if err := e.append(ctx, append(events, intent)...); err != nil {
		return err
	}
	accepted(nil)
	return e.launch(ctx, e.state().Cell(c.Key), h)
}

// launch starts the attempt whose intent is durable.
func (e *Engine) launch(ctx context.Context, c *run.Cell, h *host) error {
	a := c.Latest()
	e.busyWith(c, run.Activity{What: string(a.Intent.Role), Attempt: a.Intent.Attempt, Timeout: time.Duration(a.Intent.Dispatch.TimeoutMS) * time.Millisecond})
	claim, err := h.exec.Start(ctx, attemptOf(e.state(), a))
	var refused *executor.RefusedError
	switch {
	case claim == executor.Started || claim == executor.Attached:
		return e.follow(ctx, c)
	case errors.As(err, &refused) && claim == executor.Known:
		return e.append(ctx,
			run.Interrupted{Cell: c.Key, Attempt: a.Intent.Attempt, Why: string(run.HostKnows)},
			run.Probed{Cell: c.Key, Attempt: a.Intent.Attempt, Fate: "known", Detail: refused.Record})
	case errors.As(err, &refused):
		e.say(refused.Error())
		return e.neverStarted(ctx, c, run.Interrupted{Cell: c.Key, Attempt: a.Intent.Attempt, Why: "refused"}, refused.Reason, false)
	default:
		e.lost(h.name, err)
		return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: a.Intent.Attempt, Why: string(run.LinkLost)})
	}
}

// neverStarted journals the host's word that an attempt did not and will not
// begin; again makes the cell pending at once.
func (e *Engine) neverStarted(ctx context.Context, c *run.Cell, first run.Event, why string, again bool) error {
	id := c.Latest().Intent.Attempt
	events := []run.Event{
		run.Probed{Cell: c.Key, Attempt: id, Fate: executor.NeverStarted.String(), Detail: why},
		run.OutcomeResolved{Cell: c.Key, Attempt: id, Method: run.ByProbe, Reason: "the host says it never started"},
	}
	if first != nil {
		events = append([]run.Event{first}, events...)
	}
	if again && c.Latest().Intent.Role == run.RoleCommand {
		events = append(events, run.Retried{Cell: c.Key, Why: "nothing had been started"})
	}
	return e.append(ctx, events...)
}

// follow waits for the attempt's exit code, judges it, and journals the outcome.
func (e *Engine) follow(ctx context.Context, c *run.Cell) error {
	c = e.state().Cell(c.Key)
	a := c.Latest()
	in := a.Intent
	h, err := e.open(in.Dispatch.Where)
	if err != nil {
		return errors.Join(err, e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: in.Attempt, Why: string(run.LinkLost)}))
	}
	limit := time.Duration(in.Dispatch.TimeoutMS) * time.Millisecond
	e.busyWith(c, run.Activity{What: string(in.Role), Attempt: in.Attempt, Timeout: limit})
	fctx, cancel := ctx, context.CancelFunc(func() {})
	if limit > 0 {
		fctx, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	tail := e.out.attempt(in.Attempt, func(n [2]int64) {
		e.update(func(l *live) {
			if l.busy != nil && l.busy.Attempt == in.Attempt {
				l.busy.Bytes = n
			}
		})
	})
	res, err := h.exec.Follow(fctx, attemptOf(e.state(), a), executor.Offsets{}, tail)
	if ferr := e.out.flush(ctx); ferr != nil {
		return ferr
	}
	var fate *executor.FateError
	switch {
	case err == nil:
		return e.outcome(ctx, c, res, tail)
	case e.ctx.Err() != nil:
		return nil // left: the command goes on
	case errors.As(err, &fate):
		return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: in.Attempt, Why: fate.Report.Fate.String()})
	case fctx.Err() != nil && ctx.Err() == nil:
		e.say(fmt.Sprintf("it has taken longer than %s", limit))
		return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: in.Attempt, Why: string(run.TimedOut)})
	default:
		e.lost(h.name, err)
		return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: in.Attempt, Why: string(run.LinkLost)})
	}
}

func (e *Engine) outcome(ctx context.Context, c *run.Cell, res executor.Result, t *tail) error {
	in := c.Latest().Intent
	f := c.Plan.Step.Book.Command
	if in.Role == run.RoleRollback {
		f = c.Plan.Step.Book.Rollback.Command
	}
	ob := t.observation()
	ob.Exit, ob.Ran, ob.Host = res.Exit, true, in.Dispatch.Where
	j := e.judge(c, f, in.Dispatch.Where, ob, nil)
	out := run.Outcome{
		Cell: c.Key, Attempt: in.Attempt, Exit: res.Exit, Verdict: j.verdict, Rows: j.rows, Values: j.values,
		Bytes: res.Bytes, TookMS: res.Took.Milliseconds(),
	}
	if t.cut && f.Expect != nil && out.Verdict == checks.Pass {
		out.Verdict = checks.Unknown
		out.Rows = append(out.Rows, checks.Row{Text: "output", Verdict: checks.Unknown, Cause: "it is larger than an expect can judge"})
	}
	var err error
	if out.Omitted, err = e.out.omitted(ctx, in.Attempt, res.Bytes); err != nil {
		return err
	}
	if err := e.append(ctx, out); err != nil {
		return err
	}
	now := e.state().Cell(c.Key)
	if now.Status == run.Failed && len(c.Fences(run.After)) > 0 {
		return e.evidence(ctx, now)
	}
	return nil
}

func (e *Engine) busyWith(c *run.Cell, a run.Activity) {
	a.Since = e.o.Now()
	e.update(func(l *live) { l.busy, l.current, l.wait = &a, c.Key, run.WaitNothing })
}

// attemptOf is what the executor needs to know of an attempt.
func attemptOf(r *run.Run, a *run.Attempt) executor.Attempt {
	in := a.Intent
	cmd := command(in.Dispatch)
	cmd.Env = append(cmd.Env, executor.Var{Name: "STEPGATE_ATTEMPT", Value: in.Attempt})
	return executor.Attempt{
		ID: in.Attempt, RunID: r.ID, IntentHash: hex.EncodeToString(a.Record.Hash[:]), Command: cmd,
		Host: executor.Host{
			MachineID: in.Host.MachineID, BootID: in.Host.BootID, HostKey: in.Host.HostKey, User: in.Host.User,
			Hostname: in.Host.Hostname, System: in.Host.System, Dir: in.Host.Dir, Degraded: in.Host.Degraded,
		},
	}
}

func command(d run.Dispatch) executor.Command {
	c := executor.Command{Interpreter: d.Interpreter, Body: d.Prefix + d.Body, Dir: d.Dir}
	for _, v := range d.Env {
		c.Env = append(c.Env, executor.Var(v))
	}
	return c
}

// undo takes a rollback's preconditions and sends it.
func (e *Engine) undo(ctx context.Context, c *run.Cell) error {
	if len(c.Fences(run.RollbackBefore)) > 0 {
		taken, err := e.take(ctx, c, run.RollbackBefore)
		if err != nil {
			return err
		}
		if err := e.append(ctx, taken); err != nil || taken.Verdict() != checks.Pass {
			return err
		}
	}
	d, err := e.state().Dispatch(c, run.RoleRollback)
	if err != nil {
		return e.notDispatched(ctx, c, err)
	}
	return e.dispatch(ctx, c, run.RoleRollback, d, func(error) {})
}

// notDispatched puts a command that could not be sent before the operator.
// Being told to leave is no such reason.
func (e *Engine) notDispatched(ctx context.Context, c *run.Cell, cause error) error {
	if ctx.Err() != nil && e.ctx.Err() != nil {
		return nil
	}
	hint := text.HintOf(cause)
	var re *executor.ReachError
	if errors.As(cause, &re) {
		hint = re.Hint
	}
	return e.append(ctx, run.NotDispatched{Cell: c.Key, Why: cause.Error(), Hint: hint})
}

// timeoutOf is how long one try of a check may take.
func timeoutOf(f *runbook.Fence) time.Duration {
	if f.Timeout > 0 {
		return f.Timeout
	}
	return runbook.DefaultCheckTimeout
}
