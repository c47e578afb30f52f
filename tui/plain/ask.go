package plain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"stepgate/runbook/run"
	"stepgate/tui"
	"stepgate/tui/wording"
)

// Answers is where a person types. ReadLine returns io.EOF when nobody will.
type Answers interface {
	// ReadLine returns one line without its end. The end of ctx ends the wait.
	ReadLine(ctx context.Context) (string, error)
	// Flush drops what was typed before.
	Flush() error
}

// Run walks a person through the run in lines. It returns when the run is over
// or the person leaves; EOF leaves and opens nothing.
func Run(ctx context.Context, ctl tui.Controller, src tui.Source, in Answers, o Options) (Result, error) {
	w := &walk{auto: auto{ctl: ctl, src: src, o: o, p: newPrinter(o.Out, src), tried: map[string]int{}}, in: in}
	if o.Known {
		w.p.known(src.Snapshot())
	}
	res, err := w.run(ctx)
	if err == nil && res.Waiting != nil {
		err = w.sayWaiting(*res.Waiting)
	}
	return res, err
}

type walk struct {
	auto
	in Answers
}

// errLeave is the person's wish to leave.
var errLeave = errors.New("leave")

func (w *walk) run(ctx context.Context) (Result, error) {
	over := false // the run can't change any more
	for {
		s := w.src.Snapshot()
		if err := w.p.tell(ctx, s); err != nil {
			return Result{}, err
		}
		res := Result{Closed: s.Run.Closed, Began: began(s.Run)}
		if res.Closed != "" {
			return res, nil
		}
		if s.Prompt == nil && (s.Busy != nil || s.Wait == run.WaitNothing) {
			if over {
				res.Waiting = w.waiting(s, KindLeft, "it was left")
				return res, nil
			}
			select {
			case _, more := <-w.src.Changes():
				over = !more
			case loan := <-w.o.Lend.Loans():
				if err := w.lend(loan); err != nil {
					return res, err
				}
			case <-ctx.Done():
				res.Waiting = w.waiting(s, KindLeft, "it was left")
				return res, nil
			}
			continue
		}
		switch err := w.put(ctx, s); {
		case errors.Is(err, errLeave), ended(err), ctx.Err() != nil:
			kind := string(s.Wait)
			res.Waiting = w.waiting(s, kind, "it was left")
			return res, nil
		case err != nil:
			return res, err
		}
	}
}

// errMoved ends a question that is no longer asked.
var errMoved = errors.New("the run has moved on")

func ended(err error) bool { return errors.Is(err, io.EOF) }

// put puts a question before the person, and does what the answer says.
func (w *walk) put(ctx context.Context, s *run.Snapshot) error {
	ask, moved := w.question, moved
	if s.Prompt != nil {
		ask = func(ctx context.Context, s *run.Snapshot) (run.Action, error) { return w.login(ctx, s.Prompt) }
		moved = answered
	}
	asking, end := w.while(ctx, func() bool { return !moved(s, w.src.Snapshot()) })
	act, err := ask(asking, s)
	end()
	if err != nil && errors.Is(context.Cause(asking), errMoved) {
		w.p.printf("(%v)\n", errMoved)
		return nil
	}
	if err != nil || act == nil {
		return err
	}
	err = w.ctl.Do(ctx, s.Current, s.Seq, act)
	var stale *run.StaleError
	var notNow *run.NotNowError
	if errors.As(err, &stale) || errors.As(err, &notNow) {
		w.p.printf("%s\n", wording.Line(err.Error()))
		return nil
	}
	return err
}

// moved reports whether the run waits for something else than it did, or has
// something more to say.
func moved(was, is *run.Snapshot) bool {
	return answered(was, is) || was.Current != is.Current || was.Seq != is.Seq || was.Wait != is.Wait ||
		was.ReadOnly != is.ReadOnly || len(was.Run.Wishes) != len(is.Run.Wishes) || (was.Busy == nil) != (is.Busy == nil)
}

// answered reports whether a login asks for something else than it did.
func answered(was, is *run.Snapshot) bool {
	if was.Prompt == nil || is.Prompt == nil {
		return was.Prompt != is.Prompt
	}
	return was.Prompt.ID != is.Prompt.ID
}

// while is ctx for as long as something holds. end waits until it is no longer
// watched: the run's changes have one reader.
func (w *walk) while(ctx context.Context, holds func() bool) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for open := true; open; {
			if !holds() {
				cancel(errMoved)
				return
			}
			select {
			case _, open = <-w.src.Changes():
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

// question puts what the run waits for before the person.
func (w *walk) question(ctx context.Context, s *run.Snapshot) (run.Action, error) {
	c := s.Run.Cell(s.Current)
	if s.ReadOnly != "" {
		w.p.printf("%s\n", wording.Line(s.ReadOnly))
		return nil, errLeave
	}
	if s.Wait == run.WaitGate {
		return w.gate(ctx, s, c)
	}
	name := "the run"
	if c != nil {
		name = wording.Name(s.Run, c.Plan.Step)
	}
	w.p.printf("\n%s: %s %s\n", s.Wait, name, wording.Line(s.Current.Target))
	w.about(s, c)
	var offered []run.Availability
	for _, a := range s.Actions {
		if a.Verb == run.VerbAnswer || a.Verb == run.VerbRespond || !a.OK() && beside(a.Verb) {
			continue
		}
		offered = append(offered, a)
		line := fmt.Sprintf("%2d %s: %s", len(offered), a.Verb, says(s, a))
		if !a.OK() {
			line = fmt.Sprintf("   %s: not now, %s", a.Verb, a.Why)
		}
		w.p.printf("  %s\n", wording.Line(line))
	}
	w.p.printf("   q leave: the run stays and can be resumed\n")
	n, err := w.choice(ctx, offered)
	if err != nil || n < 0 {
		return nil, err
	}
	return w.act(ctx, s, offered[n])
}

// beside reports an action that isn't worth a line where it doesn't apply.
func beside(v run.Verb) bool {
	switch v {
	case run.VerbContinue, run.VerbReply, run.VerbCall, run.VerbFinish, run.VerbExclude, run.VerbPostpone, run.VerbInclude:
		return true
	default:
		return false
	}
}

// says is what an action does here.
func says(s *run.Snapshot, a run.Availability) string {
	if s.Wait == run.WaitUndo && a.Verb == run.VerbGo && a.OK() {
		return "roll back what is shown"
	}
	return a.Says
}

// choice reads the number of an action; -1 for what isn't one.
func (w *walk) choice(ctx context.Context, offered []run.Availability) (int, error) {
	// What was typed before this question was meant for another one.
	if err := w.in.Flush(); err != nil {
		return -1, err
	}
	line, err := w.read(ctx, "number> ")
	if err != nil {
		return -1, err
	}
	if line == "q" {
		return -1, errLeave
	}
	n, err := strconv.Atoi(line)
	if err != nil || n < 1 || n > len(offered) || !offered[n-1].OK() {
		w.p.printf("type the number of an action that is offered, or q\n")
		return -1, nil
	}
	return n - 1, nil
}

// read reads a line without the blanks at its ends.
func (w *walk) read(ctx context.Context, ask string) (string, error) {
	line, err := w.exactly(ctx, ask)
	return strings.TrimSpace(line), err
}

// exactly reads a line as it was typed: phrases are.
func (w *walk) exactly(ctx context.Context, ask string) (string, error) {
	w.p.printf("%s", ask)
	line, err := w.in.ReadLine(ctx)
	if err != nil {
		w.p.printf("\n") // the question's line ends here
	}
	return line, errors.Join(err, w.p.err)
}

// act asks for the words an action needs.
func (w *walk) act(ctx context.Context, s *run.Snapshot, a run.Availability) (run.Action, error) {
	if a.Phrase != "" {
		typed, err := w.exactly(ctx, fmt.Sprintf("type %q> ", a.Phrase))
		if err == nil && typed != a.Phrase {
			w.p.printf("that is not what has to be typed, nothing done\n")
		}
		if err != nil || typed != a.Phrase {
			return nil, err
		}
	}
	typed, ok, err := w.words(ctx, s, a.Verb)
	if err != nil || !ok {
		return nil, err
	}
	switch a.Verb {
	case run.VerbGo:
		return w.goOn(ctx, s)
	case run.VerbRetry:
		return run.Retry{Typed: a.Phrase}, nil
	case run.VerbSkip:
		return run.Skip{Reason: typed}, nil
	case run.VerbMarkDone:
		return run.MarkDone{Evidence: typed}, nil
	case run.VerbMarkFailed:
		return run.MarkFailed{Reason: typed}, nil
	case run.VerbProbe:
		return run.Probe{}, nil
	case run.VerbRollBack:
		return w.scope(ctx, s)
	case run.VerbReply:
		return w.reply(ctx, s)
	case run.VerbExclude:
		return run.Exclude{Reason: typed}, nil
	case run.VerbPostpone:
		return run.Postpone{Why: typed}, nil
	case run.VerbInclude:
		return w.include(ctx, s)
	case run.VerbFinish:
		return w.finish(ctx, s)
	case run.VerbCall:
		return w.call(ctx, s)
	case run.VerbStopNow:
		return run.StopNow{}, nil
	case run.VerbPause:
		return run.Pause{}, nil
	case run.VerbContinue:
		return run.Continue{}, nil
	case run.VerbAbort:
		return run.Abort{}, nil
	case run.VerbNote:
		return run.AddNote{Text: typed}, nil
	case run.VerbAnswer, run.VerbRespond:
	}
	return nil, nil
}

// words reads what has to be said with an action. false: nothing was, and that
// isn't enough.
func (w *walk) words(ctx context.Context, s *run.Snapshot, v run.Verb) (typed string, ok bool, err error) {
	what := map[run.Verb]string{
		run.VerbSkip: "reason", run.VerbMarkFailed: "reason", run.VerbNote: "note", run.VerbMarkDone: "evidence",
		run.VerbExclude: "reason", run.VerbPostpone: "reason",
	}[v]
	if what == "" || v == run.VerbSkip && s.Wait == run.WaitUndo {
		return "left as it is", true, nil
	}
	optional := v == run.VerbMarkDone && s.Wait == run.WaitManual || v == run.VerbPostpone
	if optional {
		what += " (may be empty)"
	}
	if typed, err = w.read(ctx, what+"> "); err != nil {
		return "", false, err
	}
	if typed == "" && !optional {
		w.p.printf("nothing typed, nothing done\n")
		return "", false, nil
	}
	return typed, true, nil
}

// goOn does what is next; a rollback only after a y.
func (w *walk) goOn(ctx context.Context, s *run.Snapshot) (run.Action, error) {
	if s.Wait == run.WaitUndo {
		typed, err := w.exactly(ctx, "type y to roll back> ")
		if err != nil || typed != "y" {
			return nil, err
		}
	}
	return run.Go{}, nil
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

// gate prints exactly what would run and asks for the phrase. What was typed
// before is dropped; anything but the phrase declines.
func (w *walk) gate(ctx context.Context, s *run.Snapshot, c *run.Cell) (run.Action, error) {
	g := c.Gate
	w.p.printf("\nGATE %s\n", wording.Name(s.Run, c.Plan.Step))
	for _, caution := range cautions(s.Run, c) {
		w.p.indent("!", caution)
	}
	if c.Plan.Step.Book.Judged != "" {
		w.p.indent("!", c.Plan.Step.Book.Judged)
	}
	if d := g.Dispatch; d != nil {
		w.p.printf("  %s:\n", strings.Join(wording.Facts(d), ", "))
		w.p.command(d)
	}
	w.p.checks(c, run.Before, nil)
	w.others(s, c)
	if g.Reversible {
		w.p.printf("  it can be rolled back\n")
	} else {
		w.p.printf("  it can NOT be undone by this runbook\n")
	}
	if c.Plan.Step.Book.Irreversible {
		for _, sentence := range wording.Elsewhere(s.Run) {
			w.p.indent("!", sentence)
		}
	}
	if err := w.in.Flush(); err != nil {
		return nil, err
	}
	typed, err := w.exactly(ctx, fmt.Sprintf("type %q to go on, anything else declines> ", g.Phrase))
	if err != nil {
		return nil, err
	}
	return run.Answer{Gate: g.Gate, Typed: typed}, nil
}
