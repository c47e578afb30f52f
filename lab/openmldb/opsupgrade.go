package openmldb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// replicaRow is a line of showtable, as the tool reads it.
type replicaRow struct {
	db, name, tid, pid, endpoint string
	leader, alive                bool
}

func (t *opsTool) replicas(db, name string) []replicaRow {
	var out []replicaRow
	for _, r := range t.ns(db, "showtable", name).Rows {
		out = append(out, replicaRow{db, r[0], r[1], r[2], r[3], r[4] == "leader", r[5] == "yes"})
	}
	return out
}

// tableStatus asks a tablet for its partitions, by tid_pid. A tablet that
// doesn't answer has none.
func (t *opsTool) tableStatus(endpoint string) (rows [][]string, byKey map[string][]string) {
	a, err := askServer(endpoint, request{Words: []string{"gettablestatus"}})
	byKey = map[string][]string{}
	if err != nil {
		return nil, byKey
	}
	for _, r := range a.Rows {
		byKey[r[0]+"_"+r[1]] = r
	}
	return a.Rows, byKey
}

// known says whether the nameserver lists the tablet, healthy or not.
func (t *opsTool) known(endpoint string) bool {
	a, err := askServer(t.leader, request{Words: []string{"showtablet"}})
	return err == nil && slices.ContainsFunc(a.Rows, func(r []string) bool { return r[0] == endpoint })
}

// preUpgrade moves the leaders off a tablet and notes them in the statfile. It
// ends at the first failure, and notes what it had moved until then.
func (t *opsTool) preUpgrade(endpoint string) error {
	t.infof("start to pre-upgrade %s", endpoint)
	if !t.known(endpoint) {
		return &exception{"KeyError", "'" + endpoint + "'"}
	}
	if h := t.hostOf(endpoint); h != "" && t.Site.Fault(h, "preupgrade") == "fail" {
		return &exception{"requests.exceptions.ConnectionError", "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))"}
	}
	status, _ := t.tableStatus(endpoint)
	count, replicaNum, names := map[string]int{}, map[string]int{}, map[string]replicaRow{}
	var order []string // endpoints as they are met
	for _, db := range t.databases() {
		for _, r := range t.replicas(db, "") {
			if count[r.endpoint] == 0 {
				order = append(order, r.endpoint)
			}
			count[r.endpoint]++
			replicaNum[r.tid+"_"+r.pid]++
			names[r.tid+"_"+r.pid] = r
		}
	}
	var moved []string
	var failure error
	for _, s := range status {
		if s[3] != "kTableLeader" {
			continue
		}
		p := names[s[0]+"_"+s[1]]
		single := replicaNum[s[0]+"_"+s[1]] == 1
		target := ""
		if single {
			if t.singleReplica {
				continue
			}
			if target = fewest(order, count, endpoint); target == "" {
				t.errorf("can not find endpoint to add replica to. %s %s %s in %s", p.db, p.name, p.pid, endpoint)
				continue
			}
		}
		if failure = t.changeLeader(p, endpoint, target, single); failure != nil {
			break
		}
		moved = append(moved, strings.Join([]string{endpoint, p.db, p.name, p.tid, p.pid, target}, ",")+"\n")
	}
	var raised *exception
	if errors.As(failure, &raised) {
		return failure
	}
	if err := appendFile(t.statfile, strings.Join(moved, "")); err != nil {
		return pythonError(err, t.statfile)
	}
	if t.Site.Fault(t.Host.Name, "stat") == "away" { // somebody tidies up
		if err := os.Rename(t.statfile, t.statfile+".away"); err != nil {
			return pythonError(err, t.statfile)
		}
	}
	return failure
}

func (t *opsTool) hostOf(endpoint string) string {
	for _, h := range t.Site.Hosts {
		if h.Vars["endpoint"] == endpoint {
			return h.Name
		}
	}
	return ""
}

// fewest is the endpoint, other than one, that holds the fewest partitions.
// Health and memory aren't looked at, and an empty tablet is never found.
func fewest(order []string, count map[string]int, but string) string {
	best := ""
	for _, ep := range order {
		if ep != but && (best == "" || count[ep] < count[best]) {
			best = ep
		}
	}
	return best
}

// changeLeader moves one partition's lead from src to target, or to any healthy
// follower when target is empty, and recovers the old leader as a follower.
func (t *opsTool) changeLeader(p replicaRow, src, target string, single bool) error {
	word := "False"
	if single {
		word = "True"
	}
	t.infof("change leader of table partition %s %s %s in '%s' to '%s' %s", p.db, p.name, p.pid, src, target, word)
	if single {
		if err := t.do("ok", p.db, "addreplica", p.name, p.pid, target); err != nil {
			return t.swallow(err, "add replica failed. %s %s %s %s", p.db, p.name, p.pid, target)
		}
	}
	to := target
	if to == "" {
		to = "auto"
	}
	if err := t.do("change leader ok", p.db, "changeleader", p.name, p.pid, to); err != nil {
		return t.swallow(err, "change leader failed. %s %s %s", p.db, p.name, p.pid)
	}
	if err := t.do("recover table ok", p.db, "recovertable", p.name, p.pid, src); err != nil {
		return t.swallow(err, "recover table failed. %s %s %s %s", p.db, p.name, p.pid, src)
	}
	return nil
}

// swallow logs a failure, but lets an exception through.
func (t *opsTool) swallow(err error, format string, args ...any) error {
	var raised *exception
	if errors.As(err, &raised) {
		return err
	}
	return t.fail(format, args...)
}

// postUpgrade moves the noted leaders back and removes the statfile, with the
// lines of other endpoints that are in it.
func (t *opsTool) postUpgrade(endpoint string) error {
	t.infof("check all ops are complete")
	if _, err := t.opStatus("", "", true); err != nil {
		return err
	}
	t.infof("start to post-upgrade %s", endpoint)
	data, err := os.ReadFile(t.statfile)
	if err != nil {
		return pythonError(err, t.statfile)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		f := strings.Split(line, ",")
		if f[0] != endpoint {
			continue
		}
		if len(f) != 6 {
			return &exception{"IndexError", "list index out of range"}
		}
		if err := t.moveBack(endpoint, replicaRow{db: f[1], name: f[2], tid: f[3], pid: f[4]}, f[5]); err != nil {
			return err
		}
	}
	if err := os.Remove(t.statfile); err != nil {
		return pythonError(err, t.statfile)
	}
	return nil
}

func (t *opsTool) moveBack(endpoint string, p replicaRow, extra string) error {
	_, status := t.tableStatus(endpoint)
	s, ok := status[p.tid+"_"+p.pid]
	if !ok {
		return t.fail("get empty table status for partition %s_%s from %s", p.tid, p.pid, endpoint)
	}
	if s[3] == "kTableLeader" {
		t.warnf("%s %s %s in %s is already leader", p.db, p.name, p.pid, endpoint)
		return nil
	}
	leader := extra
	if leader == "" {
		for _, r := range t.replicas(p.db, p.name) {
			if r.pid == p.pid && r.leader {
				leader = r.endpoint
			}
		}
	}
	if leader == "" {
		t.warnf("cannot find leader endpoint for %s %s", p.name, p.pid)
		return errStatus
	}
	if err := t.changeLeader(p, leader, endpoint, false); err != nil {
		return err
	}
	if extra != "" {
		if err := t.do("ok", p.db, "delreplica", p.name, p.pid, extra); err != nil {
			return t.swallow(err, "del replica failed. %s %s %s %s", p.db, p.name, p.pid, extra)
		}
	}
	return nil
}

func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// pythonError is a file error as Python raises it.
func pythonError(err error, path string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &exception{"FileNotFoundError", fmt.Sprintf("[Errno 2] No such file or directory: '%s'", path)}
	}
	if errors.Is(err, fs.ErrPermission) {
		return &exception{"PermissionError", fmt.Sprintf("[Errno 13] Permission denied: '%s'", path)}
	}
	return &exception{"OSError", err.Error()}
}
