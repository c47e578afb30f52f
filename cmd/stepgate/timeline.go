package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stepgate/runbook/report"
)

func newTimelineCommand(s streams) *cobra.Command {
	var asJSON bool
	var kind string
	var words []string
	c := &cobra.Command{
		Use:   "timeline [RUN]",
		Short: "Everything that happened in a run, a line each, in local time",
		Long: `Timeline writes what happened in a run, a line each, in local time, the oldest first:
the event's number, who, about which step and where, and what. The samples of monitors
are left out: they are ` + "`--kind samples`, and `stepgate show --monitors`" + ` sums them up.

Cut it down with --kind (` + kindNames() + `), and with
--grep to the events that have a word in who, step, host or text, whatever its case; of
several --grep each has to occur.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kinds := report.Kinds()
			i := slices.IndexFunc(kinds, func(k report.Kind) bool { return k.Name == kind })
			if i < 0 {
				return usage("kinds are: "+kindNames(), "show timeline: no kind is called %q", kind)
			}
			p, err := openPast(cmd.Context(), refOf(args))
			if err != nil {
				return err
			}
			defer p.close()
			records := report.Pick(p.run, p.records, kinds[i].Choice(words))
			if asJSON {
				err = report.Events(s.out, records)
			} else {
				err = report.Timeline(s.out, p.run, records, time.Local)
			}
			if err != nil {
				return err
			}
			return p.complaint(s)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "a JSON object a line, as in the transcript's events")
	c.Flags().StringVar(&kind, "kind", report.Kinds()[0].Name, "what to show: "+kindNames())
	c.Flags().StringArrayVar(&words, "grep", nil, "only events with this word (repeatable)")
	return c
}

func kindNames() string {
	var names []string
	for _, k := range report.Kinds() {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ")
}
