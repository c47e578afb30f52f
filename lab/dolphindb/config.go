package dolphindb

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// configs are the four files of an install directory's config, by name.
type configs map[string]string

const (
	controllerFile = "controller.cfg"
	agentFile      = "agent.cfg"
	clusterFile    = "cluster.cfg"
	nodesFile      = "cluster.nodes"
)

// tutorial makes files as they are attached to the tutorial on deployment: lines end
// with CRLF, the last one with nothing.
func (c configs) tutorial() configs {
	out := configs{}
	for name, text := range c {
		out[name] = strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\r\n")
	}
	return out
}

// refusal is why a server process doesn't start: a line of its log, in the original's
// words or manner.
type refusal string

func (r refusal) Error() string { return string(r) }

func refusef(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// errEmpty is what the server says of a file whose first line is blank.
var errEmpty = refusef("The input file is empty.")

// readLines reads a configuration file as the server does: CR before LF is no part of
// a line, a file whose first line is blank is empty.
func readLines(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []string
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if len(out) == 0 && strings.TrimSpace(line) == "" {
			break
		}
		out = append(out, line)
	}
	if len(out) == 0 {
		return nil, errEmpty
	}
	return out, nil
}

// readConfig reads a .cfg file: key=value, lines that begin with # are comments.
func readConfig(path string) (map[string]string, error) {
	lines, err := readLines(path)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			return nil, refusef("Invalid configuration: %s", line)
		}
		out[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	return out, nil
}

// address is a site as configuration files tell it: ip:port:alias.
type address struct {
	ip    string
	port  int
	alias string
}

func (a address) hostPort() string { return net.JoinHostPort(a.ip, strconv.Itoa(a.port)) }
func (a address) String() string   { return a.hostPort() + ":" + a.alias }

func parseAddress(text string) (address, error) {
	bad := refusef("Invalid site: %s", strings.ReplaceAll(text, "\r", `\r`))
	parts := strings.Split(text, ":")
	if len(parts) != 3 || parts[0] == "" || parts[2] == "" || strings.ContainsAny(text, "\r\n\t ") {
		return address{}, bad
	}
	port, err := strconv.Atoi(parts[1])
	if err != nil || port <= 0 || port > 65535 {
		return address{}, bad
	}
	return address{parts[0], port, parts[2]}, nil
}

// entry is a line of cluster.nodes.
type entry struct {
	address
	mode string
}

var modes = map[string]bool{"controller": true, "agent": true, "datanode": true, "computenode": true}

// readNodes reads cluster.nodes: a header, then ip:port:alias,mode. Aliases are unique.
func readNodes(path string) ([]entry, error) {
	lines, err := readLines(path)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(lines[0]) != "localSite,mode" {
		return nil, refusef("Invalid header: %s", lines[0])
	}
	var out []entry
	seen := map[string]bool{}
	for _, line := range lines[1:] {
		if strings.TrimSpace(line) == "" {
			continue
		}
		where, mode, _ := strings.Cut(line, ",")
		a, err := parseAddress(where)
		if err != nil {
			return nil, err
		}
		if !modes[mode] {
			return nil, refusef("Invalid node mode: %s", mode)
		}
		if seen[a.alias] {
			return nil, refusef("Duplicated node alias: %s", a.alias)
		}
		seen[a.alias] = true
		out = append(out, entry{a, mode})
	}
	return out, nil
}

// agentSites are the sites of agent.cfg: site:agent and site:controller, separated by
// commas.
func agentSites(text string) ([]entry, error) {
	var out []entry
	for part := range strings.SplitSeq(text, ",") {
		i := strings.LastIndexByte(part, ':')
		if i < 0 {
			return nil, refusef("Invalid site: %s", part)
		}
		a, err := parseAddress(part[:i])
		if err != nil {
			return nil, err
		}
		if mode := part[i+1:]; mode != "agent" && mode != "controller" {
			return nil, refusef("Invalid node mode: %s", strings.ReplaceAll(mode, "\r", `\r`))
		}
		out = append(out, entry{a, part[i+1:]})
	}
	return out, nil
}

// nodesText is cluster.nodes: controllers, agents, data nodes.
func nodesText(all []*seat) string {
	var b strings.Builder
	b.WriteString("localSite,mode\n")
	for _, mode := range []string{"controller", "agent", "datanode"} {
		for _, x := range all {
			p := map[string]peer{"controller": x.ctl, "agent": x.agent, "datanode": x.node}[mode]
			if p.alias != "" {
				fmt.Fprintf(&b, "%s,%s\n", p.at(x.ip), mode)
			}
		}
	}
	return b.String()
}

// agentText is agent.cfg of a seat whose agent is own.
func agentText(all []*seat, x *seat, own peer) string {
	sites := own.at(x.ip) + ":agent"
	for _, y := range all {
		sites += "," + y.ctl.at(y.ip) + ":controller"
	}
	return fmt.Sprintf("mode=agent\nlocalSite=%s\ncontrollerSite=%s\nsites=%s\nworkerNum=4\nlocalExecutors=3\nmaxMemSize=4\nlanCluster=0\n",
		own.at(x.ip), x.ctl.at(x.ip), sites)
}

// errExpired is what the server says of a licence whose time is over.
var errExpired = refusef("The license has expired.")
