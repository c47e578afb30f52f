package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
)

func newListCommand(s streams) *cobra.Command {
	var asJSON, books bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List runs, those that can be resumed first; or the shipped runbooks",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if books {
				return listBooks(s, asJSON)
			}
			return runList(cmd.Context(), s, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "a JSON array")
	c.Flags().BoolVar(&books, "runbooks", false, "list the shipped runbooks instead")
	return c
}

func listBooks(s streams, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(s.out).Encode(shippedNames())
	}
	for _, n := range shippedNames() {
		if _, err := fmt.Fprintln(s.out, n); err != nil {
			return err
		}
	}
	return nil
}

type listed struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Runbook string    `json:"runbook"`
	Started time.Time `json:"started"`
	Last    time.Time `json:"last"`
	State   string    `json:"state"` // driven by …, resumable, or how it was closed
	Events  int       `json:"events"`
	Problem string    `json:"problem,omitempty"`
}

func runList(ctx context.Context, s streams, asJSON bool) error {
	if _, err := os.Stat(journalPath()); os.IsNotExist(err) {
		if asJSON {
			return json.NewEncoder(s.out).Encode([]listed{})
		}
		_, err := fmt.Fprintln(s.err, "no runs yet; begin with: stepgate demo")
		return err
	}
	store, err := readJournal(ctx)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	infos, err := store.Runs(ctx)
	if err != nil {
		return err
	}
	list := []listed{}
	for _, open := range []bool{true, false} {
		for _, i := range infos {
			if (i.Closed == "") == open {
				list = append(list, listed{i.ID, i.Title, i.Runbook, i.Started, i.Last, stateOf(i), i.Events, i.Problem})
			}
		}
	}
	if asJSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "RUN\tSTARTED\tSTATE\tTITLE")
	for _, l := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.ID, report.Time(l.Started), text.Line(text.Untrusted(l.State)), text.Line(text.Untrusted(l.Title)))
	}
	return w.Flush()
}

func stateOf(i state.Info) string {
	switch {
	case i.Problem != "":
		return "unreadable: " + i.Problem
	case i.Closed != "":
		return string(i.Closed)
	case i.Holder != "":
		return "driven by " + i.Holder
	}
	return "resumable"
}

// past is a run read from the journal.
type past struct {
	store   *state.Store
	id      string
	run     *run.Run
	records []run.Record
}

// openPast finds a run and folds it; the journal is open for reading only.
func openPast(ctx context.Context, ref string) (*past, error) {
	if _, err := os.Stat(journalPath()); os.IsNotExist(err) {
		return nil, exitWith(exitNotFound, text.WithHint(fmt.Errorf("find run %q: there are no runs yet", ref), "begin with: stepgate demo"))
	}
	store, err := readJournal(ctx)
	if err != nil {
		return nil, err
	}
	p := &past{store: store}
	if err := p.load(ctx, ref); err != nil {
		store.Close() //nolint:errcheck,gosec // the load's error matters; nothing was written
		return nil, err
	}
	return p, nil
}

func (p *past) load(ctx context.Context, ref string) (err error) {
	if p.id, err = p.store.Find(ctx, ref); err != nil {
		return err
	}
	if p.records, err = p.store.Load(ctx, p.id); err != nil {
		return err
	}
	if len(p.records) == 0 {
		return fmt.Errorf("read run %q: it has no events", p.id)
	}
	pl, _, err := replan(ctx, p.store, p.records)
	if err != nil {
		return err
	}
	p.run, err = run.Fold(pl, p.records)
	return err
}

func (p *past) close() { p.store.Close() } //nolint:errcheck,gosec // nothing was written

// blobs is where a run's sources are kept.
type blobs interface {
	Blob(ctx context.Context, sha string) ([]byte, error)
}

// replan makes the plan of a run from what its journal kept, to be looked at, and
// proves that it is the plan the run was started with. Nobody is asked for its
// secrets: they are masked.
func replan(ctx context.Context, b blobs, records []run.Record) (*plan.Plan, run.RunStarted, error) {
	return replanWith(ctx, b, records, func(s *source, book *runbook.Runbook, given []string) (plan.Values, error) {
		values, missing, errs := plan.Bind(book, s.given)
		for i, v := range values {
			if slices.Contains(given, v.Param.Name) && v.Param.Secret {
				values[i].Set, values[i].Any = true, text.Masked
			}
		}
		missing = slices.DeleteFunc(missing, func(p runbook.Param) bool { return slices.Contains(given, p.Name) })
		if len(missing) > 0 {
			errs = append(errs, missingValues(missing))
		}
		return values, errors.Join(errs...)
	})
}

// replanWith is replan with the values that bind finds, among them the secrets
// that were given when the run was started.
func replanWith(ctx context.Context, b blobs, records []run.Record, bind func(s *source, book *runbook.Runbook, given []string) (plan.Values, error)) (*plan.Plan, run.RunStarted, error) {
	started, ok := records[0].Event.(run.RunStarted)
	if !ok {
		return nil, started, fmt.Errorf("read run %q: its first event is %s", records[0].RunID, run.Kind(records[0].Event))
	}
	s, err := keptSource(ctx, b, started)
	if err != nil {
		return nil, started, err
	}
	book, inv, err := s.parse()
	if err != nil {
		return nil, started, err
	}
	values, err := bind(s, book, started.Secrets)
	if err != nil {
		return nil, started, err
	}
	p, err := planOf(book, values, inv)
	if err != nil {
		return nil, started, err
	}
	if p.Digest != started.Digest {
		return nil, started, text.WithHint(
			fmt.Errorf("plan run %q: this version plans %s from its runbook, the run was started with %s", records[0].RunID, p.Digest[:12], started.Digest[:12]),
			"resume it with the version that started it: "+started.Version)
	}
	return p, started, nil
}

// keptSource is a run's source as its journal kept it. No file is read.
func keptSource(ctx context.Context, b blobs, started run.RunStarted) (*source, error) {
	s := &source{
		name: started.Runbook, file: started.Runbook, dir: started.Dir, given: maps.Clone(started.Values),
		invFile: started.InventoryFile, parts: map[string][]byte{},
	}
	var err error
	if s.book, err = b.Blob(ctx, started.Source); err != nil {
		return nil, fmt.Errorf("read the runbook kept for the run: %w", err)
	}
	for name, sha := range started.Parts {
		if s.parts[name], err = b.Blob(ctx, sha); err != nil {
			return nil, fmt.Errorf("read %q, kept for the run: %w", name, err)
		}
	}
	if started.Inventory != "" {
		if s.inv, err = b.Blob(ctx, started.Inventory); err != nil {
			return nil, fmt.Errorf("read the inventory kept for the run: %w", err)
		}
	}
	return s, nil
}

func newShowCommand(s streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show [RUN]",
		Short: "Show where a run stands and what it waits for",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := openPast(cmd.Context(), refOf(args))
			if err != nil {
				return err
			}
			defer p.close()
			if err := p.driver(cmd.Context()); err != nil {
				return err
			}
			if asJSON {
				return report.ShowJSON(s.out, p.run)
			}
			return report.Show(s.out, p.run)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

// driver has the run name who drives it now. Its events name who took it last,
// also when that process has ended without a word.
func (p *past) driver(ctx context.Context) error {
	infos, err := p.store.Runs(ctx)
	for _, i := range infos {
		if i.ID == p.id {
			p.run.Holder = i.Holder
		}
	}
	return err
}

func refOf(args []string) string {
	if len(args) == 0 {
		return "last"
	}
	return args[0]
}

func newVerifyCommand(s streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify [RUN]",
		Short: "Prove that a run's journal is what was written",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runVerify(cmd.Context(), s, refOf(args), asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

func runVerify(ctx context.Context, s streams, ref string, asJSON bool) error {
	store, err := readJournal(ctx)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	id, err := store.Find(ctx, ref)
	if err != nil {
		return err
	}
	v, err := store.Verify(ctx, id)
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(v); err != nil {
			return err
		}
	} else {
		printVerification(s, id, v)
	}
	if !v.OK() {
		return exitWith(exitFailed, nil)
	}
	return nil
}

func newNoteCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "note RUN TEXT",
		Short: "Put a note on a run's timeline, also while someone drives it",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := openJournal(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close() //nolint:errcheck // AppendGuest has reported what is durable
			id, err := store.Find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = store.AppendGuest(cmd.Context(), id, operator(), now(), run.Note{Text: args[1]})
			return err
		},
	}
}

func printVerification(s streams, id string, v state.Verification) {
	if v.OK() {
		_, _ = fmt.Fprintf(s.out, "run %s: %d events, the chain is whole, head %x\n", id, v.Events, v.Head[:8])
		return
	}
	for _, p := range v.Problems {
		_, _ = fmt.Fprintf(s.out, "run %s: event %d: %s\n", id, p.Seq, text.Line(text.Untrusted(p.Why)))
	}
	_, _ = fmt.Fprintf(s.out, "%d events before it are whole\n", v.Events)
}
