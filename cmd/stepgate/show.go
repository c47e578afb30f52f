package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/tui/matrix"
)

func newShowCommand(s streams) *cobra.Command {
	var asJSON, remaining, hosts, monitors, samples bool
	c := &cobra.Command{
		Use:   "show [RUN]",
		Short: "Show where a run stands and what it waits for",
		Long: `Show says where a run stands and what it waits for.

With --remaining it writes what is left as a Markdown checklist to go on by hand
with: settled steps ticked, of the others cautions, checks, commands with their
values and places, and rollbacks. It works from a journal that can't be written,
and from the part of a damaged one that can be read: then it ends with 2.

With --matrix it writes hosts by steps: of each walk, and of each section whose steps
run at several places, who is where, who failed and who is out.

With --monitors it writes what the monitors showed, in local time: samples, gaps, the
longest gap by step, when they were red and who acknowledged that, and of background
processes each start. With --samples it writes every sample, a JSON object a line:
monitor, where, at, verdict, values; or of a time in which nobody sampled monitor, where,
unobserved.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case asJSON && remaining:
				return usage("take one of them", "show run: --remaining is Markdown, not JSON")
			case hosts && (asJSON || remaining || monitors || samples):
				return usage("take one of them", "show run: --matrix is a table of its own")
			case remaining && (monitors || samples):
				return usage("take one of them", "show run: --remaining is a checklist of its own")
			}
			form := report.Show
			switch {
			case samples:
				form = report.Samples
			case monitors && asJSON:
				form = func(w io.Writer, r *run.Run) error { return report.MonitorsJSON(w, r, now()) }
			case monitors:
				form = func(w io.Writer, r *run.Run) error { return report.Monitors(w, r, now(), time.Local) }
			case asJSON:
				form = report.ShowJSON
			case hosts:
				form = func(w io.Writer, r *run.Run) error { return matrix.Table(w, seen(r, now()), now()) }
			}
			return runShow(cmd.Context(), s, refOf(args), form, remaining)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	c.Flags().BoolVar(&hosts, "matrix", false, "hosts by steps, as a table")
	c.Flags().BoolVar(&monitors, "monitors", false, "what the monitors showed; with --json as one object")
	c.Flags().BoolVar(&samples, "samples", false, "every sample of the monitors, a JSON object a line")
	c.Flags().BoolVar(&remaining, "remaining", false, "what is left, as Markdown, to finish by hand")
	return c
}

// runShow writes a run in a form, or what is left of it.
func runShow(ctx context.Context, s streams, ref string, form func(io.Writer, *run.Run) error, remaining bool) error {
	p, err := openPast(ctx, ref)
	if err != nil {
		return err
	}
	defer p.close()
	p.driver(ctx)
	if remaining {
		err = report.Remaining(s.out, p.transcript(ctx))
	} else {
		err = form(s.out, p.run)
	}
	if err != nil {
		return fmt.Errorf("show run %q: %w", p.id, err)
	}
	return p.complaint(s)
}
