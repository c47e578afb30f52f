package main

import (
	"context"
	"fmt"
	"io"
	"os"

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
func openRuns(ctx context.Context) ([]state.Info, error) {
	if _, err := os.Stat(journalPath()); os.IsNotExist(err) {
		return nil, nil
	}
	store, err := readJournal(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	infos, err := store.Runs(ctx)
	if err != nil {
		return nil, err
	}
	var open []state.Info
	for _, i := range infos {
		if i.Closed == "" {
			open = append(open, i)
		}
	}
	return open, nil
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
