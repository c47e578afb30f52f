package main

import (
	"context"
	"fmt"
	"io"

	"stepgate/runbook/report"
	"stepgate/runbook/text"
	"stepgate/state"
)

// runHome says which runs can be gone on with, and how, and how to begin one.
func runHome(ctx context.Context, s streams) error {
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
