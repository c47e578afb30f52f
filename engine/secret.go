package engine

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// secrets are values that memory alone holds: secret parameters, and what was
// captured under `.secret`. Nothing that has not passed its redactor goes to the
// journal or to a screen.
type secrets struct {
	redactor *text.Redactor
	key      [32]byte // of [secrets.sealed]

	mu    sync.Mutex
	known map[string]map[string]json.RawMessage // by owner and name; a map that was handed out never changes
}

func newSecrets(p *plan.Plan) *secrets {
	s := &secrets{redactor: text.NewRedactor()}
	_, _ = rand.Read(s.key[:]) // never fails
	for _, v := range p.Values {
		if v.Set && v.Param.Secret {
			s.hide(v.Any)
			s.redactor.Add(v.Text)
		}
	}
	return s
}

// hide has a value masked from now on, as commands and expressions have it.
func (s *secrets) hide(v any) {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			s.hide(e)
		}
	}
	if shown, err := checks.EnvText(v); err == nil {
		s.redactor.Add(shown)
	}
}

// learn keeps a captured secret.
func (s *secrets) learn(owner string, values map[string]json.RawMessage) {
	for _, raw := range values {
		if v, err := checks.Decode(raw); err == nil {
			s.hide(v)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := maps.Clone(s.known)
	if known == nil {
		known = map[string]map[string]json.RawMessage{}
	}
	mine := maps.Clone(known[owner])
	if mine == nil {
		mine = map[string]json.RawMessage{}
	}
	maps.Copy(mine, values)
	known[owner] = mine
	s.known = known
}

// knowing is the run as the engine sees it.
func (s *secrets) knowing(r *run.Run) *run.Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r == nil || len(s.known) == 0 {
		return r
	}
	return r.Knowing(s.known)
}

func (s *secrets) has(owner, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.known[owner][name]
	return ok
}

// sealed is what is kept of the output of a secret fence: its length, and its
// HMAC-SHA256 under a key that this process has made and that nobody keeps. Equal ones
// of one driver's time say that the same was shown again; without the key nobody can
// try guesses against one, and nobody can prove anything by it later.
func (s *secrets) sealed(output string) string {
	if output == "" {
		return ""
	}
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(output)) // never fails
	return fmt.Sprintf("‹secret output, %d bytes, hmac %x›\n", len(output), mac.Sum(nil))
}

// conceal takes out of a check's result what a secret fence has shown, and keeps
// what it captured in memory.
func (e *Engine) conceal(p place, several bool, t try) try {
	if p.f.Secret {
		if t.res.Verdict == checks.Pass && len(t.res.Values) > 0 {
			e.secrets.learn(p.c.Plan.Step.Scope.Owner(several, p.where), t.res.Values)
		}
		t.res.Values, t.shown = nil, nil
		for i := range t.res.Rows {
			t.res.Rows[i].Saw, t.res.Rows[i].Cause, t.res.Rows[i].Diff = "", "", ""
		}
	}
	t.res = e.secrets.result(t.res)
	t.shown = e.secrets.values(t.shown)
	return t
}

func (s *secrets) rows(rows []checks.Row) []checks.Row {
	rows = slices.Clone(rows)
	for i, r := range rows {
		rows[i].Text, rows[i].Saw, rows[i].Cause = s.redactor.String(r.Text), s.redactor.String(r.Saw), s.redactor.String(r.Cause)
		rows[i].Diff = s.redactor.Diff(r.Diff)
	}
	return rows
}

func (s *secrets) findings(found []run.Finding) []run.Finding {
	found = slices.Clone(found)
	for i, x := range found {
		found[i].What, found[i].Why, found[i].Do = s.redactor.String(x.What), s.redactor.String(x.Why), s.redactor.String(x.Do)
	}
	return found
}

// values masks stored values; what isn't one any more then is a mask alone.
func (s *secrets) values(vs map[string]json.RawMessage) map[string]json.RawMessage {
	if vs == nil {
		return nil
	}
	out := map[string]json.RawMessage{}
	for name, raw := range vs {
		masked := json.RawMessage(s.redactor.String(string(raw)))
		if !json.Valid(masked) {
			masked = json.RawMessage(`"` + text.Masked + `"`)
		}
		out[name] = masked
	}
	return out
}

func (s *secrets) result(r run.CheckResult) run.CheckResult {
	r.Rows, r.Values = s.rows(r.Rows), s.values(r.Values)
	r.Cause, r.Stdout, r.Stderr = s.redactor.String(r.Cause), s.redactor.String(r.Stdout), s.redactor.String(r.Stderr)
	r.Tried = slices.Clone(r.Tried)
	for i, t := range r.Tried {
		r.Tried[i].Rows, r.Tried[i].Values, r.Tried[i].Cause = s.rows(t.Rows), s.values(t.Values), s.redactor.String(t.Cause)
	}
	return r
}

// event masks what an event has from hosts, servers and people. What runs is
// left as it is: it names secrets and holds none.
func (s *secrets) event(ev run.Event) run.Event {
	mask := s.redactor.String
	switch e := ev.(type) {
	case run.ChecksTaken:
		e.Checks = slices.Clone(e.Checks)
		for i, r := range e.Checks {
			e.Checks[i] = s.result(r)
		}
		return e
	case run.Outcome:
		e.Rows, e.Values = s.rows(e.Rows), s.values(e.Values)
		return e
	case run.WhenDecided:
		e.Rows = s.rows(e.Rows)
		return e
	case run.Probed:
		e.Detail, e.Processes = mask(e.Detail), slices.Clone(e.Processes)
		for i, p := range e.Processes {
			e.Processes[i] = mask(p)
		}
		return e
	case run.GateGranted:
		e.Pre = mask(e.Pre) // a command line
		return e
	case run.NotDispatched:
		e.Why, e.Hint = mask(e.Why), mask(e.Hint)
		return e
	case run.OutcomeResolved:
		e.Reason = mask(e.Reason)
		return e
	case run.ManualDone:
		e.Evidence = mask(e.Evidence)
		return e
	case run.CellSkipped:
		e.Reason = mask(e.Reason)
		return e
	case run.InstanceExcluded:
		e.Reason = mask(e.Reason)
		return e
	case run.WalkOrdered:
		e.Why = mask(e.Why)
		return e
	case run.Note:
		e.Text = mask(e.Text)
		return e
	}
	return s.steering(ev)
}

// steering is [secrets.event] for what says why a run goes on, stops or ends.
func (s *secrets) steering(ev run.Event) run.Event {
	mask := s.redactor.String
	switch e := ev.(type) {
	case run.Paused:
		e.Why = mask(e.Why)
		return e
	case run.RunClosed:
		e.Why = mask(e.Why)
		return e
	case run.GateClosed:
		e.Why = mask(e.Why)
		return e
	case run.Retried:
		e.Why = mask(e.Why)
		return e
	case run.Preflighted:
		e.Findings = s.findings(e.Findings)
		return e
	case run.Interrupted:
		e.Why = mask(e.Why)
		return e
	case run.NotReturned:
		e.Why = mask(e.Why)
		return e
	case run.Edited:
		e.Was = mask(e.Was) // what runs holds none
		return e
	case run.AdHocAsked:
		e.Judged = mask(e.Judged)
		return e
	case run.Jumped:
		e.Reason = mask(e.Reason)
		return e
	case run.SampleBatch:
		e.Samples = slices.Clone(e.Samples)
		for i := range e.Samples {
			e.Samples[i].Texts = s.values(e.Samples[i].Texts)
		}
		return e
	case run.MonitorTurned:
		e.Rows, e.Cause = s.rows(e.Rows), mask(e.Cause)
		return e
	case run.MonitorAcknowledged:
		e.Reason = mask(e.Reason)
		return e
	case run.BackgroundDown:
		e.Why = mask(e.Why)
		return e
	}
	return ev
}

// revealed is an attempt with the values of its secrets, and with all that its host
// must mask because it gets them. It is sent, and kept nowhere.
func (e *Engine) revealed(c *run.Cell, a *run.Attempt) executor.Attempt {
	r, in := e.state(), a.Intent
	x := attemptOf(r, a)
	env, err := r.Reveal(c, e.fenceOf(c, in), in.Dispatch.Where, nil)
	if err != nil {
		return x // [Engine.supply] has tried it
	}
	values := map[string]string{}
	for _, v := range env {
		if v.Secret {
			values[v.Name] = v.Value
		}
	}
	given := false
	for i, v := range x.Command.Env {
		if value, ok := values[v.Name]; ok {
			x.Command.Env[i].Value, given = value, true
			e.secrets.redactor.Add(value) // made of secrets, it may be none that is known yet
		}
	}
	if given {
		for _, f := range e.secrets.redactor.Forms() {
			x.Command.Masks = append(x.Command.Masks, executor.Mask{Text: f.Text, With: text.Masked, Word: f.Word})
		}
	}
	return x
}

// lacking is a secret that an earlier driver knew: a check that captured it.
type lacking struct {
	c     *run.Cell
	phase run.Phase
	n     int // of the fence
}

// lackings are the checks that have captured secrets which aren't known here.
func (e *Engine) lackings() []lacking {
	var out []lacking
	for _, c := range e.state().Cells {
		for _, phase := range []run.Phase{run.Already, run.Before, run.After} {
			taken := c.Checks[phase]
			if taken == nil || taken.Verdict() != checks.Pass {
				continue
			}
			for n, f := range c.Fences(phase) {
				if f.Secret && f.Capture != nil && !e.knowsAll(c, f, *taken, n) {
					out = append(out, lacking{c, phase, n})
				}
			}
		}
	}
	return out
}

func (e *Engine) knowsAll(c *run.Cell, f *runbook.Fence, taken run.ChecksTaken, n int) bool {
	places := placesOf(taken, n)
	for _, where := range places {
		owner := c.Plan.Step.Scope.Owner(len(places) > 1, where)
		for _, name := range f.Capture.Names() {
			if !e.secrets.has(owner, name) {
				return false
			}
		}
	}
	return true
}

func placesOf(taken run.ChecksTaken, fence int) (places []string) {
	for _, r := range taken.Checks {
		if r.Fence == fence {
			places = append(places, r.Where)
		}
	}
	return places
}

// recall takes the checks again whose secrets an earlier driver has captured. They
// decide nothing.
func (e *Engine) recall(ctx context.Context) {
	for _, l := range e.lackings() {
		f := *l.c.Fences(l.phase)[l.n]
		f.Poll = runbook.Poll{}
		places := placesOf(*l.c.Checks[l.phase], l.n)
		for _, where := range places {
			t := e.lookOnce(ctx, place{l.c, &f, where, nil}, run.Look{Fence: l.n, Where: where})
			if t = e.conceal(place{l.c, &f, where, nil}, len(places) > 1, t); t.res.Verdict != checks.Pass && ctx.Err() == nil {
				e.say("a secret that " + l.c.Key.String() + " has captured could not be taken again: " + t.res.Verdict.String())
			}
		}
	}
}
