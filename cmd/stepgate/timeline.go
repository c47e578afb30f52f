package main

import (
	"time"

	"github.com/spf13/cobra"

	"stepgate/runbook/report"
)

func newTimelineCommand(s streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "timeline [RUN]",
		Short: "Everything that happened in a run, a line each, in local time",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := openPast(cmd.Context(), refOf(args))
			if err != nil {
				return err
			}
			defer p.close()
			if asJSON {
				err = report.Events(s.out, p.records)
			} else {
				err = report.Timeline(s.out, p.run, p.records, time.Local)
			}
			if err != nil {
				return err
			}
			return p.complaint(s)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "a JSON object a line, as in the transcript's events")
	return c
}
