package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"stepgate/runbook/report"
)

func newShowCommand(s streams) *cobra.Command {
	var asJSON, remaining bool
	c := &cobra.Command{
		Use:   "show [RUN]",
		Short: "Show where a run stands and what it waits for",
		Long: `Show says where a run stands and what it waits for.

With --remaining it writes what is left as a Markdown checklist to go on by hand
with: settled steps ticked, of the others cautions, checks, commands with their
values and places, and rollbacks. It works from a journal that can't be written,
and from the part of a damaged one that can be read: then it ends with 2.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON && remaining {
				return usage("take one of them", "show run: --remaining is Markdown, not JSON")
			}
			return runShow(cmd.Context(), s, refOf(args), asJSON, remaining)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	c.Flags().BoolVar(&remaining, "remaining", false, "what is left, as Markdown, to finish by hand")
	return c
}

func runShow(ctx context.Context, s streams, ref string, asJSON, remaining bool) error {
	p, err := openPast(ctx, ref)
	if err != nil {
		return err
	}
	defer p.close()
	p.driver(ctx)
	switch {
	case asJSON:
		err = report.ShowJSON(s.out, p.run)
	case remaining:
		err = report.Remaining(s.out, p.transcript(ctx))
	default:
		err = report.Show(s.out, p.run)
	}
	if err != nil {
		return fmt.Errorf("show run %q: %w", p.id, err)
	}
	return p.complaint(s)
}
