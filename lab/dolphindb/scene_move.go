package dolphindb

import (
	"fmt"
	"strings"
	"time"

	"stepgate/lab/site"
)

// oneToThree, twoToThree and threeToFive begin with a running cluster whose
// configuration files are like the tutorial's.
var (
	oneToThree = moving(1, 2, func(p *planner) error { return planToThree(p, 1) }, scene("dolphindb-one-to-three",
		"a pseudo-HA cluster of DolphinDB 2.00.10.5 on one server, two more servers empty", "dolphindb-migrate-one-to-three"))
	twoToThree = moving(2, 1, func(p *planner) error { return planToThree(p, 2) }, scene("dolphindb-two-to-three",
		"a pseudo-HA cluster of DolphinDB 2.00.10.5 on two servers, a third one empty", "dolphindb-migrate-two-to-three"))
	threeToFive = moving(3, 1, planToFive, scene("dolphindb-three-to-five",
		"DolphinDB 2.00.10.5 on three servers, two more servers empty", "dolphindb-expand-to-five"))
)

// moving is a cluster on so many servers, with a dfsReplicaReliabilityLevel.
func moving(servers, reliability int, plan func(*planner) error, sc site.Scene) stage {
	return stage{
		scene: sc, plan: plan, running: pseudoVersion, servers: servers, seed: moveSeed,
		config: func(all []*seat, x *seat) configs { return tutorialConfig(all, x, servers, reliability) },
	}
}

// moveSeed fills the clusters that are moved: 200 rows and 120 rows.
func moveSeed(now time.Time) []string {
	return []string{tableScript(now, "stock", 200), tableScript(now, "quotes", 120)}
}

// planToThree is a cluster on one or two servers, and the three places where it's to
// be afterwards. Ports stay; every seat's agent.cfg names the agent that its server
// will have.
func planToThree(p *planner, servers int) error {
	if err := p.machines(3); err != nil {
		return err
	}
	p.site.Hosts[0].Groups = append(p.site.Hosts[0].Groups, "source")
	old, err := p.pseudo("old", servers)
	if err != nil {
		return err
	}
	for _, x := range old {
		var none map[string]string
		if !ownAgent(x.n, servers) {
			none = map[string]string{"agent_alias": "", "agent_port": "0"}
		}
		p.place(x, none, "old")
	}
	for i, from := range old {
		host := fmt.Sprintf("ddb-%d", i+1)
		x := p.seat(fmt.Sprintf("inst-%d", i+1), i+1, host, [3]peer{from.ctl, from.agent, from.node})
		if host == from.host {
			p.place(x, nil, "instance", "agent")
			continue
		}
		p.place(x, map[string]string{
			"from": from.name, "from_ip": from.ip, "from_install": from.install, "from_data": from.data,
		}, "instance", "agent", "moved")
	}
	p.params("prod-stock", map[string]string{"backup_place": "backup-1:/srv/dolphindb/friday"})
	return nil
}

// planToFive is a cluster on three servers, and the two places where further
// controllers are to be.
func planToFive(p *planner) error {
	if err := p.machines(5); err != nil {
		return err
	}
	template := ""
	for n := 1; n <= 5; n++ {
		agent, node := "", ""
		if n <= 3 {
			agent, node = fmt.Sprintf("agent%d", n), fmt.Sprintf("node%d", n)
		}
		sites, err := p.peers(fmt.Sprintf("controller%d", n), agent, node)
		if err != nil {
			return err
		}
		x := p.seat(fmt.Sprintf("inst-%d", n), n, fmt.Sprintf("ddb-%d", n), sites)
		switch {
		case n == 1:
			template = x.install
			fallthrough
		case n <= 3:
			p.place(x, nil, "old", "instance", "agent")
		default:
			p.place(x, map[string]string{"template": "inst-1", "template_install": template}, "instance", "added")
		}
	}
	p.params("prod-stock", map[string]string{"backup_place": "backup-1:/srv/dolphindb/friday"})
	return nil
}

// tutorialConfig are the files attached to the tutorial on deployment, with addresses
// that are right. Seats whose server has another's agent aren't in cluster.nodes with
// theirs.
func tutorialConfig(all []*seat, x *seat, servers, reliability int) configs {
	var nodes []*seat
	var cluster strings.Builder
	cluster.WriteString("maxMemSize=8\nmaxConnections=512\nworkerNum=4\nlocalExecutors=3\nlanCluster=0\nnewValuePartitionPolicy=add\n")
	for _, y := range all {
		listed := *y
		if !ownAgent(y.n, servers) {
			listed.agent = peer{}
		}
		nodes = append(nodes, &listed)
		for _, dir := range []string{"volumes", "redoLogDir/redoLog", "TSDBRedoLogDir/tsdbRedoLog", "chunkMetaDir/chunkMeta", "persistenceDir/persistenceDir"} {
			key, name, ok := strings.Cut(dir, "/")
			if !ok {
				name = key
			}
			fmt.Fprintf(&cluster, "%s.%s=%s/%s\n", y.node.alias, key, y.data, name)
		}
	}
	return configs{
		controllerFile: "localSite=" + x.ctl.at(x.ip) + "\ndfsHAMode=Raft\ndfsReplicationFactor=2\n" +
			fmt.Sprintf("dfsReplicaReliabilityLevel=%d\n", reliability) +
			"dataSync=1\nworkerNum=4\nlocalExecutors=3\nmaxConnections=512\nmaxMemSize=8\nlanCluster=0\ndfsMetaDir=" + x.data + "/dfsMeta\n",
		agentFile:   agentText(all, x, x.agent),
		clusterFile: cluster.String(),
		nodesFile:   nodesText(nodes),
	}.tutorial()
}

// ownAgent says whether seat n of a cluster on so many servers has an agent that runs.
func ownAgent(n, servers int) bool { return n == 1 || servers == 3 || n == 2 && servers == 2 }

// wrongConfig is a file of this seat as the tutorial really attaches it, if that is
// wrong: an address outside of the servers, one of another server's, a controller
// where none is.
func wrongConfig(s *site.Site, x *seat) (name string, replace [2]string) {
	switch {
	case s.Scene == oneToThree.scene.Name && x.n == 2:
		return agentFile, [2]string{"localSite=" + x.agent.at(x.ip), "localSite=" + x.agent.at("170.0.0.1")}
	case s.Scene == twoToThree.scene.Name && x.n == 3:
		return agentFile, [2]string{"sites=" + x.agent.at(x.ip), "sites=" + x.agent.at(s.Host("ddb-3").Vars["ip"])}
	case s.Scene == twoToThree.scene.Name && x.n == 2:
		return nodesFile, [2]string{x.ctl.at(x.ip), x.ctl.at(s.Host("ddb-1").Vars["ip"])}
	}
	return "", [2]string{}
}
