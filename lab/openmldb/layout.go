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

// machines are the hosts of a lab, each with the component of its group.
var machines = []struct {
	name, user string
	groups     []string
}{
	{"ns-1", "mldb-ns1", []string{"ops", "nameserver", "python_sdk"}},
	{"ns-2", "mldb-ns2", []string{"nameserver"}},
	{"tablet-1", "mldb-t1", []string{"tablet"}},
	{"tablet-2", "mldb-t2", []string{"tablet"}},
	{"tablet-3", "mldb-t3", []string{"tablet"}},
	{"api-1", "mldb-api1", []string{"apiserver"}},
	{"task-1", "mldb-tm1", []string{"taskmanager"}},
}

// The components that run in a lab.
const (
	nameserverRole  = "nameserver"
	tabletRole      = "tablet"
	apiserverRole   = "apiserver"
	taskmanagerRole = "taskmanager"
)

// componentOf is the component that runs on a host.
func componentOf(h *site.Host) string {
	for _, g := range h.Groups {
		switch g {
		case nameserverRole, tabletRole, apiserverRole, taskmanagerRole:
			return g
		}
	}
	return ""
}

// System lays out and runs simulated OpenMLDB clusters.
type System struct{}

// Scenes of it.
func (System) Scenes() []site.Scene {
	return []site.Scene{{
		Name: "openmldb", System: "openmldb", Runbook: "openmldb-upgrade",
		Title: "two nameservers, three tablets, an API server and a task manager of " + oldVersion + ", with " + newVersion + " unpacked beside",
	}}
}

// Faults that can be switched on.
func (System) Faults() []site.FaultKind { return faults }

// Plan fills in a new lab's hosts, parameters and ports. port returns a free
// port on loopback.
func (System) Plan(s *site.Site, port func() (int, error)) error {
	ports := make([]int, len(machines)+1)
	for i := range ports {
		var err error
		if ports[i], err = port(); err != nil {
			return err
		}
	}
	slices.Sort(ports) // so that listings by endpoint are in the hosts' order
	zk := ports[len(machines)]
	s.Ports = map[string]int{"zookeeper": zk}
	for i, m := range machines {
		h := site.Host{
			Name: m.name, User: m.user, Groups: m.groups,
			Vars: map[string]string{"endpoint": loopback(ports[i]), "home": filepath.Join(s.Root(m.name), "opt", "openmldb")},
		}
		if componentOf(&h) == taskmanagerRole {
			h.Vars["spark_home"] = filepath.Join(s.Root(m.name), "opt", sparkName)
		}
		s.Hosts = append(s.Hosts, h)
	}
	ops := s.Hosts[0]
	s.Params = map[string]string{
		"cluster": "prod-features", "zk": loopback(zk), "zk_root": zkRoot,
		"ops_dir": ops.Vars["home"], "statdir": filepath.Join(s.Root(ops.Name), "var", "tmp"),
		"old_version": oldVersion, "new_version": newVersion, "new_package_dir": packageDir(s),
		"new_spark_dir": filepath.Join(s.Dir, "packages", sparkName), "pip": "pip",
		"probe_db": "features", "probe_table": "events",
		"probe_write": "insert into features.events values (:n, 2.0)", "writes": "running", "single": "extra-replica",
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
	if err := layTaskManager(s, packageDir(s), newVersion); err != nil {
		return err
	}
	if err := laySpark(s.Params["new_spark_dir"], newVersion); err != nil {
		return err
	}
	for i := range s.Hosts {
		if err := layHost(s, &s.Hosts[i]); err != nil {
			return err
		}
	}
	return nil
}

func layHost(s *site.Site, h *site.Host) error {
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
	if componentOf(h) == taskmanagerRole {
		if err := layTaskManager(s, home, oldVersion); err != nil {
			return err
		}
		if err := laySpark(h.Vars["spark_home"], oldVersion); err != nil {
			return err
		}
		if err := userland.Write(filepath.Join(home, "conf", "taskmanager.properties"), propertiesOf(s, h), 0o644); err != nil {
			return err
		}
	} else if err := userland.Write(filepath.Join(home, "conf", componentOf(h)+".flags"), flagsOf(s, h), 0o644); err != nil {
		return err
	}
	return layTools(s, h)
}

// layPackage writes what a release of the version unpacks to, but for its task
// manager.
func layPackage(s *site.Site, dir, version string) error {
	return layFiles(dir, []file{
		{"bin/openmldb", userland.Script(s, "openmldb@"+version), 0o755},
		{"bin/start.sh", userland.Script(s, "start.sh"), 0o755},
		{"bin/mon", userland.Script(s, "mon"), 0o755},
		{"conf/openmldb-env.sh", "export OPENMLDB_VERSION=" + version + "\n", 0o644},
		{"tools/openmldb_ops.py", "# OpenMLDB operations, simulated: the lab's python runs it.\n", 0o644},
	})
}

// layTaskManager writes the part of a release that is in Java.
func layTaskManager(s *site.Site, dir, version string) error {
	jar := func(name string) file {
		return file{"taskmanager/lib/" + name + "-" + version + ".jar", name + " " + version + ", simulated\n", 0o644}
	}
	return layFiles(dir, []file{
		{"taskmanager/bin/taskmanager.sh", userland.Script(s, "taskmanager.sh"), 0o755},
		{"taskmanager/conf/taskmanager.properties", "# replaced by conf/taskmanager.properties at each start\n", 0o644},
		jar("openmldb-taskmanager"), jar("openmldb-batchjob"),
	})
}

// sparkName is the directory that every version of the distribution unpacks to.
const sparkName = "spark-3.2.1-bin-openmldbspark"

// laySpark writes the OpenMLDB Spark distribution that goes with a version.
func laySpark(dir, version string) error {
	return layFiles(dir, []file{
		{"RELEASE", "Spark 3.2.1 (v3.2.1-openmldb" + version + ") built for Hadoop 3.3.1\n", 0o644},
		{"bin/spark-submit", "#!/bin/sh\necho 'spark-submit: only the task manager of this lab submits jobs' >&2\nexit 1\n", 0o755},
		{"jars/openmldb-batch-" + version + ".jar", "openmldb-batch " + version + ", simulated\n", 0o644},
	})
}

type file struct {
	path, text string
	mode       os.FileMode
}

func layFiles(dir string, files []file) error {
	for _, f := range files {
		if err := userland.Write(filepath.Join(dir, f.path), f.text, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// layTools puts the programs on the host's PATH that the lab runs itself: the
// python of the simulated tools, pip where the Python package is, hdfs where jobs
// are submitted, and cp and df, which know a full disk.
func layTools(s *site.Site, h *site.Host) error {
	tools := []file{
		{"python", userland.Script(s, "python"), 0o755},
		{"python3", userland.Script(s, "python"), 0o755},
	}
	if slices.Contains(h.Groups, "python_sdk") {
		tools = append(tools, file{"pip", userland.Script(s, "pip"), 0o755})
	}
	if componentOf(h) == taskmanagerRole {
		tools = append(tools, file{"hdfs", userland.Script(s, "hdfs"), 0o755})
	}
	for name, full := range fullDisk {
		if real := onSystemPath(name); real != "" {
			text := strings.NewReplacer("REAL", real, "FAULT", filepath.Join(s.Dir, "faults", h.Name, "disk")).Replace(full)
			tools = append(tools, file{name, text, 0o755})
		}
	}
	return layFiles(filepath.Join(s.Root(h.Name), "usr", "bin"), tools)
}

// fullDisk are programs as they are on a host whose disk is full: cp makes what it
// was to make, but writes nothing into it.
var fullDisk = map[string]string{
	"cp": `#!/bin/sh
[ -e "FAULT" ] || exec REAL "$@"
for last; do :; done
case " $* " in
*" -"*[aRr]*) mkdir -p "$last" ;;
*) : >"$last" ;;
esac
echo "cp: error writing '$last': No space left on device" >&2
exit 1
`,
	"df": `#!/bin/sh
[ -e "FAULT" ] || exec REAL "$@"
REAL "$@" | awk 'NR > 1 && NF >= 6 { $3 = $2; $4 = 0; $5 = "100%" } { print }'
`,
}

func onSystemPath(name string) string {
	for _, dir := range filepath.SplitList(site.SystemPath) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

func flagsOf(s *site.Site, h *site.Host) string {
	flags := []string{
		"--endpoint=" + h.Vars["endpoint"],
		"--role=" + componentOf(h),
		"--zk_cluster=" + s.Params["zk"],
		"--zk_root_path=" + s.Params["zk_root"],
		"--openmldb_log_dir=./logs",
	}
	switch componentOf(h) {
	case nameserverRole:
		flags = append(flags, "--auto_failover=true", "--tablet_heartbeat_timeout=60000", "--zk_session_timeout=10000")
	case tabletRole:
		flags = append(flags, "--db_root_path=./db", "--recycle_bin_root_path=./recycle", "--make_snapshot_time=23")
	}
	return "# " + h.Name + "\n" + strings.Join(flags, "\n") + "\n"
}

func propertiesOf(s *site.Site, h *site.Host) string {
	ip, port, _ := strings.Cut(h.Vars["endpoint"], ":")
	return "# " + h.Name + "\n" + strings.Join([]string{
		"server.host=" + ip,
		"server.port=" + port,
		"job.log.path=./logs/",
		"zookeeper.cluster=" + s.Params["zk"],
		"zookeeper.root_path=" + s.Params["zk_root"],
		"spark.home=",
		"spark.master=local[*]",
		"spark.yarn.jars=",
		"batchjob.jar.path=",
		"offline.data.prefix=file:///tmp/openmldb_offline_storage/",
		"hadoop.conf.dir=",
	}, "\n") + "\n"
}
