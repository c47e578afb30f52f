package engine

import (
	"context"
	"errors"
	"strings"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// offBook is the work of an action that leaves the runbook; nil: it doesn't.
func (e *Engine) offBook(q question, action run.Action) work {
	switch a := action.(type) {
	case run.Edit:
		return func(ctx context.Context, accepted func(error)) error { return e.edit(ctx, q.Cell, a, accepted) }
	case run.AdHoc:
		return func(ctx context.Context, accepted func(error)) error { return e.adHoc(ctx, a, accepted) }
	}
	return nil
}

// edit gives a stopped cell's command another text, and goes on to its gate.
func (e *Engine) edit(ctx context.Context, c *run.Cell, a run.Edit, accepted func(error)) error {
	ev, err := e.state().Edited(c, a.Body)
	if err == nil && e.secrets.count(ev.Body) > e.secrets.count(ev.Was) {
		err = errHoldsSecret
	}
	if err != nil {
		return refused(run.VerbEdit, err)
	}
	var again run.Event = run.Retried{Cell: c.Key, Why: "with another text"}
	if c.NeedsRerun() {
		again = run.RerunOverride{Cell: c.Key, Typed: a.Typed}
	}
	if err := e.append(ctx, ev, again); err != nil {
		return err
	}
	accepted(nil)
	return e.advance(ctx, []*run.Cell{e.state().Cell(c.Key)}, 1)
}

// adHoc runs a command that isn't in the plan, or shows its gate.
func (e *Engine) adHoc(ctx context.Context, a run.AdHoc, accepted func(error)) error {
	ev, err := e.state().AdHocAsked(a)
	switch {
	case err != nil:
	case a.TTY && e.o.Lend == nil:
		err = errors.New(noTerminal)
	case e.secrets.count(ev.Body) > 0:
		err = errHoldsSecret
	}
	if err != nil {
		return refused(run.VerbAdHoc, err)
	}
	if err := e.append(ctx, ev); err != nil {
		return err
	}
	accepted(nil)
	return e.advance(ctx, []*run.Cell{e.state().Cell(ev.Cell)}, 1)
}

// errHoldsSecret refuses a text whose bytes would be journaled, shown and sent as
// they are.
var errHoldsSecret = errors.New(`it holds the value of a secret; write its name as a variable, "$name"`)

func refused(v run.Verb, err error) error { return &run.NotNowError{Verb: v, Why: err.Error()} }

// jump is the event by which the run goes on elsewhere.
func (e *Engine) jump(a run.Jump) (run.Event, error) {
	l := e.state().LeapTo(a.To)
	reason := strings.TrimSpace(a.Reason)
	switch {
	case l.Why != "":
		return nil, &run.NotNowError{Verb: run.VerbJump, Why: l.Why}
	case reason == "":
		return nil, &run.NotNowError{Verb: run.VerbJump, Why: "it needs a reason"}
	case a.Typed != l.Phrase:
		return nil, &run.NotNowError{Verb: run.VerbJump, Why: "it leaves out gates: type " + l.Phrase}
	}
	return l.Jumped(a.To, reason), nil
}

// again is the event by which a settled cell is done once more.
func (e *Engine) again(a run.Again) (run.Event, error) {
	r := e.state()
	c := r.Cell(a.Cell)
	if c == nil {
		return nil, &run.NotNowError{Verb: run.VerbAgain, Why: "the plan has no such step"}
	}
	switch says := r.Repeatable(c); {
	case !says.OK():
		return nil, &run.NotNowError{Verb: run.VerbAgain, Why: says.Why}
	case a.Typed != says.Phrase:
		return nil, &run.NotNowError{Verb: run.VerbAgain, Why: "it takes " + says.Phrase + ", typed"}
	case says.Phrase == "":
		return run.Retried{Cell: a.Cell, Why: "wanted once more"}, nil
	}
	return run.RerunOverride(a), nil
}

// count is how many secrets a text shows.
func (s *secrets) count(body string) int {
	return strings.Count(s.redactor.String(body), text.Masked) - strings.Count(body, text.Masked)
}
