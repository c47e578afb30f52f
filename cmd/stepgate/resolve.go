package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
)

func newResolveCommand(s streams) *cobra.Command {
	var o resolution
	c := &cobra.Command{
		Use:   "resolve RUN STEP",
		Short: "Settle by hand what became of a step that is unknown",
		Long: `Resolve settles a step whose outcome isn't known, on your word and with your reason.
No host is asked: it is for hosts that won't come back, and for what you have looked
up yourself. ` + "`stepgate resume`" + ` asks the host, and takes the checks.

STEP is the step's id, or a tail of it that no other unknown step has. A step that
can't be undone is settled on a terminal only, with a typed phrase.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.as != "succeeded" && o.as != "failed" {
				return usage("say --as succeeded, or --as failed", "resolve step %q: --as is %q", args[1], o.as)
			}
			if o.reason = strings.TrimSpace(o.reason); o.reason == "" {
				return usage("say what you know, and from where: --reason TEXT", "resolve step %q: there is no reason", args[1])
			}
			o.step = args[1]
			return onRun(cmd.Context(), s, args[0], func(store *state.Store, id string) error {
				return o.settle(cmd.Context(), s, store, id)
			})
		},
	}
	c.Flags().StringVar(&o.host, "host", "", "where, if the step runs at several places")
	c.Flags().StringVar(&o.as, "as", "", "succeeded or failed")
	c.Flags().StringVar(&o.reason, "reason", "", "what shows it; stands in the journal")
	return c
}

type resolution struct{ step, host, as, reason string }

func (o resolution) settle(ctx context.Context, s streams, store *state.Store, id string) error {
	t, err := take(ctx, store, id, false)
	if err != nil {
		return err
	}
	return t.leave(ctx, o.resolve(ctx, s, t), "resolved by hand")
}

func (o resolution) resolve(ctx context.Context, s streams, t *taken) error {
	c, err := o.cell(t.run)
	if err != nil {
		return err
	}
	verb := run.VerbMarkFailed
	if o.as == "succeeded" {
		verb = run.VerbMarkDone
	}
	for _, a := range t.run.Offers(run.Ask{Cell: c, Wait: run.WaitUnknown, Parallel: 1}, false, now()) {
		if a.Verb == verb && !a.OK() {
			return exitWith(exitFailed, text.WithHint(fmt.Errorf("resolve %q: %w", c.Key, &run.NotNowError{Verb: verb, Why: a.Why}), "see: stepgate show "+t.run.ID))
		}
	}
	if c.Plan.Step.Book.Irreversible {
		_, _ = fmt.Fprintf(s.err, "%s can't be undone. No host is asked.\n", text.Line(text.Untrusted(c.Key.String())))
		phrase := strings.TrimSpace(strings.ToUpper(o.as) + " " + c.Key.Step + " " + c.Key.Target)
		if err := typed(ctx, s, fmt.Sprintf("settle %q as %s", c.Key, o.as), phrase); err != nil {
			return err
		}
	}
	e := run.OutcomeResolved{Cell: c.Key, Succeeded: o.as == "succeeded", Method: run.ByOperator, Reason: t.secrets.String(o.reason)}
	if a := c.Latest(); a != nil {
		e.Attempt = a.Intent.Attempt
	}
	if err := t.append(ctx, e); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.err, "run %s: %s is settled as %s; go on with: stepgate resume %s\n", t.run.ID, text.Line(text.Untrusted(c.Key.String())), o.as, t.run.ID)
	return err
}

// cell is the unknown cell that is meant.
func (o resolution) cell(r *run.Run) (*run.Cell, error) {
	var at []*run.Cell
	var unknown []string
	for c := range r.All() {
		named := c.Key.Step == o.step || strings.HasSuffix(c.Key.Step, "/"+o.step) || grants(o.step, c.Key.StepID())
		if named && (o.host == "" || c.Key.Target == o.host) {
			at = append(at, c)
		}
		if c.Status == run.Unknown {
			unknown = append(unknown, c.Key.String())
		}
	}
	hint := "nothing of the run is unknown"
	if len(unknown) > 0 {
		hint = "unknown are: " + strings.Join(unknown, ", ")
	}
	if len(at) == 0 {
		return nil, exitWith(exitNotFound, text.WithHint(fmt.Errorf("resolve step %q: the run has no such step%s", o.step, onHost(o.host)), hint))
	}
	var open []*run.Cell
	for _, c := range at {
		if c.Status == run.Unknown {
			open = append(open, c)
		}
	}
	switch len(open) {
	case 0:
		return nil, exitWith(exitFailed, text.WithHint(fmt.Errorf("resolve step %q: it is %s, not unknown", o.step, at[0].Status), hint))
	case 1:
		return open[0], nil
	}
	return nil, usage(hint, "resolve step %q: that can be several; name it in full, or its --host", o.step)
}

func onHost(host string) string {
	if host == "" {
		return ""
	}
	return fmt.Sprintf(" on %q", host)
}
