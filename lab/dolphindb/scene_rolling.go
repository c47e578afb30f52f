package dolphindb

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// rolling is the sample of the tutorial on rolling upgrades: three servers, each with
// a controller, an agent and a data node out of one install directory.
var rolling = stage{
	scene: scene("dolphindb",
		"DolphinDB 2.00.7.4 on three servers, each with a controller, an agent and a data node", "dolphindb-rolling-upgrade"),
	plan:     planRolling,
	running:  oldVersion,
	packages: []string{newVersion},
	servers:  3,
	config:   rollingConfig,
	seed:     func(now time.Time) []string { return []string{tableScript(now, "stock", 200)} },
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

// tableScript makes a database with one table of the same name: time, name and id,
// partitioned by day, with ids 1 to n, one an hour up to the end of yesterday: there is no
// partition for today yet.
func tableScript(now time.Time, name string, n int) string {
	names := []string{"Apple", "Microsoft", "Meta", "Google", "Amazon"}
	var times, symbols, ids []string
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	for i := 1; i <= n; i++ {
		times = append(times, today.Add(time.Duration(i-n-1)*time.Hour).Format("2006.01.02T15:04:05.000"))
		symbols = append(symbols, strconv.Quote(names[i%len(names)]))
		ids = append(ids, strconv.Itoa(i))
	}
	return fmt.Sprintf(`if(existsDatabase("dfs://%[1]s")){ dropDatabase("dfs://%[1]s") }
db = database("dfs://%[1]s", VALUE, 2023.01.01..2023.01.10, , 'TSDB')
tmp = table(1:0, ["time", "name", "id"], [TIMESTAMP, SYMBOL, INT])
pt = db.createPartitionedTable(tmp, "%[1]s", "time", , "name")
t = table([%[2]s] as time, [%[3]s] as name, [%[4]s] as id)
loadTable("dfs://%[1]s", "%[1]s").append!(t)
`, name, strings.Join(times, ","), strings.Join(symbols, ","), strings.Join(ids, ","))
}
