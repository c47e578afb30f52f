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
	defer w.hush()
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
	in   Answers
	ear  *ear // what is typed while something goes on; nil: nobody listens
	deaf bool // nobody types any more
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
			case h := <-w.listen(ctx):
				switch err := w.hears(ctx, h); {
				case errors.Is(err, errLeave), ended(err):
					res.Waiting = w.waiting(s, KindLeft, "it was left while at work; what runs goes on")
					return res, nil
				case err != nil && ctx.Err() == nil:
					return res, err
				}
			case loan := <-w.o.Lend.Loans():
				w.hush()
				if err := w.lend(loan); err != nil {
					return res, err
				}
			case <-ctx.Done():
				res.Waiting = w.waiting(s, KindLeft, "it was left")
				return res, nil
			}
			continue
		}
		w.hush()
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
	return w.send(ctx, s.Current, s.Seq, act)
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
	if s.Wait == run.WaitMonitor {
		name = "before " + name
	}
	w.p.printf("\n%s: %s %s\n", s.Wait, name, wording.Line(s.Current.Target))
	w.about(s, c)
	if s.Wait != run.WaitMonitor {
		w.watching(s)
	}
	offered := offers(s)
	for i, a := range offered {
		line := fmt.Sprintf("%2d %s: %s", i+1, a.Verb, says(s, a))
		if !a.OK() {
			line = fmt.Sprintf("   %s: not now, %s", a.Verb, a.Why)
		}
		if a.OK() || decides(s.Wait) {
			w.p.printf("  %s\n", wording.Line(line))
		}
	}
	w.p.printf("   ? everything, with what can't be done now and why, and what can be looked at\n")
	w.p.printf("   q leave: the run stays and can be resumed\n")
	return w.choice(ctx, s, offered)
}

// decides reports whether a person has to choose among remedies: then what doesn't
// apply is told, too.
func decides(w run.Wait) bool {
	switch w {
	case run.WaitFailure, run.WaitUnknown, run.WaitBatch, run.WaitUndo, run.WaitMonitor:
		return true
	default:
		return false
	}
}

// offers are the actions that a question lists, in the order of their numbers.
func offers(s *run.Snapshot) (offered []run.Availability) {
	for _, a := range s.Actions {
		if a.Verb == run.VerbAnswer || a.Verb == run.VerbRespond || !a.OK() && beside(a.Verb) {
			continue
		}
		offered = append(offered, a)
	}
	return offered
}

// beside reports an action that isn't worth a line where it doesn't apply.
func beside(v run.Verb) bool {
	switch v {
	case run.VerbContinue, run.VerbReply, run.VerbCall, run.VerbFinish, run.VerbExclude, run.VerbPostpone, run.VerbInclude,
		run.VerbEdit, run.VerbAdHoc, run.VerbJump, run.VerbAgain:
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

// choice reads what is to be done: an action by its number or name. What only asks
// to be shown something is answered, and is no choice yet.
func (w *walk) choice(ctx context.Context, s *run.Snapshot, offered []run.Availability) (run.Action, error) {
	// What was typed before this question was meant for another one.
	if err := w.in.Flush(); err != nil {
		return nil, err
	}
	for {
		line, err := w.read(ctx, "number> ")
		if err != nil {
			return nil, err
		}
		if line == "q" || line == "leave" {
			return nil, errLeave
		}
		if n, err := strconv.Atoi(line); err == nil && n >= 1 && n <= len(offered) && offered[n-1].OK() {
			return w.act(ctx, s, offered[n-1])
		}
		if shown, err := w.look(ctx, s, line); shown {
			if err != nil {
				return nil, err
			}
			continue
		}
		act, err := w.named(ctx, s, line)
		if !errors.Is(err, errNoWord) {
			return act, err
		}
		w.p.printf("type the number of an action that is offered, ? for all that can be done, or q\n")
	}
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

// act asks for the words an action needs. Some ask for their phrase by themselves, once
// they have shown what it is for.
func (w *walk) act(ctx context.Context, s *run.Snapshot, a run.Availability) (run.Action, error) {
	switch a.Verb {
	case run.VerbEdit:
		return w.edit(ctx, s, a)
	case run.VerbAdHoc:
		return w.adHoc(ctx, s, false)
	case run.VerbJump:
		return w.jump(ctx, s)
	case run.VerbAgain:
		return w.again(ctx, s)
	case run.VerbStopNow:
		return w.stop(ctx, s)
	default:
		return w.plainly(ctx, s, a)
	}
}

// plainly asks for an action's phrase, then for its words.
func (w *walk) plainly(ctx context.Context, s *run.Snapshot, a run.Availability) (run.Action, error) {
	if a.Phrase != "" {
		if ok, err := w.phrase(ctx, a.Phrase); err != nil || !ok {
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
	case run.VerbAcknowledge:
		return run.Acknowledge{Reason: typed, Episodes: s.Run.Unacknowledged()}, nil
	case run.VerbPause:
		return run.Pause{}, nil
	case run.VerbContinue:
		return run.Continue{}, nil
	case run.VerbAbort:
		return run.Abort{}, nil
	case run.VerbNote:
		return run.AddNote{Text: typed}, nil
	default:
		return nil, nil
	}
}

// phrase asks for what has to be typed with an action.
func (w *walk) phrase(ctx context.Context, phrase string) (bool, error) {
	typed, err := w.exactly(ctx, fmt.Sprintf("type %q> ", phrase))
	if err == nil && typed != phrase {
		w.p.printf("that is not what has to be typed, nothing done\n")
	}
	return err == nil && typed == phrase, err
}

// words reads what has to be said with an action. false: nothing was, and that
// isn't enough.
func (w *walk) words(ctx context.Context, s *run.Snapshot, v run.Verb) (typed string, ok bool, err error) {
	what := map[run.Verb]string{
		run.VerbSkip: "reason", run.VerbMarkFailed: "reason", run.VerbNote: "note", run.VerbMarkDone: "evidence",
		run.VerbExclude: "reason", run.VerbPostpone: "reason", run.VerbAcknowledge: "reason",
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
