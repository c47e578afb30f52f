package dolphindb

import (
	"fmt"

	"stepgate/lab/site"
)

// oneServer and twoServers begin with a package and a licence: there is no cluster yet.
var (
	oneServer = bare(1, scene("dolphindb-one-server",
		"one server with the package of DolphinDB 2.00.10.5 and a licence, nothing installed", "dolphindb-pseudo-ha-one-server"))
	twoServers = bare(2, scene("dolphindb-two-servers",
		"two servers with the package of DolphinDB 2.00.10.5 and a licence, nothing installed", "dolphindb-pseudo-ha-two-servers"))
)

func bare(servers int, sc site.Scene) stage {
	return stage{
		scene: sc, packages: []string{pseudoVersion},
		plan: func(p *planner) error { return planPseudo(p, servers) },
	}
}

// planPseudo is a cluster of three controllers on one or two servers. On two, the
// second controller has a server of its own. The first place on a server is the one
// that the package is unpacked as and whose agent is started; the others are copied
// from it, and have a site for an agent of their own in their agent.cfg.
func planPseudo(p *planner, servers int) error {
	if err := p.machines(servers); err != nil {
		return err
	}
	seats, err := p.pseudo("inst", servers)
	if err != nil {
		return err
	}
	first := map[string]*seat{}
	for _, x := range seats {
		if f := first[x.host]; f != nil {
			p.place(x, map[string]string{"template": f.install}, "instance", "copied")
			continue
		}
		first[x.host] = x
		p.place(x, nil, "instance", "agent")
	}
	p.params("pseudo-stock", map[string]string{
		"package": packagePath(p.site, pseudoVersion), "ddb_version": pseudoVersion, "licence": licencePath(p.site),
	})
	return nil
}

// pseudo are the seats of a cluster on one or two servers, each with a site for an
// agent: it stands in the agent.cfg of those, too, whose machine has another's.
func (p *planner) pseudo(name string, servers int) ([]*seat, error) {
	var out []*seat
	for n := 1; n <= 3; n++ {
		host := "ddb-1"
		if n == 2 && servers == 2 {
			host = "ddb-2"
		}
		sites, err := p.peers(fmt.Sprintf("controller%d", n), fmt.Sprintf("agent%d", n), fmt.Sprintf("node%d", n))
		if err != nil {
			return nil, err
		}
		out = append(out, p.seat(fmt.Sprintf("%s-%d", name, n), n, host, sites))
	}
	return out, nil
}
