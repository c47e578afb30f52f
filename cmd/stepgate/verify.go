package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stepgate/runbook/text"
	"stepgate/state"
)

func newVerifyCommand(s streams) *cobra.Command {
	var o verifyFlags
	c := &cobra.Command{
		Use:   "verify [RUN]",
		Short: "Prove that a run's journal is what was written",
		Long: `Verify proves a run: the database, the chain of its events, what they refer to, and
the head kept beside the journal. It ends with 2 when something was found.

Somebody who may write the journal's files can make a run anew that proves. Only a
head kept elsewhere shows that: give the one that a transcript ends with, or the
beginning of it, as --head.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.all && (len(args) > 0 || o.head != "") {
				return usage("name a run, or take --all", "verify: --all is for every run of the journal")
			}
			return runVerify(cmd.Context(), s, refOf(args), o)
		},
	}
	c.Flags().BoolVar(&o.json, "json", false, "one JSON object; with --all an array")
	c.Flags().BoolVar(&o.all, "all", false, "every run of the journal")
	c.Flags().StringVar(&o.head, "head", "", "the hash of an event that was noted elsewhere, as the end of a transcript (8 hex digits or more)")
	return c
}

type verifyFlags struct {
	json, all bool
	head      string
}

func runVerify(ctx context.Context, s streams, ref string, o verifyFlags) error {
	store, err := readJournal(ctx)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	ids, err := o.runs(ctx, store, ref)
	if err != nil {
		return err
	}
	found := []state.Verification{}
	bad := false
	for _, id := range ids {
		v, err := store.Verify(ctx, id)
		if err != nil {
			return err
		}
		if err := o.compare(ctx, store, &v); err != nil {
			return err
		}
		bad = bad || !v.OK()
		if found = append(found, v); !o.json {
			printVerification(s, v)
		}
	}
	switch {
	case o.json && o.all:
		err = printJSON(s, found)
	case o.json:
		err = printJSON(s, found[0])
	}
	if err == nil && bad {
		err = exitWith(exitFailed, nil)
	}
	return err
}

func (o verifyFlags) runs(ctx context.Context, store *state.Store, ref string) (ids []string, err error) {
	if !o.all {
		id, err := store.Find(ctx, ref)
		return []string{id}, err
	}
	infos, err := store.Runs(ctx)
	for _, i := range infos {
		ids = append(ids, i.ID)
	}
	return ids, err
}

// compare looks for the event that a head kept elsewhere names.
func (o verifyFlags) compare(ctx context.Context, store *state.Store, v *state.Verification) error {
	const least = 8
	head := strings.ToLower(o.head)
	if head == "" {
		return nil
	}
	if _, err := hex.DecodeString(head + strings.Repeat("0", len(head)%2)); err != nil || len(head) < least || len(head) > 64 {
		return usage("it stands at the end of a transcript", "verify run %q: %q is no head: %d to 64 hex digits", v.RunID, o.head, least)
	}
	records, err := store.Load(ctx, v.RunID)
	if err != nil && len(records) == 0 {
		return err
	}
	for _, rec := range records {
		if strings.HasPrefix(hex.EncodeToString(rec.Hash[:]), head) {
			return nil
		}
	}
	v.Problems = append(v.Problems, state.Problem{Why: fmt.Sprintf("no event of it has the hash %s: this is not the run that was noted, or not its whole", head)})
	return nil
}

func printVerification(s streams, v state.Verification) {
	if v.OK() {
		_, _ = fmt.Fprintf(s.out, "run %s: %d events, the chain is whole, head %x\n", v.RunID, v.Events, v.Head[:8])
		return
	}
	for _, p := range v.Problems {
		_, _ = fmt.Fprintf(s.out, "run %s: event %d: %s\n", v.RunID, p.Seq, text.Line(text.Untrusted(p.Why)))
	}
	_, _ = fmt.Fprintf(s.out, "run %s: %d events before it are whole\n", v.RunID, v.Events)
}
