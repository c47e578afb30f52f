package lab_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"stepgate/lab"
)

func TestMon(t *testing.T) {
	t.Parallel()
	s := running(t)
	const (
		started = `Starting tablet \.\.\. \nmon pid is \d+, process pid is \d+, check \d+ status\n(curl server status failed, retry later\n)*Start tablet success\n`
		stopped = `Stopping tablet \.\.\. \nStop tablet success\(mon mode\)\n`
	)
	mon, child := 0, 0
	play(t, s, []call{
		{
			fact: "H16: start … mon: the pid file is mon's, .pid.child the component's", host: "tablet-2",
			before: func(s *site) { s.run("tablet-2", s.startSh("tablet-2", "stop tablet")) },
			cmd:    s.startSh("tablet-2", "start tablet mon"), stdout: started,
			effect: func(s *site) {
				mon, child = s.pid("tablet-2", "tablet"), s.child("tablet-2", "tablet")
				if !alive(mon) || !alive(child) || mon == child {
					s.t.Errorf("mon %d, child %d", mon, child)
				}
				for pid, want := range map[int]string{
					mon:   "bin/mon ./bin/openmldb --flagfile=./conf/tablet.flags --enable_status_service=true -s 10 ",
					child: "openmldb --flagfile=./conf/tablet.flags",
				} {
					if out := s.run("tablet-2", "ps -o args= -p "+strconv.Itoa(pid)).stdout; !strings.Contains(out, want) {
						s.t.Errorf("process %d is %q", pid, out)
					}
				}
			},
		},
		{
			fact: "already running is told by mon's number", host: "tablet-2", cmd: s.startSh("tablet-2", "start tablet"),
			stdout: `(?s).*tablet already running as process \d+ .*`,
		},
		{
			fact: "mon starts a component again that ended, ten seconds later", host: "tablet-2",
			before: func(s *site) {
				if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
					s.t.Fatal(err)
				}
				s.eventually("another child listens", func() bool {
					next := s.child("tablet-2", "tablet")
					return next != child && alive(next) && s.listens("tablet-2")
				})
			},
			cmd: "cat '" + s.home("tablet-2") + "/bin/tablet.pid'", stdout: `\d+\n`,
			effect: func(s *site) {
				if got := s.pid("tablet-2", "tablet"); got != mon {
					s.t.Errorf("mon %d became %d", mon, got)
				}
			},
		},
		{
			fact: "H16: stop ends both", host: "tablet-2", cmd: s.startSh("tablet-2", "stop tablet"), stdout: stopped,
			effect: func(s *site) {
				s.eventually("both are gone", func() bool { return !alive(mon) && !s.listens("tablet-2") })
				if s.pid("tablet-2", "tablet") != 0 || s.child("tablet-2", "tablet") != 0 {
					s.t.Error("pid files are left")
				}
			},
		},
		{
			fact: "H16: kill -9 of mon leaves the child; stop kills it", host: "tablet-2",
			before: func(s *site) {
				s.run("tablet-2", s.startSh("tablet-2", "start tablet mon"))
				mon, child = s.pid("tablet-2", "tablet"), s.child("tablet-2", "tablet")
				if err := syscall.Kill(mon, syscall.SIGKILL); err != nil {
					s.t.Fatal(err)
				}
				s.eventually("mon is gone", func() bool { return !alive(mon) })
				if !alive(child) || !s.listens("tablet-2") {
					s.t.Error("the child is gone too")
				}
			},
			cmd: s.startSh("tablet-2", "stop tablet"), stdout: `Stopping tablet \.\.\. \nAfter mon stopped, component is still alive, kill it\nStop tablet success\(mon mode\)\n`,
			effect: func(s *site) { s.eventually("the child is gone", func() bool { return !alive(child) }) },
		},
		{
			fact: "a task manager under mon", host: "task-1",
			before: func(s *site) { s.run("task-1", s.startSh("task-1", "stop taskmanager")) },
			cmd:    s.spark("start taskmanager mon"), stdout: `(?s).*mon pid is \d+, process pid is \d+, check \d+ status\nStart taskmanager success\n`,
			effect: func(s *site) {
				s.sees("show components;", " taskmanager .* online ")
				s.matches("stop", s.run("task-1", s.startSh("task-1", "stop taskmanager")).stdout, `(?s).*Stop taskmanager success\(mon mode\)\n`)
			},
		},
	})
	s.run("tablet-2", s.startSh("tablet-2", "start tablet"))
	s.healthy()
}

func TestHostsThatRunUnderMonFromTheBeginning(t *testing.T) {
	t.Parallel()
	s := create(t, lab.Options{Faults: []string{"tablet-1:mode=mon", "task-1:mode=mon"}})
	s.start()
	for _, c := range []struct{ host, component string }{{"tablet-1", "tablet"}, {"task-1", "taskmanager"}} {
		if mon, child := s.pid(c.host, c.component), s.child(c.host, c.component); !alive(mon) || !alive(child) || mon == child {
			t.Errorf("%s: mon %d, child %d", c.host, mon, child)
		}
	}
	if s.child("tablet-2", "tablet") != 0 {
		t.Error("tablet-2 runs under mon too")
	}
	s.healthy()
	s.sees("show components;", " taskmanager .* online ")
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := running(t)
	home := s.home("tablet-1")
	play(t, s, []call{
		{fact: "df and cp are the machine's own", host: "tablet-1", cmd: "cd '" + home + "' && df -Pk . >/dev/null && cp -Rp conf conf.copy && diff -r conf conf.copy"},
		{
			fact: "H9: a full disk: df says so", host: "tablet-1", before: func(s *site) { s.fault("tablet-1:disk=full") },
			cmd: "df -Pk '" + home + "'", stdout: `Filesystem .*\n.* 0 100% .*\n`,
		},
		{
			fact: "H9: a full disk: the backup is begun, not finished", host: "tablet-1", cmd: "cd '" + home + "' && cp -Rp bin bin.bak", exit: 1,
			stderr: `cp: error writing 'bin\.bak': No space left on device\n`,
			effect: func(s *site) {
				if entries, err := os.ReadDir(filepath.Join(home, "bin.bak")); err != nil || len(entries) > 0 {
					s.t.Errorf("%v, %v", entries, err)
				}
			},
		},
		{
			fact: "other hosts have room", host: "tablet-2", cmd: "cp -Rp '" + s.home("tablet-2") + "/conf' ~/conf",
		},
	})
}
