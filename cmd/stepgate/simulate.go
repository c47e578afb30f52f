package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"stepgate/lab"
	"stepgate/lab/site"
	"stepgate/runbook"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
)

// demoSpeed is how much faster than its original a simulated cluster answers,
// so that a newcomer's first minute isn't spent waiting.
const demoSpeed = 4

// demoScene is what a newcomer sees.
const demoScene = "openmldb"

// simulation is a simulated cluster as it was asked for.
type simulation struct {
	scene  string
	speed  float64
	faults []string
}

func (s *simulation) register(c *cobra.Command) {
	c.Flags().Float64Var(&s.speed, "speed", demoSpeed, "how much faster than real the simulated cluster is")
	c.Flags().StringArrayVar(&s.faults, "fault", nil, "HOST:WHAT=HOW, something that goes wrong in the simulated cluster from the beginning (repeatable)")
}

// given is one of the flags of [simulation.register] that was given, or empty.
func (*simulation) given(c *cobra.Command) string {
	for _, name := range []string{"speed", "fault"} {
		if c.Flags().Changed(name) {
			return name
		}
	}
	return ""
}

func newDemoCommand(s streams) *cobra.Command {
	var d driveFlags
	var list, faults bool
	sim := simulation{scene: demoScene}
	c := &cobra.Command{
		Use:   "demo [SCENE]",
		Short: "Walk through a shipped runbook on a simulated cluster, nothing to set up",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				sim.scene = args[0]
			}
			switch {
			case list:
				return listScenes(s)
			case faults:
				return listFaults(s, sim.scene)
			}
			return runDemo(cmd.Context(), s, sim, d)
		},
	}
	d.register(c)
	d.registerPreflight(c)
	sim.register(c)
	c.Flags().BoolVar(&list, "list", false, "list the simulated clusters there are, and the runbook of each")
	c.Flags().BoolVar(&faults, "faults", false, "list what can go wrong in SCENE: see --fault, and stepgate lab fault")
	c.MarkFlagsMutuallyExclusive("list", "faults", "fault")
	return c
}

func listScenes(s streams) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, sc := range lab.Scenes() {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", sc.Name, edition(sc.Runbook), sc.Title) // Flush tells
	}
	return w.Flush()
}

func listFaults(s streams, scene string) error {
	sc, err := sceneOf(scene, "")
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, f := range lab.SceneFaults(sc) {
		on := "any host"
		if len(f.On) > 0 {
			on = strings.Join(f.On, ", ")
		}
		_, _ = fmt.Fprintf(w, "HOST:%s=%s\t%s\t%s\n", f.What, f.Value, on, f.Means) // Flush tells
	}
	return w.Flush()
}

// faulty tells a fault that was mistyped from one that couldn't be set.
func faulty(err error) error {
	if bad := (*site.BadFaultError)(nil); errors.As(err, &bad) {
		return exitWith(exitUsage, err)
	}
	return err
}

// sceneOf is [lab.FindScene] for what was typed.
func sceneOf(name, runbook string) (site.Scene, error) {
	sc, err := lab.FindScene(name, runbook)
	if err != nil {
		return sc, exitWith(exitNotFound, err)
	}
	return sc, nil
}

// runDemo begins the shipped runbook of a scene.
func runDemo(ctx context.Context, s streams, sim simulation, d driveFlags) error {
	sc, err := sceneOf(sim.scene, "")
	if err != nil {
		return err
	}
	if err := d.needsPerson(s); err != nil {
		return err
	}
	src, err := bookFlags{}.read(edition(sc.Runbook))
	if err != nil {
		return err
	}
	if err := src.useLab(ctx, s, sim); err != nil {
		return err
	}
	return startRun(ctx, s, src, d)
}

// useLab starts a simulated cluster and takes hosts and values from it. Values
// that were given stay.
func (s *source) useLab(ctx context.Context, st streams, sim simulation) error {
	sc, err := sceneOf(sim.scene, strings.TrimSuffix(strings.TrimSuffix(filepath.Base(s.name), ".md"), chinese))
	if err != nil {
		return err
	}
	if sim.speed <= 0 {
		return usage("see: stepgate demo --help", "simulate %q: a speed of %v is none", sc.Name, sim.speed)
	}
	_, _ = fmt.Fprintf(st.err, "starting a simulated cluster on this machine: %s …\n", sc.Title)
	if s.making, err = enterLabs(ctx, st); err != nil {
		return err
	}
	dir := filepath.Join(labsRoot(), state.NewRunID(now(), rand.Reader))
	if _, err := lab.Create(dir, sc.Name, lab.Options{Speed: sim.speed, Faults: sim.faults}); err != nil {
		return faulty(fmt.Errorf("make the simulated cluster %q: %w", sc.Name, err))
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

// labSecrets adds to what was given the secrets of a run that its simulated cluster
// knows: they aren't anybody's.
func (s *source) labSecrets(secrets []string, given map[string]string) error {
	if s.lab == "" || len(secrets) == 0 {
		return nil
	}
	cluster, err := lab.Open(s.lab)
	if err != nil {
		return text.WithHint(fmt.Errorf("find the simulated cluster again: %w", err), "begin anew: stepgate demo")
	}
	for name, v := range cluster.Params {
		if _, ok := given[name]; !ok && slices.Contains(secrets, name) {
			given[name] = v
		}
	}
	return nil
}
