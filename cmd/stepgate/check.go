package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/plain"
)

func newCheckCommand(s streams) *cobra.Command {
	var f bookFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "check RUNBOOK",
		Short: "Look at what a run would need, and take its first checks, before the window",
		Long: `Check does what comes before a run: it reaches the hosts that the plan uses, looks at
sudo, interpreters, tools, space and clocks there, and takes the runbook's steps made of
checks only, up to the first step that does something. Those it doesn't take it names,
and why. Nothing is journaled, and nothing on a host is changed but what reaching it
needs. It ends with 4 when a host isn't reached, and with 2 when anything else stands in
the way of a run or a check doesn't pass.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := f.read(args[0])
			if err != nil {
				return err
			}
			return runCheck(cmd.Context(), s, src, asJSON)
		},
	}
	f.register(c)
	c.Flags().BoolVar(&asJSON, "json", false, "one object: hosts, findings, checks taken, checks left")
	return c
}

// runCheck looks and tells. Without a terminal, and as JSON, nobody is asked.
func runCheck(ctx context.Context, s streams, src *source, asJSON bool) (err error) {
	p, err := src.plan(noAsk, runnable)
	if err != nil {
		return err
	}
	journal, err := glance(ctx, s)
	if err != nil {
		return err
	}
	lines := &plain.Preflight{Out: s.out, Quiet: asJSON}
	if asJSON {
		lines.Out = s.err
	} else if s.terminal() {
		if lines.In, err = openTTY(s); err != nil {
			return err
		}
	}
	f := src.preflight(ctx, p, lines.In != nil, func(ctx context.Context) []run.Finding {
		return slices.Concat(journal, src.otherRuns(ctx, p), src.linted(p, true))
	})
	lines.Port = f
	defer func() { err = errors.Join(err, f.Close()) }()
	found, err := lines.Look(ctx)
	if err != nil {
		return err
	}
	told, err := lines.Foretell(ctx)
	if err == nil && asJSON {
		err = text.WriteJSON(s.out, checkedOf(f.Snapshot(), told))
	}
	if err != nil {
		return err
	}
	return verdictOf(found, told)
}

// verdictOf is the exit code of what was found; nil: all is well.
func verdictOf(found *run.Preflight, told *run.Foretold) error {
	err := hindered(found)
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		return exitWith(exit.code, nil)
	case told.Bad():
		return exitWith(exitFailed, nil)
	}
	return nil
}

// checked is what was found, for programs. The contract is additive.
type checked struct {
	Format   string         `json:"format"`
	Version  int            `json:"version"`
	Title    string         `json:"title"`
	Hosts    []checkedHost  `json:"hosts"`
	Findings []run.Finding  `json:"findings"`
	Checks   []checkedStep  `json:"checks"`
	Left     []uncheckedOne `json:"left"`
	Until    *run.Key       `json:"until,omitempty"` // the first step that does something
}

type checkedHost struct {
	Name     string       `json:"name"`
	Reached  bool         `json:"reached"`
	Worst    run.Severity `json:"worst"`
	User     string       `json:"user,omitempty"`
	Hostname string       `json:"hostname,omitempty"`
	System   string       `json:"system,omitempty"`
	Free     int64        `json:"free_bytes"`     // -1: unknown
	Ahead    int64        `json:"clock_ahead_ms"` // at least; negative: behind
}

type checkedStep struct {
	Cell    run.Key           `json:"cell"`
	Title   string            `json:"title"`
	Applies bool              `json:"applies"`
	Verdict string            `json:"verdict,omitempty"`
	Results []run.CheckResult `json:"results,omitempty"`
}

type uncheckedOne struct {
	Step  string `json:"step"` // its id without hosts
	Title string `json:"title"`
	Cells int    `json:"cells"`
	Why   string `json:"why"`
}

func checkedOf(s *run.Preflight, told *run.Foretold) checked {
	o := checked{
		Format: "stepgate-check", Version: 1, Title: s.Title, Hosts: []checkedHost{}, Findings: s.Findings,
		Checks: []checkedStep{}, Left: []uncheckedOne{},
	}
	for _, h := range s.Hosts {
		o.Hosts = append(o.Hosts, checkedHost{
			h.Name, h.Reached, h.Worst, h.Identity.User, h.Identity.Hostname, h.Identity.System, h.Free, h.Ahead.Milliseconds(),
		})
	}
	for _, c := range told.Taken {
		step := checkedStep{Cell: c.Cell, Title: c.Title, Applies: c.Applies, Results: c.Checks}
		if c.Applies {
			step.Verdict = c.Verdict.String()
		}
		o.Checks = append(o.Checks, step)
	}
	for _, c := range told.Left {
		o.Left = append(o.Left, uncheckedOne(c))
	}
	if told.Until.Step != "" {
		o.Until = &told.Until
	}
	return o
}
