package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
)

// What somebody who doesn't drive a run may do to it.

func newNoteCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "note RUN TEXT",
		Short: "Put a note on a run's timeline, also while someone drives it",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRun(cmd.Context(), s, args[0], func(store *state.Store, id string) error {
				_, err := store.AppendGuest(cmd.Context(), id, operator(), now(), run.Note{Text: args[1]})
				return err
			})
		},
	}
}

func newPauseCommand(s streams) *cobra.Command {
	var why string
	c := &cobra.Command{
		Use:   "pause RUN",
		Short: "Ask whoever drives a run to pause before its next step",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRun(cmd.Context(), s, args[0], func(store *state.Store, id string) error {
				return pauseRun(cmd.Context(), s, store, id, why)
			})
		},
	}
	c.Flags().StringVar(&why, "why", "", "what the driver is told")
	return c
}

func pauseRun(ctx context.Context, s streams, store *state.Store, id, why string) error {
	info, err := infoOf(ctx, store, id)
	switch {
	case err != nil:
		return err
	case info.Closed != "":
		return closedRun("pause", id, info.Closed)
	case info.Holder == "":
		_, err := fmt.Fprintf(s.err, "run %s: nobody drives it, so nothing goes on by itself\n", id)
		return err
	}
	if _, err := store.AppendGuest(ctx, id, operator(), now(), run.PauseRequested{Why: why}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.err, "run %s: %s is asked to pause before the next step; see: stepgate watch %s\n", id, text.Line(text.Untrusted(info.Holder)), id)
	return err
}

func newAbortCommand(s streams) *cobra.Command {
	var why string
	c := &cobra.Command{
		Use:   "abort RUN",
		Short: "Close a run where it stands; of a run that someone drives, ask for it",
		Long: `Abort closes a run for good where it stands. Nothing is rolled back, and a command
that runs on a host goes on there. While somebody drives the run, he is asked, and
decides.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRun(cmd.Context(), s, args[0], func(store *state.Store, id string) error {
				return abortRun(cmd.Context(), s, store, id, why)
			})
		},
	}
	c.Flags().StringVar(&why, "why", "", "the reason, for the journal")
	return c
}

func abortRun(ctx context.Context, s streams, store *state.Store, id, why string) error {
	d, err := take(ctx, store, id, false)
	var held *state.HeldError
	switch {
	case errors.As(err, &held):
		if _, err := store.AppendGuest(ctx, id, operator(), now(), run.AbortRequested{Why: why}); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.err, "run %s: %s is asked to abort it; see: stepgate watch %s\n", id, text.Line(text.Untrusted(held.Holder)), id)
		return err
	case err != nil:
		return err
	}
	err = d.append(ctx, run.RunClosed{How: run.Aborted, Why: why})
	if err = d.leave(ctx, err, "aborted"); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.err, "run %s: aborted; its transcript: stepgate export %s\n", id, id)
	if lab := d.run.Start.Lab; lab != "" {
		err = joinDown(err, lab)
	}
	for c := range d.run.All() {
		if a := c.Latest(); a != nil && a.Intent.Host.Dir != "" {
			_, _ = fmt.Fprintf(s.err, "attempt directories stay on its hosts; remove them with: stepgate clean HOST -i INVENTORY\n")
			break
		}
	}
	return err
}

// infoOf is a run as lists have it.
func infoOf(ctx context.Context, store *state.Store, id string) (state.Info, error) {
	infos, err := store.Runs(ctx)
	for _, i := range infos {
		if i.ID == id {
			return i, nil
		}
	}
	if err == nil {
		err = &state.NotFoundError{Ref: id}
	}
	return state.Info{}, err
}

func closedRun(verb, id string, how run.Closing) error {
	return exitWith(exitNotFound, text.WithHint(fmt.Errorf("%s run %q: it is closed (%s)", verb, id, how), "its transcript: stepgate export "+id))
}
