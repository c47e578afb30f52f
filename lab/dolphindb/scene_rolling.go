package dolphindb

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"stepgate/lab/site"
)

// rolling is the sample of the tutorial on rolling upgrades: three servers, each with
// a controller, an agent and a data node out of one install directory.
var rolling = stage{
	scene: site.Scene{
		Name: "dolphindb", System: "dolphindb", Only: "linux",
		Title:   "DolphinDB 2.00.7.4 on three servers, each with a controller, an agent and a data node",
		Runbook: "dolphindb-rolling-upgrade",
	},
	plan:     planRolling,
	running:  oldVersion,
	packages: []string{newVersion},
	servers:  3,
	config:   rollingConfig,
	seed:     []string{stockScript(200)},
}

func planRolling(p *planner) error {
	if err := p.machines(3); err != nil {
		return err
	}
	for i := range 3 {
		number := strconv.Itoa(43 + i)
		sites, err := p.peers("HActl"+number, "agent"+number, "node"+number)
		if err != nil {
			return err
		}
		h := &p.site.Hosts[i]
		x := &seat{n: i + 1, host: h.Name, ip: p.ips[h.Name], install: filepath.Join(p.site.Home(h), "HA"), ctl: sites[0], agent: sites[1], node: sites[2]}
		x.data = filepath.Join(x.demo(), "data")
		h.Vars = x.vars()
	}
	p.params("prod-stock", map[string]string{
		"package": packagePath(p.site, newVersion), "from_version": oldVersion, "to_version": newVersion,
		"plugins": pluginsPath(p.site, newVersion),
	})
	return nil
}

func rollingConfig(all []*seat, x *seat) configs {
	return configs{
		controllerFile: "mode=controller\nlocalSite=" + x.ctl.at(x.ip) + "\ndfsHAMode=Raft\ndfsReplicationFactor=2\ndfsReplicaReliabilityLevel=1\n" +
			"dataSync=1\nworkerNum=4\nmaxConnections=512\nmaxMemSize=8\nlanCluster=0\ndfsRecoveryWaitTime=30000\n",
		agentFile:   agentText(all, x, x.agent),
		clusterFile: "maxMemSize=8\nmaxConnections=512\nworkerNum=4\nlocalExecutors=3\nlanCluster=0\nnewValuePartitionPolicy=add\n",
		nodesFile:   nodesText(all),
	}
}

// stockScript makes dfs://stock and its table stock with ids 1 to n, one a minute up
// to an hour ago.
func stockScript(n int) string {
	return `db = database("dfs://stock", VALUE, 2023.01.01..2023.01.10, , 'TSDB')
tmp = table(1:0, ` + "`time`name`id, [TIMESTAMP, SYMBOL, INT]" + `)
db.createPartitionedTable(tmp, ` + "`stock, `time, , `name" + `)
` + fillScript("dfs://stock", "stock", n)
}

// fillScript adds rows with ids 1 to n to a table with the columns time, name and id.
// @MINUTE@ stands for the time of a row.
func fillScript(db, table string, n int) string {
	names := []string{"Apple", "Microsoft", "Meta", "Google", "Amazon"}
	var times, symbols, ids []string
	for i := 1; i <= n; i++ {
		times = append(times, fmt.Sprintf("@%d@", n-i+60))
		symbols = append(symbols, strconv.Quote(names[i%len(names)]))
		ids = append(ids, strconv.Itoa(i))
	}
	return fmt.Sprintf("t = table([%s] as time, [%s] as name, [%s] as id)\nloadTable(%q, %q).append!(t)\n",
		strings.Join(times, ","), strings.Join(symbols, ","), strings.Join(ids, ","), db, table)
}
