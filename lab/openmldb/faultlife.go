package openmldb

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"stepgate/lab/site"
)

// faultWatch is what is switched on. A host's faults are read again when they have
// changed: the cluster looks at them many times a second.
type faultWatch struct {
	site *site.Site
	read map[string]reading // by host
}

type reading struct {
	changed time.Time
	values  map[string]string
}

// refresh says whether anything may have changed.
func (w *faultWatch) refresh() bool {
	first := w.read == nil
	if first {
		w.read = map[string]reading{}
	}
	news := first
	for _, h := range w.site.Hosts {
		changed := w.site.FaultsChanged(h.Name)
		// A file system's clock is coarse: two changes may bear the same time.
		if old, ok := w.read[h.Name]; ok && old.changed.Equal(changed) && time.Since(changed) > time.Second {
			continue
		}
		news = true
		values := map[string]string{}
		if !changed.IsZero() {
			for _, k := range faults {
				if values[k.What] == "" {
					values[k.What] = w.site.Fault(h.Name, k.What)
				}
			}
		}
		w.read[h.Name] = reading{changed, values}
	}
	return news
}

func (w *faultWatch) at(host, what string) string { return w.read[host].values[what] }

// anywhere is what a fault of the whole cluster is set to.
func (w *faultWatch) anywhere(what string) string {
	for _, h := range w.site.Hosts {
		if v := w.at(h.Name, what); v != "" {
			return v
		}
	}
	return ""
}

func (c *Cluster) faultAt(endpoint, what string) string {
	if h := c.hosts[endpoint]; h != nil {
		return c.faults.at(h.Name, what)
	}
	return ""
}

// down says whether ZooKeeper doesn't answer.
func (c *Cluster) down() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.refresh()
	return c.faults.anywhere("zk") == "down"
}

// strikes are the faults that act once, when they are switched on, and what
// clearing them does. They say whether they could act already.
var strikes = map[string]func(c *Cluster, h *site.Host, value string, now time.Time) bool{
	"failover": (*Cluster).strikeFailover,
	"table":    (*Cluster).strikeTable,
	"process":  (*Cluster).strikeProcess,
	"jobs":     (*Cluster).strikeJobs,
	"stat":     (*Cluster).strikeStat,
	"spark":    (*Cluster).strikeSpark,
}

// followFaults does what faults do by themselves.
func (c *Cluster) followFaults(now time.Time) {
	if c.faults.refresh() || c.striking {
		c.striking = false
		for i := range c.site.Hosts {
			c.strike(&c.site.Hosts[i], now)
		}
	}
	l := c.leader()
	if l == nil || c.faultAt(l.endpoint, "leader") != "lost" {
		return
	}
	other := func(s *session) bool { return s.role == nameserverRole && s != l && s.lost.IsZero() }
	if slices.ContainsFunc(c.sessions, other) {
		at := slices.Index(c.sessions, l)
		c.sessions = append(slices.Delete(c.sessions, at, at+1), l) // it queues up anew
	}
}

func (c *Cluster) strike(h *site.Host, now time.Time) {
	for what, act := range strikes {
		key, value := h.Name+":"+what, c.faults.at(h.Name, what)
		if c.state.Applied[key] == value {
			continue
		}
		if !act(c, h, value, now) {
			c.striking = true
			continue
		}
		if c.state.Applied == nil {
			c.state.Applied = map[string]string{}
		}
		if c.state.Applied[key] = value; value == "" {
			delete(c.state.Applied, key)
		}
		c.dirty = true
	}
}

func (c *Cluster) strikeFailover(_ *site.Host, value string, _ time.Time) bool {
	c.state.AutoFailover = value != "off"
	return true
}

// strikeTable makes a table with one replica, or leaves the tablet as the only one
// that holds anything. Tables stay as they are when it's cleared.
func (c *Cluster) strikeTable(h *site.Host, value string, _ time.Time) bool {
	endpoint := h.Vars["endpoint"]
	here := func() *replica {
		r := &replica{Endpoint: endpoint, Leader: true, Alive: true}
		if c.present(endpoint) {
			r.State = normal
		}
		return r
	}
	switch value {
	case "single":
		id := 0
		for _, t := range c.state.Tables {
			if t.Name == "limits" {
				return true
			}
			id = max(id, t.ID)
		}
		c.state.Tables = append(c.state.Tables, &table{
			DB: "risk", Name: "limits", ID: id + 1, Replicas: 1,
			Partitions: []*partition{{Rows: 96, Replicas: []*replica{here()}}},
		})
	case "alone":
		for _, t := range c.state.Tables {
			t.Replicas = 1
			for _, p := range t.Partitions {
				p.Replicas = []*replica{here()}
			}
		}
	}
	return true
}

// strikeProcess ends the host's component, and lets init start it again.
func (c *Cluster) strikeProcess(h *site.Host, value string, _ time.Time) bool {
	if c.booting {
		return false
	}
	s := c.session(componentOf(h), h.Vars["endpoint"])
	alive := s != nil && s.lost.IsZero()
	switch {
	case value == "killed" && alive && s.pid > 1:
		_ = syscall.Kill(s.pid, syscall.SIGKILL) // it may have ended just now
	case value == "" && !alive && c.init != nil:
		c.init(h)
	}
	return true
}

func (c *Cluster) strikeJobs(h *site.Host, value string, now time.Time) bool {
	if value == "" {
		c.letJobsGo(now)
		return true
	}
	if c.taskManager() != h.Vars["endpoint"] {
		return false
	}
	c.holdJob(h.Vars["endpoint"], now)
	return true
}

// strikeStat leaves the notes of somebody's pre-upgrade in the operations tool's
// default place, and takes just these away.
func (c *Cluster) strikeStat(h *site.Host, value string, _ time.Time) bool {
	path := filepath.Join(c.site.Params["ops_dir"], ".stat")
	left := fmt.Sprintf("%s,features,users,4,0,\n", c.tabletEndpoints()[0])
	switch value {
	case "stale":
		_ = appendFile(path, left) // the fault doesn't show, then
	case "":
		if data, err := os.ReadFile(path); err == nil && string(data) == left {
			_ = os.Remove(path) // it stays on, then
		}
	}
	return true
}

// yarnProperties are what a task manager's properties say that submits to Yarn.
var yarnProperties = map[string]string{
	"spark.master":        "yarn",
	"spark.yarn.jars":     "hdfs:///openmldb/spark/jars/*",
	"batchjob.jar.path":   "hdfs:///openmldb/openmldb-batchjob.jar",
	"offline.data.prefix": "hdfs:///openmldb/offline",
	"hadoop.conf.dir":     "/etc/hadoop/conf",
}

// strikeSpark rewrites the properties; they count from the next start. The jars of
// the old version are on HDFS.
func (c *Cluster) strikeSpark(h *site.Host, value string, _ time.Time) bool {
	path := filepath.Join(h.Vars["home"], "conf", "taskmanager.properties")
	data, err := os.ReadFile(path)
	if err != nil || value == "missing" {
		return true
	}
	was := map[string]string{}
	for _, line := range strings.Split(propertiesOf(c.site, h), "\n") {
		k, v, _ := strings.Cut(line, "=")
		was[k] = v
	}
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		k, _, ok := strings.Cut(line, "=")
		if v, is := yarnProperties[k]; ok && is {
			if value == "" {
				v = was[k]
			}
			lines[i] = k + "=" + v
		}
	}
	err = site.Replace(path, []byte(strings.Join(lines, "\n")), 0o644)
	if _, found := os.Stat(hdfsPath(c.site, "/openmldb")); err == nil && value == "yarn" && found != nil {
		err = layFiles(hdfsPath(c.site, "/openmldb"), []file{
			{"openmldb-batchjob.jar", "openmldb-batchjob " + oldVersion + ", simulated\n", 0o644},
			{"spark/jars/openmldb-batch-" + oldVersion + ".jar", "openmldb-batch " + oldVersion + ", simulated\n", 0o644},
		})
	}
	return err == nil
}
