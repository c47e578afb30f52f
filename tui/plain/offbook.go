package plain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui"
	"stepgate/tui/diff"
	"stepgate/tui/wording"
)

// edit has a person change the command that failed, shows what was changed, and
// asks whether that shall run.
func (w *walk) edit(ctx context.Context, s *run.Snapshot, a run.Availability) (run.Action, error) {
	c := s.Run.Cell(s.Current)
	was, err := s.Run.EditText(c)
	if err != nil {
		w.p.printf("%s\n", wording.Line(err.Error()))
		return nil, w.p.err
	}
	w.p.printf("  its text:\n")
	for _, l := range wording.Exact(was) {
		w.p.printf("    %s %s\n", sign(wording.Form(c.Fence(run.RoleCommand).Form)), l)
	}
	is, ok, err := w.change(ctx, c, was)
	if err != nil || !ok {
		return nil, err
	}
	if !strings.HasSuffix(was, "\n") {
		is = strings.TrimSuffix(is, "\n") // editors end the last line
	}
	if is == was || strings.TrimSpace(is) == "" {
		w.p.printf("nothing was changed\n")
		return nil, w.p.err
	}
	w.p.printf("  what is changed:\n")
	for _, l := range diff.Unified(was, is) {
		w.p.printf("    %s\n", l)
	}
	if _, err := s.Run.Edited(c, is); err != nil {
		w.p.printf("this can't be run: %s\n", wording.Line(err.Error()))
		return nil, w.p.err
	}
	phrase := "y"
	if a.Phrase != "" {
		phrase = a.Phrase
		w.p.printf("  %s\n", wording.Line(a.Says))
	}
	typed, err := w.exactly(ctx, fmt.Sprintf("a gate comes first, and it is recorded as off-book; type %q to go on> ", phrase))
	if err != nil || typed != phrase {
		return nil, w.stays(err)
	}
	return run.Edit{Body: is, Typed: a.Phrase}, nil
}

// stays says that nothing came of what was begun.
func (w *walk) stays(err error) error {
	if err == nil {
		w.p.printf("nothing done\n")
	}
	return err
}

// change has a text changed in the operator's editor, or typed anew.
func (w *walk) change(ctx context.Context, c *run.Cell, was string) (is string, ok bool, err error) {
	if _, terminal := w.in.(Terminal); terminal && w.o.Outside != nil {
		how, err := w.read(ctx, "e: in your editor, l: typed here line by line, anything else leaves it as it is> ")
		switch {
		case err != nil:
			return "", false, err
		case how == "e":
			err := w.withTerminal(func(t tui.Streams) (err error) {
				is, err = w.o.Outside.Edit(ctx, t, wording.FileName(c), was)
				return err
			})
			if err != nil && ctx.Err() == nil {
				w.p.printf("nothing was changed: %s\n", wording.Line(err.Error()))
				return "", false, w.p.err
			}
			return is, err == nil, err
		case how != "l":
			return "", false, w.stays(nil)
		}
	}
	w.p.printf("  type all of it anew; a line with nothing but a dot ends it\n")
	for {
		line, err := w.exactly(ctx, "    > ")
		if err != nil {
			return "", false, err
		}
		if line == "." {
			return is, true, nil
		}
		is += line + "\n"
	}
}

// adHoc asks for a command that isn't in the runbook, or a shell, and for the place
// where it runs, and shows what would run.
func (w *walk) adHoc(ctx context.Context, s *run.Snapshot, shell bool) (run.Action, error) {
	act := run.AdHoc{Where: plan.Local, TTY: shell}
	if places := s.Run.AdHocPlaces(); len(places) > 1 {
		var lines []string
		for _, p := range places {
			lines = append(lines, strings.TrimSpace(wording.Place(p)+" "+wording.Line(s.Hosts[p].State)))
		}
		n, err := w.pick(ctx, "where", lines, nil)
		if err != nil || n < 0 {
			return nil, err
		}
		act.Where = places[n]
	}
	if !shell {
		var err error
		if act.Body, err = w.exactly(ctx, "which command, in sh> "); err != nil || strings.TrimSpace(act.Body) == "" {
			return nil, w.stays(err)
		}
	}
	asked, err := s.Run.AdHocAsked(act)
	if err != nil {
		w.p.printf("%s\n", wording.Line(err.Error()))
		return nil, w.p.err
	}
	switch {
	case shell:
		w.p.printf("  a shell on %s gets this terminal until it ends; that it was open is recorded, what is typed there is not\n", wording.Place(act.Where))
	default:
		w.p.printf("  this runs on %s, and is recorded as off-book:\n", wording.Place(act.Where))
		for _, l := range wording.Exact(asked.Body) {
			w.p.printf("    $ %s\n", l)
		}
	}
	if asked.Judged != "" {
		w.p.printf("  it looks destructive: %s; a gate comes first\n", wording.Line(asked.Judged))
	}
	typed, err := w.exactly(ctx, "type y to run it> ")
	if err != nil || typed != "y" {
		return nil, w.stays(err)
	}
	return act, nil
}

// jump asks for a later step, and says what going on there leaves out.
func (w *walk) jump(ctx context.Context, s *run.Snapshot) (run.Action, error) {
	c, err := w.find(ctx, s, "")
	if err != nil || c == nil {
		return nil, err
	}
	leap := s.Run.LeapTo(c.Key)
	if leap.Why != "" {
		w.p.printf("jump doesn't apply: %s\n", wording.Line(leap.Why))
		return nil, w.p.err
	}
	w.p.printf("  going on at %s; none of these is run, and the run doesn't come back to them:\n", wording.At(s.Run, c))
	for _, o := range leap.Over {
		note := ""
		if slices.Contains(leap.Gates, o) {
			note = " (gate)"
		}
		if o.Plan.Step.Book.Irreversible {
			note = " (gate, irreversible)"
		}
		w.p.printf("    %s%s\n", wording.Among(s.Run, o), note)
	}
	w.p.printf("  left out: %d, of them behind a gate: %d\n", len(leap.Over), len(leap.Gates))
	if leap.Phrase != "" {
		typed, err := w.exactly(ctx, fmt.Sprintf("type %q> ", leap.Phrase))
		if err != nil || typed != leap.Phrase {
			return nil, w.stays(err)
		}
	}
	why, err := w.read(ctx, "reason> ")
	if err != nil || why == "" {
		return nil, w.stays(err)
	}
	return run.Jump{To: c.Key, Reason: why, Typed: leap.Phrase}, nil
}

// again asks for a settled step that is to be done once more.
func (w *walk) again(ctx context.Context, s *run.Snapshot) (run.Action, error) {
	c, err := w.find(ctx, s, "")
	if err != nil || c == nil {
		return nil, err
	}
	a := s.Run.Repeatable(c)
	if a.Why != "" {
		w.p.printf("%s: %s\n", wording.At(s.Run, c), wording.Line(a.Why))
		return nil, w.p.err
	}
	was := "it is " + wording.Status(c.Status)
	if !c.Ended.IsZero() {
		was += ", since " + c.Ended.Format(time.TimeOnly)
	}
	w.p.printf("  %s: %s; this would %s\n", wording.At(s.Run, c), was, wording.Line(a.Says))
	phrase := "y"
	if a.Phrase != "" {
		phrase = a.Phrase
		safe := "it is not safe to repeat: look at what it would find now"
		if c.Plan.Step.Book.Idempotent {
			safe = "the runbook says that it is safe to repeat"
		}
		w.p.printf("  what it did is not undone first; %s\n", safe)
	}
	typed, err := w.exactly(ctx, fmt.Sprintf("type %q> ", phrase))
	if err != nil || typed != phrase {
		return nil, w.stays(err)
	}
	return run.Again{Cell: c.Key, Typed: a.Phrase}, nil
}

// strayed says that the runbook doesn't say what would run, and how it differs.
func (w *walk) strayed(c *run.Cell) {
	switch {
	case c.AdHoc != nil:
		w.p.printf("  this command is not in the runbook\n")
	case c.Edited != nil && c.Edited.Was == c.Edited.Body:
		w.p.printf("  its text was changed in this run, and is the runbook's again\n")
	case c.Edited != nil:
		w.p.printf("  this is not what the runbook says; what was changed in this run:\n")
		for _, l := range diff.Unified(c.Edited.Was, c.Edited.Body) {
			w.p.printf("    %s\n", l)
		}
	}
}
