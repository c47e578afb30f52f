package lab_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stepgate/lab"
)

func TestStartSh(t *testing.T) {
	t.Parallel()
	s := running(t)
	const (
		started = `Starting tablet \.\.\. \nprocess pid is \d+\n(curl server status failed, retry later\n)*Start tablet success\n`
		refused = `Starting tablet \.\.\. \nprocess pid is \d+\n(curl server status failed, retry later\n){11}` +
			"\x1b" + `\[1;31mStart tablet failed! Please check log in \./logs/tablet\[_mon\]\.log and \./logs/tablet\.INFO ` + "\x1b" + `\[0m\n`
		stopped = `Stopping tablet \.\.\. \nStop tablet success\n`
	)
	first, survivor := s.pid("tablet-2", "tablet"), 0
	stopsReally := func(s *site) {
		if pid := s.pid("tablet-2", "tablet"); pid != 0 || s.listens("tablet-2") {
			s.t.Errorf("pid file %d, listening %v", pid, s.listens("tablet-2"))
		}
	}
	runs := func(s *site) {
		pid := s.pid("tablet-2", "tablet")
		if !alive(pid) || !s.listens("tablet-2") {
			s.t.Errorf("process %d: alive %v, listening %v", pid, alive(pid), s.listens("tablet-2"))
		}
	}
	play(t, s, []call{
		{
			fact: "H2: usage is one of the few failures that exit 1", host: "tablet-2", cmd: s.startSh("tablet-2", "start"),
			exit: 1, stdout: `Usage: start\.sh start/stop/restart <component> \[mon\]\n` + anything,
		},
		{
			fact: "H2: an unknown component exits 1", host: "tablet-2", cmd: s.startSh("tablet-2", "start tablets"),
			exit: 1, stdout: `No component named tablets in \[tablet tablet2 nameserver .* synctool\]\n`,
		},
		{
			fact: "H2: an invalid log dir exits 1", host: "tablet-2", cmd: s.startSh("tablet-2", "start apiserver"),
			exit: 1, stdout: `Invalid log dir\n`,
		},
		{
			fact: "H2: an unknown operation exits 0", host: "tablet-2", cmd: s.startSh("tablet-2", "status tablet"),
			stderr: `Only support \{start\|stop\|restart\}\n`,
		},
		{
			fact: "H2: already running exits 0", host: "tablet-2", cmd: s.startSh("tablet-2", "start tablet"),
			stdout: `Starting tablet \.\.\. \n` + "\x1b" + `\[1;31mtablet already running as process \d+ ` + "\x1b" + `\[0m\n`,
			effect: func(s *site) {
				if pid := s.pid("tablet-2", "tablet"); pid != first {
					s.t.Errorf("process %d became %d", first, pid)
				}
			},
		},
		{
			fact: "stop ends the process, closes the port and removes the pid file", host: "tablet-2", cmd: s.startSh("tablet-2", "stop tablet"),
			stdout: stopped, effect: stopsReally,
		},
		{
			fact: "H3: nothing to stop is a success", host: "tablet-2", cmd: s.startSh("tablet-2", "stop tablet"),
			stdout: `Stopping tablet \.\.\. \nno tablet to stop \(could not find file \./bin/tablet\.pid\)\nStop tablet success\n`,
		},
		{
			fact: "H2: a failed start exits 0", host: "tablet-2", before: func(s *site) { s.fault("tablet-2:start=fail") },
			cmd: s.startSh("tablet-2", "start tablet"), stdout: refused, effect: stopsReally,
		},
		{
			fact: "H2: a start that never answers exits 0 and leaves a process", host: "tablet-2",
			before: func(s *site) { s.fault("tablet-2:start=hang") },
			cmd:    s.startSh("tablet-2", "start tablet"),
			stdout: refused,
			effect: func(s *site) {
				stopsReally(s)
				if r := s.run("tablet-2", "tail -n 1 '"+s.home("tablet-2")+"/logs/tablet.log'"); !strings.Contains(r.stdout, "recovering data") {
					s.t.Errorf("nothing hangs: %q", r.stdout)
				}
			},
		},
		{
			fact: "start waits for /status and writes the pid file", host: "tablet-2", before: func(s *site) { s.fault("tablet-2:start=") },
			cmd: s.startSh("tablet-2", "start tablet"), stdout: started, effect: runs,
		},
		{
			fact: "H3: stop is a success although the process lives", host: "tablet-2",
			before: func(s *site) { s.fault("tablet-2:stop=survive"); survivor = s.pid("tablet-2", "tablet") },
			cmd:    s.startSh("tablet-2", "stop tablet"), stdout: stopped,
			effect: func(s *site) {
				if !alive(survivor) || !s.listens("tablet-2") || s.pid("tablet-2", "tablet") != 0 {
					s.t.Errorf("process %d: alive %v, listening %v", survivor, alive(survivor), s.listens("tablet-2"))
				}
			},
		},
		{
			fact: "H3: the survivor's port makes the next start fail, exit 0", host: "tablet-2",
			cmd:    s.startSh("tablet-2", "start tablet"),
			stdout: `Starting tablet \.\.\. \nprocess pid is \d+\n` + "\x1b" + `\[1;31mStart tablet failed! .*\n`,
			effect: func(s *site) {
				s.fault("tablet-2:stop=")
				if err := syscall.Kill(survivor, syscall.SIGTERM); err != nil {
					s.t.Error(err)
				}
				s.eventually("the survivor's port is closed", func() bool { return !s.listens("tablet-2") })
			},
		},
		{
			fact: "restart stops and starts", host: "tablet-2",
			before: func(s *site) { s.run("tablet-2", s.startSh("tablet-2", "start tablet")) },
			cmd:    s.startSh("tablet-2", "restart tablet"), stdout: stopped + started, effect: runs,
		},
		{
			fact: "H9: with bin replaced before the stop, stop does nothing and says success", host: "tablet-2",
			cmd:    "cd '" + s.home("tablet-2") + "' && mv bin bin.bak && cp -r '" + s.Params["new_package_dir"] + "/bin' . && bash bin/start.sh stop tablet; mv bin bin.new; mv bin.bak bin",
			stdout: `Stopping tablet \.\.\. \nno tablet to stop \(could not find file \./bin/tablet\.pid\)\nStop tablet success\n`,
			effect: runs,
		},
		{
			fact: "a running process keeps the version it was started with", host: "tablet-2",
			cmd:    "cd '" + s.home("tablet-2") + "' && cp bin/tablet.pid bin.new/ && mv bin bin.old && mv bin.new bin && ./bin/openmldb --version && tail -n 1 logs/tablet.log",
			stdout: `openmldb version 0\.9\.2\n.* start tablet on endpoint {tablet-2} with version 0\.8\.4\n`,
			effect: func(s *site) { s.runsVersion("tablet-2", "0.8.4") },
		},
		{
			fact: "the version changes with the restart", host: "tablet-2",
			cmd:    s.startSh("tablet-2", "stop tablet") + " && bash bin/start.sh start tablet; tail -n 1 logs/tablet.log",
			stdout: stopped + started + `.* start tablet on endpoint {tablet-2} with version 0\.9\.2\n`,
			effect: func(s *site) {
				runs(s)
				s.runsVersion("tablet-2", "0.9.2")
			},
		},
	})
	s.healthy()
}

func TestLedgerKeepsWhatChangesSomething(t *testing.T) {
	t.Parallel()
	s := running(t)
	s.run("ns-2", "export STEPGATE_ATTEMPT=a1 STEPGATE_STEP=tablets/stop; ledger stopped '实 验'")
	s.run("tablet-1", s.startSh("tablet-1", "stop tablet")+"; bash bin/start.sh status tablet; bash bin/start.sh start tablet")
	s.healthy()
	s.run("ns-1", s.ns("confget auto_failover")+"; "+s.ns("confset auto_failover true")+"; "+s.ops("--cmd=showopstatus"))
	s.run("ns-1", s.ops("--cmd=pre-upgrade --endpoints="+s.endpoint("tablet-1")+" --statfile=$HOME/stat"))
	entries, err := lab.Ledger(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if e.Time.IsZero() {
			t.Errorf("no time: %+v", e)
		}
		got = append(got, strings.Join(append([]string{e.Host, e.Attempt, e.Step, e.Program}, e.Args...), "|"))
	}
	want := []string{
		"ns-2|a1|tablets/stop|ledger|stopped|实 验",
		"tablet-1|||start.sh|stop|tablet",
		"tablet-1|||start.sh|start|tablet",
		"ns-1|||openmldb|confset|auto_failover|true",
		"ns-1|||openmldb_ops.py|--openmldb_bin_path=./bin/openmldb|--zk_cluster=" + s.Params["zk"] + "|--zk_root_path=/openmldb|--cmd=pre-upgrade|--endpoints=" +
			s.endpoint("tablet-1") + "|--statfile=" + filepath.Join(s.Dir, "hosts/ns-1/home/mldb-ns1/stat"),
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	// The death of a writer leaves half a line.
	f, err := os.OpenFile(filepath.Join(s.Dir, "ledger"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"time":"2026-`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if again, err := lab.Ledger(s.Dir); err != nil || len(again) != len(entries) {
		t.Errorf("a torn last line: %d entries, %v", len(again), err)
	}
}
