package plain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stepgate/runbook/run"
	"stepgate/tui/wording"
)

// moved reports whether the run waits for something else than it did, or has
// something more to say.
func moved(was, is *run.Snapshot) bool {
	return answered(was, is) || was.Current != is.Current || was.Seq != is.Seq || was.Wait != is.Wait ||
		was.ReadOnly != is.ReadOnly || was.Wait == run.WaitMonitor && !slices.Equal(holding(was.Run), holding(is.Run)) || len(was.Run.Wishes) != len(is.Run.Wishes) || (was.Busy == nil) != (is.Busy == nil)
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

// ear takes a line that is typed while something goes on.
type ear struct {
	line chan heard
	shut context.CancelFunc
}

type heard struct {
	line string
	err  error
}

// listen has a line read beside what goes on; nil: nobody types any more.
func (w *walk) listen(ctx context.Context) <-chan heard {
	if w.deaf {
		return nil
	}
	if w.ear == nil {
		ctx, cancel := context.WithCancel(ctx)
		e := &ear{make(chan heard, 1), cancel}
		go func() {
			line, err := w.in.ReadLine(ctx)
			e.line <- heard{line, err}
		}()
		w.ear = e
	}
	return w.ear.line
}

// hush gives the terminal back to whoever asks next, or is lent it.
func (w *walk) hush() {
	if w.ear == nil {
		return
	}
	w.ear.shut()
	h := <-w.ear.line
	w.ear = nil
	if h.err == nil && strings.TrimSpace(h.line) != "" {
		w.p.printf("(%v: what was typed was not done)\n", errMoved) // it may have been a password
	}
}

// hears does what was typed while something goes on.
func (w *walk) hears(ctx context.Context, h heard) error {
	w.ear.shut()
	w.ear = nil
	if h.err != nil {
		w.deaf = true // the run needs nobody until it asks
		return nil
	}
	line := strings.TrimSpace(h.line)
	if line == "" {
		return nil
	}
	s := w.src.Snapshot()
	if shown, err := w.look(ctx, s, line); shown || err != nil {
		return err
	}
	asking, end := w.while(ctx, func() bool {
		is := w.src.Snapshot()
		return is.Busy != nil && is.Busy.What != run.AtTerminal && is.Current == s.Current && is.Prompt == nil
	})
	err := w.meanwhile(asking, s, line)
	end()
	if err != nil && errors.Is(context.Cause(asking), errMoved) {
		w.p.printf("(%v)\n", errMoved)
		return nil
	}
	return err
}

// meanwhile does what a line says beside what goes on.
func (w *walk) meanwhile(ctx context.Context, s *run.Snapshot, line string) error {
	if line == "q" || line == "leave" {
		w.p.printf("  %s\n  what runs goes on by itself, and the run can be resumed\n", wording.Waiting(s, s.At))
		typed, err := w.exactly(ctx, "type y to leave> ")
		if err == nil && typed == "y" {
			return errLeave
		}
		return w.stays(err)
	}
	act, err := w.named(ctx, s, line)
	if errors.Is(err, errNoWord) {
		w.p.printf("something is going on; ? lists what can be done meanwhile\n")
		return w.p.err
	}
	if err != nil || act == nil {
		return err
	}
	return w.sends(ctx, s.Current, s.Seq, act)
}

// errNoWord: a line names no action.
var errNoWord = errors.New("that is no action")

// leastWord is how much of an action's name has to be typed.
const leastWord = 3

// named is the action that a line names.
func (w *walk) named(ctx context.Context, s *run.Snapshot, line string) (run.Action, error) {
	if note, ok := strings.CutPrefix(line, "note "); ok && strings.TrimSpace(note) != "" && s.Action(run.VerbNote).OK() {
		return run.AddNote{Text: strings.TrimSpace(note)}, nil
	}
	shell := strings.EqualFold(line, "shell")
	var found, within []run.Availability // by how a name begins, or a word in it
	for _, a := range s.Actions {
		if a.Verb == run.VerbAnswer || a.Verb == run.VerbRespond {
			continue
		}
		if strings.EqualFold(string(a.Verb), line) || strings.EqualFold(wording.Remedy(a.Verb), line) || shell && a.Verb == run.VerbAdHoc {
			found = []run.Availability{a}
			break
		}
		switch begins := strings.ToLower(line); {
		case len(line) < leastWord:
		case strings.HasPrefix(string(a.Verb), begins):
			found = append(found, a)
		case strings.Contains(string(a.Verb), " "+begins):
			within = append(within, a)
		}
	}
	if len(found) == 0 {
		found = within
	}
	switch {
	case len(found) != 1:
		return nil, errNoWord
	case !found[0].OK():
		w.p.printf("%s: not now, %s\n", found[0].Verb, wording.Line(found[0].Why))
		return nil, w.p.err
	case shell:
		return w.adHoc(ctx, s, true)
	}
	return w.act(ctx, s, found[0])
}

// sends is [walk.send] beside what goes on, where nothing else tells that it was done.
func (w *walk) sends(ctx context.Context, k run.Key, seq uint64, act run.Action) error {
	err := w.ctl.Do(ctx, k, seq, act)
	if err == nil {
		w.p.printf("(%s: taken)\n", run.VerbOf(act))
		return w.p.err
	}
	return w.refused(err)
}

// send asks for an action. What the run has moved past is said.
func (w *walk) send(ctx context.Context, k run.Key, seq uint64, act run.Action) error {
	return w.refused(w.ctl.Do(ctx, k, seq, act))
}

// refused tells what was refused because the run is elsewhere; what is left went wrong.
func (w *walk) refused(err error) error {
	var stale *run.StaleError
	var notNow *run.NotNowError
	if errors.As(err, &stale) || errors.As(err, &notNow) {
		w.p.printf("%s\n", wording.Line(err.Error()))
		return nil
	}
	return err
}

// stop stops what goes on where the run stands, or at the place that is chosen; a
// command that isn't safe to repeat only once its host's name was typed.
func (w *walk) stop(ctx context.Context, s *run.Snapshot) (run.Action, error) {
	if s.Busy == nil {
		return run.StopNow{}, nil
	}
	places := []run.Key{s.Current}
	for _, a := range s.Beside {
		if !slices.Contains(places, a.Cell) {
			places = append(places, a.Cell)
		}
	}
	n := 0
	if len(places) > 1 {
		var lines []string
		for _, k := range places {
			if c := s.Run.Cell(k); c != nil {
				lines = append(lines, wording.At(s.Run, c)+": "+stands(s, c))
			}
		}
		var err error
		if n, err = w.pick(ctx, "which", lines, nil); err != nil || n < 0 {
			return nil, err
		}
	}
	c, doing := s.Run.Cell(places[n]), wording.Busy(s, places[n])
	if c == nil || doing == nil {
		return nil, nil
	}
	if doing.Attempt != "" {
		if ok, err := w.meant(ctx, c, doing); err != nil || !ok {
			return nil, err
		}
	}
	return nil, w.sends(ctx, c.Key, c.Seq, run.StopNow{Kill: doing.Stopping})
}

// meant asks whether a command is to be stopped half way.
func (w *walk) meant(ctx context.Context, c *run.Cell, doing *run.Activity) (bool, error) {
	phrase, warn := wording.HalfWay(c)
	signal := "TERM"
	if doing.Stopping {
		signal = "KILL"
	}
	w.p.printf("  %s goes to the command and everything it started. %s\n", signal, warn)
	typed, err := w.exactly(ctx, fmt.Sprintf("type %q to stop it> ", wording.Line(phrase)))
	if err != nil || typed != phrase {
		return false, w.stays(err)
	}
	return true, nil
}
