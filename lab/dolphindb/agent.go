package dolphindb

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"stepgate/lab/dolphindb/cluster"
	"stepgate/lab/userland"
)

// nodeArgs is the command line of a data node, as its agent starts it.
func nodeArgs(mode, site string) []string {
	alias := site[strings.LastIndexByte(site, ':')+1:]
	return []string{
		"./../dolphindb", "-console", "0", "-mode", mode, "-home", "data", "-script", "dolphindb.dos",
		"-config", "config/" + clusterFile, "-logFile", "log/" + alias + ".log", "-localSite", site,
	}
}

// obey carries out an order of the leader: to start or to stop a node of this machine.
func (v *server) obey(o cluster.Order) {
	if v.mode != cluster.Agent {
		return
	}
	site := o.Site + ":" + o.Alias
	if o.Start {
		v.startNode(o, site)
		return
	}
	all, err := v.processes()
	if err != nil {
		v.logf("ERROR", "%v", err)
		return
	}
	for _, x := range all {
		if slices.Contains(x.Args, site) {
			v.logf("INFO", "Stop node %s", o.Alias)
			if err := syscall.Kill(x.PID, syscall.SIGTERM); err != nil {
				v.logf("ERROR", "%v", err)
			}
		}
	}
}

func (v *server) startNode(o cluster.Order, site string) {
	config, err := json.Marshal(o.Config)
	if err != nil {
		v.logf("ERROR", "%v", err)
		return
	}
	v.logf("INFO", "Start node %s", o.Alias)
	args := nodeArgs(o.Mode, site)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = v.dir
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		// What the agent was started by isn't what the node is started by.
		if name != userland.ProgramVariable && name != configVariable && !strings.HasPrefix(name, "STEPGATE_ATTEMPT") && name != "STEPGATE_STEP" {
			cmd.Env = append(cmd.Env, e)
		}
	}
	if o.Config != nil {
		cmd.Env = append(cmd.Env, configVariable+"="+string(config))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	gone, err := userland.Start(cmd)
	if err != nil {
		v.logf("ERROR", "Failed to start node %s: %v", o.Alias, err)
		return
	}
	go func() {
		<-gone
		v.logf("INFO", "Node %s has ended", o.Alias)
	}()
}
