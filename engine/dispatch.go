package engine

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// dispatch reaches the host, makes the intent durable, with the grant it uses
// up, then starts the attempt and follows it.
func (e *Engine) dispatch(ctx context.Context, c *run.Cell, role run.Role, d run.Dispatch, grant *run.GateGranted, accepted func(error)) error {
	if d.Form == copyForm {
		return e.copyFiles(ctx, c, role, d, grant, accepted)
	}
	if d.Form != "" {
		return e.send(ctx, c, role, d, grant, accepted)
	}
	if d.TTY && e.o.Lend == nil {
		return e.notDispatched(ctx, c, errors.New(noTerminal))
	}
	h, err := e.reach(ctx, d.Where)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return e.notDispatched(ctx, c, err)
	}
	if h.identity.Degraded != "" {
		return e.notDispatched(ctx, c, fmt.Errorf("host %q can't keep attempts (%s), so what becomes of a command there could not be known", h.name, h.identity.Degraded))
	}
	if err := e.supply(ctx, c, run.Intent{Cell: c.Key, Role: role, Dispatch: d}, h); err != nil {
		return e.notDispatched(ctx, c, err)
	}
	c, err = e.intend(ctx, c, role, d, h.identity, grant)
	if err != nil {
		return err
	}
	accepted(nil)
	if c.Beside(c.Latest()) {
		return e.awaitUp(ctx, c)
	}
	if d.TTY {
		return e.hand(ctx, c, h)
	}
	return e.launch(ctx, c, h)
}

// supply makes sure, before there is an intent, that nothing that only a person can
// give is lacking: the values of secrets, and the password of another user. What has a
// terminal asks for that itself.
func (e *Engine) supply(ctx context.Context, c *run.Cell, in run.Intent, h reached) error {
	d := in.Dispatch
	if _, err := e.state().Reveal(c, e.fenceOf(c, in), d.Where, nil); err != nil {
		return err
	}
	if d.User == "" || d.TTY {
		return nil
	}
	return h.exec.Ready(ctx, command(d))
}

// intend makes an intent durable, with the grant it uses up.
func (e *Engine) intend(ctx context.Context, c *run.Cell, role run.Role, d run.Dispatch, id run.Identity, grant *run.GateGranted) (*run.Cell, error) {
	in := run.Intent{Cell: c.Key, Role: role, Dispatch: d, Host: id}
	var events []run.Event
	if grant != nil {
		in.Gate = grant.Gate
		events = append(events, *grant)
	}
	return e.intended(ctx, in, events...)
}

// intended makes an intent durable that lacks its number only, behind other events.
// Starts in the background, which come at any time, have numbers of the same row.
func (e *Engine) intended(ctx context.Context, in run.Intent, before ...run.Event) (*run.Cell, error) {
	e.numbers.Lock()
	defer e.numbers.Unlock()
	r := e.state()
	in.No = r.Cell(in.Cell).NextNo()
	in.Attempt = run.AttemptID(r.ID, in.Cell, in.No, in.Dispatch.Hash(in.Host.MachineID))
	if err := e.append(ctx, append(before, in)...); err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.sent[in.Attempt] = e.o.Now()
	e.mu.Unlock()
	return e.state().Cell(in.Cell), nil
}

// launch starts the attempt whose intent is durable.
func (e *Engine) launch(ctx context.Context, c *run.Cell, h reached) error {
	a := c.Latest()
	e.busyWith(c, run.Activity{What: string(a.Intent.Role), Attempt: a.Intent.Attempt, Timeout: time.Duration(a.Intent.Dispatch.TimeoutMS) * time.Millisecond})
	claim, err := h.exec.Start(ctx, e.revealed(c, a))
	var refused *executor.RefusedError
	switch {
	case claim == executor.Started || claim == executor.Attached:
		return e.follow(ctx, c)
	case errors.As(err, &refused):
		return e.refused(ctx, c, h.name, refused, claim == executor.Known)
	case e.ctx.Err() != nil:
		return nil // left: the host will be asked
	default:
		e.cutOffAt(a.Intent.Attempt)
		e.lost(ctx, h.name, err)
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
	if again && c.Latest().Intent.Role == run.RoleCommand && c.AdHoc == nil {
		events = append(events, run.Retried{Cell: c.Key, Why: "nothing had been started"})
	}
	return e.append(ctx, events...)
}

// follow waits for the attempt's exit code, judges it, and journals the outcome.
func (e *Engine) follow(ctx context.Context, c *run.Cell) error {
	c = e.state().Cell(c.Key)
	a := c.Latest()
	in := a.Intent
	if in.Dispatch.Form == copyForm {
		return e.transfer(ctx, c)
	}
	if in.Dispatch.Form != "" { // nobody has it to be followed
		return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: in.Attempt, Why: string(run.Crashed)})
	}
	if c.Beside(a) {
		return e.awaitUp(ctx, c)
	}
	h, err := e.open(in.Dispatch.Where)
	if err != nil {
		return errors.Join(err, e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: in.Attempt, Why: string(run.LinkLost)}))
	}
	limit := time.Duration(in.Dispatch.TimeoutMS) * time.Millisecond
	e.busyWith(c, run.Activity{What: string(in.Role), Attempt: in.Attempt, Timeout: limit, Since: e.sentAt(a)})
	fctx, cancel := ctx, context.CancelFunc(func() {})
	if limit > 0 {
		fctx, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	tail := e.out.attempt(in.Attempt, e.progress(c, in.Attempt))
	begun := e.o.Now()
	res, err := h.exec.Follow(fctx, attemptOf(e.state(), a), executor.Offsets{}, tail)
	if err == nil {
		tail.end()
	}
	if ferr := e.out.flush(ctx); ferr != nil {
		return ferr
	}
	if e.o.Now().Sub(begun) > lasting {
		e.cut(in.Attempt, 0)
	}
	var fate *executor.FateError
	switch {
	case err == nil:
		ob := tail.observation()
		ob.Exit, ob.Ran, ob.Host = res.Exit, true, in.Dispatch.Where
		return e.outcome(ctx, c, res, ob, tail)
	case e.ctx.Err() != nil:
		return nil // left: the command goes on
	case errors.As(err, &fate):
		return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: in.Attempt, Why: fate.Report.Fate.String()})
	case fctx.Err() != nil && ctx.Err() == nil:
		e.say(fmt.Sprintf("it has taken longer than %s", limit))
		return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: in.Attempt, Why: string(run.TimedOut)})
	default:
		e.cut(in.Attempt, 1)
		e.cutOffAt(in.Attempt)
		e.lost(ctx, h.name, err)
		return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: in.Attempt, Why: string(run.LinkLost)})
	}
}

// sentAt is since when an attempt is at work, as far as the clock can tell.
func (e *Engine) sentAt(a *run.Attempt) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at, here := e.sent[a.Intent.Attempt]; here {
		return at
	}
	if a.At.After(e.o.Now()) {
		return time.Time{}
	}
	return a.At
}

// progress shows how much an attempt has printed.
func (e *Engine) progress(c *run.Cell, attempt string) func([2]int64) {
	return func(n [2]int64) {
		e.change(c.Key, func(a *run.Activity) {
			if a.Attempt == attempt {
				a.Bytes = n
			}
		})
	}
}

// outcome judges how an attempt ended and journals it. t has had its output.
func (e *Engine) outcome(ctx context.Context, c *run.Cell, res executor.Result, ob checks.Observation, t *tail) error {
	in := c.Latest().Intent
	f := c.Fence(in.Role)
	j := e.judge(place{c: c, f: f, where: in.Dispatch.Where}, ob)
	// What is known of the whole output is only that it was long, unless the
	// exit code alone decides.
	if t.cut && (f.Expect != nil || f.Capture != nil) && (res.Exit == 0 || f.Expect != nil && f.Expect.SpeaksOfExit()) {
		j = judgement{verdict: checks.Unknown, rows: []checks.Row{{Text: "output", Verdict: checks.Unknown, Cause: "it is larger than an expect can judge"}}}
	}
	if ended := goingDown[res.Exit]; in.Dispatch.Reboot && f.Expect == nil && ended != "" {
		j = judgement{verdict: checks.Pass, rows: []checks.Row{{
			Text: "exit", Verdict: checks.Pass, Saw: strconv.Itoa(res.Exit), Cause: "ended by " + ended + ", as by the going down of its host",
		}}}
	}
	out := run.Outcome{
		Cell: c.Key, Attempt: in.Attempt, Exit: res.Exit, Verdict: j.verdict, Rows: j.rows, Values: j.values,
		Bytes: res.Bytes, TookMS: res.Took.Milliseconds(),
	}
	var err error
	if out.Omitted, err = e.out.omitted(ctx, in.Attempt, t, res.Bytes); err != nil {
		return err
	}
	if err := e.append(ctx, out); err != nil {
		return err
	}
	now := e.state().Cell(c.Key)
	if now.Status == run.Failed && len(c.Fences(run.Evidence)) > 0 {
		return e.inform(ctx, now)
	}
	return nil
}

// goingDown are the exit codes of a command that its host ended on its way down.
var goingDown = map[int]string{129: "HUP", 137: "KILL", 143: "TERM"}

// lasting is how long an attempt must have been followed for the link to count as
// one that works.
const lasting = 30 * time.Second

// attemptOf is what the executor needs to know of an attempt.
func attemptOf(r *run.Run, a *run.Attempt) executor.Attempt {
	in := a.Intent
	cmd := command(in.Dispatch)
	cmd.Env = append(cmd.Env, executor.Var{Name: "STEPGATE_ATTEMPT", Value: in.Attempt})
	return executor.Attempt{
		ID: in.Attempt, RunID: r.ID, IntentHash: hex.EncodeToString(a.Record.Hash[:]), Command: cmd,
		Host: hostOf(in.Host),
	}
}

func command(d run.Dispatch) executor.Command {
	c := executor.Command{Interpreter: d.Interpreter, Login: d.Login, Body: d.Prefix + d.Body, Dir: d.Dir, User: d.User}
	for _, v := range d.Env {
		c.Env = append(c.Env, executor.Var{Name: v.Name, Value: v.Value})
	}
	return c
}

// fenceOf is what an attempt runs.
func (e *Engine) fenceOf(c *run.Cell, in run.Intent) *runbook.Fence {
	if in.Monitor == "" {
		return c.Fence(in.Role)
	}
	if m := e.state().Monitor(run.Watch{Monitor: in.Monitor, Where: in.Dispatch.Where}); m != nil {
		return m.Fence
	}
	return nil
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
	d, err := e.addressed(ctx, c, run.RoleRollback)
	if err != nil {
		return e.notDispatched(ctx, c, err)
	}
	return e.dispatch(ctx, c, run.RoleRollback, d, nil, func(error) {})
}

// notDispatched puts a command that could not be sent before the operator.
// Being told to leave is no such reason.
func (e *Engine) notDispatched(ctx context.Context, c *run.Cell, cause error) error {
	switch {
	case e.ctx.Err() != nil:
		return nil
	case ctx.Err() != nil:
		cause = errors.New("it was stopped before anything was sent")
	}
	hint := text.HintOf(cause)
	var re *executor.ReachError
	if errors.As(cause, &re) {
		hint = re.Hint
	}
	return e.append(ctx, run.NotDispatched{Cell: c.Key, Why: cause.Error(), Hint: hint})
}
