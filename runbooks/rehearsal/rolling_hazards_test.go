package rehearsal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// listens looks at the arguments of all processes of the lab again and again, as
// anybody on a server can. What it returns ends that and tells how many clients it has
// seen, and which arguments had the password; those of ask are left out.
func (r *rolling) listens() func() (clients int, leaks []string) {
	seen, lab := map[string]bool{}, []byte("LAB_DIR="+r.Cluster.Dir+"\x00")
	look := func() {
		all, _ := filepath.Glob("/proc/[0-9]*/cmdline") // a pattern of ours
		for _, file := range all {
			environ, err := os.ReadFile(filepath.Join(filepath.Dir(file), "environ"))
			if err != nil || !bytes.Contains(append(environ, 0), lab) {
				continue // it's another's, or over
			}
			if args, err := os.ReadFile(file); err == nil && !bytes.Contains(args, []byte("ask.dos")) {
				seen[filepath.Base(filepath.Dir(file))+" "+strings.ReplaceAll(string(args), "\x00", " ")] = true
			}
		}
	}
	end, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for tick := time.NewTicker(50 * time.Millisecond); ; {
			select {
			case <-end:
				tick.Stop()
				return
			case <-tick.C:
				look()
			}
		}
	}()
	stop := sync.OnceFunc(func() { close(end); <-over })
	r.t.Cleanup(stop)
	return func() (clients int, leaks []string) {
		stop()
		for line := range seen {
			if strings.Contains(line, "-remoteHost") {
				clients++
			}
			if strings.Contains(line, "123456") {
				leaks = append(leaks, line)
			}
		}
		return clients, leaks
	}
}

// hazards are the traps of the published tutorial, by their number in the list that
// the procedure was made from, and what shows that a finished run went round each.
func (r *rolling) hazards() {
	r.t.Helper()
	transcript, monitors := r.Good("export", "last"), r.Good("show", "last", "--monitors", "--json")
	ledger := ""
	for _, e := range r.Ledger() {
		ledger += e.Host + " " + e.Program + " " + strings.Join(e.Args, " ") + " at " + e.Step + "\n"
	}
	has := func(text string, patterns ...string) bool {
		return !slices.ContainsFunc(patterns, func(p string) bool { return !regexp.MustCompile("(?m)" + p).MatchString(text) })
	}
	stops := slices.Compact(r.Did("stopAllNode.sh")) // ddb-1 took two tries
	for _, h := range []struct {
		id, how string
		holds   bool
	}{
		{"H8", "nothing but Stepgate ever ended the writer", !has(monitors, `"ended_by_stepgate": false`) && !has(ledger, "^ddb-ops stopAllNode")},
		{"H9", "the stop script that there is was called, once on each host", len(stops) == 3 && !has(transcript, "stopAllNodes")},
		{"H10", "the controller's and the data node's metadata were copied, each under its own name", has(transcript, `/data/HActl43/dfsMeta\.`, `/data/node43/storage/CHUNK_METADATA\.`)},
		{"H11", "no host copied another's", !has(transcript, `ddb-1/\S*/data/(HActl44|HActl45|node44|node45)/`) && !has(transcript, `ddb-2/\S*/data/(HActl43|HActl45|node43|node45)/`)},
		{"H12", "raft was copied, too", has(transcript, `/data/HActl43/raft\.`, `/data/HActl44/raft\.`, `/data/HActl45/raft\.`)},
		{"H18", "the password is written nowhere", !has(ledger, "123456") && !has(transcript, "123456")},
		{"H19", "the writer wrote today's rows, through the sites of the inventory", has(r.Good("show", "last", "--samples"), `"verdict":"pass","values":\{"id":201,`) && !has(transcript, `192\.168\.100`)},
		{"H22", "upgrade.sh had its answers, and its last line was read", has(ledger, `^ddb-1 upgrade.sh offline 2.00.8.12`, `^ddb-2 upgrade.sh offline 2.00.8.12`, `^ddb-3 upgrade.sh offline 2.00.8.12`)},
		{"H23", "no controller made new replicas while a host was away", has(ledger, `suspendRecovery\(\) at upgrade/hosts\[ddb-1\]`, `resumeRecovery\(\) at upgrade/hosts\[ddb-3\]`)},
	} {
		if !h.holds {
			r.t.Errorf("%s: not so: %s\nstopped: %v\n%s", h.id, h.how, stops, ledger)
		}
	}
}

// A table that has no partition for today, and gets none, takes the writer's rows and
// drops them.
func TestRollingDoesntBelieveTheWriter(t *testing.T) {
	t.Parallel()
	r := roll(t, nil)
	hosts := []string{"ddb-1", "ddb-2", "ddb-3"}
	for _, host := range hosts { // the data nodes have it from the leader, which has it from its file
		r.On(host, "sed -i s/newValuePartitionPolicy=add/newValuePartitionPolicy=skip/ "+r.demo(host)+"/config/cluster.cfg")
		r.ends(host, "-mode controller")
		r.On(host, "cd "+r.demo(host)+" && sh startController.sh")
	}
	for _, host := range hosts {
		r.ends(host, "-mode datanode")
		r.startsNode(host)
	}
	e := r.GoOn()
	e.Stopped("failure", "upgrade/writes", "fail they are in the table")
	if stops := r.Did("stopAllNode.sh"); len(stops) > 0 {
		t.Errorf("H19: rows are dropped, and stopped were %v", stops)
	}
	r.Good("abort", "last", "--why", "seen enough")
}

// The names in the public documents that no release has are in no command, and with
// one of them nothing happens.
func TestRollingCallsTheProgramsByTheirNames(t *testing.T) {
	t.Parallel()
	r := roll(t, nil)
	vars := filepath.Join(t.TempDir(), "vars.toml")
	var values strings.Builder
	for name, value := range r.Cluster.Params {
		fmt.Fprintf(&values, "%s = %q\n", name, value)
	}
	if err := os.WriteFile(vars, []byte(values.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	plan := r.Good("plan", "dolphindb-rolling-upgrade", "-i", r.Cluster.Inventory, "--vars", vars, "--json")
	for _, name := range []string{"sh startController.sh", "sh startAgent.sh", "sh stopAllNode.sh"} {
		if !strings.Contains(plan, name) {
			t.Errorf("H30: the plan has no %q", name)
		}
	}
	if wrong := regexp.MustCompile(`sh startagent\.sh|sh stopAllNodes\.sh|stroage|controllerBackup|pkill|kill -9|kill -KILL`).FindAllString(plan, -1); len(wrong) > 0 {
		t.Errorf("H30: the plan has %q", wrong)
	}
	for _, name := range []string{"startagent.sh", "stopAllNodes.sh"} {
		out := r.On("ddb-1", "cd "+r.demo("ddb-1")+" && if sh "+name+"; then echo works; fi")
		if !strings.Contains(out, name) || strings.Contains(out, "works") {
			t.Errorf("H30: %s: %s", name, out)
		}
	}
	r.Good("abort", "last", "--why", "seen enough")
}

func atoi(t *testing.T, s string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
