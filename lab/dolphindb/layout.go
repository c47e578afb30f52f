package dolphindb

import (
	"fmt"
	"os"
	"path/filepath"

	"stepgate/lab/site"
	"stepgate/lab/userland"
)

// System is DolphinDB as a lab simulates it.
type System struct{}

// Scenes are where a cluster can stand at the beginning.
func (System) Scenes() []site.Scene {
	out := make([]site.Scene, len(stages))
	for i := range stages {
		out[i] = stages[i].scene
	}
	return out
}

// Plan fills in the machines, places, parameters and ports of a new lab.
func (System) Plan(s *site.Site, port func() (int, error)) error {
	st, err := stageOf(s)
	if err != nil {
		return err
	}
	return st.plan(newPlanner(s, port))
}

// Lay writes the machines' trees: the client on the operator's machine, packages and
// licence, and the install directories of a cluster that runs at the beginning.
func (System) Lay(s *site.Site) error {
	st, err := stageOf(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(packagesDir(s), 0o755); err != nil {
		return fmt.Errorf("lay out: %w", err)
	}
	for _, version := range st.packages {
		if err := writePackage(s, version, s.Fault(opsHost, "package") == "broken"); err != nil {
			return err
		}
		if err := writePlugins(s, version); err != nil {
			return err
		}
	}
	granted := trial
	if s.Fault(opsHost, "licence") == "small" {
		granted.maxNodes = community.maxNodes
	}
	if err := userland.Write(licencePath(s), granted.text(), 0o644); err != nil {
		return err
	}
	for i := range s.Hosts {
		if err := layMachine(s, &s.Hosts[i]); err != nil {
			return err
		}
	}
	if err := layClient(s, st); err != nil {
		return err
	}
	if err := layCluster(s, st); err != nil {
		return err
	}
	return userland.Write(freshPath(s), "", 0o600)
}

// opsHost is the operator's machine.
const opsHost = "ddb-ops"

func layMachine(s *site.Site, h *site.Host) error {
	for _, dir := range []string{"opt", "home", "ssd/ssd1"} {
		if err := os.MkdirAll(filepath.Join(s.Root(h.Name), dir), 0o755); err != nil {
			return fmt.Errorf("lay out %q: %w", h.Name, err)
		}
	}
	if err := os.Symlink(packagesDir(s), filepath.Join(s.Root(h.Name), "opt", "packages")); err != nil {
		return fmt.Errorf("lay out %q: %w", h.Name, err)
	}
	return userland.Write(filepath.Join(s.Root(h.Name), "usr", "bin", "df"), userland.Script(s, "df"), 0o755)
}

// layClient installs what the operator's machine has of DolphinDB: the program alone.
func layClient(s *site.Site, st *stage) error {
	version := st.running
	if version == "" {
		version = st.packages[0]
	}
	return userland.Write(s.Host(opsHost).Vars["ddb"], userland.Script(s, "dolphindb@"+version), 0o755)
}

// layCluster installs what runs at the beginning. The first boot starts it.
func layCluster(s *site.Site, st *stage) error {
	if st.running == "" {
		return nil
	}
	all := runningSeats(s)
	for _, x := range all {
		if err := install(s, x.install, st.running); err != nil {
			return err
		}
		if err := userland.Write(filepath.Join(x.install, "server", "dolphindb.lic"), trial.text(), 0o644); err != nil {
			return err
		}
		for name, text := range st.config(all, x) {
			if err := userland.Write(filepath.Join(x.demo(), "config", name), text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
