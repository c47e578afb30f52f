package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stepgate/engine"
	"stepgate/lab"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
	"stepgate/tui"
	"stepgate/tui/plain"
)

func newResumeCommand(s streams) *cobra.Command {
	var o resuming
	c := &cobra.Command{
		Use:   "resume [RUN]",
		Short: "Go on with a run where it stands; by default the latest unfinished one",
		Long: `Resume goes on with a run where its journal ends. What was under way is looked up on
its host first.

The run goes on with the texts it was started with. Where the runbook, an included
file or the inventory differ from them by now, the steps that differ are told. With
--adopt the run goes on with the new version, unless a step differs that was executed
or that a person has settled.

While another process drives the run it can't be resumed. --take-over takes it from
one that hangs, or from one of another machine, after its run id was typed on a
terminal: a command that the other is just sending may still run.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.resume(cmd.Context(), s, args)
		},
	}
	o.drive.register(c)
	o.values.registerValues(c, "a secret's value, which no run keeps: -e NAME=VALUE (repeatable)", "answers file (TOML) with the secrets' values")
	c.Flags().BoolVar(&o.adopt, "adopt", false, "go on with the runbook and inventory as they are now")
	c.Flags().BoolVar(&o.takeOver, "take-over", false, "take the run from a process that hangs, or from another machine")
	return c
}

type resuming struct {
	drive           driveFlags
	values          bookFlags
	adopt, takeOver bool
	given           map[string]string // values, of the command line and the environment
}

func (o *resuming) resume(ctx context.Context, st streams, args []string) error {
	store, err := openJournal(ctx, st)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // events are durable when Append returns
	id, err := unfinished(ctx, store, args)
	if err != nil {
		return err
	}
	records, err := store.Load(ctx, id)
	if err != nil {
		return err
	}
	for _, rec := range records {
		if closed, ok := rec.Event.(run.RunClosed); ok {
			return closedRun("resume", id, closed.How)
		}
	}
	if o.given, err = o.values.answers(); err != nil {
		return err
	}
	if o.takeOver {
		if err := o.seize(ctx, st, store, id); err != nil {
			return err
		}
	}
	if records, err = o.version(ctx, st, store, records); err != nil {
		return err
	}
	return o.goOn(ctx, st, store, records)
}

// goOn drives a run that nobody drives.
func (o *resuming) goOn(ctx context.Context, st streams, store *state.Store, records []run.Record) error {
	id, d := records[0].RunID, o.drive
	p, started, err := replanWith(ctx, store, records, func(src *source, book *runbook.Runbook, secrets []string) (plan.Values, error) {
		if err := src.labSecrets(secrets, o.given); err != nil {
			return nil, err
		}
		return src.bindSecrets(book, secrets, o.given, o.values.values, func(missing []runbook.Param) (map[string]string, error) {
			return d.ask(ctx, st, src, missing)
		})
	})
	if err != nil {
		return err
	}
	if err := runnable(p.Book); err != nil {
		return err
	}
	if started.Lab == "" {
		if err := st.introduce(ctx, d); err != nil {
			return err
		}
	}
	if err := d.check(p, started.Lab); err != nil {
		return err
	}
	e, err := engine.Resume(ctx, d.engine(ctx, store, p, started), p, id)
	if err != nil {
		return held(err, id)
	}
	noteUnsafe(ctx, st, store, id)
	if started.Lab != "" {
		_, _ = fmt.Fprintln(st.err, "finding the simulated cluster …")
		if _, err := lab.Start(ctx, started.Lab); err != nil {
			return fmt.Errorf("find the simulated cluster again: %w", closing(ctx, e, err))
		}
	}
	return d.drive(ctx, st, e, p, id, started)
}

// held says what can be done about a run that somebody else drives.
func held(err error, id string) error {
	var h *state.HeldError
	if !errors.As(err, &h) {
		return err
	}
	return text.WithHint(err, "follow it with: stepgate watch "+id+
		"\nif that process hangs or its machine is gone, take it: stepgate resume "+id+" --take-over")
}

// seize takes the run from whoever holds it, on a typed word.
func (o *resuming) seize(ctx context.Context, st streams, store *state.Store, id string) error {
	if o.drive.auto {
		return usage("a person has to type the run's id", "take over run %q: --take-over isn't for --auto", id)
	}
	info, err := infoOf(ctx, store, id)
	if err != nil || info.Holder == "" {
		return err
	}
	_, _ = fmt.Fprintf(st.err, "run %s is driven by %s, latest event %s.\n"+
		"From now on it can write nothing more. A command that it is just sending may still run, so look at what is under way.\n",
		id, text.Line(text.Untrusted(info.Holder)), info.Last.Local().Format("15:04:05"))
	if err := typed(ctx, st, "take over run "+id, id); err != nil {
		return err
	}
	t, err := take(ctx, store, id, true)
	if err != nil {
		return err
	}
	return t.leave(ctx, nil, "taken over")
}

// typed has a person at a terminal type a phrase, before what is done by it.
func typed(ctx context.Context, st streams, what, phrase string) error {
	tty, err := openTTY(st)
	if err != nil {
		return exitWith(exitWaiting, text.WithHint(fmt.Errorf("%s: a person at a terminal has to type it: %w", what, err), "run it on a terminal"))
	}
	if err := tty.Flush(); err != nil {
		return err
	}
	answers, err := plain.Ask(ctx, tty, st.err, []tui.Question{{Name: "phrase", Prompt: "type " + phrase, Type: "string"}})
	if err != nil {
		return err
	}
	if strings.TrimSpace(answers["phrase"]) != phrase {
		return exitWith(exitAborted, fmt.Errorf("%s: what was typed differs; nothing was changed", what))
	}
	return nil
}

// noteUnsafe puts on the timeline that a journal was accepted which may lose what
// it has acknowledged.
func noteUnsafe(ctx context.Context, st streams, store *state.Store, id string) {
	what := store.Unsafe()
	if what == "" {
		return
	}
	if _, err := store.AppendGuest(ctx, id, operator(), now(), run.Note{Text: "accepted by --journal-unsafe-fs: " + what}); err != nil {
		_, _ = fmt.Fprintln(st.err, "stepgate: that isn't noted in the journal: "+text.Line(text.Untrusted(err.Error())))
	}
}

// unfinished is the run to resume.
func unfinished(ctx context.Context, store *state.Store, args []string) (string, error) {
	if len(args) > 0 {
		return store.Find(ctx, args[0])
	}
	infos, err := store.Runs(ctx)
	if err != nil {
		return "", err
	}
	for _, i := range infos {
		if i.Closed == "" && i.Problem == "" {
			return i.ID, nil
		}
	}
	return "", exitWith(exitNotFound, text.WithHint(fmt.Errorf("resume: no run is unfinished"), "see: stepgate list"))
}
