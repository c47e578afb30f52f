package dolphindb_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"stepgate/lab"
	"stepgate/lab/dolphindb"
)

const unhealthy = `print(exec count(*) from rpc(getControllerAlias(), getClusterChunksStatus) where state != "COMPLETE")`

const rowsOfStock = `print(exec count(*) from loadTable("dfs://stock", "stock"))`

// Every scene stands where it says at its beginning.
func TestScenes(t *testing.T) {
	t.Parallel()
	for _, sc := range (dolphindb.System{}).Scenes() {
		t.Run(sc.Name, func(t *testing.T) {
			t.Parallel()
			c := begin(t, sc.Name)
			var running []string
			for _, h := range c.Hosts {
				if h.Vars["install"] != "" {
					running = append(running, h.Name)
				}
			}
			for _, p := range c.Places {
				if strings.Contains(strings.Join(p.Groups, " "), "old") {
					running = append(running, p.Name)
				}
				if p.Vars["os_user"] == "" || p.Vars["ctl_port"] == "0" || !strings.HasPrefix(p.Vars["install"], c.Root(p.On)) {
					t.Errorf("place %s: %v", p.Name, p.Vars)
				}
			}
			if len(running) == 0 {
				if r := c.run("ddb-1", "", "unzip -t "+c.Params["package"]); r.exit != 0 {
					t.Errorf("the package: %+v", r)
				}
				return
			}
			first := running[0]
			c.printed(first, "node", unhealthy, "0")
			c.printed(first, "node", rowsOfStock, "200")
			c.printed(first, "ctl", `print(exec count(*) from rpc(getControllerAlias(), getClusterPerf, true) where mode == 0 && state == 1)`, "3")
			leader := strings.TrimSpace(c.dos(first, "ctl", "print(getActiveMaster())").out)
			aliases := []string{}
			for _, name := range running {
				aliases = append(aliases, c.place(name)["ctl_alias"])
			}
			if !strings.Contains(strings.Join(aliases, " "), leader) || leader == "" {
				t.Errorf("%q leads, of %v", leader, aliases)
			}
		})
	}
}

// One server of three is stopped and started again, while rows are read and written.
func TestOneServerDown(t *testing.T) {
	t.Parallel()
	c := begin(t, "dolphindb", "ddb-2:leader=here")
	insert := func(id int) string {
		return `loadTable("dfs://stock", "stock").append!(table([now()] as time, ["Apple"] as name, [` + strconv.Itoa(id) + `] as id))` + "\nprint(\"ok\")"
	}
	c.printed("ddb-2", "node", insert(201), "ok")
	c.run("ddb-1", c.demo("ddb-1"), "sh stopAllNode.sh")
	c.none("ddb-1")
	c.printed("ddb-2", "node", insert(202), "ok")
	c.printed("ddb-3", "node", rowsOfStock, "202")
	leader := "ddb-2"
	if c.dos("ddb-2", "ctl", "print(getActiveMaster())").out == "HActl45\n" {
		leader = "ddb-3"
	}
	// Without its agent the node can't be started; with a fault it's started in vain.
	if r := c.dos(leader, "ctl", `startDataNode(["node43"])`); !strings.Contains(r.out, "agent") {
		t.Errorf("without an agent: %+v", r)
	}
	c.run("ddb-1", c.demo("ddb-1"), "sh startController.sh; sh startAgent.sh")
	c.logged("ddb-1", "agent.log", "Job scheduler initialization completed")
	for value, line := range map[string]string{"port": "with error code 98", "licence": "The license has expired", "disk": "No space left on device", "fail": "Failed to initialize the server"} {
		c.fault("ddb-1:datanode=" + value)
		c.eventually("the order is taken", func() bool { return strings.TrimSpace(c.dos(leader, "ctl", `startDataNode(["node43"])`).out) == "" })
		c.logged("ddb-1", "node43.log", "<ERROR> :.*"+line)
		c.eventually("the node has ended", func() bool { return len(c.processes("ddb-1")) == 2 })
	}
	c.fault("ddb-1:datanode=")
	c.dos(leader, "ctl", `startDataNode(["node43"])`)
	c.logged("ddb-1", "node43.log", `ChunkMgmt initialization completed\.`)
	c.printed("ddb-1", "node", unhealthy, "0")
	c.printed("ddb-1", "node", rowsOfStock, "202")
	c.printed("ddb-1", "node", "print(size(pnodeRun(version)))", "3")
	// By the leader's order it goes again.
	c.dos(leader, "ctl", `stopDataNode(["node43"])`)
	c.eventually("the node has ended", func() bool { return len(c.processes("ddb-1")) == 2 })
	c.logged("ddb-1", "node43.log", `MainServer shutdown\.`)
}

// A lab that was killed is a reboot: what ran runs again, what was stopped doesn't,
// and every row is there.
func TestReboot(t *testing.T) {
	t.Parallel()
	c := begin(t, "dolphindb")
	c.run("ddb-3", c.demo("ddb-3"), "sh stopAllNode.sh")
	c.none("ddb-3")
	c.reboot()
	if n1, n3 := len(c.processes("ddb-1")), len(c.processes("ddb-3")); n1 != 3 || n3 != 0 {
		t.Errorf("%d processes on ddb-1, %d on ddb-3", n1, n3)
	}
	c.printed("ddb-1", "node", unhealthy, "0")
	c.printed("ddb-1", "node", rowsOfStock, "200")
	// A first boot that was cut off is made again.
	c.write(filepath.Join(c.Dir, "fresh"), "")
	c.reboot()
	if n := len(c.processes("ddb-3")); n != 3 {
		t.Errorf("%d processes on ddb-3", n)
	}
	c.printed("ddb-1", "node", unhealthy, "0")
	c.printed("ddb-1", "node", rowsOfStock, "200")
}

// reboot kills the lab and starts it again.
func (c *cluster) reboot() {
	c.t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(c.read(filepath.Join(c.Dir, "pid"))))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
	c.none("ddb-1")
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if _, err := lab.Start(ctx, c.Dir); err != nil {
		c.t.Fatal(err)
	}
}

// An install directory and its data are moved to another machine: absolute paths in
// the configuration stay, and mean the new machine.
func TestMove(t *testing.T) {
	t.Parallel()
	c := begin(t, "dolphindb-two-to-three")
	c.run("ddb-1", c.demo("old-1"), "sh stopAllNode.sh")
	c.run("ddb-2", c.demo("old-2"), "sh stopAllNode.sh")
	for _, name := range []string{"old-1", "old-2", "old-3"} {
		c.none(name)
	}
	moved := c.place("inst-3")
	for _, part := range []string{"install", "data"} {
		if r := c.run("ddb-3", "", "cp -r "+moved["from_"+part]+" "+filepath.Dir(moved[part])+"/"); r.exit != 0 {
			t.Fatalf("%+v", r)
		}
	}
	alias := moved["agent_port"] + ":agent3,agent"
	for _, name := range []string{"inst-1", "inst-2", "inst-3"} {
		script := `sed -i -e 's/\r$//' -e '$a\' config/*
sed -i -E 's/` + moved["from_ip"] + `:([0-9]+):(controller3|agent3|node3)([,:]|$)/` + moved["ip"] + `:\1:\2\3/g' config/*
echo ` + moved["ip"] + ":" + alias + ` >>config/cluster.nodes`
		if r := c.run(c.on(name), c.demo(name), script); r.exit != 0 {
			t.Fatalf("%+v", r)
		}
	}
	if err := os.Rename(moved["from_data"], moved["from_data"]+".aside"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"inst-1", "inst-2", "inst-3"} {
		c.run(c.on(name), c.demo(name), "sh startController.sh; sh startAgent.sh")
	}
	c.printed("inst-3", "ctl", `print(exec count(*) from rpc(getControllerAlias(), getClusterPerf, true) where mode == 1 && state == 1)`, "3")
	c.eventually("the nodes are ordered", func() bool {
		return strings.TrimSpace(c.dos("inst-1", "ctl", `rpc(getControllerAlias(), startDataNode, ["node1", "node2", "node3"])`).out) == ""
	})
	c.logged("inst-3", "node3.log", `ChunkMgmt initialization completed\.`)
	c.printed("inst-3", "node", unhealthy, "0")
	c.printed("inst-3", "node", rowsOfStock, "200")
	c.printed("inst-3", "node", `print(exec count(*) from loadTable("dfs://quotes", "quotes"))`, "120")
	if got := c.processes("inst-3"); len(got) != 3 {
		t.Errorf("%q", got)
	}
}

// H17: the tutorial's files have wrong addresses, and the cluster runs all the same:
// they are read when it starts.
func TestTutorialConfig(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ scene, host, place, file, wrong string }{
		{"dolphindb-one-to-three", "ddb-1", "old-2", "agent.cfg", "localSite=170.0.0.1:"},
		{"dolphindb-two-to-three", "ddb-2", "old-2", "cluster.nodes", "{ddb-1}:{old-2.ctl_port}:controller2,"},
		{"dolphindb-two-to-three", "ddb-1", "old-3", "agent.cfg", "sites={ddb-3}:"},
	} {
		t.Run(x.scene+" "+x.host, func(t *testing.T) {
			t.Parallel()
			c := begin(t, x.scene, x.host+":config=tutorial")
			want := strings.NewReplacer("{ddb-1}", c.Host("ddb-1").Vars["ip"], "{ddb-3}", c.Host("ddb-3").Vars["ip"],
				"{old-2.ctl_port}", c.place("old-2")["ctl_port"]).Replace(x.wrong)
			text := c.read(filepath.Join(c.demo(x.place), "config", x.file))
			if !strings.Contains(text, want) || !strings.Contains(text, "\r\n") || strings.HasSuffix(text, "\n") {
				t.Errorf("no %s in %q", want, text)
			}
			c.printed("old-1", "node", rowsOfStock, "200")
		})
	}
}
