package dolphindb

import (
	"crypto/rand"
	"fmt"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"stepgate/lab/site"
)

// The versions of the samples: before and after the rolling upgrade, and the one that
// new clusters are made with.
const (
	oldVersion    = "2.00.7.4"
	newVersion    = "2.00.8.12"
	pseudoVersion = "2.00.10.5"
)

// built is when each version was built, as version() tells.
var built = map[string]string{
	oldVersion:    "2022.12.08",
	newVersion:    "2023.01.10",
	pseudoVersion: "2024.01.09",
}

// The administrator that a new cluster has.
const (
	adminUser     = "admin"
	adminPassword = "123456"
)

// login is who logs in to the machines by SSH.
const login = "ddb"

// peer is a site of a cluster: what listens on a port under an alias. The zero peer
// is none.
type peer struct {
	alias string
	port  int
}

func (p peer) at(ip string) string { return fmt.Sprintf("%s:%d:%s", ip, p.port, p.alias) }

// seat is an install directory on a machine, with what works in it.
type seat struct {
	name          string // of its place
	n             int
	host          string
	ip            string
	install, data string
	ctl           peer
	agent         peer // none where another seat's agent serves the machine
	node          peer
}

func (x *seat) demo() string { return filepath.Join(x.install, "server", "clusterDemo") }

func (x *seat) vars() map[string]string {
	return map[string]string{
		"n": strconv.Itoa(x.n), "ip": x.ip, "install": x.install, "data": x.data, "os_user": osUser(),
		"ctl_alias": x.ctl.alias, "ctl_port": strconv.Itoa(x.ctl.port),
		"agent_alias": x.agent.alias, "agent_port": strconv.Itoa(x.agent.port),
		"node_alias": x.node.alias, "node_port": strconv.Itoa(x.node.port),
	}
}

// stage is what a scene is made of: where its cluster stands at the beginning and
// where its runbook is to bring it.
type stage struct {
	scene   site.Scene
	plan    func(*planner) error
	running string // version of what runs at the beginning; empty: nothing does
	// packages are the versions whose packages are there.
	packages []string
	// servers are how many the running cluster stands on.
	servers int
	// config are a seat's files at the beginning; nil where nothing runs.
	config func(all []*seat, x *seat) configs
	// seed are the scripts that fill the new cluster.
	seed func(now time.Time) []string
}

// scene is one of a DolphinDB cluster, and of the shipped runbook that it rehearses.
func scene(name, title, runbook string) site.Scene {
	return site.Scene{Name: name, System: "dolphindb", Only: "linux", Title: title, Runbook: runbook}
}

var stages = []stage{rolling, oneServer, twoServers, oneToThree, twoToThree, threeToFive}

func stageOf(s *site.Site) (*stage, error) {
	for i := range stages {
		if stages[i].scene.Name == s.Scene {
			return &stages[i], nil
		}
	}
	return nil, fmt.Errorf("simulate %q: DolphinDB has no such scene", s.Scene)
}

// planner fills in a new lab.
type planner struct {
	site *site.Site
	port func() (int, error)
	ips  map[string]string // by machine
}

func newPlanner(s *site.Site, port func() (int, error)) *planner {
	s.Params, s.Ports = map[string]string{}, map[string]int{}
	return &planner{site: s, port: port, ips: map[string]string{}}
}

// machines are the servers ddb-1 to ddb-n and the operator's ddb-ops. Each has an
// address of its own on the loopback network.
func (p *planner) machines(n int) error {
	net := make([]byte, 2)
	if _, err := rand.Read(net); err != nil {
		return err
	}
	add := func(name, group string, last int, vars map[string]string) {
		// 127.0.x.y is what other programs use.
		ip := fmt.Sprintf("127.%d.%d.%d", 1+int(net[0])%254, net[1], last)
		vars["ip"], p.ips[name] = ip, ip
		p.site.Hosts = append(p.site.Hosts, site.Host{Name: name, User: login, Groups: []string{group}, Vars: vars})
	}
	for i := 1; i <= n; i++ {
		add(fmt.Sprintf("ddb-%d", i), "server", i, map[string]string{})
	}
	add("ddb-ops", "ops", 200, map[string]string{"ddb": filepath.Join(p.site.Root("ddb-ops"), "opt", "dolphindb", "server", "dolphindb")})
	port, err := p.port()
	p.site.Ports[truthPort] = port
	return err
}

// truthPort names the port on which the lab process tells the truth about the cluster.
const truthPort = "dolphindb"

// pick gives a site its port.
func (p *planner) pick(alias string) (peer, error) {
	port, err := p.port()
	return peer{alias: alias, port: port}, err
}

// peers gives three sites their ports: controller, agent and data node. An empty
// alias is none.
func (p *planner) peers(ctl, agent, node string) (out [3]peer, err error) {
	for i, alias := range []string{ctl, agent, node} {
		if alias == "" {
			continue
		}
		if out[i], err = p.pick(alias); err != nil {
			return out, err
		}
	}
	return out, nil
}

// seat is install directory number n of those that migrations move: /home/dolphindb_n
// with its data on /ssd/ssd1.
func (p *planner) seat(name string, n int, host string, sites [3]peer) *seat {
	root, dir := p.site.Root(host), fmt.Sprintf("dolphindb_%d", n)
	return &seat{
		name: name, n: n, host: host, ip: p.ips[host],
		install: filepath.Join(root, "home", dir), data: filepath.Join(root, "ssd", "ssd1", dir),
		ctl: sites[0], agent: sites[1], node: sites[2],
	}
}

// place puts a seat into the inventory.
func (p *planner) place(x *seat, vars map[string]string, groups ...string) {
	all := x.vars()
	for k, v := range vars {
		all[k] = v
	}
	p.site.Places = append(p.site.Places, site.Place{Name: x.name, On: x.host, Groups: groups, Vars: all})
}

// params are what all runbooks ask for.
func (p *planner) params(cluster string, more map[string]string) {
	p.site.Params = map[string]string{"cluster": cluster, "db_user": adminUser, "db_password": adminPassword}
	for k, v := range more {
		p.site.Params[k] = v
	}
}

// osUser is whose processes a process listing shows on the simulated machines.
func osUser() string {
	u, err := user.Current()
	if err != nil {
		return strconv.Itoa(0)
	}
	return u.Username
}

// packagesDir is where all machines find packages and the licence.
func packagesDir(s *site.Site) string { return filepath.Join(s.Dir, "packages") }

// packageName is what a version is shipped as.
func packageName(version string) string { return "DolphinDB_Linux64_V" + version + ".zip" }

func packagePath(s *site.Site, version string) string {
	return filepath.Join(packagesDir(s), packageName(version))
}

func licencePath(s *site.Site) string { return filepath.Join(packagesDir(s), "dolphindb.lic") }

// runningSeats are the install directories that a cluster runs out of at the
// beginning. Where no agent runs, agent is the one that the cluster will have there:
// it stands in agent.cfg already.
func runningSeats(s *site.Site) []*seat {
	var out []*seat
	for _, h := range s.Hosts {
		if h.Vars["install"] != "" {
			out = append(out, seatOf(h.Name, h.Name, h.Vars))
		}
	}
	for _, p := range s.Places {
		if !slices.Contains(p.Groups, "old") {
			continue
		}
		x := seatOf(p.Name, p.On, p.Vars)
		for _, later := range s.Places {
			if x.agent.alias == "" && slices.Contains(later.Groups, "instance") && later.Vars["n"] == p.Vars["n"] {
				x.agent = seatOf(later.Name, later.On, later.Vars).agent
			}
		}
		out = append(out, x)
	}
	return out
}

// seatOf is a seat as the inventory tells it.
func seatOf(name, host string, vars map[string]string) *seat {
	number := func(key string) int {
		n, err := strconv.Atoi(vars[key])
		if err != nil {
			return 0 // a port that isn't there
		}
		return n
	}
	return &seat{
		name: name, n: number("n"), host: host, ip: vars["ip"], install: vars["install"], data: vars["data"],
		ctl:   peer{vars["ctl_alias"], number("ctl_port")},
		agent: peer{vars["agent_alias"], number("agent_port")},
		node:  peer{vars["node_alias"], number("node_port")},
	}
}
