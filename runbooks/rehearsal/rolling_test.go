package rehearsal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stepgate/runbooks/rehearsal"
)

// rolling is a rehearsal of the rolling upgrade.
type rolling struct {
	*rehearsal.Rehearsal
	t *testing.T
}

// roll begins one in which ddb-3 leads, so that the hosts go in the inventory's order.
func roll(t *testing.T, faults []string, args ...string) *rolling {
	t.Helper()
	return rollLed(t, "ddb-3", faults, args...)
}

func rollLed(t *testing.T, leader string, faults []string, args ...string) *rolling {
	t.Helper()
	args = append([]string{"-e", "stop_time=8s", "-e", "start_time=8s", "-e", "recovery_time=8s", "-e", "max_stall=20s"}, args...)
	r := &rolling{rehearsal.BeginWith(t, "dolphindb-rolling-upgrade", "dolphindb", append(faults, leader+":leader=here"), args...), t}
	r.lead(leader)
	return r
}

// lead makes a host's controller the leader, by restarting the one that is.
func (r *rolling) lead(host string) {
	r.t.Helper()
	for range 20 {
		leader := strings.TrimSpace(r.ask("ddb-1", "ctl_port", "print(getActiveMaster())"))
		if leader == r.Host(host).Vars["ctl_alias"] {
			return
		}
		for _, h := range r.Cluster.Hosts {
			if leader != "" && h.Vars["ctl_alias"] == leader {
				r.ends(h.Name, "-mode controller")
				r.On(h.Name, "cd "+r.demo(h.Name)+" && sh startController.sh")
			}
		}
		r.On(host, "sleep 0.5")
	}
	r.t.Fatalf("%s doesn't come to lead", host)
}

// ends stops those of a host's processes that have this in their command line, and
// waits for it.
func (r *rolling) ends(host, what string) {
	r.t.Helper()
	r.On(host, fmt.Sprintf(`for p in $(ps -eo pid=,comm=,args= | awk '$2 == "dolphindb"' | grep -e '%s' | awk '{ print $1 }'); do
if [ "$(readlink /proc/$p/cwd)" = %s ]; then kill "$p"; while [ -e "/proc/$p" ]; do sleep 0.1; done; fi
done`, what, r.demo(host)))
}

// starts brings back a host's nodes as an operator would, and waits for them.
func (r *rolling) starts(host string) {
	r.t.Helper()
	r.On(host, "cd "+r.demo(host)+" && sh startController.sh && sh startAgent.sh")
	r.startsNode(host)
}

// startsNode has the leader start a host's data node, and waits until all of the host
// is alive.
func (r *rolling) startsNode(host string) {
	r.t.Helper()
	v, other := r.Host(host).Vars, "ddb-1"
	if host == other {
		other = "ddb-2"
	}
	var out string
	for range 60 {
		out = r.ask(other, "node_port", fmt.Sprintf(`login("admin", "123456")
rpc(getControllerAlias(), startDataNode, [%q])
print(select name, state from rpc(getControllerAlias(), getClusterPerf, true) where state == 1)`, v["node_alias"]))
		if strings.Contains(out, v["ctl_alias"]) && strings.Contains(out, v["agent_alias"]) && regexp.MustCompile(`(?m)^`+v["node_alias"]+` `).MatchString(out) {
			return
		}
		r.On(host, "sleep 0.5")
	}
	r.t.Fatalf("%s doesn't come back:\n%s", host, out)
}

// demo is a host's directory with the scripts, the data and the logs.
func (r *rolling) demo(host string) string {
	return filepath.Join(r.Host(host).Vars["install"], "server", "clusterDemo")
}

// ask runs a script at a host's data node, or its controller, as an operator would.
func (r *rolling) ask(host, port, script string) string {
	r.t.Helper()
	h, ops := r.Host(host), r.Host("ddb-ops")
	file := filepath.Join(r.Root("ddb-ops"), "ask.dos")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return r.On("ddb-ops", fmt.Sprintf("%s -remoteHost %s -remotePort %s -uid admin -pwd 123456 -run %s", ops.Vars["ddb"], h.Vars["ip"], h.Vars[port], file))
}

// chunks are the states of the cluster's chunks and how many replicas each has at most,
// as its leader tells.
func (r *rolling) chunks(host string) string {
	r.t.Helper()
	return r.ask(host, "node_port", `print(select state, count(*) as chunks, max(replicaCount) as replicas from rpc(getControllerAlias(), getClusterChunksStatus) group by state)`)
}

// constructing lets the oldest chunk of each host be in a transaction for ever, or
// ends that.
func (r *rolling) constructing(on bool) {
	r.t.Helper()
	for _, host := range []string{"ddb-1", "ddb-2", "ddb-3"} {
		if !on {
			r.Fault(host + ":chunk=")
			continue
		}
		r.Fault(host + ":chunk=constructing")
	}
	if has := strings.Contains(r.chunks("ddb-1"), "CONSTRUCTING"); on && !has {
		r.t.Fatalf("no chunk is CONSTRUCTING:\n%s", r.chunks("ddb-1"))
	}
}

// contiguous expects the writer's rows to be there without a gap, each once, as an
// outsider reads them.
func (r *rolling) contiguous() {
	r.t.Helper()
	out := r.ask("ddb-1", "node_port", `t = loadTable("dfs://stock", "stock")
print(string(exec count(*) from t where id > 200) + " rows, " + string(exec nunique(id) from t where id > 200) + " ids up to " + string(exec max(id) from t))`)
	m := regexp.MustCompile(`(\d+) rows, (\d+) ids up to (\d+)`).FindStringSubmatch(out)
	if m == nil || m[1] != m[2] || fmt.Sprint(atoi(r.t, m[3])-200) != m[1] || atoi(r.t, m[1]) < 10 {
		r.t.Errorf("the writer's rows: %q", out)
	}
}

// fails is what a fault brings about.
type fails struct {
	fault string
	typed []string // by the person who tries again what failed before it
	step  string   // of ddb-1, at which the run fails then
	says  []string
}

// stops expects the run to fail there and to say why.
func (r *rolling) stops(f fails) {
	r.t.Helper()
	r.Fault(f.fault)
	seen, e := r.again(f.typed...)
	if want := "waiting: failure upgrade/hosts[ddb-1]/" + f.step + " "; !strings.Contains(e.Stderr, want) {
		r.t.Fatalf("with %s there is no %q, it ended with %d:\n%s\n%s", f.fault, want, e.Code, e.Stderr, r.Good("show", "last"))
	}
	if slices.Contains([]string{"replace", "controller", "controller-version", "node"}, f.step) { // its data node is down
		if out := r.chunks("ddb-2"); !regexp.MustCompile(`(?m) 2 *$`).MatchString(out) || regexp.MustCompile(`(?m) [3-9] *$`).MatchString(out) {
			r.t.Errorf("H23: recovery is suspended, and with %s there are new replicas:\n%s", f.fault, out)
		}
	}
	for _, s := range f.says {
		if !regexp.MustCompile(s).MatchString(seen + e.Stdout) {
			r.t.Errorf("with %s nobody says %q in:\n%s\n%s", f.fault, s, seen, e.Stdout)
		}
	}
}

// again has a person try again what failed, typing this where it is asked for, and goes
// on. It returns what that person saw.
func (r *rolling) again(typed ...string) (string, rehearsal.Ended) {
	r.t.Helper()
	seen := r.Remedy("retry", typed...)
	return seen, r.GoOn()
}

func TestRollingGoesOnAfterEachFaultOfAHost(t *testing.T) {
	t.Parallel()
	r := roll(t, nil, "-e", "recovery=suspend")
	told := r.listens()
	r.Fault("ddb-1:stop=survive")
	r.GoOn().Stopped("failure", "upgrade/hosts[ddb-1]/stop", `-mode controller`, "every process has gone and the ports are free")
	r.Fault("ddb-1:stop=")
	gate := []string{"RERUN upgrade/hosts[ddb-1]/node ddb-ops", "no way back on ddb-1"}
	for _, f := range []fails{
		{"ddb-1:upgrade=missing-tag", []string{"stop ddb-1"}, "replace", []string{"only its last line says that it has upgraded"}},
		{"ddb-1:upgrade=rc1", nil, "replace", []string{"only its last line says that it has upgraded"}},
		{"ddb-1:upgrade=", nil, "", nil},
		{"ddb-1:start=port", nil, "controller", []string{"Failed to bind the socket on port [0-9]+ with error code 98"}},
		{"ddb-1:start=licence", nil, "controller", []string{"<ERROR>.*(?i)licen[cs]e"}},
		{"ddb-1:start=disk", nil, "controller", []string{"<ERROR>.*(?i)(disk|space)"}},
		{"ddb-1:start=fail", nil, "controller", []string{"its process runs"}},
		{"ddb-1:start=", nil, "", nil},
		{"ddb-1:version=old", nil, "controller-version", []string{"else the package was not applied, or an old process has survived"}},
		{"ddb-1:version=", nil, "", nil},
		{"ddb-1:datanode=port", nil, "node", []string{"Failed to bind the socket on port [0-9]+ with error code 98"}},
		{"ddb-1:datanode=licence", gate, "node", []string{"<ERROR>.*(?i)licen[cs]e"}},
		{"ddb-1:datanode=disk", gate, "node", []string{"<ERROR>.*(?i)(disk|space)"}},
		{"ddb-1:datanode=fail", gate, "node", []string{"its port is open"}},
		{"ddb-1:datanode=", nil, "", nil},
		{"ddb-1:startnode=fail", gate, "node", []string{"its port is open"}},
		{"ddb-1:startnode=", nil, "", nil},
		{"ddb-1:recover=never", gate, "recovered", []string{"no chunk is being recovered"}},
	} {
		if f.step == "" {
			r.Fault(f.fault)
			continue
		}
		r.stops(f)
	}
	r.Fault("ddb-1:recover=")
	r.Fault("ddb-2:stop=slow") // that is only waited for
	r.Fault("ddb-3:version=old")
	_, e := r.again()
	e.Stopped("failure", "upgrade/hosts[ddb-3]/controller-version", "else the package was not applied, or an old process has survived")
	r.contiguous()
	r.copies("ddb-1", "ddb-2", "ddb-3")
	r.Fault("ddb-3:version=")
	_, e = r.again()
	e.Done()
	if clients, leaks := told(); clients == 0 || len(leaks) > 0 {
		t.Errorf("H18: of %d clients and all else the password was an argument of %q", clients, leaks)
	}
	r.hazards()
}

// kept are the directories that are copied before a host gets the new version.
func (r *rolling) kept(host string) []string {
	v, data := r.Host(host).Vars, filepath.Join(r.demo(host), "data")
	return []string{
		filepath.Join(data, v["ctl_alias"], "dfsMeta"), filepath.Join(data, v["ctl_alias"], "raft"),
		filepath.Join(data, v["node_alias"], "storage", "CHUNK_METADATA"), filepath.Join(v["install"], "server"),
	}
}

// copiesOf are a host's copies of them.
func (r *rolling) copiesOf(host string) (all []string) {
	r.t.Helper()
	for _, dir := range r.kept(host) {
		copies, err := filepath.Glob(dir + ".*")
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, copies...)
	}
	return all
}

// copies expects on each host one copy of each, and none inside another.
func (r *rolling) copies(hosts ...string) {
	r.t.Helper()
	for _, host := range hosts {
		copies, kept := r.copiesOf(host), r.kept(host)
		if len(copies) != len(kept) {
			r.t.Fatalf("%s has the copies %v", host, copies)
		}
		for i, dir := range kept {
			if !strings.HasPrefix(copies[i], dir+".") {
				r.t.Errorf("%s is no copy of %s", copies[i], dir)
			}
			if _, err := os.Stat(filepath.Join(copies[i], filepath.Base(dir))); err == nil {
				r.t.Errorf("a copy is inside of %s", copies[i])
			}
		}
	}
}

// What an earlier run has upgraded is left out. On the next host everything up to the
// start of the data node can be taken back, and is then as it was.
func TestRollingLeavesOutWhatIsDoneAndHasAWayBack(t *testing.T) {
	t.Parallel()
	r := roll(t, nil)
	pack := r.Cluster.Params["package"]
	r.On("ddb-1", "cd "+r.demo("ddb-1")+" && sh stopAllNode.sh")
	r.ends("ddb-1", "dolphindb")
	r.On("ddb-1", "cd "+r.demo("ddb-1")+" && cp "+pack+" . && printf 'y\\n2\\n2.00.8.12\\n' | sh upgrade.sh && rm -f *.zip")
	r.starts("ddb-1")
	r.Fault("ddb-2:version=old")
	r.GoOn().Stopped("failure", "upgrade/hosts[ddb-2]/controller-version", "else the package was not applied, or an old process has survived")
	if len(r.copiesOf("ddb-1")) > 0 {
		t.Errorf("ddb-1 was done already, and there are %v", r.copiesOf("ddb-1"))
	}
	r.Fault("ddb-2:version=")
	answers := []string{"2"}
	for range 7 { // agent, controller, plugins, programs in their place, both copies, stop
		answers = append(answers, "1", "y")
	}
	seen := r.Remedy("roll back", answers...)
	if n := strings.Count(seen, " rolled back "); n != 7 {
		t.Errorf("%d steps were rolled back:\n%s", n, seen)
	}
	out := r.ask("ddb-2", "ctl_port", "print(version())") + "controller\n" + r.ask("ddb-3", "node_port", "print(pnodeRun(version))")
	if !strings.HasPrefix(out, "2.00.7.4") || strings.Count(out, "2.00.7.4") != 3 || !strings.Contains(seen, "every node is alive again   9 of 9") {
		t.Errorf("after the rollback there are\n%s\n%s", out, seen)
	}
	for _, left := range r.copiesOf("ddb-2") {
		if !strings.HasSuffix(left, ".new") { // what the new version made of the metadata
			t.Errorf("the rollback leaves %s", left)
		}
	}
	r.contiguous()
	r.Good("abort", "last", "--why", "seen enough")
}

// What stands in the way before a host leaves, and while it is away.
func TestRollingWaitsForTheCluster(t *testing.T) {
	t.Parallel()
	r := roll(t, nil)
	r.constructing(true)
	r.Fault("ddb-2:disk=full")
	r.GoOn().Stopped("failure", "before/room", "fail KiB free on each file system", "fail every transaction of a while ago has ended")
	r.Fault("ddb-2:disk=")
	_, e := r.again()
	e.Stopped("failure", "before/constructing-ends")

	// Leadership moves to the host whose turn is next.
	r.Fault("ddb-3:leader=")
	r.Fault("ddb-1:leader=here")
	r.lead("ddb-1")
	r.constructing(false)
	_, e = r.again()
	e.Stopped("failure", "upgrade/hosts[ddb-1]/stop", "it doesn't lead, or all others are done: else move it to the end of the walk")
	r.Fault("ddb-2:stop=survive")
	r.Remedy("postpone", "ddb-1 leads")
	r.GoOn().Stopped("failure", "upgrade/hosts[ddb-2]/stop", "every process has gone and the ports are free")

	// A second host is lost while one is away: no majority of controllers, no writes.
	r.Fault("ddb-2:stop=")
	r.Remedy("retry", "stop ddb-2")
	r.ends("ddb-3", "dolphindb")
	r.GoOn().Stopped("failure", "upgrade/hosts[ddb-2]/serve", "rows are written while it is down")
	r.starts("ddb-3")

	// What the cluster says it has, it hasn't.
	r.Fault("ddb-1:write=lost")
	_, e = r.again()
	if strings.Contains(e.Stderr, "waiting: monitor upgrade/writer ") { // it was red, if only for a moment
		r.Remedy("acknowledge", "ddb-3 was down as well")
		e = r.GoOn()
	}
	e.Stopped("failure", "upgrade/hosts[ddb-2]/rows", "no id is missing, none is there twice")
	m := regexp.MustCompile(`(?m)\| (\d+) +2 *$`).FindStringSubmatch(e.Stdout)
	if m == nil {
		t.Fatalf("the lost row isn't named:\n%s", e.Stdout)
	}
	r.ask("ddb-1", "node_port", fmt.Sprintf(`tableInsert(loadTable("dfs://stock", "stock"), table([now()] as time, ["hand"] as name, [%d] as id))`, atoi(t, m[1])-1))
	r.Fault("ddb-1:write=twice")
	_, e = r.again()
	e.Stopped("failure", "upgrade/hosts[ddb-3]/rows", "no id is missing, none is there twice", `(?m)\| \d+ +0 *$`)
	r.Remedy("skip", "one row of the lab is there twice")
	r.Good("abort", "last", "--why", "seen enough")
}

func TestRollingRefusesABrokenPackage(t *testing.T) {
	t.Parallel()
	r := roll(t, []string{"ddb-ops:package=broken"})
	r.GoOn().Stopped("failure", "before/package", "(?i)end-of-central-directory|zipfile")
	if stops := r.Did("stopAllNode.sh"); len(stops) > 0 {
		t.Errorf("stopped were %v", stops)
	}
	r.Good("abort", "last", "--why", "seen enough")
}

// Where the data nodes are started by hand, the run sees whether they were. The
// leader's host is the inventory's first, and goes last.
func TestRollingSeesWhetherADataNodeWasStartedByHand(t *testing.T) {
	t.Parallel()
	r := rollLed(t, "ddb-1", nil, "-e", "node_start=web-ui", "-e", "recovery_time=40s")
	r.GoOn().Stopped("failure", "upgrade/hosts[ddb-2]/back", "fail controller, agent and data node listen", "fail every node is alive")

	// What is CONSTRUCTING, if always the same, holds up nothing from here on.
	r.constructing(true)
	r.startsNode("ddb-2")
	_, e := r.again()
	e.Stopped("failure", "upgrade/hosts[ddb-3]/back")
	if out := r.chunks("ddb-1"); !strings.Contains(out, "CONSTRUCTING") {
		t.Errorf("H24: the gates were passed when no chunk was CONSTRUCTING:\n%s", out)
	}
	r.constructing(false)

	r.startsNode("ddb-3")
	_, e = r.again()
	e.Stopped("failure", "upgrade/hosts[ddb-1]/back")
	if stops := r.Did("stopAllNode.sh"); !slices.Equal(stops, []string{"ddb-2", "ddb-3", "ddb-1"}) {
		t.Errorf("H25: the leader's host isn't the last of %v", stops)
	}
	r.startsNode("ddb-1")
	r.contiguous()
	r.Good("abort", "last", "--why", "seen enough")
}
