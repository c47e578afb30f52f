package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
)

func newCleanCommand(s streams) *cobra.Command {
	var o cleaning
	c := &cobra.Command{
		Use:   "clean HOST",
		Short: "Remove what closed runs have left on a host",
		Long: `Clean removes the attempt directories of closed runs on a host: commands, their output
and exit codes, which the journal has. A mark of each run stays, so that a message
that comes late starts nothing.

What belongs to a run that is open, or that isn't in this journal, or whose journal
doesn't prove, stays and is named: on another bastion it may be needed. HOST is a host
of the inventory given with -i, or user@host:port, or "local" for this machine. The
login is by keys and agent.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), s, args[0])
		},
	}
	c.Flags().StringVarP(&o.inventory, "inventory", "i", "", "inventory file (TOML) that has the host")
	c.Flags().BoolVar(&o.dry, "dry-run", false, "say what would be removed, and remove nothing")
	c.Flags().BoolVar(&o.json, "json", false, "a JSON array")
	return c
}

type cleaning struct {
	inventory string
	dry, json bool
}

// cleaned is what became of what a host keeps of a run.
type cleaned struct {
	Run      string `json:"run"`
	Attempts int    `json:"attempts"`
	Bytes    int64  `json:"bytes"` // -1: not known
	Removed  bool   `json:"removed"`
	Refused  bool   `json:"refused,omitempty"` // its host didn't let it go
	Why      string `json:"why"`               // it was, would be, or wasn't
}

func (o cleaning) run(ctx context.Context, s streams, name string) error {
	exec, err := o.open(name)
	if err != nil {
		return err
	}
	list, err := o.clean(ctx, exec)
	if err := errors.Join(err, exec.Close()); err != nil {
		return fmt.Errorf("clean host %q: %w", name, err)
	}
	if o.json {
		err = printJSON(s, list)
	} else {
		err = printCleaned(s, list, name)
	}
	if err == nil && slices.ContainsFunc(list, func(c cleaned) bool { return c.Refused }) {
		err = exitWith(exitFailed, nil)
	}
	return err
}

func printCleaned(s streams, list []cleaned, name string) error {
	if len(list) == 0 {
		_, err := fmt.Fprintf(s.err, "nothing of a run is kept on %s\n", text.Line(text.Untrusted(name)))
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "RUN\tATTEMPTS\tSIZE\t")
	for _, c := range list {
		size := "?"
		if c.Bytes >= 0 {
			size = text.Bytes(c.Bytes)
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", text.Line(text.Untrusted(c.Run)), c.Attempts, size, text.Line(text.Untrusted(c.Why)))
	}
	return w.Flush()
}

// open is the executor of a host of the inventory, of this machine, or of an
// address.
func (o cleaning) open(name string) (executor.Executor, error) {
	p := &plan.Plan{Hosts: map[string]inventory.Host{}}
	if o.inventory != "" {
		src, err := os.ReadFile(o.inventory)
		if err != nil {
			return nil, exitWith(exitUsage, fmt.Errorf("read inventory %q: %w", o.inventory, err))
		}
		inv, diags := inventory.Parse(o.inventory, src)
		if runbook.Failed(diags) {
			return nil, &diagnosed{diags}
		}
		for _, h := range inv.Hosts {
			p.Hosts[h.Name] = h
		}
	}
	if _, ok := p.Hosts[name]; !ok {
		if o.inventory != "" && name != plan.Local {
			return nil, exitWith(exitNotFound, text.WithHint(fmt.Errorf("clean host %q: the inventory doesn't have it", name),
				"without -i it is reached as user@host:port"))
		}
		p.Hosts[name] = inventory.Host{Name: name, SSH: name}
	}
	return opener(p, run.RunStarted{})(name, nil)
}

func (o cleaning) clean(ctx context.Context, exec executor.Executor) ([]cleaned, error) {
	host, err := exec.Identify(ctx)
	if err != nil {
		return nil, err
	}
	if host.Degraded != "" {
		return nil, fmt.Errorf("it keeps no attempts: %s", host.Degraded)
	}
	kept, err := exec.Kept(ctx, host)
	if err != nil {
		return nil, err
	}
	list := []cleaned{}
	err = o.judged(ctx, kept, func(k executor.KeptRun, c cleaned, remove bool) error {
		if remove && !o.dry {
			err := exec.Discard(ctx, host, k.ID)
			switch c.Removed = err == nil; {
			case ctx.Err() != nil:
				return err
			case err != nil:
				c.Why, c.Refused = "stays: "+err.Error(), true
			}
		}
		list = append(list, c)
		return nil
	})
	return list, err
}

// judged says of each run that a host keeps something of whether that may go.
func (o cleaning) judged(ctx context.Context, kept []executor.KeptRun, use func(k executor.KeptRun, c cleaned, remove bool) error) error {
	infos := map[string]state.Info{}
	store, err := readJournal(ctx)
	switch {
	case errors.Is(err, errNoRuns):
	case err != nil:
		return err
	default:
		defer store.Close() //nolint:errcheck // nothing was written
		all, err := store.Runs(ctx)
		if err != nil {
			return err
		}
		for _, i := range all {
			infos[i.ID] = i
		}
	}
	for _, k := range kept {
		if k.Attempts == 0 {
			continue // a mark, which stays; on this machine the journal's own directories, too
		}
		c := cleaned{Run: k.ID, Attempts: k.Attempts, Bytes: k.Bytes}
		why, may := "stays: this journal doesn't have the run", false
		if i, ok := infos[k.ID]; ok {
			if why, may, err = deletable(ctx, store, i); err != nil {
				return err
			}
		}
		switch c.Why = why; {
		case may && o.dry:
			c.Why = "would be removed: " + why
		case may:
			c.Why = "removed: " + why
		}
		if err := use(k, c, may); err != nil {
			return err
		}
	}
	return nil
}

// deletable reports whether the journal has all there is to know of a run.
func deletable(ctx context.Context, store *state.Store, i state.Info) (why string, may bool, err error) {
	switch {
	case i.Problem != "":
		return "stays: the run can't be read: " + i.Problem, false, nil
	case i.Closed == "":
		return "stays: the run is open; see: stepgate show " + i.ID, false, nil
	}
	v, err := store.Verify(ctx, i.ID)
	if err != nil {
		return "", false, err
	}
	if !v.OK() {
		return "stays: the run's journal doesn't prove; see: stepgate verify " + i.ID, false, nil
	}
	return "the run is closed (" + string(i.Closed) + ")", true, nil
}
