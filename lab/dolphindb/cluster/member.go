package cluster

import (
	"net"
	"path"
	"slices"
	"strings"
)

// Modes of a process.
const (
	Controller  = "controller"
	Agent       = "agent"
	DataNode    = "datanode"
	ComputeNode = "computenode"
)

// Member is a process as it comes: what it is and what it read.
type Member struct {
	Host    string `json:"host"` // of the lab
	Mode    string `json:"mode"`
	Alias   string `json:"alias"`
	IP      string `json:"ip"`
	Port    int    `json:"port"`
	Version string `json:"version"` // of the running program, e.g. "2.00.8.12 2023.01.10"
	// Controller is controller.cfg or agent.cfg.
	Controller map[string]string `json:"controller,omitempty"`
	// Nodes is cluster.nodes, of a controller.
	Nodes []Node `json:"nodes,omitempty"`
	// Cluster is cluster.cfg: a controller's own, of a data node as its order had it.
	Cluster map[string]string `json:"cluster,omitempty"`
	// Dirs are real paths: dfsMetaDir and raft of a controller, chunkMetaDir and
	// volumes of a data node. nodesFile, if a controller gives it, is the file that
	// saveClusterNodes writes.
	Dirs map[string]string `json:"dirs,omitempty"`
}

// Node is a line of cluster.nodes.
type Node struct {
	Addr  string `json:"addr"` // ip:port
	Alias string `json:"alias"`
	Mode  string `json:"mode"`
}

// Order is what a leader tells an agent. The agent answers nothing: a node that
// was started joins by itself.
type Order struct {
	Start  bool              `json:"start"` // or stop
	Alias  string            `json:"alias"`
	Site   string            `json:"site"`             // ip:port
	Mode   string            `json:"mode"`             // datanode or computenode
	Config map[string]string `json:"config,omitempty"` // cluster.cfg as the leader has it
}

// ParseNode reads a line of cluster.nodes, "ip:port:alias,mode".
func ParseNode(line string) (Node, bool) {
	site, mode, ok := strings.Cut(line, ",")
	cut := strings.LastIndexByte(site, ':')
	if !ok || cut < 0 {
		return Node{}, false
	}
	n := Node{Addr: site[:cut], Alias: site[cut+1:], Mode: mode}
	_, _, err := net.SplitHostPort(n.Addr)
	known := slices.Contains([]string{Controller, Agent, DataNode, ComputeNode}, mode)
	return n, err == nil && known && n.Alias != ""
}

// String is the node as it stands in cluster.nodes.
func (n Node) String() string { return n.Site() + "," + n.Mode }

// Site is ip:port:alias.
func (n Node) Site() string { return n.Addr + ":" + n.Alias }

func (n Node) ip() string {
	ip, _, _ := strings.Cut(n.Addr, ":")
	return ip
}

// Setting is the value of a key of cluster.cfg for a node. The node's own wins
// over one for several (% and ? stand for any characters and for one), and that
// over one for all; <ALIAS> in the value is the node's alias.
func Setting(cfg map[string]string, alias, key string) (string, bool) {
	value, found := cfg[alias+"."+key]
	if !found {
		for _, k := range sortedKeys(cfg) {
			pattern, name, ok := strings.Cut(k, ".")
			if !ok || name != key || !strings.ContainsAny(pattern, "%?") {
				continue
			}
			if ok, err := path.Match(strings.ReplaceAll(pattern, "%", "*"), alias); ok && err == nil {
				value, found = cfg[k], true
				break
			}
		}
	}
	if !found {
		value, found = cfg[key]
	}
	return strings.ReplaceAll(value, "<ALIAS>", alias), found
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Fault is one kind of fault that belongs to the cluster.
type Fault struct {
	What    string
	Values  []string
	Meaning []string // of each value
}

// Faults are the faults that the cluster knows, as HOST:WHAT=VALUE.
var Faults = []Fault{
	{"recover", []string{"slow", "never"}, []string{
		"chunks of this host's data nodes take a minute each to recover",
		"chunks of this host's data nodes stay RECOVERING until triggerNodeReport or forceCorrectVersionByReplica",
	}},
	{"chunk", []string{"constructing"}, []string{
		"the oldest chunk with a replica on this host stays CONSTRUCTING, and refuses writes",
	}},
	{"startnode", []string{"fail"}, []string{
		"startDataNode for this host's nodes is accepted and nothing starts",
	}},
	{"write", []string{"lost", "twice"}, []string{
		"one write through this host's data node is acknowledged and not stored",
		"one write through this host's data node is stored twice",
	}},
	{"nodescfg", []string{"stale"}, []string{
		"the group keeps its old node list over edited cluster.nodes, until saveClusterNodes and a restart",
	}},
	{"leader", []string{"here"}, []string{
		"this host's controller wins elections",
	}},
	{"version", []string{"old"}, []string{
		"the controller of this host reports the version that it had first",
	}},
}
