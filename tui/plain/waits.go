package plain

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/wording"
)

// about tells what a person has to know before the question, by what the run
// waits for.
func (w *walk) about(s *run.Snapshot, c *run.Cell) {
	if c == nil {
		return
	}
	switch s.Wait {
	case run.WaitMonitor:
		w.held(s)
	case run.WaitGo, run.WaitManual:
		w.step(s, c)
	case run.WaitAsk:
		w.asks(s, c)
	case run.WaitBatch:
		w.canary(s)
	case run.WaitUndo:
		w.undo(s, c)
	case run.WaitFailure, run.WaitUnknown:
		w.stopped(s, c)
	default:
	}
}

// diffLines is how much is said once more of the difference that decided.
const diffLines = 12

// stopped says what failed, or isn't known: the verdict that decided, what it saw,
// what is known of the host, and what ran.
func (w *walk) stopped(s *run.Snapshot, c *run.Cell) {
	if why := wording.Stopped(c); why != "" {
		w.p.printf("    %s\n", why)
	}
	for _, j := range wording.Decisive(c) {
		what, saw := wording.Row(j.Row)
		said := slices.DeleteFunc([]string{j.Where, j.Row.Verdict.String(), what, saw}, func(s string) bool { return s == "" })
		w.p.printf("    saw: %s\n", strings.Join(said, "  "))
		w.p.differs(j.Row.Diff, diffLines)
	}
	hint := s.Hosts[c.Key.Target].Hint
	for _, h := range []string{hint, c.Hint} {
		if h != "" {
			w.p.indent("→", h)
		}
		if c.Hint == hint {
			break
		}
	}
	for _, sentence := range wording.Known(s.Run, c) {
		w.p.printf("    %s\n", sentence)
	}
	if e, at := wording.Looked(c); e != nil {
		w.p.printf("    what held at %s, after it had ended:\n", at.Format(time.TimeOnly))
		for _, res := range e.Checks {
			w.p.rows(res.Rows)
		}
	}
	for _, a := range c.Attempts {
		w.p.printf("    attempt %s\n", wording.Attempt(a))
	}
	if len(c.Attempts) > 0 {
		w.p.printf("    (`output` shows all that it printed)\n")
	}
}

func (w *walk) step(s *run.Snapshot, c *run.Cell) {
	w.p.indent(" ", s.Run.Text(c, c.Plan.Step.Book.Prose))
	for _, warn := range c.Plan.Step.Book.Warnings {
		w.p.indent("!", s.Run.Text(c, warn))
	}
	if f := c.Plan.Step.Book.Command; f != nil {
		body := f.Body
		if c.Edited != nil {
			body = c.Edited.Body
		}
		w.p.indent(sign(wording.Form(f.Form)), strings.TrimRight(body, "\n"))
	}
	w.p.expects(c)
	w.together(s, c)
}

// together names the cells that go with the one the run stands at.
func (w *walk) together(s *run.Snapshot, c *run.Cell) {
	if len(s.With) == 0 {
		return
	}
	names := []string{wording.Instance(c)}
	for _, k := range s.With {
		if o := s.Run.Cell(k); o != nil {
			names = append(names, wording.Instance(o))
		}
	}
	w.p.printf("    at %d places: %s\n", len(names), strings.Join(names, ", "))
}

// asks prints a question of the runbook.
func (w *walk) asks(s *run.Snapshot, c *run.Cell) {
	param := c.Plan.Step.Book.Question.Param
	w.p.indent(" ", s.Run.Text(c, c.Plan.Step.Book.Prose))
	w.p.printf("    %s\n", wording.Question(s.Run, c))
	w.p.indent(" ", param.Help)
	for _, choice := range param.Choices {
		w.p.printf("    - %s\n", wording.Line(choice))
	}
	if param.Pattern != "" {
		w.p.printf("    it has to match %s\n", wording.Line(param.Pattern))
	}
}

// reply reads an answer until it is one that the question takes.
func (w *walk) reply(ctx context.Context, s *run.Snapshot) (run.Action, error) {
	c := s.Run.Cell(s.Current)
	param := c.Plan.Step.Book.Question.Param
	proposed, _ := s.Run.Proposed(c)
	ask := wording.Line(param.Name)
	if proposed != "" {
		ask += " [" + wording.Line(proposed) + "]"
	}
	read := w.read
	if param.Secret {
		read = func(ctx context.Context, ask string) (string, error) {
			return unseen(ctx, w.in, w.p, ask, byVariable(param.Name))
		}
	}
	typed, err := read(ctx, ask+"> ")
	if err != nil {
		return nil, err
	}
	if typed == "" {
		typed = proposed
	}
	if err := wording.Refused(c)(typed); err != nil || typed == "" && param.Required {
		w.p.printf("  %s\n", refusal(err))
		return nil, nil
	}
	return run.Reply{Value: typed}, nil
}

func refusal(err error) string {
	if err == nil {
		return "an answer is needed here, nothing done"
	}
	return wording.Line(err.Error())
}

// canary prints what the first instances of a walk have shown.
func (w *walk) canary(s *run.Snapshot) {
	ask, ok := run.Next(s.Run).(run.Ask)
	if !ok || ask.Walk == nil {
		return
	}
	if left := wording.SoakLeft(s, s.At); left > 0 {
		w.p.printf("    it has to soak for %s yet, until %s\n", text.Duration(left), s.Soak.Format(time.TimeOnly))
	}
	entered, rest := wording.Entered(s.Run, ask.Walk)
	for _, n := range entered {
		w.p.printf("    %s\n", wording.Line(wording.InstanceOf(plan.ScopeOf(n))))
		for _, c := range wording.Below(s.Run, n) {
			w.p.printf("      %s %s\n", wording.Status(c.Status), wording.Name(s.Run, c.Plan.Step))
			for _, p := range []run.Phase{run.Before, run.After} {
				if t := c.Checks[p]; t != nil && (p == run.After || c.Plan.Step.Kind == plan.Check) {
					for _, res := range t.Checks {
						w.p.rows(res.Rows)
					}
				}
			}
		}
	}
	var next []string
	for _, k := range ask.Keys {
		next = append(next, wording.Line(k))
	}
	w.p.printf("    next: %s", strings.Join(next, ", "))
	if after := rest - len(next); after > 0 {
		w.p.printf(", and %d after that", after)
	}
	w.p.printf("\n")
}

// undo prints the next rollback of several, exactly.
func (w *walk) undo(s *run.Snapshot, c *run.Cell) {
	d, err := s.Run.Dispatch(c, run.RoleRollback)
	if err != nil {
		w.p.printf("    %s\n", wording.Line(err.Error()))
		return
	}
	w.p.printf("    %d to be rolled back, the latest first; this runs next, %s:\n", len(s.Run.Undoing), strings.Join(wording.Facts(&d), ", "))
	w.p.command(&d)
	for i, k := range s.Run.Undoing {
		if cell := s.Run.Cell(k); i > 0 && cell != nil {
			w.p.printf("    then: %s\n", wording.Among(s.Run, cell))
		}
	}
}

// scope asks how far a rollback goes, where there is a choice.
func (w *walk) scope(ctx context.Context, s *run.Snapshot) (run.Action, error) {
	c := s.Run.Cell(s.Current)
	reaches := s.Run.RollBacks(c)
	if !wording.Choice(reaches) && s.Wait != run.WaitMonitor {
		return w.rollBack(ctx)
	}
	var lines []string
	var open []bool
	for _, r := range reaches {
		line := wording.Reach(s.Run, r) + ": " + wording.Line(r.Says)
		ok := r.Why == "" && len(r.Cells) > 0
		if !ok {
			line = wording.Reach(s.Run, r) + ": not now, " + wording.Line(r.Why)
		}
		for _, k := range r.Cells {
			if cell := s.Run.Cell(k); cell != nil && len(r.Cells) > 1 {
				line += "\n        " + wording.Among(s.Run, cell)
			}
		}
		lines, open = append(lines, line), append(open, ok)
	}
	n, err := w.pick(ctx, "how far", lines, open)
	if err != nil || n < 0 {
		return nil, err
	}
	if reaches[n].Scope == run.RollbackStep {
		return w.rollBack(ctx)
	}
	return run.RollBack{Scope: reaches[n].Scope}, nil
}

// rollBack shows what a rollback would run, and asks.
func (w *walk) rollBack(ctx context.Context) (run.Action, error) {
	s := w.src.Snapshot()
	d, err := s.Run.Dispatch(s.Run.Cell(s.Current), run.RoleRollback)
	if err != nil {
		return nil, err
	}
	w.p.printf("%s:\n", strings.Join(wording.Facts(&d), ", "))
	w.p.command(&d)
	typed, err := w.exactly(ctx, "type y to roll back> ")
	if err != nil || typed != "y" {
		return nil, err
	}
	return run.RollBack{}, nil
}

// finish asks what is to be finished before the run pauses.
func (w *walk) finish(ctx context.Context, s *run.Snapshot) (run.Action, error) {
	var lines []string
	for _, path := range s.Finish {
		what, name := wording.Open(s.Run, path)
		lines = append(lines, strings.TrimSpace(what+" "+name))
	}
	paths := s.Finish
	if s.Stop != "" {
		lines, paths = append(lines, "don't stop"), append(paths[:len(paths):len(paths)], "")
	}
	n, err := w.pick(ctx, "finish", lines, nil)
	if err != nil || n < 0 {
		return nil, err
	}
	return run.FinishThenStop{After: paths[n]}, nil
}

// include asks which instance is put back into its walk.
func (w *walk) include(ctx context.Context, s *run.Snapshot) (run.Action, error) {
	var lines []string
	out := s.Run.Includable()
	for _, one := range out {
		lines = append(lines, wording.Line(one.Instance+" – "+s.Run.Excluded[one.Walk][one.Instance]))
	}
	n, err := w.pick(ctx, "which", lines, nil)
	if err != nil || n < 0 {
		return nil, err
	}
	return out[n], nil
}

// call asks which of the offered steps is run out of its place.
func (w *walk) call(ctx context.Context, s *run.Snapshot) (run.Action, error) {
	var lines []string
	for _, k := range s.Always {
		if c := s.Run.Cell(k); c != nil {
			lines = append(lines, wording.Among(s.Run, c))
		}
	}
	n, err := w.pick(ctx, "which", lines, nil)
	if err != nil || n < 0 {
		return nil, err
	}
	return run.Call{Cell: s.Always[n]}, nil
}

// pick prints a numbered list and reads one of its numbers; -1 for what isn't
// one. open says which may be chosen; nil: all.
func (w *walk) pick(ctx context.Context, ask string, lines []string, open []bool) (int, error) {
	for i, l := range lines {
		w.p.printf("    %2d %s\n", i+1, l)
	}
	typed, err := w.read(ctx, ask+"> ")
	if err != nil {
		return -1, err
	}
	n, err := strconv.Atoi(typed)
	if err != nil || n < 1 || n > len(lines) || open != nil && !open[n-1] {
		w.p.printf("that is none of them, nothing done\n")
		return -1, nil
	}
	return n - 1, nil
}

// sign stands before the lines of what is run: a script, or what is sent.
func sign(form string) string {
	if form == "" {
		return "$"
	}
	return ">"
}
