package engine

import (
	"errors"
	"slices"

	"stepgate/runbook"
	"stepgate/runbook/run"
)

func questionOf(c *run.Cell) *runbook.Question { return c.Plan.Step.Book.Question }

// reply is the answer to a question, if it is one of those the question takes.
func (e *Engine) reply(c *run.Cell, a run.Reply) (run.Event, error) {
	if err := c.Refuses(a.Value); err != nil {
		return nil, err
	}
	q := questionOf(c)
	return run.Asked{Cell: c.Key, Name: q.Param.Name, Value: a.Value}, nil
}

var errNoWalk = errors.New("the step stands in no walk")

// exclude takes the cell's instance out of its walk.
func (e *Engine) exclude(c *run.Cell, a run.Exclude) (run.Event, error) {
	w, key := e.state().Instance(c)
	if w == nil {
		return nil, &run.NotNowError{Verb: run.VerbExclude, Why: errNoWalk.Error()}
	}
	return run.InstanceExcluded{Walk: w.ID, Instance: key, Reason: a.Reason}, nil
}

// postpone moves the cell's instance to the end of its walk.
func (e *Engine) postpone(c *run.Cell, a run.Postpone) (run.Event, error) {
	r := e.state()
	w, key := r.Instance(c)
	if w == nil {
		return nil, &run.NotNowError{Verb: run.VerbPostpone, Why: errNoWalk.Error()}
	}
	var keys []string
	for _, i := range r.Order(w) {
		if w.Keys[i] != key {
			keys = append(keys, w.Keys[i])
		}
	}
	why := a.Why
	if why == "" {
		why = key + " is moved to the end"
	}
	return run.WalkOrdered{Walk: w.ID, Hosts: append(keys, key), Why: why}, nil
}

// rollback undoes the step, or queues what a scope undoes.
func (e *Engine) rollback(c *run.Cell, a run.RollBack) (run.Event, error) {
	if a.Scope == "" || a.Scope == run.RollbackStep {
		return run.RollbackRequested{Cell: c.Key}, nil
	}
	reaches := e.state().RollBacks(c)
	i := slices.IndexFunc(reaches, func(r run.Reach) bool { return r.Scope == a.Scope })
	switch {
	case i < 0:
		return nil, &run.NotNowError{Verb: run.VerbRollBack, Why: "there is no " + string(a.Scope) + " around the step"}
	case len(reaches[i].Cells) == 0:
		return nil, &run.NotNowError{Verb: run.VerbRollBack, Why: reaches[i].Why}
	}
	return run.RollbackPlanned{Scope: a.Scope, Cells: reaches[i].Cells}, nil
}

// dropped is the queue of rollbacks without one that is not wanted.
func (e *Engine) dropped(c *run.Cell) run.Event {
	left := slices.DeleteFunc(slices.Clone(e.state().Undoing), func(k run.Key) bool { return k == c.Key })
	return run.RollbackPlanned{Scope: run.RollbackSection, Cells: left}
}
