package openmldb

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	likePattern  = regexp.MustCompile(`(?i)^show\s+table\s+status(?:\s+like\s+'([^']*)')?$`)
	fromPattern  = regexp.MustCompile(`(?i)^select\s+(.*?)\s+from\s+([A-Za-z0-9_]+)\.([A-Za-z0-9_]+)\b`)
	intoPattern  = regexp.MustCompile(`(?i)^insert\s+into\s+([A-Za-z0-9_]+)\.([A-Za-z0-9_]+)\s+values\b`)
	plainPattern = regexp.MustCompile(`(?i)^(show\s+components|show\s+databases)$`)
	jobsPattern  = regexp.MustCompile(`(?i)^(?:show\s+jobs(?:\s+from\s+taskmanager)?|(show|stop)\s+job\s+(\d+))$`)
	barePattern  = regexp.MustCompile(`(?i)^(?:select\s+.*?\s+from|insert\s+into)\s+([A-Za-z0-9_]+)(?:\s|$)`)
)

// sql answers one statement, without its semicolon.
func (c *Cluster) sql(statement string, now time.Time) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(now)
	defer c.advance(now)
	statement = strings.TrimSpace(statement)
	if l := c.leader(); l == nil || !l.lost.IsZero() {
		return say("Error: init failed: can't get nameserver leader")
	}
	if m := likePattern.FindStringSubmatch(statement); m != nil {
		pattern := m[1]
		if pattern == "" {
			pattern = "%"
		}
		return c.showTableStatus(pattern, strings.Contains(strings.ToLower(statement), "like"))
	}
	if m := fromPattern.FindStringSubmatch(statement); m != nil {
		return c.selectFrom(m[1], m[2], m[3])
	}
	if m := intoPattern.FindStringSubmatch(statement); m != nil {
		return c.insertInto(m[1], m[2])
	}
	if m := jobsPattern.FindStringSubmatch(statement); m != nil {
		return c.showJobs(m[1], m[2], now)
	}
	if m := plainPattern.FindString(statement); m != "" {
		if strings.EqualFold(strings.Fields(m)[1], "components") {
			return c.showComponents()
		}
		a := answer{Header: []string{"Databases"}}
		for _, r := range c.showDB().Rows {
			a.Rows = append(a.Rows, r[1:])
		}
		return a
	}
	return say("Error: Syntax error: the statement is not supported: %s", statement)
}

func (c *Cluster) showComponents() answer {
	a := answer{Header: []string{"Endpoint", "Role", "Connect_time", "Status", "Ns_role"}}
	for _, ep := range c.tabletEndpoints() {
		t, status := c.state.Tablets[ep], "offline"
		if t.Healthy {
			status = "online"
		}
		a.Rows = append(a.Rows, []string{ep, "tablet", clock(t.Since), status, "NULL"})
	}
	leader := c.leader()
	for _, s := range c.sessions {
		if s.role != "nameserver" || !s.lost.IsZero() {
			continue
		}
		role := "standby"
		if s == leader {
			role = "master"
		}
		a.Rows = append(a.Rows, []string{s.endpoint, "nameserver", clock(s.since), "online", role})
	}
	// API servers and standby task managers are never listed.
	if s := c.session(taskmanagerRole, c.taskManager()); s != nil {
		a.Rows = append(a.Rows, []string{s.endpoint, "taskmanager", clock(s.since), "online", "NULL"})
	}
	return a
}

// showTableStatus lists the tables of databases that are like the pattern.
func (c *Cluster) showTableStatus(pattern string, internal bool) answer {
	a := answer{Header: []string{
		"Table_id", "Table_name", "Database_name", "Storage_type", "Rows", "Memory_data_size", "Disk_data_size", "Partition",
		"Partition_unalive", "Replica", "Offline_path", "Offline_format", "Offline_symbolic_paths", "Warnings",
	}}
	glob := strings.NewReplacer("%", "*", "_", "?", "*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`).Replace(pattern)
	for _, t := range c.state.Tables {
		like, err := path.Match(glob, t.DB)
		if err != nil || !like || !internal && strings.Contains(strings.Join(internalDBs, " "), t.DB) {
			continue
		}
		unalive, rows := 0, 0.0
		for _, p := range t.Partitions {
			rows += p.Rows
			for _, r := range p.Replicas {
				if !c.alive(r) {
					unalive++
				}
			}
		}
		a.Rows = append(a.Rows, []string{
			strconv.Itoa(t.ID), t.Name, t.DB, "memory", strconv.Itoa(int(rows)), strconv.Itoa(int(rows * 93)), "0",
			strconv.Itoa(len(t.Partitions)), strconv.Itoa(unalive), strconv.Itoa(t.Replicas), "NULL", "NULL", "NULL",
			c.warning(t),
		})
	}
	return a
}

// warning is the first thing wrong with a table, in the words of the original.
func (c *Cluster) warning(t *table) string {
	if ep := c.wordy(t); ep != "" {
		return fmt.Sprintf("[pid=0][tablet=%s]: leader/follower mode inconsistent", ep)
	}
	for _, p := range t.Partitions {
		if len(p.Replicas) != t.Replicas {
			return fmt.Sprintf("[pid=%d]: real replica number %d does not match the configured replicanum %d", p.ID, len(p.Replicas), t.Replicas)
		}
		for _, r := range p.Replicas {
			if !c.present(r.Endpoint) {
				continue
			}
			state := r.State
			if state == "" {
				state = "kNotFound"
			}
			if state != normal {
				return fmt.Sprintf("[pid=%d][tablet=%s]: state is %s", p.ID, r.Endpoint, state)
			}
			if !r.Leader && !r.Alive {
				return fmt.Sprintf("[pid=%d][tablet=%s]: not connected to leader", p.ID, r.Endpoint)
			}
		}
	}
	return ""
}

// wordy is a tablet on which a table has a fault's warning: the first table of
// users that the tablet holds.
func (c *Cluster) wordy(t *table) string {
	for _, ep := range c.tabletEndpoints() {
		if c.faultAt(ep, "warnings") != "words" {
			continue
		}
		for _, first := range c.state.Tables {
			if slices.Contains(internalDBs, first.DB) || first.Partitions[0].on(ep) == nil {
				continue
			}
			if first == t {
				return ep
			}
			break
		}
	}
	return ""
}

func (c *Cluster) selectFrom(columns, db, name string) answer {
	for _, t := range c.state.Tables {
		if t.DB != db || t.Name != name {
			continue
		}
		rows := 0.0
		for _, p := range t.Partitions {
			if l := p.leader(); l == nil || !c.alive(l) {
				return say("Error: rpc error: no alive leader, table %s.%s pid %d", db, name, p.ID)
			}
			rows += p.Rows
		}
		if strings.HasPrefix(strings.ToLower(columns), "count(") {
			return answer{Header: []string{columns}, Rows: [][]string{{strconv.Itoa(int(rows))}}}
		}
		a := answer{Header: []string{"id", "value"}}
		if rows >= 1 {
			a.Rows = append(a.Rows, []string{"1", "1.000000"})
		}
		return a
	}
	return say("Error: table not exists: %s.%s", db, name)
}

func (c *Cluster) insertInto(db, name string) answer {
	for _, t := range c.state.Tables {
		if t.DB != db || t.Name != name {
			continue
		}
		if c.faults.anywhere("writes") == "stuck" {
			return say("Error: put failed: timeout, table %s.%s", db, name)
		}
		for _, p := range t.Partitions {
			if l := p.leader(); l != nil && c.alive(l) {
				p.Rows++
				c.dirty = true
				return answer{}
			}
		}
		return say("Error: put failed: no alive leader, table %s.%s", db, name)
	}
	return say("Error: table not exists: %s.%s", db, name)
}
