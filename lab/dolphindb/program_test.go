package dolphindb_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	controllerLine = "./../dolphindb -console 0 -mode controller -home data -script dolphindb.dos -config config/controller.cfg -logFile log/controller.log -nodesFile config/cluster.nodes -clusterConfig config/cluster.cfg"
	agentLine      = "./../dolphindb -console 0 -mode agent -home data -script dolphindb.dos -config config/agent.cfg -logFile log/agent.log"
)

func TestStart(t *testing.T) {
	t.Parallel()
	c := begin(t, "dolphindb")
	demo := c.demo("ddb-1")
	config := func(name string) string { return filepath.Join(demo, "config", name) }
	saved := map[string]string{}
	for _, name := range []string{"cluster.nodes", "controller.cfg", "agent.cfg"} {
		saved[name] = c.read(config(name))
	}
	// spoiled is a start that fails for what is in a file: exit code 0, silence, and a
	// line in the log.
	spoiled := func(fact, script, file, from, to, log, line string) row {
		return row{
			fact: fact, host: "ddb-1", dir: demo, command: "sh " + script,
			before: func(c *cluster) { c.write(config(file), strings.ReplaceAll(saved[file], from, to)) },
			effect: func(c *cluster) {
				c.logged("ddb-1", log, "<ERROR> :"+line)
				c.write(config(file), saved[file])
				c.none("ddb-1")
				c.empty(log)
			},
		}
	}
	ip, agent := c.place("ddb-1")["ip"], c.place("ddb-1")["agent_port"]
	rows := []row{
		{
			fact: "§4: a port in use is only in the log, with error code 98", host: "ddb-1", dir: demo, command: "sh startController.sh; echo $?", out: "0\n",
			effect: func(c *cluster) {
				c.logged("ddb-1", "controller.log", "<ERROR> :Failed to bind the socket on port "+c.place("ddb-1")["ctl_port"]+" with error code 98\n")
				if got := c.processes("ddb-1"); len(got) != 3 {
					c.t.Errorf("%q", got)
				}
				c.run("ddb-1", demo, "sh stopAllNode.sh")
				c.eventually("all have ended", func() bool { return len(c.processes("ddb-1")) == 0 })
				c.empty("controller.log")
			},
		},
		spoiled("§4: a nodes file whose first line is blank", "startController.sh", "cluster.nodes", "localSite", "\nlocalSite", "controller.log",
			`Failed to load the nodes file \[.*/config/cluster\.nodes\] with error: The input file is empty\.`),
		spoiled("H3: a broken line of the nodes file", "startController.sh", "cluster.nodes", ":node43", ":\node43", "controller.log", `Failed to load the nodes file .* Invalid site`),
		spoiled("§1.3: a controller that isn't in the nodes file", "startController.sh", "cluster.nodes", ":HActl43", ":HActl40", "controller.log", `The controller \[.*:HActl43\] is not in the nodes file`),
		spoiled("H17: an address of another server can't be bound: error code 99", "startAgent.sh", "agent.cfg", ip+":"+agent+":", c.place("ddb-2")["ip"]+":"+agent+":", "agent.log", "Failed to bind the socket on port "+agent+" with error code 99"),
		spoiled("H17: an address of no server can't either", "startAgent.sh", "agent.cfg", ip+":"+agent+":", "170.0.0.1:"+agent+":", "agent.log", "Failed to bind the socket on port "+agent+" with error code 99"),
		spoiled("§1.3: the agent's own site has to be among its sites", "startAgent.sh", "agent.cfg", ":agent43:agent", ":agent40:agent", "agent.log", `The agent \[.*:agent43\] is not in the sites`),
		spoiled("H5: CR inside of agent.cfg's sites", "startAgent.sh", "agent.cfg", ":HActl45:controller", ":HActl45:controller\r,1.1.1.1:1:x:controller", "agent.log", `Failed to load the configuration file .*agent\.cfg\] with error: Invalid node mode: controller\\r`),
		{
			fact: "§1.2: first start needs chmod +x", host: "ddb-1", dir: demo, command: "chmod -x ../dolphindb; sh startController.sh",
			effect: func(c *cluster) {
				c.denied("ddb-1")
				c.run("ddb-1", demo, "chmod +x ../dolphindb")
			},
		},
	}
	for _, f := range []struct{ value, line string }{
		{"fail", "Failed to initialize the server"},
		{"port", "Failed to bind the socket on port " + c.place("ddb-1")["ctl_port"] + " with error code 98"},
		{"licence", "The license has expired"},
		{"disk", "No space left on device"},
	} {
		rows = append(rows, row{
			fact: "§4: start=" + f.value + ": exit code 0 all the same", host: "ddb-1", dir: demo, command: "sh startController.sh",
			before: func(c *cluster) { c.fault("ddb-1:start=" + f.value) },
			effect: func(c *cluster) {
				c.logged("ddb-1", "controller.log", "<ERROR> :.*"+f.line)
				c.fault("ddb-1:start=")
				c.none("ddb-1")
				c.empty("controller.log")
			},
		})
	}
	rows = append(rows, row{
		fact: "§1.2: command lines, working directory and ready markers of controller and agent", host: "ddb-1", dir: demo, command: "sh startController.sh; sh startAgent.sh",
		effect: func(c *cluster) {
			c.logged("ddb-1", "controller.log", `DFSRaftReplayWorker started\n(.*\n)*.*Job scheduler initialization completed\.`)
			c.logged("ddb-1", "agent.log", `Job scheduler initialization completed\.`)
			if got := c.processes("ddb-1"); !slices.Equal(got, []string{agentLine, controllerLine}) {
				c.t.Errorf("%q", got)
			}
		},
	})
	c.play(rows)
}

// none waits until nothing runs out of a place.
func (c *cluster) none(name string) {
	c.t.Helper()
	c.eventually("nothing runs out of "+name, func() bool { return len(c.processes(name)) == 0 })
}

// denied waits until nohup has told that it can't run the program.
func (c *cluster) denied(name string) {
	c.t.Helper()
	c.eventually("nohup can't run the program", func() bool {
		data, err := os.ReadFile(filepath.Join(c.demo(name), "controller.nohup"))
		return err == nil && strings.Contains(string(data), "nohup: failed to run command './../dolphindb': Permission denied\n")
	})
	c.none(name)
}

// empty empties a log of ddb-1, so that the next row sees its own lines.
func (c *cluster) empty(log string) { c.write(filepath.Join(c.demo("ddb-1"), "log", log), "") }

// What belongs to the licence and to addresses shows on a new install directory.
func TestNewInstall(t *testing.T) {
	t.Parallel()
	c := begin(t, "dolphindb-one-server")
	p := c.place("inst-1")
	demo := c.demo("inst-1")
	nodes := "localSite,mode\n"
	for i, alias := range []string{"controller1,controller", "controller2,controller", "controller3,controller", "agent1,agent"} {
		nodes += p["ip"] + ":" + []string{p["ctl_port"], "2", "3", p["agent_port"]}[i] + ":" + alias + "\n"
	}
	write := func(c *cluster, ip string) {
		c.write(filepath.Join(demo, "config", "controller.cfg"), "mode=controller\nlocalSite="+ip+":"+p["ctl_port"]+":controller1\ndfsHAMode=Raft\ndfsMetaDir=/ssd/ssd1/dolphindb_1/dfsMeta\n")
		c.write(filepath.Join(demo, "config", "cluster.nodes"), strings.ReplaceAll(nodes, p["ip"], ip))
	}
	fails := func(line string) func(c *cluster) {
		return func(c *cluster) {
			c.logged("inst-1", "controller.log", line)
			c.none("inst-1")
			c.write(filepath.Join(demo, "log", "controller.log"), "")
		}
	}
	const start = "sh startController.sh"
	c.play([]row{
		{
			fact: "B1: the package is a real archive; unzip puts it in place, the program isn't executable", host: "ddb-1", dir: "",
			command: "unzip -q " + c.Params["package"] + " -d home/dolphindb_1; ls -l home/dolphindb_1/server/dolphindb", out: `-rw-r--r-- .*\n`,
		},
		{
			fact: "§1.2: nohup can't run what isn't executable; exit code 0", host: "ddb-1", dir: demo, command: start, effect: func(c *cluster) { c.denied("inst-1") },
		},
		{
			fact: "§1.1: the licence of the package allows three nodes", host: "ddb-1", dir: demo, command: "chmod +x ../dolphindb; " + start,
			before: func(c *cluster) { write(c, p["ip"]) }, effect: fails(`The number of nodes \[4\] exceeds the limit of the license \[3\]\.`),
		},
		{
			fact: "a licence that was tampered with", host: "ddb-1", dir: demo, command: "sed -i s/maxNodes=3/maxNodes=9/ ../dolphindb.lic; " + start, effect: fails(`The license file \[.*/dolphindb\.lic\] is invalid`),
		},
		{
			fact: "no licence", host: "ddb-1", dir: demo, command: "rm ../dolphindb.lic; " + start, effect: fails(`Failed to load the license file`),
		},
		{
			fact: "H17: an address that isn't the machine's: error code 99", host: "ddb-1", dir: demo, command: "cp " + c.Params["licence"] + " ..; " + start,
			before: func(c *cluster) { write(c, "170.0.0.1") }, effect: fails("Failed to bind the socket on port " + p["ctl_port"] + " with error code 99"),
		},
		{
			fact: "S2-cfg: a controller.cfg is taken without mode=, with CRLF and without a final newline; an absolute path is the machine's own", host: "ddb-1", dir: demo,
			before: func(c *cluster) {
				write(c, p["ip"])
				for _, name := range []string{"controller.cfg", "cluster.nodes"} {
					text := strings.TrimSuffix(strings.TrimPrefix(c.read(filepath.Join(demo, "config", name)), "mode=controller\n"), "\n")
					c.write(filepath.Join(demo, "config", name), strings.ReplaceAll(text, "\n", "\r\n"))
				}
			},
			command: start,
			effect: func(c *cluster) {
				c.logged("inst-1", "controller.log", "Job scheduler initialization completed")
				if _, err := os.Stat(filepath.Join(c.Root("ddb-1"), "ssd", "ssd1", "dolphindb_1", "dfsMeta")); err != nil {
					c.t.Error(err)
				}
			},
		},
	})
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	c := begin(t, "dolphindb")
	demo := c.demo("ddb-1")
	const (
		first = `Tip: please shut down dolphindb process!\nTip: please back up metadata before upgrade!\nHave you shut down dolphindb process and backed up metadata\?\(y/n\)`
		menu  = first + `\*+\n +upgrade  dolphindb\n\*+\n1: OnlineUpgrade dolphindb\n2: OfflineUpgrade dolphindb\n3: EXIT\n` +
			`Please enter one of the following numbers to select the mode: 1 means online, 2 means offline, 3 means quit`
		version   = menu + `Please select upgrade version, e\.g\., 2\.00\.3 :`
		loaded    = `DolphinDB package uploaded \x1b\[32msuccessfully!\x1b\[0m \x1b\[32m UpLoadSuccess\x1b\[0m\n`
		unzipped  = `DolphinDB package unzipped \x1b\[32msuccessfully!\x1b\[0m \x1b\[32m UnzipSuccess\x1b\[0m\n`
		upgraded  = `DolphinDB upgraded \x1b\[32msuccessfully!\x1b\[0m \x1b\[32m UpgradeSuccess\x1b\[0m\n`
		answers   = `printf 'y\n2\n2.00.8.12\n' | sh upgrade.sh`
		plainTail = `  UpgradeSuccess`
	)
	// still says that the program on disk is of the version.
	still := func(version string) func(c *cluster) {
		return func(c *cluster) {
			if text := c.read(filepath.Join(filepath.Dir(demo), "dolphindb")); !strings.Contains(text, "dolphindb@"+version+" ") {
				c.t.Errorf("the program on disk: %s", text)
			}
		}
	}
	const before, after = "2.00.7.4", "2.00.8.12"
	config := ""
	c.play([]row{
		{fact: "§4: refused with n: nothing changes", host: "ddb-1", dir: demo, command: "echo n | sh upgrade.sh", out: first, effect: still(before)},
		{fact: "§4: 3 quits", host: "ddb-1", dir: demo, command: `printf 'y\n3\n' | sh upgrade.sh`, out: menu, effect: still(before)},
		{fact: "H22: without answers it ends, and changes nothing", host: "ddb-1", dir: demo, command: "sh upgrade.sh </dev/null", out: first + `\n`, effect: still(before)},
		{
			fact: "§4: the online mode can't download here", host: "ddb-1", dir: demo, command: `printf 'y\n1\n2.00.8.12\n' | sh upgrade.sh`,
			out: version + `Start to wget DolphinDB_Linux64_V2\.00\.8\.12\.zip\n.*DownLoadFailure.*\n`, err: `wget: .*\n`, effect: still(before),
		},
		{
			fact: "H22: offline needs the package in clusterDemo; exit code 0 all the same", host: "ddb-1", dir: demo, command: answers,
			out: version + `.*UpLoadFailure.*\n`, effect: still(before),
		},
		{
			fact: "§4: a package that can't be unpacked: no UpgradeSuccess, exit code 0", host: "ddb-1", dir: demo, command: "head -c 900 " + c.Params["package"] + " >DolphinDB_Linux64_V2.00.8.12.zip; " + answers,
			out: version + loaded + `(?s).*UnzipFailure.*\n`, err: anything, effect: still(before),
		},
		{
			fact: "§4: upgrade=missing-tag: it stops after unzipping, exit code 0", host: "ddb-1", dir: demo, command: "cp " + c.Params["package"] + " .; " + answers,
			before: func(c *cluster) { c.fault("ddb-1:upgrade=missing-tag") }, out: version + loaded + unzipped, effect: still(before),
		},
		{
			fact: "§4: upgrade=rc1: the same with exit code 1", host: "ddb-1", dir: demo, command: answers, exit: 1,
			before: func(c *cluster) { c.fault("ddb-1:upgrade=rc1") }, out: version + loaded + unzipped, effect: still(before),
		},
		{
			fact: "A9: three lines with two blanks before the tag; configuration, licence, plugins and data stay", host: "ddb-1", dir: demo, command: answers,
			before: func(c *cluster) {
				c.fault("ddb-1:upgrade=")
				config = c.run("ddb-1", demo, "sha256sum config/* ../dolphindb.lic ../plugins/*/*").out
			},
			out: version + loaded + unzipped + upgraded,
			effect: func(c *cluster) {
				still(after)(c)
				if got := c.run("ddb-1", demo, "sha256sum config/* ../dolphindb.lic ../plugins/*/*").out; got != config {
					c.t.Errorf("was\n%s\nis\n%s", config, got)
				}
				for _, name := range []string{"data/HActl43", "data/node43", "log/controller.log"} {
					if _, err := os.Stat(filepath.Join(demo, name)); err != nil {
						c.t.Error(err)
					}
				}
			},
		},
		{
			fact: "§4: without its colours the last line ends with the tag", host: "ddb-1", dir: demo, command: answers + ` | sed 's/\x1b\[[0-9;]*m//g' | tail -n 1`,
			out: `DolphinDB upgraded successfully!` + plainTail + `\n`,
		},
		{
			fact: "§4: what runs keeps its version until it's started again", host: "ddb-1", dir: demo, command: "true",
			effect: func(c *cluster) {
				c.printed("ddb-1", "ctl", "print(version())", before+" 2022.12.08")
				c.run("ddb-1", demo, "sh stopAllNode.sh")
				c.none("ddb-1")
				c.run("ddb-1", demo, "sh startController.sh")
				c.printed("ddb-1", "ctl", "print(version())", after+" 2023.01.10")
			},
		},
	})
}

func TestClient(t *testing.T) {
	t.Parallel()
	c := begin(t, "dolphindb")
	client := c.Host("ddb-ops").Vars["ddb"]
	at := func(port string) string {
		return client + " -remoteHost " + c.place("ddb-1")["ip"] + " -remotePort " + port + " "
	}
	node := c.place("ddb-1")["node_port"]
	c.play([]row{
		{fact: "§1.5: a script is executed there, what it prints is printed here", host: "ddb-ops", command: "echo 'print(1 + 1)' >x.dos; " + at(node) + "-uid admin -pwd 123456 -run x.dos", out: `2\n`},
		{fact: "§1.5: a script of memory", host: "ddb-ops", command: "echo 'print(version())' | " + at(node) + "-uid admin -pwd 123456 -run /dev/stdin", out: `2\.00\.7\.4 2022\.12\.08\n`},
		{fact: "§1.5: a script's error is printed, exit code 0", host: "ddb-ops", command: "echo 'print(1)\nnope(2)' | " + at(node) + "-run /dev/stdin", out: `(?s).*nope.*\n`},
		{fact: "a wrong password is an error of the script", host: "ddb-ops", command: "echo 'print(1)' | " + at(node) + "-uid admin -pwd wrong -run /dev/stdin", out: `(?s).*(password|login).*\n`},
		{fact: "nobody listens: exit code 1", host: "ddb-ops", command: "echo 'print(1)' | " + at("1") + "-run /dev/stdin", exit: 1, out: `Failed to connect to host = \S+ port = 1 with error code 111\n`},
		{fact: "a file that isn't there", host: "ddb-ops", command: at(node) + "-run /none.dos", exit: 1, out: `Can't open file \[/none\.dos\]\n`},
		{
			fact: "what changes the cluster is in the ledger with its step, what reads isn't", host: "ddb-ops",
			command: "echo 'login(\"admin\", \"123456\")\nprint(getNodeAlias())\nstopDataNode([\"none\"])' | STEPGATE_STEP=s STEPGATE_ATTEMPT=a " + at(c.place("ddb-1")["ctl_port"]) + "-run /dev/stdin", out: anything,
			effect: func(c *cluster) {
				entries, err := c.Ledger()
				if err != nil || len(entries) != 1 || entries[0].Step != "s" || entries[0].Host != "ddb-ops" || entries[0].Args[1] != `stopDataNode(["none"])` {
					c.t.Errorf("%+v, %v", entries, err)
				}
			},
		},
	})
}
