package rehearsal_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stepgate/lab"
	"stepgate/lab/site"
	"stepgate/runbooks/rehearsal"
)

// pseudo is a rehearsal of a pseudo-HA deployment.
type pseudo struct {
	*rehearsal.Rehearsal
	t    *testing.T
	site *site.Site
}

// deploy begins one in a scene. It is left at the first stop, the hand step that comes
// before all.
func deploy(t *testing.T, scene string, faults []string, args ...string) *pseudo {
	t.Helper()
	sc, err := lab.FindScene(scene, "")
	if err != nil {
		t.Fatal(err)
	}
	p := &pseudo{Rehearsal: rehearsal.BeginWith(t, sc.Runbook, scene, faults, args...), t: t}
	if p.site, err = site.Load(p.Cluster.Dir); err != nil {
		t.Fatal(err)
	}
	return p
}

// of is a variable of a place.
func (p *pseudo) of(place, name string) string {
	p.t.Helper()
	i := slices.IndexFunc(p.site.Places, func(x site.Place) bool { return x.Name == place })
	if i < 0 || p.site.Places[i].Vars[name] == "" {
		p.t.Fatalf("the place %q has no %q", place, name)
	}
	return p.site.Places[i].Vars[name]
}

// config is the path of a configuration file.
func (p *pseudo) config(place, file string) string {
	return filepath.Join(p.of(place, "install"), "server", "clusterDemo", "config", file)
}

func (p *pseudo) read(path string) string {
	p.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

func (p *pseudo) write(path, text string) {
	p.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// again has a person repeat what failed, and goes on.
func (p *pseudo) again() rehearsal.Ended {
	p.t.Helper()
	p.Remedy("retry")
	return p.GoOn()
}

// configured expects the configuration that the procedure's facts ask for in every
// place of a finished cluster.
func (p *pseudo) configured(places ...string) {
	p.t.Helper()
	var meta, own []string
	for _, place := range places {
		for _, file := range []string{"cluster.nodes", "cluster.cfg", "controller.cfg", "agent.cfg"} {
			text := p.read(p.config(place, file))
			if strings.Contains(text, "\r") || !strings.HasSuffix(text, "\n") || strings.HasPrefix(text, "\n") {
				p.t.Errorf("%s of %s has a carriage return, no line break at its end or a blank first line:\n%q", file, place, text)
			}
		}
		for _, file := range []string{"cluster.nodes", "cluster.cfg"} {
			if p.read(p.config(place, file)) != p.read(p.config(places[0], file)) {
				p.t.Errorf("%s of %s is another than that of %s", file, place, places[0])
			}
		}
		controller := p.read(p.config(place, "controller.cfg"))
		site := p.of(place, "ip") + ":" + p.of(place, "ctl_port") + ":" + p.of(place, "ctl_alias")
		for _, line := range []string{"mode=controller", "dfsHAMode=Raft", "localSite=" + site} {
			if !strings.Contains("\n"+controller, "\n"+line+"\n") {
				p.t.Errorf("controller.cfg of %s doesn't have %q:\n%s", place, line, controller)
			}
		}
		own = append(own, site)
		meta = append(meta, regexp.MustCompile(`dfsMetaDir=.*`).FindString(controller))
		if !strings.Contains(p.read(p.config(places[0], "cluster.nodes")), site+",controller\n") {
			p.t.Errorf("cluster.nodes doesn't have %s", site)
		}
	}
	slices.Sort(meta)
	if len(slices.Compact(meta)) != len(places) {
		p.t.Errorf("controllers share a directory for metadata: %v", meta)
	}
	for _, place := range places {
		for _, site := range own {
			if agent := p.read(p.config(place, "agent.cfg")); !strings.Contains(agent, site+":controller") {
				p.t.Errorf("agent.cfg of %s doesn't have %s:\n%s", place, site, agent)
			}
		}
	}
}

// said expects the transcript to have this, as a regular expression.
func (p *pseudo) said(patterns ...string) {
	p.t.Helper()
	transcript := p.Good("export", "last")
	for _, x := range patterns {
		if !regexp.MustCompile(`(?m)` + x).MatchString(transcript) {
			p.t.Errorf("the transcript doesn't say %q:\n%s", x, transcript[max(0, len(transcript)-6000):])
		}
	}
}

// untouched expects that nothing was installed, and nothing is left but these.
func (p *pseudo) untouched(but ...string) {
	p.t.Helper()
	for _, x := range p.site.Places {
		for _, dir := range []string{x.Vars["install"], x.Vars["data"]} {
			if _, err := os.Stat(dir); err == nil && !slices.Contains(but, dir) {
				p.t.Errorf("%s is there, although nothing was to be changed yet", dir)
			}
		}
	}
}

// A package that isn't whole and a licence for too few nodes are found before anything
// is changed.
func TestPseudoPackageAndLicenceComeFirst(t *testing.T) {
	t.Parallel()
	p := deploy(t, "dolphindb-one-server", []string{"ddb-ops:package=broken", "ddb-ops:licence=small"})
	p.GoOn().Stopped("failure", "build/before/package")
	p.said(`stdout contains "No errors detected"`, `✗ .*as far as the file says`, `maxNodes=3$`)
	p.untouched()
	good, err := lab.Create(t.TempDir(), "dolphindb-one-server", lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.write(p.site.Params["package"], p.read(good.Params["package"]))
	p.Remedy("retry")
	p.GoOn().Stopped("failure", "build/before/licence-file")
	p.write(p.site.Params["licence"], p.read(good.Params["licence"]))
	p.Remedy("retry")
	p.Stepgate("resume", "--auto").Stopped("manual", "build/before/licence-allows")
	p.untouched()
}

// hold listens on a port of a place, as somebody else's program would, until it's let go.
func (p *pseudo) hold(place, port string) (letGo func()) {
	p.t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(p.of(place, "ip"), p.of(place, port)))
	if err != nil {
		p.t.Fatal(err)
	}
	return func() {
		p.t.Helper()
		if err := l.Close(); err != nil {
			p.t.Fatal(err)
		}
	}
}

// occupy makes a directory that nobody expects, until it's freed.
func (p *pseudo) occupy(dir string) (free func()) {
	p.t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	return func() {
		p.t.Helper()
		if err := os.Remove(dir); err != nil {
			p.t.Fatal(err)
		}
	}
}

// What is in the way is found at the step that it is in the way of, and the run goes on
// when it is gone: directories, edited files, ports, and all that the start of a process
// can fail of.
func TestPseudoWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	p := deploy(t, "dolphindb-one-server", nil, "-e", "start_wait=15s")
	stops := func(step string, says ...string) {
		t.Helper()
		p.GoOn().Stopped("failure", "build/cluster/"+step)
		p.said(says...)
	}
	freeInstall, letGo := p.occupy(p.of("inst-3", "install")), p.hold("inst-2", "ctl_port")
	p.GoOn().Stopped("failure", "build/before/room")
	p.said(`there already: .*/home/dolphindb_3$`, `listens: .*:`+p.of("inst-2", "ctl_port"))
	p.untouched(p.of("inst-3", "install"))
	freeInstall()
	letGo()
	p.Remedy("retry") // the ports are looked at again along with the room
	p.Stepgate("resume", "--auto").Stopped("manual", "build/before/licence-allows")

	// What comes into the way later is found later.
	freeInstall = p.occupy(p.of("inst-3", "install"))
	freeData := p.occupy(p.of("inst-2", "data"))
	stops("copy[inst-3]", `there already: .*/home/dolphindb_3$`)
	freeInstall()
	p.Remedy("retry")
	stops("data[inst-2]", `there already: .*/ssd/ssd1/dolphindb_2$`)

	freeData()
	dir := filepath.Dir(p.config("inst-3", "cluster.nodes"))
	p.rename(dir, dir+".away")
	p.Remedy("retry")
	stops("write[inst-3]")
	p.rename(dir+".away", dir)

	// Somebody edits what was written, as an editor of another system would leave it.
	nodes := p.config("inst-1", "cluster.nodes")
	written := p.read(nodes)
	p.write(nodes, "\n"+written)
	p.Remedy("retry", "configure inst-3")
	stops("read-config", `✗ .*they are as they were written`, `✗ .*the header is the first line`)
	p.write(nodes, strings.Replace(written, ":"+p.of("inst-3", "node_port")+":", ":1:", 1))
	p.Remedy("retry")
	stops("read-config", `✗ .*they are as they were written`, `^\+.*:1:node3,datanode$`)
	p.write(nodes, written)

	// Start scripts exit with 0 whatever happens.
	type failure struct{ how, says string }
	failures := []failure{
		{"port", `<ERROR> :Failed to bind the socket on port \d+ with error code 98`},
		{"fail", `<ERROR> :Failed to initialize the server`},
		{"licence", `<ERROR> :.*license`},
		{"disk", `<ERROR> :.*No space left on device`},
	}
	fails := func(what, step string, failures ...failure) {
		t.Helper()
		for _, f := range failures {
			p.Fault("ddb-1:" + what + "=" + f.how)
			p.Remedy("retry")
			stops(step, f.says)
		}
	}
	fails("start", "controller[inst-1]", failures...)
	p.Fault("ddb-1:start=")
	letGo = p.hold("inst-2", "ctl_port")
	p.Remedy("retry")
	stops("controller[inst-2]", `listens: .*:`+p.of("inst-2", "ctl_port"))
	letGo()
	letGo = p.hold("inst-1", "agent_port")
	p.Remedy("retry")
	stops("agent[inst-1]", `listens: .*:`+p.of("inst-1", "agent_port"))
	letGo()
	fails("start", "agent[inst-1]", failures[0])
	p.Fault("ddb-1:start=")
	fails("datanode", "nodes", failures...)
	p.Fault("ddb-1:datanode=")
	p.Fault("ddb-1:startnode=fail")
	p.Remedy("retry")
	stops("nodes", `✗ .*the ports of all data nodes of this server are open`)
	p.Fault("ddb-1:startnode=")
	p.Fault("ddb-1:stop=survive")
	p.Remedy("retry")
	stops("drill-stop", `✗ .*it has gone, and its port is closed`)
	p.Fault("ddb-1:stop=")
	p.configured("inst-1", "inst-2", "inst-3")
	p.Remedy("retry", regexp.MustCompile(`stop controller[123]`).FindString(p.Good("export", "last")))
	p.GoOn().Done()
}

func (p *pseudo) rename(from, to string) {
	p.t.Helper()
	if err := os.Rename(from, to); err != nil {
		p.t.Fatal(err)
	}
}

// From the step where it failed everything that the run has done can be undone: what it
// started ends, what it made goes, but for data, which are put aside.
func TestPseudoIsRolledBackWhole(t *testing.T) {
	t.Parallel()
	p := deploy(t, "dolphindb-one-server", []string{"ddb-1:datanode=fail"}, "-e", "start_wait=15s")
	p.GoOn().Stopped("failure", "build/cluster/nodes")
	who := p.Sit("resume", "--plain")
	who.Types(who.Reads(`(?s)\n *(\d+) roll back: .*number> `)[1])
	who.Types(who.Reads(`(?s)\n *(\d+) this section .*how far> `)[1])
	undone := 0
	for {
		next := who.Reads(`(?s)\n *(\d+) go: roll back what is shown.*number> |\nfailure: .*number> `)[1]
		if next == "" {
			break
		}
		undone++
		who.Types(next)
		who.Reads(`type y to roll back> $`)
		who.Types("y")
	}
	who.Types("q")
	if code := who.Ends(); code != rehearsal.Failed && code != rehearsal.Waiting {
		t.Errorf("leaving ends with %d", code)
	}
	if want := 15; undone != want {
		t.Errorf("%d steps were undone, not %d", undone, want)
	}
	p.untouched()
	for _, x := range p.site.Places {
		for _, port := range []string{"ctl_port", "agent_port", "node_port"} {
			p.hold(x.Name, port)()
		}
		if aside, err := filepath.Glob(x.Vars["data"] + ".*.old"); err != nil || len(aside) != 1 {
			t.Errorf("data of %s put aside: %v, %v", x.Name, aside, err)
		}
	}
}

// hazards of the public document, by their ids: how the runbook deals with each, as seen
// in what it did.
var pseudoHazards = []struct{ id, corrects, transcript string }{
	{"H1", "an install directory is copied with its content, and compared", `diff -rq "\$template" "\$install"`},
	{"H15", "processes are started in clusterDemo, by absolute paths", `startController\.sh`},
	{"H17", "addresses are made in one place, and the files checked against each other", `✓ .*cluster.nodes and cluster.cfg are the same everywhere`},
	{"H20", "the list that the controllers keep is compared with what was written", `✓ .*sort\(split\(cluster_nodes`},
	{"H21", "which loss the cluster doesn't survive is said", `not that of server 1, which has two`},
	{"H28", "the cluster manager's addresses have the scheme that was chosen", `Open any of http://127\.`},
}

// Two servers, data nodes started by hand in the cluster manager, to the end.
func TestPseudoTwoServers(t *testing.T) {
	t.Parallel()
	p := deploy(t, "dolphindb-two-servers", []string{"ddb-2:leader=here", "ddb-1:write=lost"}, "-e", "start_wait=15s", "-e", "node_start=web-ui")
	told := (&rolling{p.Rehearsal, t}).listens()
	// The hand step is ticked, and nobody has done it.
	p.GoOn().Stopped("failure", "build/cluster/node[inst-1]")
	p.configured("inst-1", "inst-2", "inst-3")
	p.On("ddb-ops", `printf 'login("admin", "123456")\nstartDataNode(["node1", "node2", "node3"])\n' >ask.dos
`+p.Host("ddb-ops").Vars["ddb"]+` -remoteHost `+p.of("inst-2", "ip")+` -remotePort `+p.of("inst-2", "ctl_port")+` -run ask.dos`)
	// A write that is acknowledged and not there is no write.
	p.again().Stopped("failure", "build/cluster/rows")
	p.said(`"written" in lines`, `✗ .*found == "3"`)
	p.again().Done()
	transcript := p.Good("export", "last")
	for _, h := range pseudoHazards {
		if !regexp.MustCompile(h.transcript).MatchString(transcript) {
			t.Errorf("%s: that %s isn't seen in the transcript: no %q", h.id, h.corrects, h.transcript)
		}
	}
	if strings.Contains(transcript, "123456") {
		t.Error("H18: the password stands in the transcript")
	}
	if clients, leaks := told(); clients == 0 || len(leaks) > 0 {
		t.Errorf("H18: of %d clients and all else the password was an argument of %q", clients, leaks)
	}

	var started []string
	for _, x := range p.Ledger() {
		if x.Program == "dolphindb" && len(x.Args) > 1 && x.Args[0] == "-mode" {
			started = append(started, x.Host+" "+x.Args[1])
		}
		if x.Program == "stopAllNode.sh" {
			t.Errorf("H7: %s calls stopAllNode.sh, which ends whatever has dolphindb in its command line", x.Step)
		}
	}
	// The last one is what the drill had stopped.
	want := []string{
		"ddb-1 controller", "ddb-2 controller", "ddb-1 controller", "ddb-1 agent", "ddb-2 agent",
		"ddb-1 datanode", "ddb-1 datanode", "ddb-2 datanode", "ddb-2 controller",
	}
	if len(started) == len(want) {
		slices.Sort(started[5:8]) // they start at once
	}
	if !slices.Equal(started, want) {
		t.Errorf("H15: started were\n%q, not\n%q", started, want)
	}
}
