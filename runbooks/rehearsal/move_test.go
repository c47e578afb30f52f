package rehearsal_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/lab"
	"stepgate/runbooks/rehearsal"
)

// tree is what lies below a directory: each file's name and content.
func tree(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out = append(out, fmt.Sprintf("%s %x", name, sha256.Sum256(b)))
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("below %s are %d files, %v", dir, len(out), err)
	}
	return out
}

// run is the number of the rehearsal's run.
func (p *pseudo) run() string {
	p.t.Helper()
	m := regexp.MustCompile(`(?m)^\S*?([0-9a-z]{10})\b`).FindStringSubmatch(p.Good("list"))
	if m == nil {
		p.t.Fatalf("no run in:\n%s", p.Good("list"))
	}
	return m[1]
}

// clusterDemo is a file of a place's working directory.
func (p *pseudo) clusterDemo(place string, name ...string) string {
	return filepath.Join(append([]string{p.of(place, "install"), "server", "clusterDemo"}, name...)...)
}

// site is ip:port:alias of one of a place's sites: ctl, agent or node.
func (p *pseudo) siteOf(place, which string) string {
	return p.of(place, "ip") + ":" + p.of(place, which+"_port") + ":" + p.of(place, which+"_alias")
}

// listed expects cluster.nodes of these places to have exactly these controllers,
// agents and data nodes, in lines of their own, and all four files to be text of this
// system.
func (p *pseudo) listed(places, controllers, agents, nodes []string) {
	p.t.Helper()
	want := []string{"localSite,mode"}
	for mode, of := range map[string][]string{"controller": controllers, "agent": agents, "datanode": nodes} {
		for _, place := range of {
			want = append(want, p.siteOf(place, map[string]string{"controller": "ctl", "agent": "agent", "datanode": "node"}[mode])+","+mode)
		}
	}
	slices.Sort(want[1:])
	for _, place := range places {
		got := strings.Split(strings.TrimSuffix(p.read(p.config(place, "cluster.nodes")), "\n"), "\n")
		slices.Sort(got[1:])
		if !slices.Equal(got, want) {
			p.t.Errorf("H3, H6, H13, H16: cluster.nodes of %s is\n%s\nand not\n%s", place, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		for _, file := range []string{"cluster.nodes", "cluster.cfg"} {
			if p.read(p.config(place, file)) != p.read(p.config(places[0], file)) {
				p.t.Errorf("H13, H17: %s of %s is another than that of %s", file, place, places[0])
			}
		}
		for _, file := range []string{"cluster.nodes", "cluster.cfg", "controller.cfg", "agent.cfg"} {
			b, err := os.ReadFile(p.config(place, file))
			if err != nil && slices.Contains(agents, place) {
				p.t.Error(err)
			}
			if text := string(b); strings.Contains(text, "\r") || err == nil && !strings.HasSuffix(text, "\n") {
				p.t.Errorf("H4, H5: %s of %s has a carriage return, or no line break at its end:\n%q", file, place, text)
			}
		}
	}
}

// wayBack has a person undo the whole outage, from the failure that the run stands at,
// and tells how many steps that were.
func (p *pseudo) wayBack() (undone int) {
	p.t.Helper()
	who := p.Sit("resume", "--plain")
	who.Types(who.Reads(`(?s)\n *(\d+) call: .*number> `)[1])
	who.Types(who.Reads(`(?s)\n *(\d+) \S+ Give up and go back.*which> `)[1])
	who.Types(who.Reads(`(?s)\n *(\d+) go: take the checks.*number> `)[1])
	who.Types(who.Reads(`(?s)\n *(\d+) roll back: .*number> `)[1])
	who.Types(who.Reads(`(?s)\n *(\d+) this section .*how far> `)[1])
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
		p.t.Errorf("leaving ends with %d", code)
	}
	return undone
}

// retryToGate has a person repeat what failed, and leave it at its gate.
func (p *pseudo) retryToGate() {
	p.t.Helper()
	who := p.Sit("resume", "--plain")
	who.Types(who.Reads(`(?s)\n *(\d+) retry: .*number> `)[1])
	who.Reads(`(?s)GATE .*to go on, anything else declines.*> $`)
	who.Types("")
	who.Reads(`number> $`)
	who.Types("q")
	if code := who.Ends(); code != rehearsal.Failed && code != rehearsal.Waiting {
		p.t.Fatalf("leaving at the gate ends with %d\n%s", code, who.Saw())
	}
}

// One server becomes three. What is in the way stops it where it is in the way, and at
// each of these places the run goes on after the repair.
func TestMoveOneToThree(t *testing.T) {
	t.Parallel()
	p := deploy(t, "dolphindb-one-to-three", []string{"ddb-1:config=tutorial", "ddb-3:start=fail"})
	old := map[string]string{"inst-2": "old-2", "inst-3": "old-3"}
	if b := p.read(p.config("old-2", "agent.cfg")); !strings.Contains(b, "localSite=170.0.0.1:") || !strings.Contains(b, "\r\n") {
		t.Fatalf("the configuration isn't the tutorial's:\n%q", b)
	}
	before := p.read(p.config("old-1", "cluster.nodes"))
	if !strings.Contains(before, "\r\n") || strings.HasSuffix(before, "\n") {
		t.Fatalf("cluster.nodes isn't the tutorial's:\n%q", before)
	}

	// Somebody has left a copy of the configuration, and a directory where one is to come.
	left := p.clusterDemo("old-1", "config.bak")
	freeLeft, freeTarget := p.occupy(left), p.occupy(p.of("inst-2", "install"))
	p.GoOn().Stopped("failure", "outage/carry/to[inst-2]/install")
	if got := p.Did("stopAllNode.sh"); len(got) != 1 {
		t.Errorf("H7: stopAllNode.sh was called %q", got)
	}
	freeTarget()
	p.Remedy("retry")

	// Somebody is where the old controller3 was, as an old copy of it would be.
	letGo := p.hold("old-3", "ctl_port")
	p.GoOn().Stopped("failure", "outage/up/nobody", `listens: .*:`+p.of("old-3", "ctl_port"))
	letGo()
	p.Remedy("retry")

	// A controller that is started ends at once; its script's exit code is 0.
	p.GoOn().Stopped("failure", "outage/up/controllers", `<ERROR> :Failed to initialize the server`)
	all := []string{"inst-1", "inst-2", "inst-3"}
	p.listed(all, all, all, all)
	run := p.run()
	for place, from := range old {
		for _, dir := range []string{"install", "data"} {
			if _, err := os.Stat(p.of(from, dir)); err == nil {
				t.Errorf("H26: %s is where it can be started by mistake", p.of(from, dir))
			}
		}
		aside, data := p.of(from, "data")+".moved."+run, p.of(place, "data")
		was := tree(t, aside)
		if got := tree(t, data); place == "inst-3" && !slices.Equal(got, was) {
			t.Errorf("H2: %s isn't what %s was:\n%s\n%s", data, aside, strings.Join(got, "\n"), strings.Join(was, "\n"))
		}
		kept := filepath.Join(p.of(from, "install")+".moved."+run, "server", "clusterDemo", "config", "cluster.nodes")
		if p.read(kept) != before {
			t.Errorf("H29: %s was changed:\n%q", kept, p.read(kept))
		}
	}
	if p.read(p.clusterDemo("inst-1", "config."+run, "cluster.nodes")) != before || p.read(p.clusterDemo("inst-1", "config."+run+".old", "cluster.nodes")) != before {
		t.Error("the configuration of before isn't kept as it was")
	}
	freeLeft() // which also shows that nothing came into it
	if agent := p.read(p.config("inst-2", "agent.cfg")); !strings.Contains(agent, "\nlocalSite="+p.siteOf("inst-2", "agent")+"\n") {
		t.Errorf("H17: the tutorial's wrong address stays:\n%s", agent)
	}

	p.Fault("ddb-3:start=")
	p.Fault("ddb-2:datanode=port")
	p.retryToGate()
	p.GoOn().Stopped("failure", "outage/up/nodes/start", `Failed to bind the socket on port \d+ with error code 98`)
	p.Fault("ddb-2:datanode=")
	p.Remedy("retry")
	p.GoOn().Done()
	p.said(`dfs://quotes/quotes 120$`, `dfs://stock/stock 200$`, `Reads were not served for \d+`, `\+ ?.*:agent2,agent`)
	for _, host := range []string{"ddb-1", "ddb-2", "ddb-3"} {
		for _, mode := range []string{"controller", "agent", "datanode"} {
			if !slices.ContainsFunc(p.Did("dolphindb"), func(s string) bool {
				return strings.HasPrefix(s, host+" ") && strings.Contains(s, "-mode "+mode)
			}) {
				t.Errorf("no %s was started on %s: %q", mode, host, p.Did("dolphindb"))
			}
		}
	}
}

// serves expects the cluster of these places to have the rows of the beginning, and its
// controllers to keep a list with these addresses.
func (p *pseudo) serves(controllers []string, node string, tables map[string]int) {
	p.t.Helper()
	script := filepath.Join(p.t.TempDir(), "rows.dos")
	text, want := "login('admin', '123456')\n", ""
	for name, rows := range tables {
		text += fmt.Sprintf("print(exec count(*) from loadTable('dfs://%s', '%s'))\n", name, name)
		want += fmt.Sprintf("%d\n", rows)
	}
	p.write(script, text)
	ask := func(place, port string) string {
		return p.On("ddb-ops", fmt.Sprintf("%s -remoteHost %s -remotePort %s -run %s",
			p.Root("ddb-ops")+"/opt/dolphindb/server/dolphindb", p.of(place, "ip"), p.of(place, port), script))
	}
	if got := ask(node, "node_port"); got != want {
		p.t.Errorf("H26: the old cluster has %q, and not %q", got, want)
	}
	p.write(script, "login('admin', '123456')\nif (getNodeAlias() == getActiveMaster()) { for (line in getClusterNodesCfg()) { print(line) } }\n")
	var list string
	for _, place := range controllers {
		list += ask(place, "ctl_port")
	}
	for _, place := range controllers {
		if !strings.Contains(list, p.siteOf(place, "ctl")+",controller\n") {
			p.t.Errorf("H20: the controllers keep a list without %s:\n%s", p.siteOf(place, "ctl"), list)
		}
	}
	if got := strings.Count(list, ",controller\n"); got != len(controllers) {
		p.t.Errorf("H20: the controllers keep a list with %d controllers:\n%s", got, list)
	}
}

// Data that doesn't arrive is missed before anything is written, and then the whole
// outage can be undone: the old cluster serves what it served, and its controllers keep
// the list that they kept, although they had been told another.
func TestMoveIsUndoneWhole(t *testing.T) {
	t.Parallel()
	p := deploy(t, "dolphindb-one-to-three", []string{"ddb-3:start=fail", "ddb-1:nodescfg=stale"})
	p.GoOn().Stopped("failure", "outage/up/controllers")
	for _, place := range []string{"inst-2", "inst-3"} {
		if err := os.RemoveAll(filepath.Join(p.of(place, "data"), "volumes", "CHUNKS")); err != nil {
			t.Fatal(err)
		}
	}
	// Where each chunk's replicas lie is the cluster's choice: what stayed is put away, too.
	stayed := filepath.Join(p.of("inst-1", "data"), "volumes", "CHUNKS")
	if err := os.Rename(stayed, stayed+".away"); err != nil {
		t.Fatal(err)
	}
	p.Fault("ddb-3:start=")
	p.retryToGate()
	e := p.GoOn()
	if err := errors.Join(os.RemoveAll(stayed), os.Rename(stayed+".away", stayed)); err != nil {
		t.Fatal(err)
	}
	e.Stopped("failure", "outage/same-rows", `fail before\.table_rows == after\.table_rows`, `Tell them the list`)
	if got, want := p.wayBack(), 25; got != want {
		t.Errorf("%d steps were undone, not %d", got, want)
	}
	for _, place := range []string{"inst-2", "inst-3"} {
		for _, dir := range []string{"install", "data"} {
			if _, err := os.Stat(p.of(place, dir)); err == nil {
				t.Errorf("H26: %s is still there", p.of(place, dir))
			}
		}
	}
	run := p.run()
	for _, place := range []string{"old-1", "old-2", "old-3"} {
		tree(t, p.clusterDemo(place, "metadata."+run, "raft"))
		if left, _ := filepath.Glob(p.of(place, "data") + "/dfsMeta." + run + ".*.old"); len(left) != 1 {
			t.Errorf("%s has its own metadata, and beside it %q", place, left)
		}
	}
	p.serves([]string{"old-1", "old-2", "old-3"}, "old-2", map[string]int{"stock": 200})
}

// terminate sends SIGTERM to a host's data nodes, as somebody would whose stop had no
// effect.
func (p *pseudo) terminate(host string) {
	p.t.Helper()
	p.On(host, `ps -eo pid=,comm=,args= | while read -r pid comm args; do case $comm:$args:$(readlink "/proc/$pid/cwd") in dolphindb:*'-mode datanode'*:`+p.Root(host)+`/*) kill "$pid" || : ;; esac; done`)
}

// await waits until something holds that another process brings about.
func (p *pseudo) await(what string, holds func() bool) {
	p.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("waited for: %s", what)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Two servers become three, although the tutorial's files differ, a disk is too small,
// data nodes don't end, a link is cut while data is carried, and the controllers keep
// their old list.
func TestMoveTwoToThree(t *testing.T) {
	t.Parallel()
	p := deploy(t, "dolphindb-two-to-three", []string{
		"ddb-1:config=tutorial", "ddb-2:config=tutorial", "ddb-1:nodescfg=stale", "ddb-3:datanode=port", "ddb-3:disk=full", "ddb-2:stop=survive",
	})
	p.GoOn().Stopped("failure", "preflight/cluster/same")
	p.said(`✗ .*cluster.nodes is the same everywhere`)
	if got := p.Did("stopAllNode.sh"); len(got) != 0 {
		t.Errorf("H17: it was stopped all the same: %q", got)
	}
	p.write(p.config("old-2", "cluster.nodes"), p.read(p.config("old-1", "cluster.nodes")))
	p.Remedy("run again", "cluster/configuration", "y")
	p.GoOn().Stopped("failure", "preflight/cluster/same")
	p.Remedy("retry")
	p.GoOn().Stopped("failure", "preflight/room/place[inst-3]/space", `KiB free, a fifth more`)
	p.Fault("ddb-3:disk=")
	p.Remedy("retry")

	// What is carried is compared by this, which waits until the link is cut.
	whole, gate, mark := p.of("inst-3", "data"), filepath.Join(t.TempDir(), "gate"), filepath.Join(t.TempDir(), "mark")
	sum := filepath.Join(p.Root("ddb-3"), "usr", "bin", "sha256sum")
	p.write(sum, fmt.Sprintf("#!/bin/sh\nif [ -e '%s.part' ]; then\n  : >'%s'\n  while [ ! -e '%s' ]; do sleep 0.05; done\nfi\nexec /usr/bin/sha256sum \"$@\"\n", whole, mark, gate))
	if err := os.Chmod(sum, 0o755); err != nil {
		t.Fatal(err)
	}
	went := make(chan rehearsal.Ended, 1)
	go func() { went <- p.GoOn() }()

	p.await("data nodes are told to stop", func() bool {
		return slices.ContainsFunc(p.Ledger(), func(e lab.Entry) bool { return strings.Contains(strings.Join(e.Args, " "), "stopDataNode") })
	})
	p.Fault("ddb-2:stop=")
	if got := p.Did("stopAllNode.sh"); len(got) != 0 {
		t.Errorf("H8: with a data node that doesn't end it went on: %q", got)
	}
	p.terminate("ddb-2")
	p.await("data is carried", func() bool { return exists(mark) })
	p.Fault("ddb-3:link=cut")
	if exists(whole) {
		t.Errorf("H2: %s has its name before it was compared", whole)
	}
	p.write(gate, "")
	p.Fault("ddb-3:link=")
	(<-went).Stopped("failure", "outage/up/nodes/start", `error code 98`)
	run := p.run()
	if was, got := tree(t, p.of("old-3", "data")+".moved."+run+"/volumes"), tree(t, whole+"/volumes"); !slices.Equal(got, was) {
		t.Errorf("H2: %s has\n%s\nand not\n%s", whole, strings.Join(got, "\n"), strings.Join(was, "\n"))
	}
	all := []string{"inst-1", "inst-2", "inst-3"}
	p.listed(all, all, all, all)
	p.Fault("ddb-3:datanode=")
	p.Remedy("retry")
	p.GoOn().Done()
	if got := p.Did("stopAllNode.sh"); len(got) != 2 {
		t.Errorf("H7: stopAllNode.sh was called %q", got)
	}
	if got := p.Did("dolphindb"); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "saveClusterNodes") }) {
		t.Errorf("H20: the controllers weren't told: %q", got)
	}
	p.said(`Tell them the list`, `dfs://stock/stock 200$`)
}
