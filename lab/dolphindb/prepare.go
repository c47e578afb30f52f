package dolphindb

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stepgate/lab/dolphindb/cluster"
)

// prepare reads what the process needs, and refuses what the original refuses. Its
// errors are lines of the log.
func (v *server) prepare() error {
	switch v.startFault() {
	case "fail":
		return refusef("Failed to initialize the server.")
	case "licence":
		return errExpired
	case "disk":
		return refusef("Failed to write [%s]: No space left on device", filepath.Join(v.dir, v.flags["home"]))
	}
	granted, err := readLicence(filepath.Join(filepath.Dir(v.dir), "dolphindb.lic"), time.Now())
	if err != nil {
		return err
	}
	v.member = cluster.Member{Host: v.Host.Name, Mode: v.mode, Version: v.fullVersion()}
	switch v.mode {
	case cluster.Controller:
		err = v.prepareController(granted)
	case cluster.Agent:
		err = v.prepareAgent()
	case cluster.DataNode, cluster.ComputeNode:
		err = v.prepareNode()
	default:
		err = refusef("Invalid mode [%s]", v.mode)
	}
	if err != nil {
		return err
	}
	v.member.Alias, v.member.IP, v.member.Port = v.self.alias, v.self.ip, v.self.port
	for _, key := range []string{"dfsMetaDir", "raft", "chunkMetaDir", "volumes"} {
		if dir := v.member.Dirs[key]; dir != "" {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return refusef("Failed to create directory [%s] with error: %v", dir, err)
			}
		}
	}
	return nil
}

// configuration reads the file that the process was started with, and its own site.
func (v *server) configuration() (map[string]string, error) {
	path := filepath.Join(v.dir, v.flags["config"])
	cfg, err := readConfig(path)
	if err != nil {
		return nil, refusef("Failed to load the configuration file [%s] with error: %v", path, err)
	}
	if v.self, err = parseAddress(cfg["localSite"]); err != nil {
		return nil, refusef("Failed to load the configuration file [%s] with error: %v", path, err)
	}
	return cfg, nil
}

func (v *server) prepareController(granted licence) error {
	cfg, err := v.configuration()
	if err != nil {
		return err
	}
	path := filepath.Join(v.dir, v.flags["nodesFile"])
	nodes, err := readNodes(path)
	if err != nil {
		return refusef("Failed to load the nodes file [%s] with error: %v", path, err)
	}
	listed := false
	for _, n := range nodes {
		v.member.Nodes = append(v.member.Nodes, cluster.Node{Addr: n.hostPort(), Alias: n.alias, Mode: n.mode})
		listed = listed || n.address == v.self && n.mode == cluster.Controller
	}
	if !listed {
		return refusef("The controller [%s] is not in the nodes file [%s].", v.self, path)
	}
	if len(nodes) > granted.maxNodes {
		return refusef("The number of nodes [%d] exceeds the limit of the license [%d].", len(nodes), granted.maxNodes)
	}
	if v.member.Cluster, err = readConfig(filepath.Join(v.dir, v.flags["clusterConfig"])); err != nil {
		return refusef("Failed to load the configuration file [%s] with error: %v", v.flags["clusterConfig"], err)
	}
	v.member.Controller = cfg
	own := filepath.Join(v.dir, v.flags["home"], v.self.alias)
	v.member.Dirs = map[string]string{"raft": filepath.Join(own, "raft"), "dfsMetaDir": filepath.Join(own, "dfsMeta"), "nodesFile": path}
	if dir := cfg["dfsMetaDir"]; dir != "" {
		v.member.Dirs["dfsMetaDir"] = v.directory(dir)
	}
	return nil
}

func (v *server) prepareAgent() error {
	cfg, err := v.configuration()
	if err != nil {
		return err
	}
	path := filepath.Join(v.dir, v.flags["config"])
	sites, err := agentSites(cfg["sites"])
	if err != nil {
		return refusef("Failed to load the configuration file [%s] with error: %v", path, err)
	}
	own := false
	for _, s := range sites {
		own = own || s.address == v.self && s.mode == cluster.Agent
	}
	if !own {
		return refusef("The agent [%s] is not in the sites of [%s].", v.self, path)
	}
	v.member.Controller = cfg
	return nil
}

// prepareNode is for a data node: its agent gives it its site and the leader's
// cluster.cfg.
func (v *server) prepareNode() (err error) {
	if v.self, err = parseAddress(v.flags["localSite"]); err != nil {
		return err
	}
	if given := os.Getenv(configVariable); given != "" {
		err = json.Unmarshal([]byte(given), &v.member.Cluster)
	} else {
		v.member.Cluster, err = readConfig(filepath.Join(v.dir, v.flags["config"]))
	}
	if err != nil {
		return refusef("Failed to load the configuration file [%s] with error: %v", v.flags["config"], err)
	}
	storage := filepath.Join(v.dir, v.flags["home"], v.self.alias, "storage")
	v.member.Dirs = map[string]string{"chunkMetaDir": storage, "volumes": storage}
	for key := range v.member.Dirs {
		if set, ok := cluster.Setting(v.member.Cluster, v.self.alias, key); ok && set != "" {
			first, _, _ := strings.Cut(set, ",")
			v.member.Dirs[key] = v.directory(first)
		}
	}
	return nil
}

// directory is where a directory of the configuration lies; a relative one is below
// the process's home.
func (v *server) directory(path string) string {
	if !filepath.IsAbs(path) {
		return filepath.Join(v.dir, v.flags["home"], path)
	}
	return v.onMachine(path)
}
