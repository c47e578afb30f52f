package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"stepgate/runbook/report"
	"stepgate/runbook/text"
	"stepgate/state"
)

func newListCommand(s streams) *cobra.Command {
	var asJSON, books bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List runs, those that can be resumed first; or the shipped runbooks",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if books {
				return listBooks(s, asJSON)
			}
			return runList(cmd.Context(), s, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "a JSON array")
	c.Flags().BoolVar(&books, "runbooks", false, "list the shipped runbooks instead")
	return c
}

func listBooks(s streams, asJSON bool) error {
	if asJSON {
		return printJSON(s, shippedNames())
	}
	for _, n := range shippedNames() {
		if _, err := fmt.Fprintln(s.out, n); err != nil {
			return err
		}
	}
	return nil
}

type listed struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Runbook string    `json:"runbook"`
	Started time.Time `json:"started"`
	Last    time.Time `json:"last"`
	State   string    `json:"state"` // driven by …, resumable, or how it was closed
	Events  int       `json:"events"`
	Problem string    `json:"problem,omitempty"`
}

func runList(ctx context.Context, s streams, asJSON bool) error {
	list := []listed{}
	err := allRuns(ctx, func(_ *state.Store, infos []state.Info) error {
		for _, open := range []bool{true, false} {
			for _, i := range infos {
				if (i.Closed == "") == open {
					list = append(list, listed{i.ID, i.Title, i.Runbook, i.Started, i.Last, stateOf(i), i.Events, i.Problem})
				}
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case asJSON:
		return printJSON(s, list)
	case len(list) == 0:
		_, err := fmt.Fprintln(s.err, "no runs yet; begin with: stepgate demo")
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "RUN\tSTARTED\tSTATE\tTITLE")
	for _, l := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.ID, report.Time(l.Started), text.Line(text.Untrusted(l.State)), text.Line(text.Untrusted(l.Title)))
	}
	return w.Flush()
}

// printJSON writes a value for programs.
func printJSON(s streams, v any) error {
	return text.WriteJSON(s.out, v)
}

func stateOf(i state.Info) string {
	switch {
	case i.Problem != "":
		return "unreadable: " + i.Problem
	case i.Closed != "":
		return string(i.Closed)
	case i.Holder != "":
		return "driven by " + i.Holder
	}
	return "resumable"
}
