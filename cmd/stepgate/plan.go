package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepgate/runbook/report"
	"stepgate/runbook/text"
)

func newPlanCommand(s streams) *cobra.Command {
	var f bookFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "plan RUNBOOK",
		Short: "Show what would run: every section, step and host, and the digest",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			src, err := f.read(args[0])
			if err != nil {
				return err
			}
			p, err := src.plan(noAsk, nil)
			if err != nil {
				return err
			}
			for _, n := range append(src.notices, notices(p.Book.Later)...) {
				_, _ = fmt.Fprintln(s.err, sanitised(n.String()))
			}
			if asJSON {
				return report.PlanJSON(s.out, p)
			}
			return report.Plan(s.out, p)
		},
	}
	f.register(c)
	c.Flags().BoolVar(&asJSON, "json", false, "the plan as one JSON object")
	return c
}

func (f *bookFlags) register(c *cobra.Command) {
	c.Flags().StringVarP(&f.inventory, "inventory", "i", "", "inventory file (TOML)")
	f.registerValues(c, "a parameter's value: -e NAME=VALUE (repeatable)", "answers file (TOML) with parameters' values")
}

func (f *bookFlags) registerValues(c *cobra.Command, value, file string) {
	c.Flags().StringArrayVarP(&f.values, "extra-var", "e", nil, value)
	c.Flags().StringVar(&f.vars, "vars", "", file)
}

func sanitised(v string) string { return text.Block(text.Untrusted(v)) }
