package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// Foretell takes the steps made of checks only, up to the first step that does
// something, once each. Nothing of it is journaled, and no run decides by it. It
// returns at once, and does nothing while something is being looked at.
func (f *Preflight) Foretell() { f.begin(f.foretell) }

func (f *Preflight) foretell(ctx context.Context) {
	f.update(func() { f.doing = "the first checks" })
	told, err := f.rehearse(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		told.Left = append(told.Left, run.CheckLeft{Title: "the rest", Why: f.secrets.redactor.String(err.Error())})
	}
	f.update(func() { f.told = told })
}

// rehearsal is a run that exists in memory only, and takes nothing but checks.
type rehearsal struct {
	e      *Engine
	passed map[run.Key]string // cells that were left out, and why
	asked  []string           // what people would have been asked for on the way
	until  run.Key
}

func (f *Preflight) rehearse(ctx context.Context) (told *run.Foretold, err error) {
	o := Options{Journal: &scratch{}, Hosts: f.o.Hosts, Attended: f.o.Attended, Operator: "preflight", Holder: "preflight", Now: f.o.Now}
	e, err := open(ctx, o, f.plan, "preflight")
	if err != nil {
		return &run.Foretold{}, err
	}
	e.once = true
	e.secrets, e.desk = &secrets{redactor: f.secrets.redactor, key: f.secrets.key}, f.desk
	f.mu.Lock()
	e.hosts = maps.Clone(f.hosts)
	f.mu.Unlock()
	defer func() {
		e.cancel()
		err = errors.Join(err, e.out.close(ctx), e.dbs.close())
		f.mu.Lock()
		defer f.mu.Unlock()
		f.hosts = e.hosts // more of them may be open
	}()
	defer context.AfterFunc(ctx, e.cancel)()
	r := &rehearsal{e: e, passed: map[run.Key]string{}}
	if err = e.append(ctx, f.o.Start, e.leaseTaken()); err == nil {
		err = r.walk(ctx, func(c *run.Cell) { f.update(func() { f.doing = "check " + c.Key.String() }) })
	}
	return r.told(), err
}

// walk goes from decision to decision as a run does, and ends at the first step that
// does something.
func (r *rehearsal) walk(ctx context.Context, at func(*run.Cell)) error {
	e := r.e
	for last := uint64(0); ctx.Err() == nil; {
		s := e.state()
		if s.Seq == last {
			return errors.New("a check could not be taken, and nothing more is known without it")
		}
		last = s.Seq
		switch d := run.Next(s).(type) {
		case run.Close, run.Over, run.Halt:
			return nil
		case run.Ask:
			if d.Cell == nil {
				return nil
			}
			at(d.Cell)
			if d.Cell.Plan.Step.Kind == plan.Run {
				r.until = d.Cell.Key
				return nil
			}
			if err := r.ask(ctx, d); err != nil {
				return err
			}
		default:
			tasks := e.tasksOf(s, d)
			if err := e.perform(ctx, tasks, make([]error, len(tasks)), func(error) {}); err != nil {
				if tasks[0].c == nil {
					return err
				}
				r.pass(ctx, tasks[0].c, err.Error())
			}
		}
	}
	return ctx.Err()
}

// ask takes the checks of what a run would ask about, or leaves it out.
func (r *rehearsal) ask(ctx context.Context, d run.Ask) error {
	step := d.Cell.Plan.Step
	switch {
	case d.Wait == run.WaitBatch:
		return r.e.append(ctx, run.BatchEntered{Walk: d.Walk.ID, Hosts: d.Keys})
	case step.Gated && step.Kind == plan.Check:
		r.pass(ctx, d.Cell, "it stands behind a gate")
	case step.Kind == plan.Check && r.lacks(d.Cell) != "":
		r.pass(ctx, d.Cell, fmt.Sprintf("it needs %s, which a person is asked for in the run", r.lacks(d.Cell)))
	case d.Wait == run.WaitGo && step.Kind == plan.Check:
		return r.e.advance(ctx, d.Cells(), d.Parallel)
	case step.Kind == plan.Ask:
		r.asked = append(r.asked, step.Book.Question.Param.Name)
		r.pass(ctx, d.Cell, "")
	default:
		r.pass(ctx, d.Cell, "")
	}
	return nil
}

// lacks is what a check names and nobody has answered; "": nothing.
func (r *rehearsal) lacks(c *run.Cell) string {
	for _, name := range r.asked {
		word := regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`)
		for _, f := range c.Fences(run.Before) {
			if word.MatchString(f.Body + "\n" + f.ExpectText + "\n" + f.CaptureText) {
				return name
			}
		}
	}
	return ""
}

// pass leaves a cell out in whatever way the rules have for it. Where there is none, the
// walk ends at it.
func (r *rehearsal) pass(ctx context.Context, c *run.Cell, why string) {
	r.passed[c.Key] = why
	for _, ev := range []run.Event{
		run.CellSkipped{Cell: c.Key, Reason: "looked at in advance"},
		run.OutcomeResolved{Cell: c.Key, Succeeded: true, Method: run.ByOperator, Reason: "looked at in advance"},
		run.ManualDone{Cell: c.Key, Evidence: "looked at in advance"},
	} {
		if r.e.append(ctx, ev) == nil {
			return
		}
	}
}

// told is what was seen, and what wasn't.
func (r *rehearsal) told() *run.Foretold {
	s := r.e.state()
	t := &run.Foretold{Until: r.until}
	if s == nil {
		return t
	}
	left := map[string]int{} // by step: its index in t.Left
	for _, c := range s.Cells {
		if c.Plan.Step.Kind != plan.Check {
			continue
		}
		title := s.Text(c, c.Plan.Step.Title)
		if taken, ok := c.Checks[run.Before]; ok {
			t.Taken = append(t.Taken, run.CheckForetold{Cell: c.Key, Title: title, Verdict: taken.Verdict(), Checks: taken.Checks, Applies: true})
			continue
		}
		if c.Status == run.NotApplicable {
			t.Taken = append(t.Taken, run.CheckForetold{Cell: c.Key, Title: title})
			continue
		}
		id := c.Key.StepID()
		if i, ok := left[id]; ok {
			t.Left[i].Cells++
			continue
		}
		left[id] = len(t.Left)
		t.Left = append(t.Left, run.CheckLeft{Step: id, Title: title, Cells: 1, Why: r.why(c)})
	}
	return t
}

func (r *rehearsal) why(c *run.Cell) string {
	switch why := r.passed[c.Key]; {
	case why != "":
		return why
	case r.until.Step != "":
		return fmt.Sprintf("it comes after the first command, %s", r.until)
	}
	return "the run doesn't come to it without a person"
}
