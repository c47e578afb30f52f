package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"stepgate/runbook/report"
	"stepgate/runbook/text"
	"stepgate/state"
	"stepgate/tui"
)

// runHome shows what can be gone on with and begun, on a screen until the operator
// leaves it, else in lines.
func runHome(ctx context.Context, s streams) error {
	if !newDriveFlags().screen(s) {
		return listHome(ctx, s)
	}
	trouble := ""
	for {
		chosen, err := tui.Home{Shelf: shelf{}, Doctor: "stepgate doctor", Trouble: trouble}.Show(ctx, s.screen())
		if err != nil || chosen.Do == tui.ToLeave {
			return err
		}
		err = s.chosen(ctx, chosen)
		if ctx.Err() != nil {
			return err
		}
		trouble = troubleOf(err)
	}
}

// chosen does what was chosen on the home screen. It returns when the operator has
// left that.
func (s streams) chosen(ctx context.Context, c tui.Chosen) error {
	d := newDriveFlags()
	switch c.Do {
	case tui.ToResume:
		return (&resuming{drive: d}).resume(ctx, s, []string{c.Name})
	case tui.ToWatch:
		return runWatch(ctx, s, c.Name, false)
	case tui.ToBegin:
		src, err := bookFlags{inventory: s.conf.inventory}.read(c.Name)
		if err != nil {
			return err
		}
		return startRun(ctx, s, src, d)
	case tui.ToDemo:
		return runDemo(ctx, s, simulation{scene: demoScene, speed: demoSpeed}, d)
	case tui.ToLeave:
	}
	return nil
}

// troubleOf is what the home screen says of what went wrong. That a run waits, or that
// it was left before it began, is nothing that did.
func troubleOf(err error) string {
	var exit *exitError
	if code := codeOf(err); code == exitOK || code == exitAborted || code == exitCtrlC || errors.As(err, &exit) && exit.cause == nil {
		return ""
	}
	out := err.Error()
	if hint := text.HintOf(err); hint != "" {
		out += "\n\n" + hint
	}
	return out
}

// listHome says which runs can be gone on with, and how, and how to begin one.
func listHome(ctx context.Context, s streams) error {
	open, err := openRuns(ctx)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		_, err = fmt.Fprintln(s.out, "No run is open.")
	} else {
		err = printOpen(s.out, open)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, `
Begin:
  stepgate demo           a shipped runbook on a simulated cluster, nothing to set up
  stepgate run RUNBOOK    a Markdown file, or a shipped runbook (stepgate list --runbooks)
  stepgate --help         everything else
`)
	return err
}

// openRuns are the runs that aren't closed, the one started last first.
func openRuns(ctx context.Context) (open []state.Info, err error) {
	err = allRuns(ctx, func(_ *state.Store, infos []state.Info) error {
		for _, i := range infos {
			if i.Closed == "" {
				open = append(open, i)
			}
		}
		return nil
	})
	return open, err
}

func printOpen(w io.Writer, open []state.Info) error {
	_, err := fmt.Fprintln(w, "Open runs, the latest first:")
	for _, i := range open {
		do := "stepgate resume " + i.ID
		switch {
		case i.Problem != "":
			do = "stepgate verify " + i.ID + "   (" + stateOf(i) + ")"
		case i.Holder != "":
			do = "stepgate show " + i.ID + "   (" + stateOf(i) + ")"
		}
		if err == nil {
			_, err = fmt.Fprintf(w, "\n  %s\n    begun %s, latest event %s\n    %s\n", text.Line(text.Untrusted(i.Title)),
				report.Time(i.Started), report.Time(i.Last), text.Line(text.Untrusted(do)))
		}
	}
	return err
}
