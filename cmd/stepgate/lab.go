package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stepgate/lab"
	"stepgate/runbook/text"
)

func newLabCommand(s streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "lab",
		Short: "Look after the simulated cluster of a run",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	down := &cobra.Command{
		Use:   "down [RUN]",
		Short: "End the simulated cluster of a run, with every process and file it started",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := labOf(cmd, args)
			if err != nil {
				return err
			}
			return lab.Down(cmd.Context(), dir)
		},
	}
	fault := &cobra.Command{
		Use:   "fault RUN [HOST:WHAT=HOW]",
		Short: "Show the faults of a run's simulated cluster, or set one; HOW empty clears it",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := labOf(cmd, args[:1])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				if err := lab.Fault(dir, args[1]); err != nil {
					return faulty(err)
				}
			}
			faults, err := lab.Faults(dir)
			if err != nil {
				return err
			}
			for _, f := range faults {
				if _, err := fmt.Fprintln(s.out, f); err != nil {
					return err
				}
			}
			return nil
		},
	}
	for _, sub := range []*cobra.Command{down, fault} {
		wrapArgs(sub)
		c.AddCommand(sub)
	}
	return c
}

func labOf(cmd *cobra.Command, args []string) (string, error) {
	p, err := openPast(cmd.Context(), refOf(args))
	if err != nil {
		return "", err
	}
	defer p.close()
	if p.run.Start.Lab == "" {
		return "", usage("see: stepgate list", "find the lab of run %q: it doesn't run on simulated hosts", p.id)
	}
	return p.run.Start.Lab, nil
}

// joinDown ends a lab whose run is over, and keeps the error that ended it.
func joinDown(err error, dir string) error {
	down := lab.Down(downContext(), dir)
	if down == nil {
		return err
	}
	down = text.WithHint(fmt.Errorf("end the simulated cluster in %q: %w", dir, down), "end it with: stepgate lab down")
	return errors.Join(err, down)
}
