package run

import (
	"encoding/json"
	"fmt"
	"time"

	"stepgate/runbook/plan"
)

// asked answers the cell's question.
func (c *Cell) asked(e Asked) string {
	q := c.Plan.Step.Book.Question
	switch {
	case c.Plan.Step.Kind != plan.Ask || q == nil:
		return "it asks nothing"
	case c.Status != Pending:
		return "it is not pending"
	case e.Name != q.Param.Name:
		return "it asks for " + q.Param.Name
	case q.Param.Secret && e.Value != "":
		return "a secret is not written down"
	}
	if !q.Param.Secret {
		raw, err := c.typed(e.Value)
		if err != nil {
			return err.Error()
		}
		c.hold(c.answerScope(), map[string]jsonValue{e.Name: raw})
	}
	c.Status, c.Asked = Succeeded, &e
	return ""
}

// typed is an answer as a stored value.
func (c *Cell) typed(value string) (jsonValue, error) {
	v, err := plan.Type(c.Plan.Step.Book.Question.Param, value)
	if err != nil {
		return nil, err
	}
	if d, ok := v.(time.Duration); ok {
		v = d.String()
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("store the answer %q: %w", value, err)
	}
	return raw, nil
}

// answerScope is where an answer belongs: to the instance when it is asked for
// each, else to the run, or to the part that asks.
func (c *Cell) answerScope() string {
	s := c.Plan.Step.Scope
	if !c.Plan.Step.Book.Question.PerHost {
		for s.Up != nil && s.Count > 0 {
			s = s.Up
		}
	}
	return s.Owner(false, "")
}

// answered returns how a question that is asked once per run was answered in
// another instance.
func (r *Run) answered(c *Cell) (string, bool) {
	if q := c.Plan.Step.Book.Question; q == nil || q.PerHost {
		return "", false
	}
	id := c.Key.StepID()
	for _, o := range r.Cells {
		if o.Asked != nil && o.Status == Succeeded && o.Key.StepID() == id {
			return o.Asked.Value, true
		}
	}
	return "", false
}

// Proposed is what is proposed as the answer of a question: the value that was
// given for it, else its default.
func (r *Run) Proposed(c *Cell) (value string, ok bool) {
	q := c.Plan.Step.Book.Question
	if q == nil {
		return "", false
	}
	if v, given := r.Start.Values[q.Param.Name]; given && q.Given {
		return v, true
	}
	return q.Param.Default, q.Param.HasDef
}

// Refuses says why an answer doesn't fit a question; nil: it fits.
func (c *Cell) Refuses(value string) error {
	if c.Plan.Step.Book.Question == nil {
		return &NotNowError{Verb: VerbReply, Why: "nothing is asked"}
	}
	_, err := c.typed(value)
	return err
}
