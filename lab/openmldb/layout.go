package openmldb

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"stepgate/lab/site"
	"stepgate/lab/userland"
)

// The versions before and after the upgrade.
const (
	oldVersion = "0.8.4"
	newVersion = "0.9.2"
	zkRoot     = "/openmldb"
)

// System lays out and runs simulated OpenMLDB clusters.
type System struct{}

// Scenes of it.
func (System) Scenes() []site.Scene {
	return []site.Scene{{
		Name: "openmldb", System: "openmldb", Runbook: "openmldb-upgrade",
		Title: "two nameservers and three tablets of " + oldVersion + ", with " + newVersion + " unpacked beside",
	}}
}

// Faults that can be switched on.
func (System) Faults() []site.FaultKind { return faults }

// Plan fills in a new lab's hosts, parameters and ports. port returns a free
// port on loopback.
func (System) Plan(s *site.Site, port func() (int, error)) error {
	ports := make([]int, 6)
	for i := range ports {
		var err error
		if ports[i], err = port(); err != nil {
			return err
		}
	}
	slices.Sort(ports) // so that listings by endpoint are in the hosts' order
	zk := ports[5]
	s.Ports = map[string]int{"zookeeper": zk}
	for i, h := range []struct {
		name, user string
		groups     []string
	}{
		{"ns-1", "mldb-ns1", []string{"ops", "nameserver"}},
		{"ns-2", "mldb-ns2", []string{"nameserver"}},
		{"tablet-1", "mldb-t1", []string{"tablet"}},
		{"tablet-2", "mldb-t2", []string{"tablet"}},
		{"tablet-3", "mldb-t3", []string{"tablet"}},
	} {
		s.Hosts = append(s.Hosts, site.Host{
			Name: h.name, User: h.user, Groups: h.groups,
			Vars: map[string]string{"endpoint": loopback(ports[i]), "home": filepath.Join(s.Root(h.name), "opt", "openmldb")},
		})
	}
	ops := s.Hosts[0]
	s.Params = map[string]string{
		"cluster": "prod-features", "zk": loopback(zk), "zk_root": zkRoot,
		"ops_dir": ops.Vars["home"], "statdir": filepath.Join(s.Root(ops.Name), "var", "tmp"),
		"old_version": oldVersion, "new_version": newVersion, "new_package_dir": packageDir(s),
		"probe_db": "features", "probe_table": "events", "writes": "running", "single": "extra-replica",
	}
	return nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// packageDir is the unpacked new version, on a directory that all hosts mount.
func packageDir(s *site.Site) string {
	return filepath.Join(s.Dir, "packages", "openmldb-"+newVersion)
}

// Lay writes the hosts' trees.
func (System) Lay(s *site.Site) error {
	if err := layPackage(s, packageDir(s), newVersion); err != nil {
		return err
	}
	for i := range s.Hosts {
		h := &s.Hosts[i]
		home := h.Vars["home"]
		if err := layPackage(s, home, oldVersion); err != nil {
			return err
		}
		for _, dir := range []string{"logs", "db", "recycle"} {
			if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
				return fmt.Errorf("lay out %q: %w", h.Name, err)
			}
		}
		if err := os.Symlink(filepath.Join(s.Dir, "packages"), filepath.Join(s.Root(h.Name), "opt", "packages")); err != nil {
			return fmt.Errorf("lay out %q: %w", h.Name, err)
		}
		if err := userland.Write(filepath.Join(home, "conf", componentOf(h)+".flags"), flagsOf(s, h), 0o644); err != nil {
			return err
		}
		if err := layTools(s, h); err != nil {
			return err
		}
	}
	return nil
}

// layPackage writes what a release of the version unpacks to.
func layPackage(s *site.Site, dir, version string) error {
	for _, f := range []struct {
		path, text string
		mode       os.FileMode
	}{
		{"bin/openmldb", userland.Script(s, "openmldb@"+version), 0o755},
		{"bin/start.sh", userland.Script(s, "start.sh"), 0o755},
		{"conf/openmldb-env.sh", "export OPENMLDB_VERSION=" + version + "\n", 0o644},
		{"tools/openmldb_ops.py", "# OpenMLDB operations, simulated: the lab's python runs it.\n", 0o644},
	} {
		if err := userland.Write(filepath.Join(dir, f.path), f.text, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// layTools puts the python on the host's PATH that runs the simulated tools.
func layTools(s *site.Site, h *site.Host) error {
	for _, name := range []string{"python", "python3"} {
		if err := userland.Write(filepath.Join(s.Root(h.Name), "usr", "bin", name), userland.Script(s, "python"), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func flagsOf(s *site.Site, h *site.Host) string {
	flags := []string{
		"--endpoint=" + h.Vars["endpoint"],
		"--role=" + componentOf(h),
		"--zk_cluster=" + s.Params["zk"],
		"--zk_root_path=" + s.Params["zk_root"],
		"--openmldb_log_dir=./logs",
	}
	if componentOf(h) == "nameserver" {
		flags = append(flags, "--auto_failover=true", "--tablet_heartbeat_timeout=60000", "--zk_session_timeout=10000")
	} else {
		flags = append(flags, "--db_root_path=./db", "--recycle_bin_root_path=./recycle", "--make_snapshot_time=23")
	}
	return "# " + h.Name + "\n" + strings.Join(flags, "\n") + "\n"
}
