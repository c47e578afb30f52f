package openmldb

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// recoverData repairs every table of every database that isn't healthy. A table
// that can't be repaired is logged, and the next one is taken.
func (t *opsTool) recoverData() error {
	for _, db := range t.databases() {
		var names []string
		for _, r := range t.replicas(db, "") {
			if !slices.Contains(names, r.name) {
				names = append(names, r.name)
			}
		}
		for _, name := range names {
			if err := t.recoverTable(db, name); err != nil {
				if err := t.swallow(err, "recover table failed. db %s name %s, check log for detail", db, name); !errors.Is(err, errStatus) {
					return err
				}
			}
		}
	}
	return nil
}

func (t *opsTool) recoverTable(db, name string) error {
	if t.tableHealthy(db, name) {
		t.infof("%s in %s is healthy", name, db)
		return nil
	}
	t.infof("recover %s in %s", name, db)
	byPID := map[string][]replicaRow{}
	var pids []string
	for _, r := range t.replicas(db, name) {
		if byPID[r.pid] == nil {
			pids = append(pids, r.pid)
		}
		byPID[r.pid] = append(byPID[r.pid], r)
	}
	for _, pid := range pids {
		if err := t.recoverPartition(byPID[pid]); err != nil && !errors.Is(err, errStatus) {
			return err
		}
	}
	t.Sleep(time.Second)
	for t.waiting(db, name) {
		t.infof("waiting task")
		t.Sleep(pollOps)
	}
	if !t.tableHealthy(db, name) {
		return errStatus
	}
	t.infof("%s in %s recover success", name, db)
	return nil
}

func (t *opsTool) waiting(db, name string) bool {
	for _, r := range t.ns(db, "showopstatus", name).Rows {
		if r[4] == doing || r[4] == inited {
			t.infof("%s", strings.Join(r, " "))
			return true
		}
	}
	return false
}

// tableHealthy says whether the nameserver's view and every tablet's agree that
// all replicas serve.
func (t *opsTool) tableHealthy(db, name string) bool {
	status := map[string]map[string][]string{}
	for _, r := range t.replicas(db, name) {
		if !r.alive {
			return false
		}
		if status[r.endpoint] == nil {
			_, status[r.endpoint] = t.tableStatus(r.endpoint)
		}
		s, ok := status[r.endpoint][r.tid+"_"+r.pid]
		if !ok || r.leader != (s[3] == "kTableLeader") {
			return false
		}
	}
	return true
}

// recoverPartition loads the leader where it isn't loaded, and has the followers
// added again. A tablet that can't be reached ends the whole tool.
func (t *opsTool) recoverPartition(rows []replicaRow) error {
	i := slices.IndexFunc(rows, func(r replicaRow) bool { return r.leader })
	if i < 0 {
		return t.fail("cannot find leader partition. db %s name %s partition %s", rows[0].db, rows[0].name, rows[0].pid)
	}
	leader := rows[i]
	if _, byKey := t.tableStatus(leader.endpoint); byKey[leader.tid+"_"+leader.pid] == nil {
		t.infof("leader partition is not in tablet, db %s name %s pid %s endpoint %s. start loading data...", leader.db, leader.name, leader.pid, leader.endpoint)
		if err := t.loadTable(leader); err != nil {
			return err
		}
	}
	if !leader.alive {
		t.ns(leader.db, "updatetablealive", leader.name, leader.pid, leader.endpoint, "yes")
	}
	for _, r := range rows {
		if r.leader {
			continue
		}
		if r.alive {
			t.ns(r.db, "updatetablealive", r.name, r.pid, r.endpoint, "no")
		}
		if a := t.ns(r.db, "recovertable", r.name, r.pid, r.endpoint); !strings.Contains(a.Text, "recover table ok") {
			return t.fail("recover table partition failed. db %s name %s pid %s endpoint %s", r.db, r.name, r.pid, r.endpoint)
		}
	}
	return nil
}

func (t *opsTool) loadTable(p replicaRow) error {
	_, err := askServer(p.endpoint, request{Words: []string{"loadtable", p.name, p.tid, p.pid, "0", "8"}})
	if err != nil {
		host, port, splitErr := net.SplitHostPort(p.endpoint)
		if splitErr != nil {
			host = p.endpoint
		}
		return &exception{"requests.exceptions.ConnectionError", fmt.Sprintf(
			"HTTPConnectionPool(host='%s', port=%s): Max retries exceeded with url: /TabletServer/LoadTable (Caused by NewConnectionError('[Errno 111] Connection refused'))", host, port)}
	}
	for {
		_, byKey := t.tableStatus(p.endpoint)
		s := byKey[p.tid+"_"+p.pid]
		switch {
		case s == nil:
			return t.fail("load table failed. db %s name %s tid %s pid %s endpoint %s", p.db, p.name, p.tid, p.pid, p.endpoint)
		case s[4] == normal:
			return nil
		}
		t.infof("table is loading... tid %s pid %s", p.tid, p.pid)
		t.Sleep(pollOps)
	}
}
