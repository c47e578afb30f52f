package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// exchange sends statements, a request or a probe and observes the answer. readOnly
// is for looks. An error means that nothing is known.
func (e *Engine) exchange(ctx context.Context, p place, d run.Dispatch, readOnly bool) (checks.Observation, error) {
	ob := checks.Observation{Host: p.where, Ran: true}
	switch d.Form {
	case "sql":
		return e.query(ctx, p, d, readOnly)
	case "http":
		via, err := e.dialerFor(p, d.Via)
		if err != nil {
			return ob, err
		}
		r, err := executor.Request(ctx, d.Body, executor.HTTPOptions{}, via)
		if err != nil {
			return ob, err
		}
		ob.Exit, ob.Stderr, ob.Status, ob.Headers, ob.Body = r.Exit, r.Stderr, r.Status, r.Headers, r.Body
		ob.Stdout = responseOf(r)
	case "tcp":
		via, err := e.dialerFor(p, d.Via)
		if err != nil {
			return ob, err
		}
		r, err := executor.Reach(ctx, d.Body, via)
		if err != nil {
			return ob, err
		}
		ob.Exit, ob.Stdout, ob.Stderr = r.Exit, r.Stdout, r.Stderr
	default:
		return ob, fmt.Errorf("this version can't run %q fences", d.Form)
	}
	ob.Output = ob.Stdout + ob.Stderr
	return ob, nil
}

// responseOf is an answer as it is kept and shown: its status, its headers, an
// empty line, and the body. Expressions see the parts, never this.
func responseOf(r executor.HTTPResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d %s\n", r.Status, http.StatusText(r.Status))
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		fmt.Fprintf(&b, "%s: %s\n", name, r.Headers[name])
	}
	b.WriteString("\n" + r.Body)
	return b.String()
}

// query runs statements. A look that finds its connection lost picks anew, once.
func (e *Engine) query(ctx context.Context, p place, d run.Dispatch, readOnly bool) (checks.Observation, error) {
	for again := false; ; again = true {
		s, open, err := e.sessions(ctx, p, d.Via)
		if err != nil {
			return checks.Observation{}, err
		}
		if d.Server != "" && e.secrets.redactor.String(s.String()) != d.Server {
			return checks.Observation{}, &executor.ReachError{Host: s.Address, Cause: fmt.Errorf("%s answers, and %s was meant", s, d.Server)}
		}
		r, err := open.Run(ctx, d.Body, readOnly)
		if err == nil {
			if r.Note != "" {
				e.say(r.Note)
			}
			return sqlObservation(p.where, r), nil
		}
		if ctx.Err() != nil {
			return checks.Observation{}, err
		}
		err = errors.Join(err, e.dbs.drop(s))
		if again || !readOnly || p.f.Connection.Hosts == "" {
			return checks.Observation{}, err
		}
	}
}

func sqlObservation(where string, r executor.SQLResult) checks.Observation {
	ob := checks.Observation{Host: where, Ran: true, Exit: r.Exit, Stderr: r.Stderr, Columns: r.Columns, Rows: r.Rows}
	if r.Columns != nil {
		ob.Stdout = gridOf(r).String()
	}
	if ob.Rows == nil && r.Columns != nil {
		ob.Rows = []map[string]any{}
	}
	ob.Output = ob.Stdout + ob.Stderr
	return ob
}

// gridOf is a result as it is kept and shown.
func gridOf(r executor.SQLResult) text.Grid {
	g := text.Grid{Columns: r.Columns}
	for _, row := range r.Rows {
		cells := make([]text.Cell, len(r.Columns))
		for i, name := range r.Columns {
			v, ok := row[name]
			cells[i] = text.Cell{Null: !ok || v == nil}
			if !cells[i].Null {
				cells[i].Text = fmt.Sprint(v)
			}
		}
		g.Rows = append(g.Rows, cells)
	}
	return g
}

func (e *Engine) dialerFor(p place, via string) (executor.Dialer, error) {
	r := e.state()
	host, err := e.viaHost(p.c, via, r.Names(p.c, p.where))
	if err != nil {
		return nil, err
	}
	return e.dialer(host)
}

// addressed is a dispatch with the server it goes to, which is bound before it is
// shown: it is looked for now.
func (e *Engine) addressed(ctx context.Context, c *run.Cell, role run.Role) (run.Dispatch, error) {
	r := e.state()
	c = r.Cell(c.Key)
	d, err := r.Dispatch(c, role)
	if err != nil || d.Form != "sql" {
		return d, err
	}
	f := c.Fence(role)
	s, _, err := e.sessions(ctx, place{c: c, f: f, where: d.Where}, d.Via)
	if err != nil {
		return d, err
	}
	d.Server, d.Via = e.secrets.redactor.String(s.String()), s.via
	return d, nil
}

// send makes the intent of statements or of a request durable, sends them, and
// journals what came back. They leave no claim anywhere: what was cut off is
// unknown.
func (e *Engine) send(ctx context.Context, c *run.Cell, role run.Role, d run.Dispatch, grant *run.GateGranted, accepted func(error)) error {
	if err := ctx.Err(); err != nil {
		return e.notDispatched(ctx, c, err)
	}
	c, err := e.intend(ctx, c, role, d, run.Identity{}, grant)
	if err != nil {
		return err
	}
	accepted(nil)
	id := c.Latest().Intent.Attempt
	limit := time.Duration(d.TimeoutMS) * time.Millisecond
	e.busyWith(c, run.Activity{What: string(role), Attempt: id, Timeout: limit})
	sctx, cancel := ctx, context.CancelFunc(func() {})
	if limit > 0 {
		sctx, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	begun := e.o.Now()
	ob, err := e.exchange(sctx, place{c: c, f: c.Fence(role), where: d.Where}, d, false)
	var reach *executor.ReachError
	switch {
	case err == nil:
		return e.answered(ctx, c, ob, since(e.o.Now(), begun))
	case e.ctx.Err() != nil:
		return nil // left: whoever resumes finds an intent without an outcome
	case d.Form == "sql" && errors.As(err, &reach):
		e.say(err.Error())
		return e.neverStarted(ctx, c, run.Interrupted{Cell: c.Key, Attempt: id, Why: "refused"}, "no statement was sent: "+err.Error(), false)
	case ctx.Err() != nil:
		e.say("it was stopped; whether it has had its effect is not known")
		return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: id, Why: "stopped"})
	case sctx.Err() != nil:
		e.say(fmt.Sprintf("it has taken longer than %s", limit))
		return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: id, Why: string(run.TimedOut)})
	}
	e.say(err.Error())
	return e.append(ctx, run.Interrupted{Cell: c.Key, Attempt: id, Why: string(run.LinkLost)})
}

// answered keeps the answer as the attempt's output, and judges it.
func (e *Engine) answered(ctx context.Context, c *run.Cell, ob checks.Observation, took time.Duration) error {
	in := c.Latest().Intent
	t := e.out.attempt(in.Attempt, e.progress(c, in.Attempt))
	for s, p := range []string{ob.Stdout, ob.Stderr} {
		if p != "" {
			t.Output(executor.Stream(s), 0, []byte(p))
		}
	}
	t.end()
	if err := e.out.flush(ctx); err != nil {
		return err
	}
	return e.outcome(ctx, c, executor.Result{
		Exit: ob.Exit, Took: took, Bytes: executor.Offsets{int64(len(ob.Stdout)), int64(len(ob.Stderr))},
	}, ob, t)
}
