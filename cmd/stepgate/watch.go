package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"stepgate/runbook/plan"
	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/plain"
)

func newWatchCommand(s streams) *cobra.Command {
	var asJSON, inLines bool
	c := &cobra.Command{
		Use:   "watch [RUN]",
		Short: "Follow a run live while somebody else drives it",
		Long: `Watch shows a run as its driver sees it, and follows it: the steps, what their commands
print, the host matrix, the timeline. It changes nothing. A note, and the wish that the
run pause or be aborted, can be left from there; who drives it decides.

Without a terminal, or with --plain, it prints what happens from where the run is now
on, with the output of its commands, until the run is closed or its driver has left.
Ask for a pause or an abort with ` + "`stepgate pause` and `stepgate abort`, leave a note with\n`stepgate note`" + `.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if inLines || asJSON {
				return watchLines(cmd.Context(), s, refOf(args), asJSON)
			}
			return runWatch(cmd.Context(), s, refOf(args), false)
		},
	}
	c.Flags().BoolVar(&inLines, "plain", false, "lines instead of a screen")
	c.Flags().BoolVar(&asJSON, "json", false, "every event from the run's first on, a JSON object a line")
	return c
}

// lookAgain is how often a run that is watched is looked at.
const lookAgain = 250 * time.Millisecond

// runWatch shows a run that is driven elsewhere: on a screen where there is one, else
// in lines.
func runWatch(ctx context.Context, s streams, ref string, asJSON bool) error {
	if !asJSON && newDriveFlags().screen(s) {
		return watchScreen(ctx, s, ref)
	}
	return watchLines(ctx, s, ref, asJSON)
}

// watchLines prints what happens in a run until it is closed or its driver has left.
func watchLines(ctx context.Context, s streams, ref string, asJSON bool) error {
	p, err := openPast(ctx, ref)
	if err != nil {
		return err
	}
	defer p.close()
	if p.problem != nil {
		return p.problem
	}
	w := &watcher{past: p, s: s, json: asJSON}
	w.teller = plain.NewTeller(s.out, w)
	if err := w.begin(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		over, err := w.look(ctx)
		if ctx.Err() != nil {
			return nil // told to leave
		}
		if err != nil || over {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// watcher follows a run through its journal.
type watcher struct {
	*past
	s      streams
	json   bool
	teller *plain.Teller // nil: nothing is printed
	looks  int
	alone  int // looks in a row at which nobody drove the run
}

func (w *watcher) begin(ctx context.Context) error {
	if w.json {
		return report.Events(w.s.out, w.records)
	}
	w.driver(ctx)
	if err := report.Show(w.s.err, w.run); err != nil {
		return err
	}
	w.teller.Known(w.Snapshot())
	return nil
}

// look tells what is new, and reports whether that was all.
func (w *watcher) look(ctx context.Context) (over bool, err error) {
	head, err := w.store.Head(ctx, w.id)
	if err != nil {
		return false, err
	}
	if head > w.run.Seq {
		if err := w.read(ctx); err != nil {
			return false, err
		}
	} else if err := w.tell(ctx); err != nil {
		return false, err
	}
	if how := w.run.Closed; how != "" {
		_, err := fmt.Fprintf(w.s.err, "run %s: %s; its transcript: stepgate export %s\n", w.id, how, w.id)
		return true, err
	}
	return w.left(ctx)
}

// read follows the events that have come, one after the other.
func (w *watcher) read(ctx context.Context) error {
	news, err := w.store.Tail(ctx, w.id, w.run.Seq)
	if err != nil {
		return err
	}
	for _, rec := range news {
		if rec.Prev != w.run.Head {
			return errors.New("the journal was replaced by another while the run was watched; see: stepgate verify " + w.id)
		}
		w.records = append(w.records, rec)
		if _, ok := rec.Event.(run.Adopted); ok {
			var p *plan.Plan
			if p, _, err = replan(ctx, w.store, w.records); err == nil {
				w.run, err = run.Fold(p, w.records)
			}
		} else {
			w.run, err = run.Apply(w.run.Plan, w.run, rec)
		}
		if err == nil && w.json {
			err = report.Events(w.s.out, []run.Record{rec})
		} else if err == nil {
			err = w.tell(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) tell(ctx context.Context) error {
	if w.json || w.teller == nil {
		return nil
	}
	return w.teller.Tell(ctx, w.Snapshot())
}

// left reports whether the driver has gone, and says how to take the run over.
func (w *watcher) left(ctx context.Context) (bool, error) {
	gone, err := w.deserted(ctx)
	if err != nil || !gone {
		return false, err
	}
	_, err = fmt.Fprintf(w.s.err, "run %s: nobody drives it; take it over with: stepgate resume %s\n", w.id, w.id)
	return true, errors.Join(err, exitWith(exitWaiting, nil))
}

// deserted looks who drives the run, and reports whether nobody does. A run that is
// taken over by the next driver has none for a moment.
func (w *watcher) deserted(ctx context.Context) (bool, error) {
	const between = 4 // looks at the lease, which takes longer than one at the head
	if w.looks++; w.looks%between != 1 {
		return w.alone > 1, nil
	}
	info, err := infoOf(ctx, w.store, w.id)
	if err != nil {
		return false, err
	}
	if w.run.Holder != info.Holder {
		r := *w.run // one that was handed out doesn't change
		r.Holder = info.Holder
		w.run = &r
	}
	if w.alone++; info.Holder != "" {
		w.alone = 0
	}
	return w.alone > 1, nil
}

// Snapshot is what the events show.
func (w *watcher) Snapshot() *run.Snapshot { return seen(w.run, now()) }

// Changes is there for [tui.Source]: a watcher looks by itself.
func (w *watcher) Changes() <-chan struct{} { return nil }

// Output reads what the journal has of an attempt's output.
func (w *watcher) Output(ctx context.Context, attempt string, stream int, from int64, most int) (data []byte, at, end int64, err error) {
	data, at, end, err = w.store.Output(ctx, attempt, stream, from, most)
	if err != nil {
		err = fmt.Errorf("read output of attempt %q: %w", text.Line(text.Untrusted(attempt)), err)
	}
	return data, at, end, err
}

// Events reads the run's events after one.
func (w *watcher) Events(ctx context.Context, after uint64, most int) ([]run.Record, error) {
	return w.store.Part(ctx, w.id, after, most)
}
