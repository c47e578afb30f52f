package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"stepgate/engine"
	"stepgate/lab"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/state"
)

func newRunCommand(s streams) *cobra.Command {
	var f bookFlags
	var d driveFlags
	var sim simulation
	var at startAt
	c := &cobra.Command{
		Use:   "run RUNBOOK",
		Short: "Walk through a runbook: a path, or the name of a shipped one",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := f.read(args[0])
			if err != nil {
				return err
			}
			if sim.scene != "" {
				if err := d.needsPerson(s); err != nil {
					return err
				}
				if err := src.useLab(cmd.Context(), s, sim); err != nil {
					return err
				}
			} else if given := sim.given(cmd); given != "" {
				return usage("name a simulated cluster: --lab "+lab.SceneNames()[0], "run %q: --%s is for simulated hosts", args[0], given)
			}
			src.startAt = at
			return startRun(cmd.Context(), s, src, d)
		},
	}
	at.register(c)
	f.register(c)
	d.register(c)
	d.registerPreflight(c)
	c.Flags().StringVar(&sim.scene, "lab", "", "rehearse on a simulated cluster: stepgate demo --list")
	sim.register(c)
	return c
}

// startRun plans, journals and drives a new run.
func startRun(ctx context.Context, st streams, src *source, d driveFlags) (err error) {
	begun := false
	defer func() {
		if !begun && src.lab != "" {
			err = joinDown(err, src.lab)
		}
	}()
	if src.lab == "" {
		if err := st.introduce(ctx, d); err != nil {
			return err
		}
	}
	if err := src.needHosts(ctx, st, d); err != nil {
		return err
	}
	p, err := src.plan(func(missing []runbook.Param) (map[string]string, error) { return d.ask(ctx, st, src, missing) }, runnable)
	if err != nil {
		return err
	}
	if err := d.admits(st, src, p); err != nil {
		return err
	}
	start, err := src.startAt.jump(st, p)
	if err != nil {
		return err
	}
	before, err := d.preflight(ctx, st, src, p)
	if err != nil {
		return err
	}
	defer before.Close() //nolint:errcheck // the run has its connections, or none has begun
	store, err := openJournal(ctx, st)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // events are durable when Append returns
	started, err := src.started(ctx, store, p)
	if err != nil {
		return err
	}
	id := state.NewRunID(now(), rand.Reader)
	o := d.engine(ctx, store, p, started)
	o.Preflight, o.StartAt = before, start
	e, err := engine.Start(ctx, o, p, id, started)
	if err != nil {
		return err
	}
	begun = true
	noteUnsafe(ctx, st, store, id)
	if src.making != nil {
		if err := src.making.Close(); err != nil { // the journal names the lab from here on
			return fmt.Errorf("begin run %q: %w", id, closing(ctx, e, err))
		}
	}
	return d.drive(ctx, st, e, p, id, started)
}

// admits tells what was noticed in the source, and refuses a plan that can't be driven
// as was asked for.
func (d driveFlags) admits(st streams, src *source, p *plan.Plan) error {
	for _, n := range src.notices {
		_, _ = fmt.Fprintln(st.err, sanitised(n.String()))
	}
	if err := d.check(p, src.lab); err != nil {
		return err
	}
	return d.needsPerson(st)
}

// secretsOf are the secret parameters that a plan has values for.
func secretsOf(p *plan.Plan) (names []string) {
	for _, v := range p.Values {
		if v.Set && v.Param.Secret {
			names = append(names, v.Param.Name)
		}
	}
	return names
}

// started is the first event of a run; its sources are in the journal by then.
func (s *source) started(ctx context.Context, store *state.Store, p *plan.Plan) (run.RunStarted, error) {
	ev := run.RunStarted{
		Title: p.Text(p.Title, p.Root.Scope, nil), Runbook: s.name, Dir: s.dir, Values: p.Values.Given(),
		Digest: p.Digest, Version: version(), Lab: s.lab, SSH: s.ssh, InventoryFile: s.invFile,
	}
	if s.invFile != "" { // so that it is found again from anywhere
		if abs, err := filepath.Abs(s.invFile); err == nil {
			ev.InventoryFile = abs
		}
	}
	ev.Secrets = secretsOf(p)
	closure := sha256.New()
	closure.Write(s.book)
	var err error
	if ev.Source, err = store.PutBlob(ctx, s.book); err != nil {
		return ev, err
	}
	for _, name := range slices.Sorted(maps.Keys(s.parts)) {
		if ev.Parts == nil {
			ev.Parts = map[string]string{}
		}
		if ev.Parts[name], err = store.PutBlob(ctx, s.parts[name]); err != nil {
			return ev, err
		}
		_, _ = fmt.Fprintf(closure, "\x00%s\x00%s", name, ev.Parts[name]) // a hash takes all
	}
	if s.inv != nil {
		closure.Write(s.inv)
		if ev.Inventory, err = store.PutBlob(ctx, s.inv); err != nil {
			return ev, err
		}
	}
	ev.Closure = hex.EncodeToString(closure.Sum(nil))
	return ev, nil
}
