package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stepgate/engine"
	"stepgate/lab"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
)

func newRunCommand(s streams) *cobra.Command {
	var f bookFlags
	var d driveFlags
	var system string
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
			if system != "" {
				if err := d.needsPerson(s); err != nil {
					return err
				}
				if err := src.useLab(cmd.Context(), s, system, lab.Options{Speed: demoSpeed}); err != nil {
					return err
				}
			}
			src.startAt = at
			return startRun(cmd.Context(), s, src, d)
		},
	}
	at.register(c)
	f.register(c)
	d.register(c)
	d.registerPreflight(c)
	c.Flags().StringVar(&system, "lab", "", "rehearse on a simulated cluster of this system (openmldb)")
	return c
}

// demoSpeed is how much faster than its original a simulated cluster answers,
// so that a newcomer's first minute isn't spent waiting.
const demoSpeed = 4

func newDemoCommand(s streams) *cobra.Command {
	var d driveFlags
	var speed float64
	c := &cobra.Command{
		Use:   "demo [SYSTEM]",
		Short: "Walk through a shipped runbook on a simulated cluster, nothing to set up",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			system := demoSystem
			if len(args) > 0 {
				system = args[0]
			}
			return runDemo(cmd.Context(), s, system, speed, d)
		},
	}
	d.register(c)
	d.registerPreflight(c)
	c.Flags().Float64Var(&speed, "speed", demoSpeed, "how much faster than real the simulated cluster is")
	return c
}

// demoSystem is what a newcomer sees.
const demoSystem = "openmldb"

// runDemo begins the upgrade of a simulated cluster.
func runDemo(ctx context.Context, s streams, system string, speed float64, d driveFlags) error {
	if err := simulated(system); err != nil {
		return err
	}
	if err := d.needsPerson(s); err != nil {
		return err
	}
	src, err := bookFlags{}.read(system + "-upgrade")
	if err != nil {
		return err
	}
	if err := src.useLab(ctx, s, system, lab.Options{Speed: speed}); err != nil {
		return err
	}
	return startRun(ctx, s, src, d)
}

// simulated refuses a system that can't be simulated.
func simulated(system string) error {
	if slices.Contains(lab.Systems, system) {
		return nil
	}
	return exitWith(exitNotFound, text.WithHint(fmt.Errorf("simulate %q: there is no such system", system),
		"systems are: "+strings.Join(lab.Systems, ", ")))
}

// useLab starts a simulated cluster and takes hosts and values from it. Values
// that were given stay.
func (s *source) useLab(ctx context.Context, st streams, system string, o lab.Options) error {
	if err := simulated(system); err != nil {
		return err
	}
	if o.Speed <= 0 {
		return usage("see: stepgate demo --help", "simulate %q: a speed of %v is none", system, o.Speed)
	}
	_, _ = fmt.Fprintf(st.err, "starting a simulated %s cluster on this machine …\n", system)
	var err error
	if s.making, err = enterLabs(ctx, st); err != nil {
		return err
	}
	dir := filepath.Join(labsRoot(), state.NewRunID(now(), rand.Reader))
	if _, err := lab.Create(dir, system, o); err != nil {
		return fmt.Errorf("make a simulated %q cluster: %w", system, err)
	}
	cluster, err := lab.Start(ctx, dir)
	if err != nil {
		return joinDown(fmt.Errorf("start the simulated cluster: %w", err), dir)
	}
	if s.inv, err = os.ReadFile(cluster.Inventory); err != nil {
		return joinDown(fmt.Errorf("read the simulated cluster's inventory: %w", err), dir)
	}
	s.invFile, s.lab = cluster.Inventory, dir
	s.ssh = run.SSHFiles{Identity: cluster.Identity, KnownHosts: cluster.KnownHosts}
	book, diags := runbook.Parse(s.file, s.book, s.keeping)
	if runbook.Failed(diags) {
		return &diagnosed{diags}
	}
	for _, p := range book.Params {
		if v, ok := cluster.Params[p.Name]; ok && s.given[p.Name] == "" {
			s.give(p.Name, v, "simulated cluster")
		}
	}
	return nil
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
