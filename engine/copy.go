package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// copyForm is the form of a dispatch that copies files.
const copyForm = "copy"

// copyFiles reaches both ends, makes the intent of a copy durable, with the grant it
// uses up, and carries it out.
func (e *Engine) copyFiles(ctx context.Context, c *run.Cell, role run.Role, d run.Dispatch, grant *run.GateGranted, accepted func(error)) error {
	t, err := runbook.TransferOf(d.Body)
	if err != nil {
		return e.notDispatched(ctx, c, err)
	}
	for _, p := range []runbook.Place{t.From, t.To} {
		if _, err = e.reach(ctx, hostNamed(p)); err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return e.notDispatched(ctx, c, err)
		}
	}
	c, err = e.intend(ctx, c, role, d, run.Identity{}, grant)
	if err != nil {
		return err
	}
	accepted(nil)
	return e.transfer(ctx, c)
}

// hostNamed is the host of a place, as the plan calls it.
func hostNamed(p runbook.Place) string {
	if p.Host == "" {
		return plan.Local
	}
	return p.Host
}

// transfer carries out the copy whose intent is durable. It may be called any number
// of times for one attempt: checksums say what is there already.
func (e *Engine) transfer(ctx context.Context, c *run.Cell) error {
	in := c.Latest().Intent
	t, err := runbook.TransferOf(in.Dispatch.Body)
	if err != nil {
		return e.failedCopy(ctx, c, err, 0)
	}
	limit := time.Duration(in.Dispatch.TimeoutMS) * time.Millisecond
	e.busyWith(c, run.Activity{What: run.Copying, Attempt: in.Attempt, Timeout: limit, Since: e.o.Now()})
	tctx, cancel := context.WithCancel(ctx)
	if limit > 0 {
		tctx, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	begun := e.o.Now()
	out, err := e.transferOnce(tctx, c, t)
	took := e.o.Now().Sub(begun)
	if took > lasting || out.Sent > 0 {
		e.cut(in.Attempt, 0)
	}
	var reach *executor.ReachError
	switch {
	case err == nil:
		return e.copied(ctx, c, out, took)
	case e.ctx.Err() != nil:
		return nil // left: whoever resumes goes on with it
	case ctx.Err() != nil:
		return e.failedCopy(e.ctx, c, text.WithHint(errors.New("it was stopped"), partStays), took)
	case tctx.Err() != nil:
		return e.failedCopy(ctx, c, text.WithHint(fmt.Errorf("it has taken longer than %s", limit), partStays), took)
	case errors.As(err, &reach):
		e.cut(in.Attempt, 1)
		e.cutOffAt(in.Attempt)
		e.lost(ctx, reach.Host, err)
		if e.cutOff(in.Attempt) >= followTries {
			return e.failedCopy(ctx, c, err, took)
		}
		return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: in.Attempt, Why: string(run.LinkLost)})
	}
	return e.failedCopy(ctx, c, err, took)
}

// partStays is what becomes of a copy that didn't come to its end.
const partStays = "what has arrived stays beside the target as NAME.part; a retry goes on with it"

// transferOnce copies over one connection to each end.
func (e *Engine) transferOnce(ctx context.Context, c *run.Cell, t runbook.Transfer) (executor.Transferred, error) {
	id := c.Latest().Intent.Attempt
	open := map[string]executor.Files{}
	end := func(p runbook.Place) (executor.End, error) {
		name := hostNamed(p)
		if open[name] == nil {
			h, err := e.reach(ctx, name)
			if err != nil {
				return executor.End{}, err
			}
			if open[name], err = h.exec.Files(ctx); err != nil {
				return executor.End{}, err
			}
		}
		return executor.End{Files: open[name], Path: p.Path, Name: p.String()}, nil
	}
	defer func() {
		for _, f := range open {
			_ = f.Close() // what was written is on disk already, or the copy has failed
		}
	}()
	from, err := end(t.From)
	if err != nil {
		return executor.Transferred{}, err
	}
	to, err := end(t.To)
	if err != nil {
		return executor.Transferred{}, err
	}
	return executor.Transfer{From: from, To: to, Exclude: t.Exclude, Progress: func(p executor.Progress) {
		e.change(c.Key, func(a *run.Activity) {
			if a.Attempt == id {
				a.Done, a.Total = p.Done, p.Total
				a.File, a.Detail = e.secrets.redactor.String(p.File), e.secrets.redactor.String(p.Stage)
			}
		})
	}}.Run(ctx)
}

// copied keeps the manifest of a copy that is complete, and judges it.
func (e *Engine) copied(ctx context.Context, c *run.Cell, out executor.Transferred, took time.Duration) error {
	in := c.Latest().Intent
	blob, err := e.o.Journal.PutBlob(ctx, []byte(e.secrets.redactor.String(out.Manifest.String())))
	if err != nil {
		e.latch(err)
		return err
	}
	if err := e.append(ctx, run.Copied{
		Cell: c.Key, Attempt: in.Attempt, Manifest: blob, Files: out.Files, Bytes: out.Bytes, Sent: out.Sent,
	}); err != nil {
		return err
	}
	said := strings.Join(out.Lines, "\n") + "\n"
	return e.answered(ctx, c, checks.Observation{Ran: true, Host: in.Dispatch.Where, Stdout: said, Output: said}, took)
}

// failedCopy journals that a copy didn't come about. Nothing is under the target's
// name that wasn't there before.
func (e *Engine) failedCopy(ctx context.Context, c *run.Cell, why error, took time.Duration) error {
	said := why.Error() + "\n"
	if hint := text.HintOf(why); hint != "" {
		said += hint + "\n"
	}
	return e.answered(ctx, e.state().Cell(c.Key), checks.Observation{
		Ran: true, Host: c.Latest().Intent.Dispatch.Where, Exit: 1, Stderr: said, Output: said,
	}, took)
}

// resumeCopy goes on with a copy that was interrupted, once both its ends answer.
func (e *Engine) resumeCopy(ctx context.Context, c *run.Cell, again bool) error {
	a := c.Latest()
	t, err := runbook.TransferOf(a.Intent.Dispatch.Body)
	if err != nil {
		return e.failedCopy(ctx, c, err, 0)
	}
	shown := run.Activity{What: run.Reconnecting, Since: e.o.Now(), Timeout: e.waitFor(a, again)}
	wctx, cancel := e.limited(ctx, shown.Timeout)
	defer cancel()
	now := e.nudged(c)
	for try := 1; ; try++ {
		err = nil
		for _, p := range []runbook.Place{t.From, t.To} {
			if err == nil {
				_, err = e.reach(wctx, hostNamed(p))
			}
		}
		if err == nil {
			return e.append(ctx, run.Reattached{Cell: c.Key, Attempt: a.Intent.Attempt})
		}
		shown.Try = try + 1
		shown.Detail = fmt.Sprintf("link lost, reconnecting, try %d; the copy goes on where it was", try+1)
		if ok, _ := e.pause(wctx, c, shown, now); ok {
			continue
		}
		if e.ctx.Err() != nil || e.state().Cell(c.Key).Status != run.Unknown || e.state().Paused {
			return err // left, or settled by the operator, or to be gone on with later
		}
		return e.failedCopy(e.ctx, c, text.WithHint(err, partStays), 0)
	}
}
